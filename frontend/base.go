package frontend

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerui"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pyfrontend/pyfrontend/llbgen/plan"
	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// baseImage is a base image on one platform.
type baseImage struct {
	plan.Base
	state llb.State
	image dockerspec.DockerOCIImage
}

// choosePython decides the Python version: the best candidate for which there
// is a base. A registry that does not have the newest yet is no reason to fail.
func (r *request) choosePython(ctx context.Context) error {
	targets := r.targets()
	arches := make([]string, len(targets))
	for i, t := range targets {
		arches[i] = t.Architecture
		if t.OS != "linux" || plan.Machine(t.Architecture) == "" {
			return spec.Errorf(r.spec.At("tool.pyfrontend"), "pyfrontend makes no images for the platform %s", platforms.Format(t))
		}
	}
	if _, known := plan.BaseRef(r.spec, ""); !known {
		base, err := r.readBase(ctx, r.spec.Tool.Python, targets[0])
		if err != nil {
			return err
		}
		r.python = base.Minor()
		return plan.CheckPython(r.spec, r.python, r.spec.At("tool.pyfrontend.base"))
	}
	choice, err := plan.ChoosePython(r.spec, r.lock, r.pin, arches)
	if err != nil {
		return err
	}
	var missing []string
	for _, python := range choice.Candidates {
		_, _, err := r.loadBase(ctx, python, targets[0])
		switch {
		case err == nil:
			r.python = python
			if len(missing) > 0 {
				r.warning(ctx, choice.At, fmt.Sprintf("no base image for Python %s was found, so Python %s is used; set `python` to decide it", strings.Join(missing, ", "), python))
			}
			return nil
		case isNotFound(err):
			missing = append(missing, python)
		default:
			return err
		}
	}
	ref, _ := plan.BaseRef(r.spec, choice.Candidates[0])
	return &spec.Error{
		At:      choice.At,
		Message: fmt.Sprintf("there is no base image for Python %s on %s: `%s` was not found", strings.Join(choice.Candidates, ", "), platforms.Format(targets[0]), reference.FamiliarString(mustParse(ref))),
		Hint:    "choose another version with `python`, or an image with `base`, in `[tool.pyfrontend]`",
	}
}

// targets are the platforms of the image; the builder's own by default.
func (r *request) targets() []ocispecs.Platform {
	if len(r.bc.TargetPlatforms) > 0 {
		return r.bc.TargetPlatforms
	}
	return []ocispecs.Platform{r.g.buildPlatform()}
}

// prefetchBase reads the base image ahead, while the lock is read, if no lock
// is needed to know which it is. What goes wrong shows when the base is used.
func (r *request) prefetchBase(ctx context.Context) {
	python := plan.KnownPython(r.spec, r.pin)
	if _, known := plan.BaseRef(r.spec, ""); known && python == "" {
		return
	}
	_, _ = r.readBase(ctx, python, platforms.Normalize(r.targets()[0]))
}

func mustParse(ref string) reference.Named {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		panic(err) // only for references of the table of bases
	}
	return named
}

// loadBase finds the base image for a Python version: a named context of that
// name, else the registry's. Its state is pinned by digest.
func (r *request) loadBase(ctx context.Context, python string, p ocispecs.Platform) (*baseImage, bool, error) {
	ref, known := plan.BaseRef(r.spec, python)
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return nil, false, &spec.Error{At: r.spec.At("tool.pyfrontend.base"), Message: fmt.Sprintf("`base` is not an image reference: %q", ref), Hint: "write `debian` or a reference such as `python:3.13-slim`"}
	}
	named = reference.TagNameOnly(named)
	b := &baseImage{}
	b.Ref = reference.FamiliarString(named)
	nc, err := r.bc.NamedContext(ref, dockerui.ContextOpt{Platform: &p, ResolveMode: r.bc.ImageResolveMode.String()})
	if err != nil {
		return nil, false, err
	}
	if nc != nil {
		st, img, err := nc.Load(ctx)
		if err != nil {
			return nil, false, err
		}
		b.state = *st
		if img != nil {
			b.image = *img
		}
		b.Pinned = b.Ref
		return b, false, nil
	}
	_, dgst, config, err := r.g.ResolveImageConfig(ctx, named.String(), sourceresolver.Opt{
		LogName:  "[internal] load metadata for " + named.String(),
		ImageOpt: &sourceresolver.ResolveImageOpt{Platform: &p, ResolveMode: r.bc.ImageResolveMode.String()},
	})
	if err != nil {
		return nil, false, err
	}
	if err := json.Unmarshal(config, &b.image); err != nil {
		return nil, false, fmt.Errorf("reading the config of %s: %w", b.Ref, err)
	}
	b.Pinned = named.String()
	// A graph driver knows no digest of an image that it has already.
	if dgst != "" {
		pinned, err := reference.WithDigest(named, dgst)
		if err != nil {
			return nil, false, err
		}
		b.Pinned, b.Digest = pinned.String(), dgst.String()
	}
	b.state = llb.Image(b.Pinned, r.bc.ImageResolveMode, llb.Platform(p), llb.WithCustomName("[internal] load "+b.Ref+" for "+platforms.Format(p)))
	return b, known, nil
}

// readBase gives the base image for a Python version and what Python and C
// library it has; each is read once a request.
func (r *request) readBase(ctx context.Context, python string, p ocispecs.Platform) (*baseImage, error) {
	key := python + " " + platforms.Format(p)
	r.basesMu.Lock()
	base, ok := r.bases[key]
	if !ok {
		base = sync.OnceValues(func() (*baseImage, error) { return r.inspectBase(ctx, python, p) })
		r.bases[key] = base
	}
	r.basesMu.Unlock()
	return base()
}

func (r *request) inspectBase(ctx context.Context, python string, p ocispecs.Platform) (*baseImage, error) {
	b, trim, err := r.loadBase(ctx, python, p)
	at := r.spec.At("tool.pyfrontend.base")
	if err != nil {
		if isNotFound(err) && len(spec.Errors(err)) == 0 {
			ref, _ := plan.BaseRef(r.spec, python)
			return nil, &spec.Error{At: at, Message: fmt.Sprintf("the base image `%s` was not found for %s: %v", ref, platforms.Format(p), err), Hint: "see that the reference is right and that you are logged in to its registry"}
		}
		return nil, err
	}
	files, err := r.readState(ctx, b.state)
	if err != nil {
		return nil, err
	}
	facts, err := plan.Inspect(files, b.image.Config.Env, p.Architecture, python)
	if err != nil {
		return nil, &spec.Error{At: at, Message: fmt.Sprintf("the base image `%s` %v", b.Ref, err), Hint: "name an image with a CPython on its PATH, or leave `base` out"}
	}
	facts.Ref, facts.Pinned, facts.Digest, facts.Trim = b.Ref, b.Pinned, b.Digest, trim
	b.Base = facts
	return b, nil
}
