package lock

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pyfrontend/pyfrontend/llbgen/packaging"
	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// The Python 3 minor versions that are looked at for advice.
const oldestMinor, newestMinor = 8, 15

// farGlibc and farMusl are later than any release, to find out whether the C
// library alone is in the way.
var (
	farGlibc = packaging.Libc{Major: 2, Minor: 99}
	farMusl  = packaging.Libc{Musl: true, Major: 1, Minor: 99}
)

// otherPython is another Python on the same platform.
type otherPython struct {
	minor int
	index packaging.TagIndex
}

// noWheel says why no wheel of a package fits, and what could be done.
func (s *selection) noWheel(p *Package, wheels []File) error {
	if libc, ok := s.neededLibc(wheels); ok {
		e := spec.Errorf(p.At, "%s needs %s; the base has %d.%d", title(p), libcName(libc), s.target.Libc.Major, s.target.Libc.Minor)
		e.Hint = "choose a newer base, or another version of " + literal(p.Name)
		return e
	}
	message := fmt.Sprintf("%s has no wheel for %s on %s", title(p), pythonName(s.target), platformName(s.target))
	hints := s.alternatives(wheels)
	if p.Sdist != nil {
		message += ", only a source distribution"
		if len(wheels) > 0 {
			message += " and wheels for: " + wheelSummary(wheels)
		}
		hints = append(hints, "choose a version of "+literal(p.Name)+" that has one: building from source is not there yet")
	} else {
		message += "; wheels exist for: " + wheelSummary(wheels)
		hints = append(hints, "choose another version of "+literal(p.Name))
	}
	return &spec.Error{At: p.At, Message: message, Hint: strings.Join(hints, ", or ")}
}

// neededLibc is the lowest version of the target's C library with which a wheel
// would fit, if nothing else is in the way.
func (s *selection) neededLibc(wheels []File) (packaging.Libc, bool) {
	far := farGlibc
	if s.target.Libc.Musl {
		far = farMusl
	}
	if s.target.Libc.Major == 0 {
		return far, false
	}
	t := s.target
	t.Libc = far
	index := t.TagIndex()
	lowest := packaging.Libc{Musl: far.Musl}
	for i := range wheels {
		for _, tag := range wheels[i].wheel.Tags {
			if _, fits := index[tag]; !fits {
				continue
			}
			major, minor, ok := libcVersion(tag.Platform)
			if ok && (lowest.Major == 0 || major == lowest.Major && minor < lowest.Minor) {
				lowest.Major, lowest.Minor = major, minor
			}
		}
	}
	return lowest, lowest.Major > 0
}

// libcVersion reads manylinux_2_39_x86_64 and musllinux_1_2_x86_64.
func libcVersion(platform string) (major, minor int, ok bool) {
	parts := strings.SplitN(platform, "_", 4)
	if len(parts) < 4 || parts[0] != "manylinux" && parts[0] != "musllinux" {
		return 0, 0, false
	}
	major, err1 := strconv.Atoi(parts[1])
	minor, err2 := strconv.Atoi(parts[2])
	return major, minor, err1 == nil && err2 == nil
}

// alternatives are the changes of the target with which a wheel would fit.
func (s *selection) alternatives(wheels []File) []string {
	if len(wheels) == 0 {
		return nil
	}
	if s.others == nil {
		for minor := oldestMinor; minor <= newestMinor; minor++ {
			t := s.target
			t.Python = pythonMinor(minor)
			if s.lock.RequiresPython.Contains(t.Python) {
				s.others = append(s.others, otherPython{minor, t.TagIndex()})
			}
		}
	}
	fits := func(index packaging.TagIndex) bool {
		return slices.ContainsFunc(wheels, func(w File) bool { _, ok := w.wheel.Rank(index); return ok })
	}
	var minors []int
	for _, other := range s.others {
		if fits(other.index) {
			minors = append(minors, other.minor)
		}
	}
	var hints []string
	if len(minors) > 0 {
		hints = append(hints, "choose Python "+ranges(minors))
	}
	if t := s.target; t.Libc.Musl {
		t.Libc = farGlibc
		if fits(t.TagIndex()) {
			hints = append(hints, "choose a base with glibc")
		}
	}
	return hints
}

// latestPatch stands for the newest release of a minor version, which is what
// images carry.
const latestPatch = 99

func pythonMinor(minor int) packaging.Version {
	v, _ := packaging.ParseVersion(fmt.Sprintf("3.%d.%d", minor, latestPatch))
	return v
}

// ranges writes minor versions as "3.9–3.12, 3.14".
func ranges(minors []int) string {
	var parts []string
	for i := 0; i < len(minors); {
		j := i
		for j+1 < len(minors) && minors[j+1] == minors[j]+1 {
			j++
		}
		part := fmt.Sprintf("3.%d", minors[i])
		if j > i {
			part += fmt.Sprintf("–3.%d", minors[j])
		}
		parts = append(parts, part)
		i = j + 1
	}
	return strings.Join(parts, ", ")
}

// pythonSet is which Pythons one platform has wheels for.
type pythonSet struct {
	any       bool
	minors    map[int]bool // CPython, exactly
	from      int          // CPython from this minor on (abi3); 0 is none
	threaded  map[int]bool
	otherImpl bool
}

// maxSummary is the most groups of wheels that a message lists.
const maxSummary = 6

// wheelSummary tells compactly what wheels there are: "CPython 3.9–3.12 on
// macOS arm64, Windows x86-64; any Python on linux x86-64 musl".
func wheelSummary(wheels []File) string {
	sets := map[string]*pythonSet{}
	for i := range wheels {
		for _, tag := range wheels[i].wheel.Tags {
			platform := tagPlatform(tag.Platform)
			if sets[platform] == nil {
				sets[platform] = &pythonSet{minors: map[int]bool{}, threaded: map[int]bool{}}
			}
			sets[platform].add(tag)
		}
	}
	groups := map[string][]string{}
	for _, platform := range slices.Sorted(maps.Keys(sets)) {
		text := sets[platform].String()
		groups[text] = append(groups[text], platform)
	}
	var parts []string
	for _, text := range slices.Sorted(maps.Keys(groups)) {
		if len(parts) == maxSummary {
			parts = append(parts, "others")
			break
		}
		slices.SortFunc(groups[text], func(a, b string) int {
			return strings.Compare(strings.ToLower(a), strings.ToLower(b))
		})
		parts = append(parts, text+" on "+strings.Join(groups[text], ", "))
	}
	return strings.Join(parts, "; ")
}

func (s *pythonSet) add(tag packaging.Tag) {
	implementation, digits := tag.Interpreter, ""
	if i := strings.IndexAny(implementation, "0123456789"); i >= 0 {
		implementation, digits = implementation[:i], implementation[i:]
	}
	minor, err := strconv.Atoi(strings.TrimPrefix(digits, "3"))
	exact := err == nil && strings.HasPrefix(digits, "3") && minor < 100
	switch {
	case implementation == "cp" && exact && (tag.ABI == "abi3" || tag.ABI == "abi3t"):
		if s.from == 0 || minor < s.from {
			s.from = minor
		}
	case implementation == "cp" && exact && strings.HasSuffix(tag.ABI, "t"):
		s.threaded[minor] = true
	case implementation == "cp" && exact:
		s.minors[minor] = true
	case implementation == "py" && strings.HasPrefix(digits, "3"):
		s.any = true
	default:
		s.otherImpl = true
	}
}

func (s *pythonSet) String() string {
	if s.any {
		return "any Python"
	}
	var parts []string
	if len(s.minors) > 0 {
		parts = append(parts, "CPython "+ranges(slices.Sorted(maps.Keys(s.minors))))
	}
	if s.from > 0 {
		parts = append(parts, fmt.Sprintf("CPython 3.%d and later", s.from))
	}
	if len(s.threaded) > 0 {
		parts = append(parts, "free-threaded CPython "+ranges(slices.Sorted(maps.Keys(s.threaded))))
	}
	if len(parts) == 0 {
		return "other Pythons"
	}
	return strings.Join(parts, " and ")
}

// tagSystems names the systems of platform tags, by prefix.
var tagSystems = []struct{ prefix, name, suffix string }{
	{"manylinux", "linux", ""}, {"musllinux", "linux", " musl"}, {"linux", "linux", ""},
	{"macosx", "macOS", ""}, {"win", "Windows", ""}, {"ios", "iOS", ""}, {"android", "Android", ""},
	{"emscripten", "WebAssembly", ""}, {"pyodide", "WebAssembly", ""}, {"pyemscripten", "WebAssembly", ""},
}

// tagMachines names the machines of platform tags, by suffix.
var tagMachines = []struct{ suffix, name string }{
	{"x86_64", "x86-64"}, {"amd64", "x86-64"}, {"aarch64", "arm64"}, {"arm64", "arm64"}, {"i686", "x86"},
	{"win32", "x86"}, {"armv7l", "armv7"}, {"ppc64le", "ppc64le"}, {"s390x", "s390x"}, {"riscv64", "riscv64"},
	{"loongarch64", "loongarch64"}, {"armv6l", "armv6"}, {"i386", "x86"}, {"arm64_iphoneos", "arm64"},
}

// tagPlatform names a platform tag as people do.
func tagPlatform(tag string) string {
	if tag == "any" {
		return "any platform"
	}
	name, suffix := "other platforms", ""
	for _, system := range tagSystems {
		if strings.HasPrefix(tag, system.prefix) {
			name, suffix = system.name, system.suffix
			break
		}
	}
	if name == "other platforms" || name == "WebAssembly" || name == "iOS" {
		return name
	}
	for _, machine := range tagMachines {
		if strings.HasSuffix(tag, machine.suffix) {
			return name + " " + machine.name + suffix
		}
	}
	return name + suffix
}
