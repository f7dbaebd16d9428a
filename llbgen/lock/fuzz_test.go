package lock

import (
	"errors"
	"testing"

	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// onlySpecErrors fails for an error that the user could not be shown.
func onlySpecErrors(t *testing.T, err error) {
	t.Helper()
	var walk func(error)
	walk = func(err error) {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, inner := range joined.Unwrap() {
				walk(inner)
			}
			return
		}
		var e *spec.Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%v is no *spec.Error", err)
		}
	}
	walk(err)
	lines(t, err)
}

func FuzzParsePylock(f *testing.F) {
	f.Add(read(f, "direct/pylock.toml")) // a small one: large seeds are minimised all day
	f.Add([]byte(header + "environments = [\"sys_platform == 'linux'\"]\nextras = [\"a\"]\ndefault-groups = [\"x\"]\n" + entry("x", "1.0", wheel("x-1.0-py3-none-any.whl"))))
	f.Add([]byte("a.b.c = {d = [{}, [1, {e = 'f'}]]}\n[[p]]\n[p.q]\n[[p.q.r]]\n[p.'s t']\n"))
	to := target(f, "3.13.2", "x86_64", bookworm)
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := ParsePylock(data, Places{File: "a/pylock.toml"})
		onlySpecErrors(t, err)
		if err != nil {
			return
		}
		distributions, err := l.Select(to, Options{})
		onlySpecErrors(t, err)
		for i, d := range distributions {
			if !validName(d.Name) || d.Directory == nil && (!validFileName(d.File.Name) || !isSHA256(d.File.SHA256)) {
				t.Fatalf("%+v was selected", d)
			}
			if i > 0 && distributions[i-1].Name >= d.Name {
				t.Fatalf("%s comes after %s", d.Name, distributions[i-1].Name)
			}
		}
	})
}

func FuzzParseUVLock(f *testing.F) {
	f.Add(read(f, "direct/uv.lock"))
	f.Add(read(f, "dynamic/uv.lock"))
	f.Add([]byte(bare + "[[package]]\nname = \"forked\"\nsource = { virtual = \".\" }\ndependencies = [{ name = \"a\", marker = \"extra == 'x'\" }]\n"))
	f.Add([]byte(bare + "[[package]]\nname = \"forked\"\nsource = { virtual = \".\" }\n[package.metadata]\nrequires-dist = [{ name = \"numpy\", marker = \"python_version < '3.12'\", specifier = \"<2\" }]\n[package.metadata.requires-dev]\ndev = [{ name = \"b\" }]\n"))
	m := manifest(f, "pyproject.toml", read(f, "forks/pyproject.toml"))
	pylock := read(f, "direct/pylock.toml")
	f.Fuzz(func(t *testing.T, data []byte) {
		u, err := ParseUVLock("uv.lock", data)
		onlySpecErrors(t, err)
		if err != nil {
			return
		}
		_, err = u.Members()
		onlySpecErrors(t, err)
		onlySpecErrors(t, u.Stale([]Manifest{m}, []string{"dev"}))
		if _, err := ParsePylock(pylock, u.Places()); err != nil {
			t.Fatal(err)
		}
	})
}
