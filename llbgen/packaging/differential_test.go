//go:build unix

package packaging

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// The tests of this file compare with PyPA's library, see oracle_test.go.

// reporter fails a test, but does not print thousands of differences.
type reporter struct {
	testing.TB
	count int
}

func (r *reporter) differ(input any, got, want any) {
	r.Helper()
	if reflect.DeepEqual(got, want) {
		return
	}
	if r.count++; r.count <= 20 {
		r.Errorf("%q\n got %+v\nwant %+v", input, got, want)
	}
}

func (r *reporter) done() {
	if r.count > 20 {
		r.Errorf("and %d more", r.count-20)
	}
}

func TestNamesAsPyPA(t *testing.T) {
	r := &reporter{TB: t}
	g := newGenerator(1)
	names := g.mutations(repeat(500, func() string {
		return g.join(4, g.separator(), func() string { return g.pick("Foo", "bar", "2", "--", "._-", "Ä") })
	}))
	for i, want := range ask[string](t, "name", names) {
		r.differ(names[i], NormalizeName(names[i]), want)
	}
	r.done()
}

type versionAnswer struct {
	Str        string
	Prerelease bool
	Release    []string
	Local      string
}

func TestVersionsAsPyPA(t *testing.T) {
	r := &reporter{TB: t}
	g := newGenerator(2)
	texts := corpus(t, g, "versions", 2500, g.version)
	valid := 0
	for i, want := range ask[*versionAnswer](t, "version", texts) {
		var got *versionAnswer
		if v, err := ParseVersion(texts[i]); err == nil {
			valid++
			got = &versionAnswer{Str: v.String(), Prerelease: v.IsPrerelease(), Local: v.Local()}
			for _, n := range v.release {
				got.Release = append(got.Release, string(n))
			}
		}
		r.differ(texts[i], got, want)
	}
	r.done()
	t.Logf("%d versions, %d valid", len(texts), valid)
}

// validVersions are n generated versions and the real ones.
func validVersions(t testing.TB, g generator, n int) []string {
	var out []string
	for _, s := range append(realData(t, "versions"), repeat(n, g.version)...) {
		if _, err := ParseVersion(s); err == nil {
			out = append(out, s)
		}
	}
	return out
}

func TestCompareAsPyPA(t *testing.T) {
	r := &reporter{TB: t}
	g := newGenerator(3)
	versions := validVersions(t, g, 1000)
	var pairs [][2]string
	for range 20000 {
		pairs = append(pairs, [2]string{g.pick(versions...), g.pick(versions...)})
	}
	for i, want := range ask[int](t, "compare", pairs) {
		a, _ := ParseVersion(pairs[i][0])
		b, _ := ParseVersion(pairs[i][1])
		r.differ(pairs[i], a.Compare(b), want)
		r.differ(pairs[i], b.Compare(a), -want)
	}
	r.done()
}

type specifiersItem struct {
	Text     string   `json:"text"`
	Versions []string `json:"versions"`
}

type specifiersAnswer struct {
	Str      string
	Contains []bool
}

func TestSpecifiersAsPyPA(t *testing.T) {
	r := &reporter{TB: t}
	g := newGenerator(4)
	versions := validVersions(t, g, 1500)
	var items []specifiersItem
	for _, text := range corpus(t, g, "specifiers", 2000, g.specifiers) {
		item := specifiersItem{text, repeat(8, func() string { return g.pick(versions...) })}
		// What is close to the bound is where the rules differ.
		for clause := range strings.SplitSeq(text, ",") {
			bound := strings.Trim(clause, "=!<>~* .")
			for _, s := range []string{bound, bound + "0", bound + ".0", bound + "a1", bound + ".post1", bound + ".dev1", bound + "+l", bound + ".post1.dev2", bound + "+1"} {
				if _, err := ParseVersion(s); err == nil {
					item.Versions = append(item.Versions, s)
				}
			}
		}
		items = append(items, item)
	}
	valid := 0
	for i, want := range ask[*specifiersAnswer](t, "specifiers", items) {
		var got *specifiersAnswer
		if s, err := ParseSpecifiers(items[i].Text); err == nil {
			valid++
			got = &specifiersAnswer{s.String(), nil}
			for _, text := range items[i].Versions {
				v, _ := ParseVersion(text)
				got.Contains = append(got.Contains, s.Contains(v))
			}
		}
		r.differ(items[i], got, want)
	}
	r.done()
	t.Logf("%d sets of specifiers, %d valid", len(items), valid)
}

type requirementAnswer struct {
	Name       string
	Extras     []string
	Specifiers string
	URL        string
	Marker     string
}

func TestRequirementsAsPyPA(t *testing.T) {
	r := &reporter{TB: t}
	g := newGenerator(5)
	texts := corpus(t, g, "requirements", 2000, g.requirement)
	valid := 0
	for i, want := range ask[*requirementAnswer](t, "requirement", texts) {
		var got *requirementAnswer
		if q, err := ParseRequirement(texts[i]); err == nil {
			valid++
			got = &requirementAnswer{q.Name, append([]string{}, q.Extras...), q.Specifiers.String(), q.URL, q.Marker.String()}
		}
		if got != nil && want != nil && strings.Contains(got.Marker, `\`) {
			got.Marker = want.Marker // String escapes where PyPA does not
		}
		r.differ(texts[i], got, want)
	}
	r.done()
	t.Logf("%d requirements, %d valid", len(texts), valid)
}

type nameAnswer struct {
	Name    string
	Version string
	Build   []string
	Tags    []string
}

func TestWheelNamesAsPyPA(t *testing.T) {
	r := &reporter{TB: t}
	g := newGenerator(6)
	files := corpus(t, g, "wheels", 1500, g.wheel)
	valid := 0
	for i, want := range ask[*nameAnswer](t, "wheel", files) {
		var got *nameAnswer
		if w, err := ParseWheelName(files[i]); err == nil {
			valid++
			got = &nameAnswer{Name: w.Name, Version: w.Version.String(), Build: []string{}}
			if w.Build != "" {
				n, rest := splitBuild(w.Build)
				rest, _, _ = strings.Cut(rest, "\n") // where PyPA's expression stops
				got.Build = []string{string(n), rest}
			}
			for _, tag := range w.Tags {
				got.Tags = append(got.Tags, tag.String())
			}
			slices.Sort(got.Tags)
		}
		r.differ(files[i], got, want)
	}
	r.done()
	t.Logf("%d wheel names, %d valid", len(files), valid)
}

func TestSdistNamesAsPyPA(t *testing.T) {
	r := &reporter{TB: t}
	g := newGenerator(7)
	files := corpus(t, g, "sdists", 500, func() string {
		return g.pick("foo", "Foo-Bar", "", "a.b") + g.pick("-", "") + g.version() + g.pick(".tar.gz", ".zip", ".tar.bz2")
	})
	for i, want := range ask[*nameAnswer](t, "sdist", files) {
		var got *nameAnswer
		if name, v, err := ParseSdistName(files[i]); err == nil {
			got = &nameAnswer{Name: name, Version: v.String()}
		}
		r.differ(files[i], got, want)
	}
	r.done()
}

func TestCompareBuildAsPyPA(t *testing.T) {
	r := &reporter{TB: t}
	builds := []string{"", "0", "1", "01", "1a", "1b", "2", "10", "10a", "9z", "00", "123456789012345678901234567890"}
	var pairs [][2]string
	for _, a := range builds {
		for _, b := range builds {
			pairs = append(pairs, [2]string{a, b})
		}
	}
	for i, want := range ask[int](t, "build", pairs) {
		r.differ(pairs[i], CompareBuild(pairs[i][0], pairs[i][1]), want)
	}
}

type tagsItem struct {
	Python   [2]int `json:"python"`
	Threaded bool   `json:"threaded"`
	Arch     string `json:"arch"`
	Glibc    []int  `json:"glibc"`
	Musl     []int  `json:"musl"`
}

func TestTagsAsPyPA(t *testing.T) {
	r := &reporter{TB: t}
	var items []tagsItem
	var targets []Target
	archs := append([]string{"armv6l"}, manylinuxArchs...)
	libcs := []Libc{{}, {false, 2, 17}, {false, 2, 31}, {false, 2, 41}, {false, 2, 4}, {false, 2, 11}, {false, 3, 2}, {true, 1, 1}, {true, 1, 2}}
	for i, python := range [][2]int{{3, 13}, {3, 14}, {3, 15}, {3, 12}, {3, 8}, {3, 7}, {3, 2}, {3, 1}, {2, 7}, {4, 0}} {
		for j, libc := range libcs {
			arch := archs[(i+j)%len(archs)]
			for _, threaded := range []bool{false, true} {
				item := tagsItem{Python: python, Threaded: threaded, Arch: arch}
				if libc.Musl {
					item.Musl = []int{libc.Major, libc.Minor}
				} else if libc.Major > 0 {
					item.Glibc = []int{libc.Major, libc.Minor}
				}
				v, _ := ParseVersion(fmt.Sprintf("%d.%d.2", python[0], python[1]))
				items = append(items, item)
				targets = append(targets, Target{v, threaded, arch, libc})
			}
		}
	}
	for i, want := range ask[[]string](t, "tags", items) {
		var got []string
		for _, tag := range targets[i].Tags() {
			got = append(got, tag.String())
		}
		if !slices.Equal(got, want) {
			at := 0
			for at < min(len(got), len(want)) && got[at] == want[at] {
				at++
			}
			r.differ(items[i], got[at:min(at+5, len(got))], want[at:min(at+5, len(want))])
		}
	}
	t.Logf("%d targets", len(items))
}
