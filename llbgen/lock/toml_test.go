package lock

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pelletier/go-toml/v2"
)

// plain turns a tree into what a TOML library gives, every scalar that is no
// string as its text.
func plain(n *node) any {
	switch n.kind {
	case arrayNode:
		list := []any{}
		for _, item := range n.items {
			list = append(list, plain(item))
		}
		return list
	case tableNode:
		table := map[string]any{}
		for _, f := range n.fields {
			table[f.key] = plain(f.value)
		}
		return table
	case stringNode:
		return n.text
	default:
		return n.kind.String()
	}
}

// leafKinds replaces what is neither a string nor a container by its kind.
func leafKinds(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			v[key] = leafKinds(v[key])
		}
		return v
	case []any:
		for i := range v {
			v[i] = leafKinds(v[i])
		}
		return v
	case string:
		return v
	case int64:
		return integerNode.String()
	case bool:
		return boolNode.String()
	case float64, toml.LocalTime:
		return otherNode.String()
	default:
		return timeNode.String()
	}
}

func TestTreeIsWhatTOMLSays(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob("testdata/*/*.toml")
	locks, _ := filepath.Glob("testdata/*/uv.lock")
	texts := map[string][]byte{"small": []byte("a.b.c = {d = [{}, [1, {e = 'f', g.h = 1.5}]], \"i\\n\" = '''\nj'''}\n[[p]]\n[p.q]\n[[p.q.r]]\nt = 12:00:00\nu = true\n[p.'s t']\n[[p]]\n[a.z]\n" +
		"many = [\n  'x', # comment ]\n  \"y\\u00e9\",\n]\n")}
	for _, file := range append(files, locks...) {
		texts[file] = read(t, strings.TrimPrefix(filepath.ToSlash(file), "testdata/"))
	}
	for file, data := range texts {
		d, err := parseTOML(file, data)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		var want map[string]any
		if err := toml.Unmarshal(data, &want); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if diff := cmp.Diff(leafKinds(want), plain(d.root)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

func TestTOMLThatIsRefused(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		"a = 1\n[a]":                "x:2:2: `a` is stated twice",
		"[a]\n[a]":                  "x:2:2: `a` is stated twice",
		"[[a]]\n[a]":                "x:2:2: `a` is stated twice",
		"[a]\n[[a]]":                "x:2:3: `a` is stated twice",
		"a = []\n[[a]]":             "x:2:3: `a` is stated twice",
		"a = {}\n[a.b]":             "x:2:2: `a` is stated twice",
		"a = {b = 1, b = 2}":        "x:1:13: `b` is stated twice",
		"a.b = 1\na.b.c = 2":        "x:2:3: `b` is stated twice",
		"a = {b.c = 1}\na.b.d = 2":  "x:2:1: `a` is stated twice",
		"a = \"\\q\"":               "x:1:6: `x` is not valid TOML: invalid escape character U+0071 'q'",
		"a = [1, 2":                 "x:1:9: `x` is not valid TOML: array is incomplete",
		"":                          "",
		"\ufeffa = 1":               "",
		"a = 1\r\nb = \"\xff\"\r\n": "x:2:6: `x` is not valid TOML: invalid UTF-8 character in basic string",
		strings.Repeat("a = [", 1) + strings.Repeat("[", 20000): "x:1:10005: `x` is not valid TOML: arrays and inline tables are nested more than the maximum of 10000 levels deep",
	} {
		_, err := parseTOML("x", []byte(data))
		if diff := cmp.Diff(want, lines(t, err)); diff != "" {
			t.Errorf("%.30q (-want +got):\n%s", data, diff)
		}
	}
}
