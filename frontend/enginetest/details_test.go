package enginetest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestNamespaces spreads one namespace over buckets: what is in all of them can
// be imported.
func TestNamespaces(t *testing.T) {
	t.Parallel()
	const large = 5 << 20
	one := newWheel("alpha", "1.0", "shared/alpha/__init__.py", "", "alpha/__init__.py", "from shared import alpha, beta, gamma\nversion = '1.0'\n").sized(large)
	two := newWheel("beta", "2.0", "shared/beta/__init__.py", "", "beta/__init__.py", "version = '2.0'\n", "beta-2.0.data/data/share/common/beta.txt", "b")
	three := newWheel("gamma", "1.0", "shared/gamma.py", "", "gamma-1.0.data/data/share/common/gamma.txt", "g", "gamma-1.0.data/scripts/gamma", "#!python\nprint('gamma')\n").sized(large)
	dir := project(t, "shop", one, two, three)
	for _, e := range []engine{docker, graph} {
		_, img := e.load(t, dir)
		if len(img.layers) < 5 {
			t.Fatalf("the namespace is not spread: %q", img.history())
		}
		got := e.python(t, img.ref, `import shop, os, subprocess; print(sorted(os.listdir("/venv/share/common")), subprocess.check_output(["gamma"], text=True))`)
		if want := "['beta.txt', 'gamma.txt'] gamma"; got != want {
			t.Errorf("%s: got %q, want %q", e.name, got, want)
		}
	}
}

// TestOneFileOfTwo has wheels that claim the same file, in one bucket and in
// two: one of them wins, always the same, and a warning says so.
func TestOneFileOfTwo(t *testing.T) {
	t.Parallel()
	claim := func(name, text string) *wheel {
		return newWheel(name, "1.0", name+"/__init__.py", "version = '1.0'\n", "claimed.py", "owner = '"+text+"'\n")
	}
	for _, c := range []struct {
		name    string
		alpha   int64
		beta    int64
		warning string
	}{
		{"one bucket", 0, 0, "`alpha` and `beta` both install `claimed.py`; the image has that of `beta`"},
		{"two buckets", 5 << 20, 0, "`alpha` and `beta` both install `claimed.py`; the image has that of `beta`"},
		{"two buckets, the other way", 0, 5 << 20, "`alpha` and `beta` both install `claimed.py`; the image has that of `alpha`"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := project(t, "shop", claim("alpha", "a").sized(c.alpha), claim("beta", "b").sized(c.beta))
			winner := "b"
			if strings.HasSuffix(c.warning, "`alpha`") {
				winner = "a"
			}
			for _, e := range []engine{docker, graph} {
				ref := e.ref(t)
				o := e.build(t, dir, "-t", ref, "--no-cache-filter", "dependencies").ok(t)
				if !slices.Contains(o.warnings, c.warning) {
					t.Errorf("%s: the warnings are %q", e.name, o.warnings)
				}
				if got := e.python(t, ref, "import claimed; print(claimed.owner)"); got != winner {
					t.Errorf("%s: the image has that of %q", e.name, got)
				}
			}
		})
	}
}

// TestLargeContext has 4 GB in the context, of which nothing is sent.
func TestLargeContext(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"shop", "served", "directory"} {
		t.Run(name, func(t *testing.T) {
			dir := project(t, name, alpha, beta, uvicorn)
			put(t, filepath.Join(dir, ".dockerignore"), "data\nnotes\ncache\n")
			for _, file := range []string{"data/large.bin", "notes/large.bin", ".venv/lib/large.so", ".git/objects/large"} {
				put(t, filepath.Join(dir, file), "")
				if err := os.Truncate(filepath.Join(dir, file), 1<<30); err != nil {
					t.Fatal(err)
				}
			}
			start := time.Now()
			o := docker.build(t, dir).ok(t)
			t.Logf("%v", time.Since(start))
			for vertex, bytes := range o.sent {
				if bytes > 20_000 {
					t.Errorf("%q received %d bytes", vertex, bytes)
				}
			}
		})
	}
}

// TestNothingMoreIsSent changes the files that are not used: nothing of them
// is sent.
func TestNothingMoreIsSent(t *testing.T) {
	t.Parallel()
	wheels.put("/files/"+alpha.file(), alpha.data)
	dir := project(t, "workspace", alpha)
	large := strings.Repeat("x", 100_000)
	for _, file := range []string{"large.txt", "packages/other/src/other/large.py", "packages/api/tests/large.txt", "tests/large.py"} {
		put(t, filepath.Join(dir, file), large)
	}
	own(t, dir)
	ref := docker.ref(t)
	o := docker.build(t, dir, "-t", ref).ok(t)
	for vertex, bytes := range o.sent {
		if bytes > 20_000 {
			t.Errorf("%q received %d bytes", vertex, bytes)
		}
	}
	if got := docker.run(t, ref); got != "api core 1.0\n" {
		t.Errorf("the image says %q", got)
	}
	edit(t, filepath.Join(dir, "packages/other/pyproject.toml"), "1.0.0", "1.0.1")
	docker.build(t, dir, "-t", ref).ok(t).runs(t)
	edit(t, filepath.Join(dir, "packages/core/src/core/__init__.py"), "core ", "CORE ")
	docker.build(t, dir, "-t", ref).ok(t).runs(t, "build the wheel of core", "install api, core", "smoke test")
}

// TestMember builds a member of a workspace by its own pyproject.toml.
func TestMember(t *testing.T) {
	t.Parallel()
	wheels.put("/files/"+alpha.file(), alpha.data)
	dir := project(t, "workspace", alpha)
	edit(t, filepath.Join(dir, "pyproject.toml"), "package = \"api\"\n", "")
	member := filepath.Join(dir, "packages/api/pyproject.toml")
	text, err := os.ReadFile(member)
	if err != nil {
		t.Fatal(err)
	}
	put(t, member, "# syntax="+frontendImage+"\n"+string(text)+"\n[tool.pyfrontend]\npython = \"3.13\"\n")
	ref := docker.ref(t)
	docker.buildAs(t, dir, "-t", ref, "-f", member).ok(t)
	if got := docker.run(t, ref); got != "api core 1.0\n" {
		t.Errorf("the image says %q", got)
	}
}
