package packaging

import (
	"slices"
	"testing"
)

// Each target checks that a parser neither fails on any input nor contradicts
// itself: what it wrote it can read, to the same end.

func FuzzParseVersion(f *testing.F) {
	for _, s := range []string{"1.0", " v1!2.0-alpha.1-2_dev+Ab_01\n", "1.0.post", "0", "1..2"} {
		f.Add(s, "1.0rc1")
	}
	f.Fuzz(func(t *testing.T, s, other string) {
		v, err := ParseVersion(s)
		if err != nil {
			if !v.IsZero() {
				t.Error("a version and an error")
			}
			return
		}
		again, err := ParseVersion(v.String())
		if err != nil || again.Compare(v) != 0 || again.String() != v.String() || v.IsZero() {
			t.Errorf("%q is not %q: %v", again, v, err)
		}
		if slices.Contains(v.Release(), -1) || len(v.Release()) == 0 {
			t.Error(v.Release())
		}
		if o, err := ParseVersion(other); err == nil && v.Compare(o) != -o.Compare(v) {
			t.Errorf("%q and %q have no order", v, o)
		}
	})
}

func FuzzParseSpecifiers(f *testing.F) {
	for _, s := range []string{">=1.0, <2", "==1.*", "~=1.4.5.0", "!=1+a", "===foo", ">1.0a1,<=1!3", ","} {
		f.Add(s, "1.0.post1")
	}
	f.Fuzz(func(t *testing.T, s, version string) {
		set, err := ParseSpecifiers(s)
		if err != nil {
			return
		}
		again, err := ParseSpecifiers(set.String())
		if err != nil || again.String() != set.String() || set.IsEmpty() != (set.String() == "") {
			t.Errorf("%q is not %q: %v", again, set, err)
		}
		if v, err := ParseVersion(version); err == nil && set.Contains(v) != again.Contains(v) {
			t.Errorf("%q and %q do not agree on %q", again, set, v)
		}
	})
}

func FuzzParseRequirement(f *testing.F) {
	for _, s := range []string{"a", "A.b [x, y_z] (>=1,<2) ; python_version < '3'", "a@https://h/x ; os_name=='nt'", "a==1,", "a[]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRequirement(s)
		if err != nil {
			return
		}
		if r.Name == "" || r.URL != "" && !r.Specifiers.IsEmpty() || !slices.IsSorted(r.Extras) {
			t.Errorf("%+v", r)
		}
	})
}

func FuzzParseMarker(f *testing.F) {
	for _, s := range []string{
		"python_version>='3.9'and(os.name == \"posix\" or 'x' in extras)", "extra == 'A_b'", "'a' not in dependency_groups",
		"platform_release ~= '5.1'", `os_name == '\x41\u00e9\101\q\\'`, "((((os_name=='a'))))", "'3' in python_version",
	} {
		f.Add(s)
	}
	v, _ := ParseVersion("3.13.2")
	e := Target{Python: v, Arch: "x86_64"}.Environment()
	f.Fuzz(func(t *testing.T, s string) {
		m, err := ParseMarker(s)
		if err != nil {
			return
		}
		again, err := ParseMarker(m.String())
		if err != nil || again.String() != m.String() || again.Evaluate(e) != m.Evaluate(e) {
			t.Errorf("%q is not %q: %v", again, m, err)
		}
	})
}

func FuzzParseTags(f *testing.F) {
	for _, s := range []string{"py2.py3-none-any", "CP39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64", "3-none-any", "--", "a.a-b.b-c.c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		seen := map[Tag]bool{}
		for _, tag := range ParseTags(s) {
			if seen[tag] {
				t.Errorf("%v twice", tag)
			}
			seen[tag] = true
			if again := ParseTags(tag.String()); len(again) != 1 || again[0] != tag {
				t.Errorf("%v is not %v", again, tag)
			}
		}
	})
}

func FuzzParseWheelName(f *testing.F) {
	for _, s := range []string{"a-1-py3-none-any.whl", "A.b_c-1.0+l-1x-cp39.cp310-abi3-linux_x86_64.whl", "a-1-x-py3-none-any.whl", ".whl"} {
		f.Add(s)
	}
	v, _ := ParseVersion("3.13.2")
	ix := Target{Python: v, Arch: "x86_64", Libc: Libc{Major: 2, Minor: 41}}.TagIndex()
	f.Fuzz(func(t *testing.T, s string) {
		w, err := ParseWheelName(s)
		if err != nil {
			return
		}
		if w.Name == "" || w.Version.IsZero() || len(w.Tags) == 0 {
			t.Errorf("%+v", w)
		}
		if rank, ok := w.Rank(ix); ok && ix[w.Tags[slices.IndexFunc(w.Tags, func(g Tag) bool { r, in := ix[g]; return in && r == rank })]] != rank {
			t.Error(rank)
		}
		if (CompareBuild(w.Build, "") == 0) != (w.Build == "") || CompareBuild(w.Build, w.Build) != 0 {
			t.Errorf("build %q", w.Build)
		}
	})
}

func FuzzParseSdistName(f *testing.F) {
	for _, s := range []string{"a-1.tar.gz", "A.b-c-1.0+l.zip", "-1.zip", "a.tar.gz"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, v, err := ParseSdistName(s)
		if (err == nil) == (name == "") || (err == nil) == v.IsZero() || NormalizeName(name) != name {
			t.Errorf("%q %q %v", name, v, err)
		}
	})
}
