package lock

import (
	"errors"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pyfrontend/pyfrontend/llbgen/packaging"
	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// cases are the folders of testdata: real projects, locked by uv.
func cases(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*/uv.lock")
	if err != nil || len(files) == 0 {
		t.Fatal("no test data", err)
	}
	var names []string
	for _, file := range files {
		names = append(names, filepath.Base(filepath.Dir(file)))
	}
	return names
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func uvLock(t testing.TB, name string) *UVLock {
	t.Helper()
	u, err := ParseUVLock("uv.lock", read(t, name+"/uv.lock"))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// exported is a case's pylock with the places of its uv.lock.
func exported(t testing.TB, file string) *Lock {
	t.Helper()
	l, err := ParsePylock(read(t, file), uvLock(t, path.Dir(file)).Places())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// manifest reads a pyproject.toml as the caller of this package would.
func manifest(t testing.TB, file string, data []byte) Manifest {
	t.Helper()
	d, err := parseTOML(file, data)
	if err != nil {
		t.Fatal(err)
	}
	project := d.root.get("project")
	m := Manifest{File: file, Name: project.str("name"), At: d.key(project, "name"), RequiresPython: project.str("requires-python"),
		RequiresPythonAt: d.key(project, "requires-python"), Dynamic: project.strs("dynamic"), UV: true}
	reqs := func(items []*node) []Req {
		var all []Req
		for _, item := range items {
			if item.kind == stringNode {
				all = append(all, Req{item.text, d.at(item)})
			}
		}
		return all
	}
	m.Dependencies = reqs(project.list("dependencies"))
	if table := project.get("optional-dependencies"); table != nil {
		for _, f := range table.fields {
			m.Extras = append(m.Extras, Requirements{f.key, d.key(table, f.key), reqs(f.value.items)})
		}
	}
	groups := d.root.get("dependency-groups")
	var expand func(name string) []Req
	expand = func(name string) []Req {
		var all []Req
		for _, item := range groups.list(name) {
			if include := item.str("include-group"); include != "" {
				all = append(all, expand(include)...)
			} else {
				all = append(all, reqs([]*node{item})...)
			}
		}
		return all
	}
	if groups != nil {
		for _, f := range groups.fields {
			m.Groups = append(m.Groups, Requirements{f.key, d.key(groups, f.key), expand(f.key)})
		}
	}
	uv := d.root.get("tool").get("uv")
	m.Constraints, m.Overrides = reqs(uv.list("constraint-dependencies")), reqs(uv.list("override-dependencies"))
	return m
}

func groupNames(manifests []Manifest) []string {
	var names []string
	for _, m := range manifests {
		for _, g := range m.Groups {
			names = append(names, g.Name)
		}
	}
	return names
}

func target(t testing.TB, python, arch string, libc packaging.Libc) packaging.Target {
	t.Helper()
	v, err := packaging.ParseVersion(python)
	if err != nil {
		t.Fatal(err)
	}
	return packaging.Target{Python: v, Arch: arch, Libc: libc}
}

var bookworm = packaging.Libc{Major: 2, Minor: 36}

// lines is every *spec.Error in err as text, one a line, hints indented; an
// error that is none of them fails.
func lines(t testing.TB, err error) string {
	t.Helper()
	var b strings.Builder
	for _, e := range spec.Errors(err) {
		b.WriteString(strings.ReplaceAll(e.Error(), "\nhint: ", "\n  hint: ") + "\n")
		if strings.HasSuffix(e.Message, ".") || strings.IndexFunc(e.Message+e.Hint, func(r rune) bool { return r < ' ' }) >= 0 {
			t.Errorf("message %q has a final period or control characters", e.Message)
		}
	}
	var one *spec.Error
	if err != nil && !errors.As(err, &one) {
		t.Errorf("%v is no *spec.Error", err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
