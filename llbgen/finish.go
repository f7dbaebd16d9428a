package llbgen

import (
	"path"
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

// smoke runs the import test on the finished file system. The application's
// files are copied over the cached merge of base and dependencies: to run on a
// merge that contains what changed would link every file of it anew.
func (g *generator) smoke() {
	s := g.p.Smoke
	if s == nil {
		return
	}
	finished := g.stack(g.base, g.dependencies, "link dependencies for the smoke test")
	for _, l := range g.application {
		finished = finished.File(g.overlay(l), llb.WithCustomName(g.Label+"[internal] add the application for the smoke test"), llb.Platform(g.Build))
	}
	argv := []string{"smoke", "--output", "/report/smoke.json", "--stamp", "/stamp" + plan.Venv + "/.smoke-test", "--machine", plan.Machine(g.Platform.Architecture),
		"--uid", strconv.Itoa(g.p.Setup.UID), "--gid", strconv.Itoa(g.p.Setup.UID), "--workdir", g.p.Image.Workdir}
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
	prefix := ""
	name := "smoke test"
	root := finished
	if !g.Runs {
		prefix, root, name = "/target", g.root(), "check the extension modules of"
		argv = append(argv, "--foreign")
	}
	argv = append(argv, "--venv", path.Join("/", prefix, plan.Venv))
	if g.p.Files != nil {
		argv = append(argv, "--path", path.Join("/", prefix, g.p.Files.Target))
	}
	opts := g.execOpts(false, "smoke", s.At, argv, "%s %s", name, smokeNames(s))
	if g.Runs {
		for _, e := range g.config().Config.Env {
			key, value, _ := strings.Cut(e, "=")
			opts = append(opts, llb.AddEnv(key, value))
		}
		if g.Exec.Hostname != "" {
			root = root.Hostname(g.Exec.Hostname)
		}
	} else {
		opts = append(opts, llb.AddMount(prefix, finished, llb.Readonly))
	}
	run := root.Run(opts...)
	report := run.AddMount("/report", llb.Scratch())
	g.report = &report
	// The stamp becomes a file of the image, so that the test is an ancestor of
	// the image: it is exported with its cache and never run again for it.
	g.application = append(g.application, layer{run.AddMount("/stamp", llb.Scratch()), "record the smoke test"})
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
