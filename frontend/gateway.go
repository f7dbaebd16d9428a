package frontend

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/containerd/platforms"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/gateway/client"
	gwpb "github.com/moby/buildkit/frontend/gateway/pb"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// gateway is BuildKit's client with two gaps closed: image configs are resolved
// in the mode the request asks for (`--pull`), each once a request, and the
// running frontend's own image can be used in the build.
type gateway struct {
	client.Client

	mu     sync.Mutex
	images map[string]*resolved
}

// resolved is one image reference on one platform, looked up once.
type resolved struct {
	once   sync.Once
	ref    string
	digest digest.Digest
	config []byte
	err    error
}

func newGateway(c client.Client) *gateway {
	return &gateway{Client: c, images: map[string]*resolved{}}
}

// ResolveImageConfig replaces the client's, which loses the resolve mode when it
// asks for source metadata (grpcclient.resolveImageConfigViaSourceMetadata).
func (g *gateway) ResolveImageConfig(ctx context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	key := ref
	if o := opt.ImageOpt; o != nil {
		key += "\x00" + o.ResolveMode
		if o.Platform != nil {
			key += "\x00" + o.Platform.OS + "/" + o.Platform.Architecture + "/" + o.Platform.Variant
		}
	}
	g.mu.Lock()
	r, ok := g.images[key]
	if !ok || opt.OCILayoutOpt != nil {
		r = &resolved{}
		g.images[key] = r
	}
	g.mu.Unlock()
	r.once.Do(func() {
		caps := g.BuildOpts().Caps
		if caps.Supports(gwpb.CapSourceMetaResolver) == nil {
			r.ref, r.digest, r.config, r.err = sourceresolver.NewImageMetaResolver(g.Client).ResolveImageConfig(ctx, ref, opt)
		} else {
			r.ref, r.digest, r.config, r.err = g.Client.ResolveImageConfig(ctx, ref, opt)
		}
	})
	return r.ref, r.digest, r.config, r.err
}

// CurrentFrontend forwards to the client in use, if it has it.
func (g *gateway) CurrentFrontend() (*llb.State, error) {
	if c, ok := g.Client.(interface{ CurrentFrontend() (*llb.State, error) }); ok {
		return c.CurrentFrontend()
	}
	return nil, nil
}

// tools is the running frontend's own image. An engine that does not hand it
// over has it by name.
func (g *gateway) tools(ctx context.Context) (llb.State, error) {
	st, err := g.CurrentFrontend()
	if err != nil {
		return llb.State{}, fmt.Errorf("reading the running frontend's image: %w", err)
	}
	if st != nil {
		return *st, nil
	}
	opts := g.BuildOpts().Opts
	source := opts["source"]
	if source == "" {
		return llb.State{}, errors.New("the engine does not tell which image this frontend runs from")
	}
	if inputs, err := g.Inputs(ctx); err == nil {
		if input, ok := inputs[source]; ok {
			return input, nil
		}
	}
	return llb.Image(source, llb.Platform(g.buildPlatform()), llb.WithCustomName("[internal] load the frontend's tools")), nil
}

// buildPlatform is the platform that execs run on: the worker's own, which is
// the first that it lists.
func (g *gateway) buildPlatform() ocispecs.Platform {
	if workers := g.BuildOpts().Workers; len(workers) > 0 && len(workers[0].Platforms) > 0 {
		return platforms.Normalize(workers[0].Platforms[0])
	}
	return platforms.Normalize(platforms.DefaultSpec())
}

// runs tells whether executables of a platform run on the builder, natively or
// through an emulator that it knows of.
func (g *gateway) runs(p ocispecs.Platform) bool {
	for _, w := range g.BuildOpts().Workers {
		for _, can := range w.Platforms {
			if platforms.OnlyStrict(can).Match(p) || platforms.Only(can).Match(p) && can.Architecture == p.Architecture {
				return true
			}
		}
	}
	return platforms.Only(g.buildPlatform()).Match(p)
}
