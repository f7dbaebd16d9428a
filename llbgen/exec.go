package llbgen

import (
	"slices"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/pyfrontend/pyfrontend/llbgen/lock"
	"github.com/pyfrontend/pyfrontend/llbgen/packaging"
	"github.com/pyfrontend/pyfrontend/llbgen/plan"
	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// Where the tools of the frontend's image are mounted in an exec.
const (
	uvPath   = "/run/pyfrontend/uv"
	stepPath = "/run/pyfrontend/pyfrontend-step"
)

// Exec is what the request says of every exec.
type Exec struct {
	Hosts        []llb.HostIP
	ShmSize      int64
	Ulimits      []*pb.Ulimit
	CgroupParent string
	Resources    *pb.LinuxResources
	Devices      []*pb.CDIDevice
	Hostname     string
	// Network is the mode for the execs that need a network at all; the
	// others have none.
	Network pb.NetMode
	Proxy   *llb.ProxyEnv
}

// execOpts gives the options of every exec: what the request asks for, the
// tools, and no network unless the exec is one of the few that need it.
func (g *generator) execOpts(network bool, stage string, at spec.Place, argv []string, format string, args ...any) []llb.RunOption {
	opts := []llb.RunOption{
		llb.Args(append([]string{stepPath}, argv...)),
		llb.Dir("/"),
		llb.AddMount(uvPath, g.Tools, llb.SourcePath("/uv"), llb.Readonly),
		llb.AddMount(stepPath, g.Tools, llb.SourcePath("/pyfrontend-step"), llb.Readonly),
	}
	for _, o := range g.vertex(stage, at, format, args...) {
		opts = append(opts, o)
	}
	if network {
		opts = append(opts, llb.Network(g.Exec.Network))
		if g.Exec.Proxy != nil {
			opts = append(opts, llb.WithProxy(*g.Exec.Proxy))
		}
	} else {
		opts = append(opts, llb.Network(pb.NetMode_NONE))
	}
	for _, h := range g.Exec.Hosts {
		opts = append(opts, llb.AddExtraHost(h.Host, h.IP))
	}
	if g.supports(pb.CapExecMountTmpfsSize) && g.Exec.ShmSize > 0 {
		opts = append(opts, llb.AddMount("/dev/shm", llb.Scratch(), llb.Tmpfs(llb.TmpfsSize(g.Exec.ShmSize))))
	}
	if g.supports(pb.CapExecMetaUlimit) {
		for _, u := range g.Exec.Ulimits {
			opts = append(opts, llb.AddUlimit(llb.UlimitName(u.Name), u.Soft, u.Hard))
		}
	}
	if g.supports(pb.CapExecMetaCgroupParent) && g.Exec.CgroupParent != "" {
		opts = append(opts, llb.WithCgroupParent(g.Exec.CgroupParent))
	}
	if r := g.Exec.Resources; g.supports(pb.CapExecMetaLinuxResources) && r != nil {
		opts = append(opts, llb.WithLinuxResources(llb.LinuxResources{
			Memory: r.Memory, MemorySwap: r.MemorySwap, CPUShares: r.CpuShares, CPUPeriod: r.CpuPeriod,
			CPUQuota: r.CpuQuota, CpusetCpus: r.CpusetCpus, CpusetMems: r.CpusetMems,
		}))
	}
	if g.supports(pb.CapExecMetaCDI) {
		for _, d := range g.Exec.Devices {
			device := []llb.CDIDeviceOption{llb.CDIDeviceName(d.Name)}
			if d.Optional {
				device = append(device, llb.CDIDeviceOptional)
			}
			opts = append(opts, llb.AddCDIDevice(device...))
		}
	}
	return opts
}

// root is the file system that execs of the tools run in: the base image for
// the build platform.
func (g *generator) root() llb.State {
	root := g.BuildBase
	if g.Exec.Hostname != "" {
		root = root.Hostname(g.Exec.Hostname)
	}
	return root
}

// install gives the arguments of an install. Wheels for a platform that is not
// the builder's have to be declared; those that fit every platform are not, so
// that platforms share their install.
func (g *generator) install(distributions []lock.Distribution) []string {
	argv := []string{"install", "--uv", uvPath, "--python", g.p.Base.Interpreter, "--venv", plan.Venv, "--wheels", "/wheels"}
	if g.Platform.Architecture != g.Build.Architecture && slices.ContainsFunc(distributions, native) {
		argv = append(argv, "--target-platform", g.p.TargetPlatform())
	}
	return argv
}

// native tells whether a wheel fits one platform only.
func native(d lock.Distribution) bool {
	return !slices.ContainsFunc(d.Tags, func(t packaging.Tag) bool { return t.Platform == "any" })
}
