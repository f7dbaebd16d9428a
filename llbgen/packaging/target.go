package packaging

import (
	"fmt"
	"slices"
)

// Libc is a C library and its version: glibc, or musl.
type Libc struct {
	Musl         bool
	Major, Minor int
}

// Target is a CPython on Linux that packages are chosen for.
type Target struct {
	Python       Version // the full version, 3.13.2
	FreeThreaded bool    // counts from 3.13 on
	Arch         string  // as uname -m says: x86_64, aarch64, armv7l, i686, ppc64le, s390x, riscv64
	Libc         Libc    // without a version, neither manylinux nor musllinux wheels fit
}

// Environment is the target as markers see it. Release and version of the
// kernel are empty: the machine that runs an image is not known.
func (t Target) Environment() Environment {
	major, minor := t.python()
	return Environment{
		PythonVersion:     Version{epoch: "0", release: []number{toNumber(fmt.Sprint(major)), toNumber(fmt.Sprint(minor))}},
		PythonFullVersion: t.Python,
		OSName:            "posix",
		SysPlatform:       "linux",
		PlatformMachine:   t.Arch,
		PlatformSystem:    "Linux",
		Implementation:    "CPython",
	}
}

func (t Target) python() (major, minor int) {
	release := append(t.Python.Release(), 0, 0)
	return release[0], release[1]
}

// Tags are the tags of the wheels that fit, most preferred first: what PyPA's
// packaging.tags.sys_tags() gives in such a CPython. Since 26.3 that has
// linux_ARCH before the manylinux and musllinux platforms.
func (t Target) Tags() []Tag {
	major, minor := t.python()
	platforms := t.platforms()
	interpreter := fmt.Sprintf("cp%d%d", major, minor)
	var tags []Tag
	add := func(interpreter, abi string) {
		for _, platform := range platforms {
			tags = append(tags, Tag{interpreter, abi, platform})
		}
	}
	stable := t.stableABI()
	add(interpreter, interpreter+t.abiFlags())
	if stable != "" {
		add(interpreter, stable)
	}
	add(interpreter, "none")
	if stable != "" {
		for m := minor - 1; m > 1; m-- {
			add(fmt.Sprintf("cp%d%d", major, m), stable)
		}
	}
	pure := pythons(major, minor)
	for _, py := range pure {
		add(py, "none")
	}
	tags = append(tags, Tag{interpreter, "none", "any"})
	for _, py := range pure {
		tags = append(tags, Tag{py, "none", "any"})
	}
	return tags
}

// pythons is py313, py3, py312 … py30.
func pythons(major, minor int) []string {
	all := []string{fmt.Sprintf("py%d%d", major, minor), fmt.Sprintf("py%d", major)}
	for m := minor - 1; m >= 0; m-- {
		all = append(all, fmt.Sprintf("py%d%d", major, m))
	}
	return all
}

// abiFlags is what the ABI of extension modules has behind its version.
func (t Target) abiFlags() string {
	switch {
	case t.threaded():
		return "t"
	case t.older(3, 3):
		return "mu"
	case t.older(3, 8):
		return "m"
	}
	return ""
}

// stableABI is the one of PEP 384, or PEP 803 for a free-threaded Python.
func (t Target) stableABI() string {
	switch {
	case t.older(3, 2):
		return ""
	case t.threaded():
		return "abi3t"
	}
	return "abi3"
}

func (t Target) threaded() bool { return t.FreeThreaded && !t.older(3, 13) }

func (t Target) older(major, minor int) bool {
	a, b := t.python()
	return a < major || a == major && b < minor
}

// platforms are the platform tags, most preferred first.
func (t Target) platforms() []string {
	archs := []string{t.Arch}
	if t.Arch == "armv8l" { // a 32 bit process on a 64 bit kernel
		archs = append(archs, "armv7l")
	}
	var all []string
	for _, arch := range archs {
		all = append(all, "linux_"+arch)
	}
	for _, arch := range archs {
		if t.Libc.Musl {
			all = append(all, t.Libc.musllinux(arch)...)
		} else if slices.Contains(manylinuxArchs, arch) {
			all = append(all, t.Libc.manylinux(arch)...)
		}
	}
	return all
}

// TagIndex gives the rank of each tag that fits: 0 is the most preferred.
type TagIndex map[Tag]int

// TagIndex is Tags by rank.
func (t Target) TagIndex() TagIndex {
	tags := t.Tags()
	ix := make(TagIndex, len(tags))
	for rank, tag := range tags {
		if _, ok := ix[tag]; !ok {
			ix[tag] = rank
		}
	}
	return ix
}
