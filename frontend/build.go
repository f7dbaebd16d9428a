// Package frontend answers BuildKit's build requests: it reads the build file,
// the lock and the base image through the gateway, hands them to the compiler
// and solves what comes back. It knows the protocol; what is installed and how
// is decided in llbgen and below.
package frontend

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pyfrontend/pyfrontend/llbgen"
	"github.com/pyfrontend/pyfrontend/llbgen/lock"
	"github.com/pyfrontend/pyfrontend/llbgen/plan"
	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// Build answers one request.
func Build(ctx context.Context, c client.Client) (_ *client.Result, err error) {
	r := &request{g: newGateway(c), sources: map[string]*llb.SourceMap{}, bases: map[string]func() (*baseImage, error){}}
	defer func() { err = r.locate(err) }()
	if r.bc, err = dockerui.NewClient(r.g); err != nil {
		return nil, err
	}
	if r.tools, err = r.g.tools(ctx); err != nil {
		return nil, err
	}
	if err := r.readSpec(ctx); err != nil {
		return nil, err
	}
	ahead := make(chan struct{})
	go func() {
		defer close(ahead)
		r.prefetchBase(ctx)
	}()
	defer func() { <-ahead }()
	if err := r.readLock(ctx); err != nil {
		return nil, err
	}
	if err := r.readEpoch(ctx); err != nil {
		return nil, err
	}
	if err := r.choosePython(ctx); err != nil {
		return nil, err
	}
	rb, err := r.bc.Build(ctx, r.buildPlatform)
	if err != nil {
		return nil, err
	}
	return rb.Finalize()
}

// request is one build request and what is known of it so far.
type request struct {
	g  *gateway
	bc *dockerui.Client

	// source is the build file; sources are all files of the user's by name.
	source  *dockerui.Source
	sources map[string]*llb.SourceMap
	tools   llb.State

	spec *spec.Spec
	// project is the text of the project's pyproject.toml, pin that of
	// .python-version; nil if there is none.
	project, pin []byte
	// context holds the files that planning looks at; dir is the project's
	// directory in it, member its name if it is part of a workspace.
	context     fs.FS
	dir, member string
	members     map[string]*spec.Spec
	lock        *lock.Lock

	python  string
	basesMu sync.Mutex
	bases   map[string]func() (*baseImage, error)
	epoch   *time.Time
}

// buildPlatform builds one platform of the request; platform is nil for the
// builder's own.
func (r *request) buildPlatform(ctx context.Context, platform *ocispecs.Platform, index int) (*dockerui.BuildResult, error) {
	target := r.g.buildPlatform()
	if platform != nil {
		target = platforms.Normalize(*platform)
	}
	b, err := r.newBuild(ctx, target, index == 0)
	if err != nil {
		return nil, err
	}
	if err := b.checkFiles(ctx); err != nil {
		return nil, err
	}
	if err := b.resolve(ctx); err != nil {
		return nil, err
	}
	result, err := llbgen.Generate(b.plan, b.options)
	if err != nil {
		return nil, err
	}
	// The image descends from the smoke test, so both are solved at once; a
	// failed test is an error before anything is made of the result.
	var ref client.Reference
	solved := make(chan error, 1)
	go func() {
		var err error
		ref, err = r.solve(ctx, result.Image)
		solved <- err
	}()
	smokeErr := b.checkSmoke(ctx, result.Smoke)
	if err := <-solved; smokeErr != nil || err != nil {
		return nil, cmp.Or(smokeErr, err)
	}
	return &dockerui.BuildResult{Reference: ref, Image: &result.Config, BaseImage: &b.options.BaseImage, Epoch: r.epoch}, nil
}

// build is one platform of a request.
type build struct {
	*request
	plan    *plan.Plan
	options llbgen.Options
	// buildBase is the base image for the platform that execs run on.
	buildBase plan.Base
	// warn is true for the one platform that speaks for all.
	warn bool
}

func (r *request) newBuild(ctx context.Context, target ocispecs.Platform, warn bool) (*build, error) {
	host := r.g.buildPlatform()
	base, err := r.readBase(ctx, r.python, target)
	if err != nil {
		return nil, err
	}
	buildBase := base
	if !platforms.OnlyStrict(host).Match(target) {
		if buildBase, err = r.readBase(ctx, r.python, host); err != nil {
			return nil, err
		}
	}
	opts := r.bc.BuildOpts().Opts
	p, err := plan.New(plan.Input{
		Spec: r.spec, Lock: r.lock, Context: r.context, Dir: r.dir, Members: r.members,
		Base: base.Base, Arch: target.Architecture, Platform: platforms.Format(target), Target: r.target(),
		Source: opts["vcs:source"], Revision: opts["vcs:revision"],
	})
	if err != nil {
		return nil, err
	}
	b := &build{request: r, plan: p, buildBase: buildBase.Base, warn: warn}
	b.options = llbgen.Options{
		Platform: target, Build: host, Runs: r.g.runs(target), Tools: r.tools,
		Base: base.state, BuildBase: buildBase.state, BaseImage: base.image,
		Context: r.projectFiles(ctx), Labels: r.bc.Labels, Sources: r.sources,
		Caps: r.bc.BuildOpts().LLBCaps, Exec: r.exec(), NoCache: r.bc.IsNoCache, Epoch: r.epoch,
		BuildWheels: map[string][]lock.Distribution{}, Resolved: map[string]llb.State{},
	}
	if r.bc.MultiPlatformRequested {
		b.options.Label = "[" + platforms.Format(target) + "] "
	}
	return b, nil
}

// resolve finds the build requirements of each project that needs any: its
// vertex asks the index for them, as of a date.
func (b *build) resolve(ctx context.Context) error {
	if slices.ContainsFunc(b.plan.Projects, func(p plan.Project) bool { return p.Resolve }) {
		b.installAhead(ctx)
	}
	for _, project := range b.plan.Projects {
		if !project.Resolve {
			continue
		}
		st := llbgen.Resolve(b.plan, b.options, project, b.plan.Index(), b.plan.BuildDate(b.spec))
		files, err := b.readState(ctx, st)
		if err != nil {
			return err
		}
		data, err := fs.ReadFile(files, "pylock.toml")
		if err != nil {
			return fmt.Errorf("reading the resolved build requirements of %s: %w", project.Name, err)
		}
		wheels, err := plan.BuildWheels(data, b.buildBase.Python, project, b.options.Build.Architecture, b.buildBase.Libc)
		if err != nil {
			return err
		}
		b.options.BuildWheels[project.Name] = wheels
		b.options.Resolved[project.Name] = st
	}
	return nil
}

// installAhead has the dependencies fetched and installed while the index is
// asked for build requirements. What goes wrong shows when the image is solved,
// which shares the vertices.
func (b *build) installAhead(ctx context.Context) {
	if st, ok := llbgen.Dependencies(b.plan, b.options); ok {
		go func() { _, _ = b.solve(ctx, st) }()
	}
}

// checkSmoke runs the smoke test and gives its failures as mistakes.
func (b *build) checkSmoke(ctx context.Context, st *llb.State) error {
	if st == nil {
		return nil
	}
	files, err := b.readState(ctx, *st)
	if err != nil {
		return err
	}
	data, err := fs.ReadFile(files, strings.TrimPrefix(llbgen.SmokeReport, "/"))
	if err != nil {
		return fmt.Errorf("reading the result of the smoke test: %w", err)
	}
	var result plan.SmokeResult
	if err := json.Unmarshal(data, &result); err != nil {
		return fmt.Errorf("reading the result of the smoke test: %w", err)
	}
	if !result.OK {
		return result.Err(b.spec, b.plan)
	}
	if !b.options.Runs {
		b.warning(ctx, b.plan.Smoke.At, fmt.Sprintf("%s cannot run on this builder: the smoke test was skipped, the extension modules' machine was checked", platforms.Format(b.options.Platform)))
	}
	if b.warn {
		for _, w := range result.Warnings {
			b.warning(ctx, b.plan.Smoke.At, w.Text())
		}
	}
	return nil
}

// exec gives what the request says of every exec.
func (r *request) exec() llbgen.Exec {
	c := r.bc.Config
	return llbgen.Exec{
		Hosts: c.ExtraHosts, ShmSize: c.ShmSize, Ulimits: c.Ulimits, CgroupParent: c.CgroupParent,
		Resources: c.LinuxResources, Devices: c.Devices, Hostname: c.Hostname, Network: c.NetworkMode,
		Proxy: proxy(c.BuildArgs),
	}
}

// proxy gives the predefined proxy arguments; they reach networked execs and
// are no part of any cache key.
func proxy(args map[string]string) *llb.ProxyEnv {
	var p llb.ProxyEnv
	for _, row := range []struct {
		name string
		to   *string
	}{
		{"HTTP_PROXY", &p.HTTPProxy}, {"http_proxy", &p.HTTPProxy},
		{"HTTPS_PROXY", &p.HTTPSProxy}, {"https_proxy", &p.HTTPSProxy},
		{"FTP_PROXY", &p.FTPProxy}, {"ftp_proxy", &p.FTPProxy},
		{"NO_PROXY", &p.NoProxy}, {"no_proxy", &p.NoProxy},
		{"ALL_PROXY", &p.AllProxy}, {"all_proxy", &p.AllProxy},
	} {
		if v := args[row.name]; v != "" {
			*row.to = v
		}
	}
	if p == (llb.ProxyEnv{}) {
		return nil
	}
	return &p
}

// readEpoch reads SOURCE_DATE_EPOCH: a number of seconds, or "context" for the
// time of the context's commit.
func (r *request) readEpoch(ctx context.Context) error {
	text := r.bc.BuildArgs["SOURCE_DATE_EPOCH"]
	switch text {
	case "":
		return nil
	case "context":
		t, err := r.bc.ResolveMainContextSourceDateEpoch(ctx)
		r.epoch = t
		return err
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 0 {
		return spec.Errorf(r.spec.At("tool.pyfrontend"), "the build argument SOURCE_DATE_EPOCH is not a number of seconds or `context`: %q", text)
	}
	t := time.Unix(seconds, 0).UTC()
	r.epoch = &t
	return nil
}

// solve solves a state, evaluated, with the caches that the request imports.
func (r *request) solve(ctx context.Context, st llb.State) (client.Reference, error) {
	def, err := st.Marshal(ctx, llb.WithCaps(r.bc.BuildOpts().LLBCaps), llb.Platform(r.g.buildPlatform()))
	if err != nil {
		return nil, fmt.Errorf("marshalling: %w", err)
	}
	res, err := r.g.Solve(ctx, client.SolveRequest{Definition: def.ToPB(), CacheImports: r.bc.CacheImports, Evaluate: true})
	if err != nil {
		return nil, r.advise(err)
	}
	return res.SingleRef()
}
