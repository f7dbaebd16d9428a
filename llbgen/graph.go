package llbgen

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"

	"github.com/pyfrontend/pyfrontend/llbgen/lock"
	"github.com/pyfrontend/pyfrontend/llbgen/plan"
)

// buckets installs each group of locked wheels by a vertex of its own.
func (g *generator) buckets() error {
	var count int
	var size int64
	for _, b := range g.p.Buckets {
		count += len(b.Distributions)
		size += b.Size
	}
	group := llb.ProgressGroup("pyfrontend-fetch"+g.Label, fmt.Sprintf("%sfetch %d wheels (%s)", g.Label, count, bytes(size)), false)
	for _, b := range g.p.Buckets {
		names := make([]string, len(b.Distributions))
		for i, d := range b.Distributions {
			names[i] = d.Name + " " + d.Version
		}
		opts := g.execOpts(false, "dependencies", b.Distributions[0].At, g.install(b.Distributions),
			"install %d distributions (%s): %s", len(names), bytes(b.Size), abbreviate(names))
		mounts, err := g.wheels("/wheels", b.Distributions, group)
		if err != nil {
			return err
		}
		opts = append(opts, mounts...)
		g.dependencies = append(g.dependencies, g.venvLayer(g.root().Run(opts...), true, "install "+strings.Join(names, ", ")))
	}
	return nil
}

// venvLayer mounts the virtual environment as an exec's output and makes a
// layer of the files that the exec puts there.
func (g *generator) venvLayer(run llb.ExecState, keyed bool, created string) layer {
	empty := g.venv()
	out := run.AddMount(plan.Venv, empty, llb.SourcePath(plan.Venv))
	files := out
	if g.supports(pb.CapDiffOp) {
		files = llb.Diff(empty, out, llb.WithCustomName("[internal] installed files"), llb.Platform(g.Build))
	}
	return layer{files: files, part: out, root: plan.Venv, keyed: keyed, created: created}
}

// wheels mounts distributions below a directory, each in a directory of its
// own. A wheel's vertex is keyed by its hash, so that BuildKit need not hash its
// content again; one of the context has no other key than its content.
func (g *generator) wheels(dir string, distributions []lock.Distribution, group llb.ConstraintsOpt) ([]llb.RunOption, error) {
	var opts []llb.RunOption
	for i, d := range distributions {
		where := path.Join(dir, strconv.Itoa(i))
		if d.File.URL == "" {
			file, err := g.contextFile(d.File)
			if err != nil {
				return nil, err
			}
			opts = append(opts, llb.AddMount(where, file, llb.Readonly))
			continue
		}
		opts = append(opts, llb.AddMount(where, g.fetch(d.File, group), llb.Readonly, llb.ContentCache(llb.MountContentCacheOff)))
	}
	return opts, nil
}

// contextFile takes a locked file from the context. Who made the Plan has
// verified its hash.
func (g *generator) contextFile(f lock.File) (llb.State, error) {
	context, err := g.Context(f.Name, []string{f.Path}, nil)
	if err != nil {
		return llb.State{}, err
	}
	copied := llb.Copy(context, path.Join("/", f.Path), "/"+f.Name, &llb.CopyInfo{
		Mode: &llb.ChmodOpt{Mode: 0o644}, CreatedTime: &epoch,
		ChownOpt: &llb.ChownOpt{User: &llb.UserOpt{UID: 0}, Group: &llb.UserOpt{UID: 0}},
	})
	return llb.Scratch().File(copied, g.vertex("fetch", f.At, "load %s", f.Path)...), nil
}

// fetch downloads one wheel; BuildKit verifies its hash.
func (g *generator) fetch(f lock.File, group llb.ConstraintsOpt) llb.State {
	opts := []llb.HTTPOption{
		llb.Checksum(digest.NewDigestFromEncoded(digest.SHA256, f.SHA256)),
		llb.Filename(f.Name),
		llb.Chmod(0o644),
		group,
	}
	for _, o := range g.vertex("fetch", f.At, "fetch %s (%s)", f.Name, bytes(f.Size)) {
		opts = append(opts, o)
	}
	return llb.HTTP(f.URL, opts...)
}

// Resolve is the vertex that resolves the requirements of a build: its files
// are pylock.toml. It is one of the few with a network. index and date may be
// empty.
func Resolve(p *plan.Plan, o Options, project plan.Project, index, date string) llb.State {
	g := &generator{p: p, Options: o}
	argv := []string{"resolve", "--uv", uvPath, "--python", p.Base.Interpreter, "--input", "/in/requirements.txt", "--output", "/out/pylock.toml", "--ca-bundle", "/run/secrets/ca-bundle"}
	if index != "" {
		argv = append(argv, "--index", index)
	}
	if date != "" {
		argv = append(argv, "--exclude-newer", date)
	}
	in := llb.Scratch().File(llb.Mkfile("/requirements.txt", 0o644, []byte(strings.Join(project.Requires, "\n")+"\n"), llb.WithCreatedTime(epoch)),
		llb.WithCustomName("[internal] build requirements"), llb.Platform(g.Build))
	opts := g.execOpts(true, "resolve", project.At, argv, "resolve the build requirements of %s: %s", project.Name, strings.Join(project.Requires, ", "))
	opts = append(opts,
		llb.AddMount("/in", in, llb.Readonly),
		llb.AddSecret("/run/secrets/ca-bundle", llb.SecretID("ca-bundle"), llb.SecretOptional),
	)
	return g.root().Run(opts...).AddMount("/out", llb.Scratch())
}

// projects builds the wheels of the context's projects, each from its own
// files, and installs them together.
func (g *generator) projects() error {
	if len(g.p.Projects) == 0 {
		return nil
	}
	group := llb.ProgressGroup("pyfrontend-build"+g.Label, g.Label+"fetch build requirements", false)
	opts := g.execOpts(false, "project", g.p.Projects[0].At, g.install(nil), "install %s", projectNames(g.p.Projects))
	for i, project := range g.p.Projects {
		wheel, err := g.wheel(project, group)
		if err != nil {
			return err
		}
		opts = append(opts, llb.AddMount(path.Join("/wheels", strconv.Itoa(i)), wheel, llb.Readonly))
	}
	g.application = append(g.application, g.venvLayer(g.root().Run(opts...), false, "install "+projectNames(g.p.Projects)))
	return nil
}

func projectNames(projects []plan.Project) string {
	names := make([]string, len(projects))
	for i, p := range projects {
		names[i] = p.Name
	}
	return strings.Join(names, ", ")
}

// buildEnvironment is where a project's build requirements are installed.
const buildEnvironment = "/build"

// wheel builds one project's wheel without network. Its build requirements are
// installed by a vertex of their own: an edit of the project finds them ready,
// compiled.
func (g *generator) wheel(p plan.Project, group llb.ConstraintsOpt) (llb.State, error) {
	src, err := g.sources(p.Name, p.Include, p.Exclude)
	if err != nil {
		return llb.State{}, err
	}
	argv := []string{"build", "--uv", uvPath, "--python", g.p.Base.Interpreter, "--source", path.Join("/src", p.Dir), "--out", "/dist",
		"--epoch", strconv.FormatInt(g.created().Unix(), 10)}
	mounts := []llb.RunOption{llb.AddMount("/src", src, llb.ForceNoOutput)}
	if wheels := g.BuildWheels[p.Name]; len(wheels) > 0 {
		argv = append(argv, "--environment", buildEnvironment)
		environment, err := g.requirements(p, wheels, group)
		if err != nil {
			return llb.State{}, err
		}
		mounts = append(mounts, llb.AddMount(buildEnvironment, environment, llb.ForceNoOutput))
	}
	if resolved, ok := g.Resolved[p.Name]; ok {
		// Only what the image descends from is exported to a cache.
		mounts = append(mounts, llb.AddMount("/run/pyfrontend/resolved", resolved, llb.Readonly))
	}
	opts := append(g.execOpts(false, "project", p.At, argv, "build the wheel of %s", p.Name), mounts...)
	return g.root().Run(opts...).AddMount("/dist", llb.Scratch()), nil
}

// requirements installs the build requirements of a project.
func (g *generator) requirements(p plan.Project, wheels []lock.Distribution, group llb.ConstraintsOpt) (llb.State, error) {
	mounts, err := g.wheels("/wheels", wheels, group)
	if err != nil {
		return llb.State{}, err
	}
	argv := []string{"install", "--uv", uvPath, "--python", g.p.Base.Interpreter, "--venv", buildEnvironment, "--wheels", "/wheels"}
	opts := g.execOpts(false, "project", p.At, argv, "install the build requirements of %s", p.Name)
	return g.root().Run(append(opts, mounts...)...).AddMount(buildEnvironment, llb.Scratch()), nil
}

// sources copies context files into a state that is the same for every
// checkout of them: owner, modes and times are set.
func (g *generator) sources(name string, include, exclude []string) (llb.State, error) {
	context, err := g.Context(name, include, exclude)
	if err != nil {
		return llb.State{}, err
	}
	created := g.created()
	info := &llb.CopyInfo{
		CopyDirContentsOnly: true,
		IncludePatterns:     include,
		ExcludePatterns:     exclude,
		CreatedTime:         &created,
		ChownOpt:            &llb.ChownOpt{User: &llb.UserOpt{UID: 0}, Group: &llb.UserOpt{UID: 0}},
	}
	// BuildKit has forgotten to list CapFileCopyModeStringFormat, so that no
	// daemon says it has it; this one came in a later release (v0.21).
	if g.supports(pb.CapSourceHTTPHeader) {
		info.Mode = &llb.ChmodOpt{ModeStr: "u=rwX,go=rX"}
	}
	return llb.Scratch().File(llb.Copy(context, "/", "/", info),
		llb.WithCustomName(fmt.Sprintf("%sload the files of %s", g.Label, name)), llb.Platform(g.Build)), nil
}

// files copies the application of directory mode to the working directory and
// compiles it.
func (g *generator) files() error {
	f := g.p.Files
	if f == nil {
		return nil
	}
	source, err := g.sources("application", f.Include, f.Exclude)
	if err != nil {
		return err
	}
	argv := []string{"application", "--source", path.Join("/source", f.Dir), "--out", "/out", "--target", f.Target,
		"--python", g.p.Base.Interpreter, "--epoch", strconv.FormatInt(g.created().Unix(), 10)}
	created := "copy the application to " + f.Target
	opts := append(g.execOpts(false, "project", f.At, argv, "%s", created), llb.AddMount("/source", source, llb.Readonly))
	out := g.root().Run(opts...).AddMount("/out", llb.Scratch())
	g.application = append(g.application, layer{files: out, part: out, root: f.Target, created: created})
	return nil
}

// abbreviate lists names as far as a line of progress has room.
func abbreviate(names []string) string {
	const room = 60
	text := strings.Join(names, ", ")
	if len(text) <= room {
		return text
	}
	cut := strings.LastIndex(text[:room], ", ")
	if cut < 0 {
		cut = room
	}
	return text[:cut] + ", …"
}

// bytes gives a size for people.
func bytes(n int64) string {
	switch {
	case n >= 10e6:
		return fmt.Sprintf("%d MB", (n+5e5)/1e6)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%d kB", (n+999)/1000)
}
