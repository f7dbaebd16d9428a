package spec

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func place(file string, line, column, endLine, endColumn int) Place {
	return Place{file, Range{Position{line, column}, Position{endLine, endColumn}}}
}

const places = `# comment
title = "é" # after
[project]
name = "a"
"quoted.key" = 'x'
dependencies = [
  "one", # , ]
  "two[x]",

  # last
  "three" ,
]
urls.Home = "h"
urls."Bug Tracker" = """
b
"""
optional-dependencies = { Post_Gres = ["p"], m = [ ] }
  [ tool . uv ] # header
package=true
exclude-newer = 2026-11-01 10:00:00Z
nested = [ [1, [2.5]], {x = [{y = {}}], z.w = -1} , ]
[[tool.uv.index]]
url = "u"
[[ tool.uv.index ]]
url = "v"
[tool.uv.index.sub]
k = 1
[tool.pyfrontend.env]
A = "1"
[tool.pyfrontend]
port = 8000
["a\nb".'c"d\']
x = inf
`

func TestAt(t *testing.T) {
	t.Parallel()
	s, err := parseOne(places)
	if err != nil {
		t.Fatal(err)
	}
	at := func(a, b, c, d int) Place { return place(pyproject, a, b, c, d) }
	for _, test := range []struct {
		key  string
		want Place
	}{
		{"title", at(2, 1, 2, 13)},
		{"project", at(3, 1, 3, 10)},
		{"project.name", at(4, 1, 4, 11)},
		{`project."quoted.key"`, at(5, 1, 5, 19)},
		{"project.dependencies", at(6, 1, 12, 2)},
		{"project.dependencies[0]", at(7, 3, 7, 8)},
		{"project.dependencies[1]", at(8, 3, 8, 11)},
		{"project.dependencies[2]", at(11, 3, 11, 10)},
		{"project.urls", at(13, 1, 13, 16)},
		{"project.urls.Home", at(13, 1, 13, 16)},
		{`project.urls."Bug Tracker"`, at(14, 1, 16, 4)},
		{"project.optional-dependencies", at(17, 1, 17, 55)},
		{"project.optional-dependencies.Post_Gres", at(17, 27, 17, 44)},
		{"project.optional-dependencies.Post_Gres[0]", at(17, 40, 17, 43)},
		{"project.optional-dependencies.post-gres[0]", at(17, 40, 17, 43)},
		{"project.optional-dependencies.m", at(17, 46, 17, 53)},
		{"tool.uv", at(18, 3, 18, 16)},
		{"tool.uv.package", at(19, 1, 19, 13)},
		{"tool.uv.exclude-newer", at(20, 1, 20, 37)},
		{"tool.uv.nested", at(21, 1, 21, 54)},
		{"tool.uv.nested[0]", at(21, 12, 21, 22)},
		{"tool.uv.nested[0][0]", at(21, 13, 21, 14)},
		{"tool.uv.nested[0][1]", at(21, 16, 21, 21)},
		{"tool.uv.nested[0][1][0]", at(21, 17, 21, 20)},
		{"tool.uv.nested[1]", at(21, 24, 21, 50)},
		{"tool.uv.nested[1].x", at(21, 25, 21, 39)},
		{"tool.uv.nested[1].x[0]", at(21, 30, 21, 38)},
		{"tool.uv.nested[1].x[0].y", at(21, 31, 21, 37)},
		{"tool.uv.nested[1].z.w", at(21, 41, 21, 49)},
		{"tool.uv.index", at(22, 1, 22, 18)},
		{"tool.uv.index[0]", at(22, 1, 22, 18)},
		{"tool.uv.index[0].url", at(23, 1, 23, 10)},
		{"tool.uv.index[1]", at(24, 1, 24, 20)},
		{"tool.uv.index[1].url", at(25, 1, 25, 10)},
		{"tool.uv.index[1].sub", at(26, 1, 26, 20)},
		{"tool.uv.index[1].sub.k", at(27, 1, 27, 6)},
		{"tool.pyfrontend", at(30, 1, 30, 18)},
		{"tool.pyfrontend.env.A", at(29, 1, 29, 8)},
		{"tool.pyfrontend.port", at(31, 1, 31, 12)},
		{Key("a\nb", `c"d\`), at(32, 1, 32, 16)},
		{Key("a\nb", `c"d\`, "x"), at(33, 1, 33, 8)},
		// What is not stated has its nearest stated parent.
		{"project.dependencies[7]", at(6, 1, 12, 2)},
		{"project.version", at(3, 1, 3, 10)},
		{"tool.pyfrontend.smoke[3]", at(30, 1, 30, 18)},
		{Key("a\nb", `c"d\`, "y.z", "w"), at(32, 1, 32, 16)},
		{"tool.poetry.name", at(1, 1, 1, 1)},
		{"build-system", at(1, 1, 1, 1)},
		{"", at(1, 1, 1, 1)},
	} {
		if diff := cmp.Diff(test.want, s.At(test.key)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.key, diff)
		}
	}
	// A Spec that Parse did not make knows no places.
	if diff := cmp.Diff(place("f", 1, 1, 1, 1), (&Spec{BuildFile: "f"}).At("project.name")); diff != "" {
		t.Error(diff)
	}
}

func TestHas(t *testing.T) {
	t.Parallel()
	s, err := parseOne(places)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]bool{
		"project.name": true, "project.urls": true, "tool.uv.index[1]": true, "tool.uv.nested[1].z": true,
		"tool.pyfrontend.env": true, "tool": true,
		"tool.pyfrontend.user": false, "project.nam": false, "tool.uv.index[2]": false, "tool.poetry": false,
	} {
		if got := s.Has(key); got != want {
			t.Errorf("Has(%s) = %v", key, got)
		}
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	for want, parts := range map[string][]string{
		"":                        nil,
		"a.b-c_1":                 {"a", "b-c_1"},
		`a."b.c"`:                 {"a", "b.c"},
		`a."".d`:                  {"a", "", "d"},
		`"\"\\\u000A"`:            {"\"\\\n"},
		`project.urls."Bug é"`:    {"project", "urls", "Bug é"},
		`dependency-groups."x[0"`: {"dependency-groups", "x[0"},
	} {
		if got := Key(parts...); got != want {
			t.Errorf("Key(%q) = %s, want %s", parts, got, want)
		}
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a b":                     "`a b`",
		"a`b":                     "`a\\x60b`",
		"\x1b[31m\n\u202eé\u00a0": "`\\x1b[31m\\n\\u202eé\\u00a0`",
		"":                        "``",
		strings.Repeat("x", 81):   "`" + strings.Repeat("x", 80) + "…`",
	} {
		if got := Quote(in); got != want {
			t.Errorf("Quote(%q) = %s, want %s", in, got, want)
		}
	}
}
