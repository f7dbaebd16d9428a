package llbgen

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pyfrontend/pyfrontend/llbgen/plan"
	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// stack puts layers on the base. With MergeOp they stay independent of each
// other and of the base; without, each is copied on the one below.
func (g *generator) stack(base llb.State, layers []layer, name string) llb.State {
	if g.supports(pb.CapMergeOp, pb.CapDiffOp) {
		inputs := []llb.State{base}
		for _, l := range layers {
			inputs = append(inputs, l.files)
		}
		return llb.Merge(inputs, llb.WithCustomName(g.Label+name), llb.Platform(g.Build))
	}
	for _, l := range layers {
		base = base.File(g.overlay(l), llb.WithCustomName(g.Label+l.created), llb.Platform(g.Build))
	}
	return base
}

// overlay copies a layer's files to where they belong. An exec's output is the
// content of its mount, the virtual environment; a file operation's is a root.
func (g *generator) overlay(l layer) *llb.FileAction {
	return llb.Copy(l.files, "/", "/", &llb.CopyInfo{CopyDirContentsOnly: true})
}

// SmokeReport is the file in which an image keeps the result of its smoke test.
const SmokeReport = plan.Venv + "/smoke-test.json"

// parts is where the smoke test finds what the environment is made of.
const parts = "/run/pyfrontend/parts"

// smoke runs the import test on the base with the finished environment. The
// environment is assembled from the layers by the step itself, in memory: an
// exec on a merge of the layers would have BuildKit link every file of them
// first, which takes longer than anything else that a changed dependency costs.
func (g *generator) smoke() {
	s := g.p.Smoke
	if s == nil {
		return
	}
	root, name := g.base, "smoke test"
	if g.Exec.Hostname != "" {
		root = root.Hostname(g.Exec.Hostname)
	}
	argv, mounts := g.smokeArgs(s), []llb.RunOption{llb.AddMount(plan.Venv, llb.Scratch(), llb.Tmpfs())}
	if !g.Runs {
		root, name = g.root(), "check the extension modules of"
		argv = append(argv, "--foreign")
	}
	for i, l := range slices.Concat([]layer{{part: g.base, root: plan.Venv, keyed: true}}, g.dependencies, g.application) {
		where := path.Join(parts, strconv.Itoa(i))
		if l.root == plan.Venv {
			argv = append(argv, "--part", where)
		} else {
			where = l.root
			argv = append(argv, "--path", where)
		}
		mount := []llb.MountOption{llb.SourcePath(l.root), llb.Readonly}
		if l.keyed {
			mount = append(mount, llb.ContentCache(llb.MountContentCacheOff))
		}
		mounts = append(mounts, llb.AddMount(where, l.part, mount...))
	}
	opts := append(g.execOpts(false, "smoke", s.At, argv, "%s %s", name, smokeNames(s)), mounts...)
	if g.Runs {
		for _, e := range g.config().Config.Env {
			key, value, _ := strings.Cut(e, "=")
			opts = append(opts, llb.AddEnv(key, value))
		}
	}
	// The report becomes a file of the image, so that it is an ancestor of the
	// image: it is exported with its cache, and the test is never run again for
	// it. Of an exec only those outputs are exported that are ancestors.
	report := root.Run(opts...).AddMount("/report", llb.Scratch())
	g.report = &report
	g.application = append(g.application, layer{files: report, created: "record the smoke test"})
}

func (g *generator) smokeArgs(s *plan.Smoke) []string {
	argv := []string{"smoke", "--venv", plan.Venv, "--output", "/report" + SmokeReport,
		"--machine", plan.Machine(g.Platform.Architecture), "--workdir", g.p.Image.Workdir,
		"--uid", strconv.Itoa(g.p.Setup.UID), "--gid", strconv.Itoa(g.p.Setup.UID)}
	for _, name := range s.Projects {
		argv = append(argv, "--project", name)
	}
	for _, name := range s.Modules {
		argv = append(argv, "--module", name)
	}
	if s.Server != "" {
		argv = append(argv, "--server", s.Server)
	}
	if s.Interface != "" {
		argv = append(argv, "--interface", s.Interface)
	}
	return argv
}

func smokeNames(s *plan.Smoke) string {
	names := append(append([]string{}, s.Modules...), s.Projects...)
	if s.Server != "" {
		names = append(names, s.Server)
	}
	return strings.Join(names, ", ")
}

// image is the result: the base and every layer.
func (g *generator) image() llb.State {
	layers := append(append([]layer{}, g.dependencies...), g.application...)
	return g.stack(g.base, layers, "image")
}

// config makes the image's config from the base's.
func (g *generator) config() dockerspec.DockerOCIImage {
	img := g.BaseImage
	i := g.p.Image
	img.Created = g.Epoch
	img.OS, img.Architecture, img.Variant = g.Platform.OS, g.Platform.Architecture, g.Platform.Variant
	env := setEnv(img.Config.Env, "PATH", plan.Venv+"/bin:"+lookupEnv(img.Config.Env, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"))
	for _, e := range i.Env {
		env = setEnv(env, e.Name, e.Value)
	}
	img.Config.Env = env
	img.Config.User = i.User
	img.Config.WorkingDir = i.Workdir
	img.Config.Entrypoint = nil
	img.Config.Cmd = i.Command
	img.Config.OnBuild = nil
	img.Config.StopSignal = i.StopSignal
	img.Config.ExposedPorts = nil
	if i.Port != 0 {
		img.Config.ExposedPorts = map[string]struct{}{strconv.Itoa(i.Port) + "/tcp": {}}
	}
	img.Config.Labels = g.labels(i.Labels)
	img.History = g.history()
	return img
}

func (g *generator) labels(pairs []spec.Pair) map[string]string {
	labels := map[string]string{}
	for key, value := range g.BaseImage.Config.Labels {
		labels[key] = value
	}
	for _, l := range pairs {
		labels[l.Name] = l.Value
	}
	for key, value := range g.Labels {
		labels[key] = value
	}
	return labels
}

// history names every layer.
func (g *generator) history() []ocispecs.History {
	history := append([]ocispecs.History{}, g.BaseImage.History...)
	entries := []string{"prepare " + g.p.Base.Ref}
	for _, l := range append(append([]layer{}, g.dependencies...), g.application...) {
		entries = append(entries, l.created)
	}
	for _, e := range entries {
		history = append(history, ocispecs.History{Created: g.Epoch, CreatedBy: e, Comment: "buildkit.pyfrontend.v0"})
	}
	return history
}

func lookupEnv(env []string, name, fallback string) string {
	for _, e := range env {
		if key, value, _ := strings.Cut(e, "="); key == name {
			return value
		}
	}
	return fallback
}

// setEnv replaces a variable where it stands, or appends it.
func setEnv(env []string, name, value string) []string {
	set := append([]string{}, env...)
	for i, e := range set {
		if key, _, _ := strings.Cut(e, "="); key == name {
			set[i] = name + "=" + value
			return set
		}
	}
	return append(set, name+"="+value)
}
