package packaging

import "fmt"

// manylinuxArchs have manylinux platforms. The 32 bit ARM ones have them for
// the hard-float ABI, which every distribution with such wheels uses.
var manylinuxArchs = []string{
	"x86_64", "i686", "aarch64", "armv7l", "armv8l", "ppc64", "ppc64le", "s390x", "loongarch64", "riscv64",
}

// legacyManylinux are the names from before PEP 600, by glibc 2's minor version
// (PEP 513, 571, 599).
var legacyManylinux = map[int]string{5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}

// lastGlibcMinor is PyPA's guess at the last release of a glibc 2 that a
// glibc 3 would follow.
const lastGlibcMinor = 50

// manylinux are the platforms of PEP 600: everything built for this glibc or
// an older one, down to where manylinux begins on the architecture.
func (l Libc) manylinux(arch string) []string {
	oldest := 17
	if arch == "x86_64" || arch == "i686" {
		oldest = 5
	}
	var all []string
	for major, newest := l.Major, l.Minor; major >= 2; major, newest = major-1, lastGlibcMinor {
		last := 0
		if major == 2 {
			last = oldest
		}
		for minor := newest; minor >= last; minor-- {
			all = append(all, fmt.Sprintf("manylinux_%d_%d_%s", major, minor, arch))
			if legacy := legacyManylinux[minor]; major == 2 && legacy != "" {
				all = append(all, legacy+"_"+arch)
			}
		}
	}
	return all
}

// musllinux are the platforms of PEP 656: everything built for this musl or an
// older one of the same major version.
func (l Libc) musllinux(arch string) []string {
	if l.Major == 0 {
		return nil
	}
	var all []string
	for minor := l.Minor; minor >= 0; minor-- {
		all = append(all, fmt.Sprintf("musllinux_%d_%d_%s", l.Major, minor, arch))
	}
	return all
}
