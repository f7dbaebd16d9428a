// Package llbgen compiles a Plan for one platform to LLB and an image config.
// It decides nothing: what is installed, run and written is in the Plan. It
// knows BuildKit's graph, and no TOML, no lock format and no gateway.
package llbgen

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pyfrontend/pyfrontend/llbgen/lock"
	"github.com/pyfrontend/pyfrontend/llbgen/plan"
	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// Options is what a Plan is compiled with. Tools, Base, BuildBase and Context
// are required.
type Options struct {
	// Platform is the image's; Build is the one that execs run on.
	Platform, Build ocispecs.Platform
	// Runs tells whether executables of Platform run on the builder.
	Runs bool
	// Label precedes the vertices' names, "[linux/arm64] " or empty.
	Label string
	// Tools has /uv and /pyfrontend-step for Build.
	Tools llb.State
	// Base and BuildBase are the base image for the two platforms.
	Base, BuildBase llb.State
	BaseImage       dockerspec.DockerOCIImage
	// Context gives the files of the build context that match the patterns, in
	// the form of a .dockerignore; no include pattern is everything.
	Context func(name string, include, exclude []string) (llb.State, error)
	// BuildWheels are the resolved build requirements of the projects that
	// need them, by project name.
	BuildWheels map[string][]lock.Distribution
	// Resolved are the results of the resolve vertices, by project name: the
	// image has to descend from them.
	Resolved map[string]llb.State
	// Labels are those of the command line, which win.
	Labels map[string]string
	// Sources are the user's files by name, for the vertices' locations.
	Sources map[string]*llb.SourceMap
	// Caps are the daemon's; what it lacks is done in another way.
	Caps apicaps.CapSet
	Exec Exec
	// NoCache tells whether a stage is to be built anew: "resolve",
	// "dependencies", "project", "smoke" or "image".
	NoCache func(stage string) bool
	// Epoch is the user's SOURCE_DATE_EPOCH, nil if there is none.
	Epoch *time.Time
}

// Result is one compiled platform.
type Result struct {
	// Image is the finished file system, Config its config.
	Image  llb.State
	Config dockerspec.DockerOCIImage
	// Smoke has the result of the smoke test in SmokeReport; nil if there is
	// none. Image depends on it.
	Smoke *llb.State
}

// Generate compiles a Plan.
func Generate(p *plan.Plan, o Options) (*Result, error) {
	g := &generator{p: p, Options: o}
	g.setup()
	if err := g.buckets(); err != nil {
		return nil, err
	}
	if err := g.projects(); err != nil {
		return nil, err
	}
	if err := g.files(); err != nil {
		return nil, err
	}
	g.smoke()
	return &Result{Image: g.image(), Config: g.config(), Smoke: g.report}, nil
}

// Dependencies compiles the part of a Plan that needs nothing resolved, to be
// solved ahead of the rest; ok is false if the daemon would have to do more for
// it than for the whole.
func Dependencies(p *plan.Plan, o Options) (st llb.State, ok bool) {
	g := &generator{p: p, Options: o}
	g.setup()
	g.buckets()
	return g.stack(g.base, g.dependencies, "[internal] dependencies"), g.supports(pb.CapMergeOp, pb.CapDiffOp) && len(g.dependencies) > 0
}

// generator holds what one platform has so far.
type generator struct {
	p *plan.Plan
	Options

	// base is the base image with Setup applied.
	base llb.State
	// dependencies and application are the layers above it, the lower first.
	dependencies, application []layer
	// report is the result of the smoke test, nil without one.
	report *llb.State
}

// layer is one layer of the image.
type layer struct {
	// files are the layer's own, at their places in the image.
	files llb.State
	// part is a state that has files in it, cheap to mount: that of a layer
	// which is a difference would have to be made first.
	part llb.State
	// root is the directory of the image that the files are in.
	root string
	// keyed tells that the vertex's own key says enough: its content need not
	// be hashed to find what follows in the cache.
	keyed bool
	// created is the history entry that names the layer.
	created string
}

// epoch is the time of all files that do not come from the project.
var epoch = time.Unix(plan.Epoch, 0).UTC()

// created is the time of the project's files.
func (g *generator) created() time.Time {
	if g.Epoch != nil {
		return *g.Epoch
	}
	return epoch
}

// venv is an empty directory at the place of the virtual environment, to be
// mounted as the output of an exec.
func (g *generator) venv() llb.State {
	return llb.Scratch().File(
		llb.Mkdir(plan.Venv, 0o755, llb.WithCreatedTime(epoch)),
		llb.WithCustomName("[internal] virtual environment"), llb.Platform(g.Build))
}

// setup prepares the base: its installers removed, a user with a home, the
// working directory and the skeleton of the virtual environment, which does
// not depend on what is installed. The step runs on the build platform and has
// the base's files as its output, so that the layer holds what it changed and
// nothing else.
func (g *generator) setup() {
	const mount = "/base"
	s, b := g.p.Setup, g.p.Base
	argv := []string{"setup", "--root", mount, "--python", b.Interpreter, "--python-version", b.Python.String(),
		"--venv", plan.Venv, "--workdir", s.Workdir, "--name", s.Name, "--uid", strconv.Itoa(s.UID), "--home", s.Home}
	if s.Trim {
		argv = append(argv, "--trim")
	}
	run := g.root().Run(g.execOpts(false, "image", s.At, argv, "prepare %s", b.Ref)...)
	g.base = run.AddMount(mount, g.Base)
}

// vertex gives the options that every operation has: its name, place in the
// user's files, platform, and whether the cache is to be ignored.
func (g *generator) vertex(stage string, at spec.Place, format string, args ...any) []llb.ConstraintsOpt {
	opts := []llb.ConstraintsOpt{
		llb.WithCustomName(g.Label + fmt.Sprintf(format, args...)),
		llb.Platform(g.Build),
	}
	if sm := g.Sources[at.File]; sm != nil && at.Range.Start.Line > 0 {
		opts = append(opts, sm.Location([]*pb.Range{pbRange(at.Range)}))
	}
	if g.NoCache != nil && g.NoCache(stage) {
		opts = append(opts, llb.IgnoreCache)
	}
	return opts
}

func pbRange(r spec.Range) *pb.Range {
	position := func(p spec.Position) *pb.Position {
		return &pb.Position{Line: int32(p.Line), Character: int32(max(p.Column-1, 0))}
	}
	end := r.End
	if end.Line == 0 {
		end = r.Start
	}
	return &pb.Range{Start: position(r.Start), End: position(end)}
}

// supports tells whether the daemon has all of the capabilities.
func (g *generator) supports(caps ...apicaps.CapID) bool {
	return !slices.ContainsFunc(caps, func(c apicaps.CapID) bool { return g.Caps.Supports(c) != nil })
}
