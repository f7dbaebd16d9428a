package packaging

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func version(t testing.TB, s string) Version {
	t.Helper()
	v, err := ParseVersion(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVersionOrder(t *testing.T) {
	ordered := []string{
		"1.dev0", "1.0.dev456", "1.0a1", "1.0a2.dev456", "1.0a12.dev456", "1.0a12", "1.0b1.dev456", "1.0b2", "1.0b2.post345.dev456",
		"1.0b2.post345", "1.0rc1.dev456", "1.0rc1", "1.0", "1.0+abc.5", "1.0+abc.7", "1.0+5", "1.0.post456.dev34", "1.0.post456",
		"1.0.15", "1.1.dev1", "20240131", "1!0.1",
	}
	for i, a := range ordered {
		for j, b := range ordered {
			want := min(1, max(-1, i-j))
			if got := version(t, a).Compare(version(t, b)); got != want {
				t.Errorf("%s to %s is %d", a, b, got)
			}
		}
	}
	if (Version{}).Compare(version(t, "0.dev0")) != -1 || !(Version{}).IsZero() || (Version{}).String() != "" {
		t.Error("the zero Version is not before all others")
	}
}

func TestVersionParts(t *testing.T) {
	for _, test := range []struct{ in, out, local string }{
		{"1.0", "1.0", ""},
		{" v1.0.0-Alpha_1 ", "1.0.0a1", ""},
		{"1.0-1", "1.0.post1", ""},
		{"01!02.0c3.rev.dev+Ubuntu-01_x", "1!2.0rc3.post0.dev0+ubuntu.1.x", "ubuntu.1.x"},
	} {
		v := version(t, test.in)
		if v.String() != test.out || v.Local() != test.local {
			t.Errorf("%q is %q, local %q", test.in, v, v.Local())
		}
	}
	for _, bad := range []string{"", "x", "1.", ".1", "1.0+", "1.0+a..b", "1!", "1.0 a", "1.0*", "1.0-"} {
		if v, err := ParseVersion(bad); err == nil {
			t.Errorf("%q is %q", bad, v)
		}
	}
	if got := version(t, "1.99999999999999999999").Release(); !slices.Equal(got, []int{1, math.MaxInt}) {
		t.Error(got)
	}
}

func TestSpecifiers(t *testing.T) {
	for _, test := range []struct{ set, in, out string }{
		{"", "1 0a1", ""},
		{">=1.0,<2", "1.0 1.5b1 1.0+l", "0.9 2 2.0rc1 1.0rc1"},
		{"==1.4.*", "1.4 1.4.9 1.4a1 1.4+l", "1.5 1 1.40"},
		{"==1.0", "1 1.0.0+cpu", "1.0.post1 1.0a1"},
		{"==1.0+cpu", "1.0+cpu", "1.0"},
		{"!=1.0", "1.0.post1 2", "1.0+cpu"},
		{"~=2.2", "2.2 2.9 2.2.post1", "3 2.1 2.2rc1"},
		{"~=1.4.5", "1.4.5 1.4.9", "1.5 1.4.4"},
		{">1.0", "1.0.1 1.1", "1.0.post1 1.0+l 1.0"},
		{">1.0.post1", "1.0.post2", "1.0.post1 1.0.post1+l"},
		{"<1.0", "0.9", "1.0a1 1.0.dev0 1.0"},
		{"<=1.0", "1.0 1.0+l 1.0a1", "1.0.post1"},
		{"===1.0.0", "1.0.0", "1.0"},
	} {
		s, err := ParseSpecifiers(test.set)
		if err != nil {
			t.Error(err)
		}
		for _, v := range strings.Fields(test.in) {
			if !s.Contains(version(t, v)) {
				t.Errorf("%s is not in %q", v, s)
			}
		}
		for _, v := range strings.Fields(test.out) {
			if s.Contains(version(t, v)) {
				t.Errorf("%s is in %q", v, s)
			}
		}
	}
	s, err := ParseSpecifiers(" < 2.0RC1 , >=1.0,>= 1.0.0,")
	if err != nil || s.String() != "<2.0rc1,>=1.0" || s.IsEmpty() {
		t.Error(s, err)
	}
	for _, bad := range []string{"1.0", "=1", "~=1", ">=1.*", "<1+l", "==1.0a1.*", ">= 1 0"} {
		if s, err := ParseSpecifiers(bad); err == nil {
			t.Errorf("%q is %q", bad, s)
		}
	}
}

func TestRequirement(t *testing.T) {
	r, err := ParseRequirement(`Foo.Bar[Q_z, a] (>=2,<3) ; extra == "X_y"`)
	if err != nil || r.Name != "Foo.Bar" || !slices.Equal(r.Extras, []string{"a", "q-z"}) || r.Specifiers.String() != "<3,>=2" || r.Marker.String() != `extra == "x-y"` {
		t.Errorf("%+v %v", r, err)
	}
	r, err = ParseRequirement("a @ https://host/a-1.whl#sha256=0;b")
	if err != nil || r.URL != "https://host/a-1.whl#sha256=0;b" || r.Marker != nil || !r.Marker.Evaluate(Environment{}) {
		t.Errorf("%+v %v", r, err)
	}
	for _, bad := range []string{"", "-a", "a b", "a[b", "a[,]", "a(>1", "a >1 <2", "a;", "a @", "a\n", "a; os_name", "https://a"} {
		if r, err := ParseRequirement(bad); err == nil {
			t.Errorf("%q is %+v", bad, r)
		}
	}
}

func TestMarkerSets(t *testing.T) {
	e := Target{Python: version(t, "3.13.2"), Arch: "x86_64"}.Environment()
	e.Extras, e.DependencyGroups = []string{"Cli", "http_2"}, []string{"dev"}
	for text, want := range map[string]bool{
		"extra == 'cli'":                            true,
		"extra == 'HTTP.2' and extra == 'cli'":      true,
		"extra == 'gui'":                            false,
		"extra != 'gui'":                            true,
		"extra != 'cli'":                            false,
		"'http-2' in extras":                        true,
		"'gui' not in extras":                       true,
		"'Dev' in dependency_groups":                true,
		"'cli' in dependency_groups":                false,
		"python_version < '3.9' or 'cli' in extras": true,
		"python_full_version == '3.13.*'":           true,
		"python_version in '3.12, 3.13'":            true,
		"'linux' in sys_platform":                   true,
		"implementation_name == 'cpython' and platform_python_implementation == 'CPython'": true,
		"os_name > 'a' or platform_release >= '4'":                                         false,
	} {
		m, err := ParseMarker(text)
		if err != nil {
			t.Error(err)
		} else if got := m.Evaluate(e); got != want {
			t.Errorf("%s is %t", m, got)
		}
	}
}

func TestMarkerWithoutSense(t *testing.T) {
	for _, text := range []string{
		"'a' == 'os_name'", "os_name == sys_platform", "os_name ~= '1'", "sys_platform === 'linux'", "extras == 'a'", "python_version ~= '3'",
		strings.Repeat("(", 1e6), "os_name == 'a", "os_name = 'a'", "os_name not 'a'", "x == 'a'", "os_name == 'a' and", "",
	} {
		if m, err := ParseMarker(text); err == nil {
			t.Errorf("%.20q is %s", text, m)
		}
	}
}

func TestMarkerString(t *testing.T) {
	for in, want := range map[string]string{
		`(os.name=='a')`: `os_name == "a"`,
		`os_name=='a' and (python_implementation=='b' or 'x' in extra)`: `os_name == "a" and (platform_python_implementation == "b" or "x" in extra)`,
		`os_name == 'say "hi"'`:       `os_name == 'say "hi"'`,
		`os_name == 'a\\b\x22\x27\n'`: `os_name == "a\\b\x22'\n"`,
	} {
		m, err := ParseMarker(in)
		if err != nil || m.String() != want {
			t.Errorf("%s is %s: %v", in, m, err)
		}
	}
	if got := (*Marker)(nil).String(); got != "" {
		t.Error(got)
	}
}

func TestRank(t *testing.T) {
	ix := Target{Python: version(t, "3.13.2"), Arch: "x86_64", Libc: Libc{Major: 2, Minor: 36}}.TagIndex()
	best := []string{ // most preferred first
		"a-1-cp313-cp313-linux_x86_64.whl",
		"a-1-cp313-cp313-manylinux_2_28_x86_64.whl",
		"a-1-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
		"a-1-cp313-abi3-manylinux_2_17_x86_64.whl",
		"a-1-cp39-abi3-manylinux1_x86_64.whl",
		"a-1-py3-none-manylinux_2_5_x86_64.whl",
		"a-1-py2.py3-none-any.whl",
	}
	last := -1
	for _, file := range best {
		w, err := ParseWheelName(file)
		if err != nil {
			t.Fatal(err)
		}
		rank, ok := w.Rank(ix)
		if !ok || rank <= last {
			t.Errorf("%s has rank %d after %d, %t", file, rank, last, ok)
		}
		last = rank
	}
	for _, file := range []string{
		"a-1-cp313-cp313t-linux_x86_64.whl", "a-1-cp313-cp313-manylinux_2_39_x86_64.whl", "a-1-cp313-cp313-musllinux_1_2_x86_64.whl",
		"a-1-cp312-cp312-linux_x86_64.whl", "a-1-py2-none-any.whl", "a-1-cp314-abi3-linux_x86_64.whl", "a-1-py3-none-win_amd64.whl",
	} {
		w, err := ParseWheelName(file)
		if err != nil {
			t.Fatal(err)
		}
		if rank, ok := w.Rank(ix); ok {
			t.Errorf("%s has rank %d", file, rank)
		}
	}
}

func TestTagLimit(t *testing.T) {
	set := strings.Repeat("a.", 200) + "a"
	if tags := ParseTags(set + "-" + set + "-" + set); tags != nil {
		t.Error(len(tags))
	}
	if tags := ParseTags("CP39.cp39-abi3-any"); len(tags) != 1 || tags[0].String() != "cp39-abi3-any" {
		t.Error(tags)
	}
}

func TestFileNames(t *testing.T) {
	w, err := ParseWheelName("Foo_Bar-1.0.RC1-2b-py2.py3-none-any.whl")
	if err != nil || w.Name != "foo-bar" || w.Version.String() != "1.0rc1" || w.Build != "2b" || len(w.Tags) != 2 {
		t.Errorf("%+v %v", w, err)
	}
	name, v, err := ParseSdistName("Foo.Bar-baz-1.0.tar.gz")
	if err != nil || name != "foo-bar-baz" || v.String() != "1.0" {
		t.Error(name, v, err)
	}
	for _, bad := range []string{"a-1-py3-none.whl", "a-1-py3-none-any.zip", "a__b-1-py3-none-any.whl", "a-x-py3-none-any.whl", "a-1-b-py3-none-any.whl"} {
		if _, err := ParseWheelName(bad); err == nil {
			t.Error(bad)
		}
	}
	for _, bad := range []string{"a.tar.gz", "a-1.tar.bz2", "-1.zip", "a-x.zip"} {
		if _, _, err := ParseSdistName(bad); err == nil {
			t.Error(bad)
		}
	}
	if CompareBuild("", "0") != -1 || CompareBuild("10", "9") != 1 || CompareBuild("1b", "1a") != 1 || CompareBuild("01", "1") != 0 {
		t.Error("builds have another order")
	}
}
