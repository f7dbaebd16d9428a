package enginetest

import (
	"os"
	"path/filepath"
	"testing"
)

// fresh makes wheels that no cache has.
func fresh(names ...string) []*wheel {
	list := make([]*wheel, len(names))
	for i, name := range names {
		list[i] = newWheel(name, "1.0", name+"/__init__.py", unique()+"version = '1.0'\n")
	}
	return list
}

// TestEdits edits a project in many ways and asserts what each edit runs.
func TestEdits(t *testing.T) {
	t.Parallel()
	locked := fresh("alpha", "beta")
	dir := project(t, "shop", locked...)
	own(t, dir)
	manifest := filepath.Join(dir, "pyproject.toml")
	docker.build(t, dir).ok(t).runs(t, "build the wheel", "install 2 distributions", "install shop", "prepare", "smoke test")
	// A wheel that comes out the same is not installed again.
	rebuilt := []string{"build the wheel of shop", "install shop", "smoke test shop"}
	cases := []struct {
		name string
		edit func(t *testing.T)
		runs []string
	}{
		{"nothing", func(t *testing.T) {}, nil},
		{"a file that is not used", func(t *testing.T) { put(t, filepath.Join(dir, "notes/unused.txt"), "other") }, nil},
		{"another checkout", func(t *testing.T) { age(t, dir, 0o600, 0o700) }, nil},
		{"a new untracked file", func(t *testing.T) { put(t, filepath.Join(dir, "test_shop.py"), "assert True\n") }, nil},
		{"code", func(t *testing.T) { edit(t, filepath.Join(dir, "src/shop/__init__.py"), "main", "main_") }, rebuilt},
		{"README", func(t *testing.T) { put(t, filepath.Join(dir, "README.md"), "# Other\n") }, rebuilt},
		{"version", func(t *testing.T) {
			edit(t, manifest, `version = "1.0.0"`, `version = "1.0.1"`)
			edit(t, filepath.Join(dir, "uv.lock"), `version = "1.0.0"`, `version = "1.0.1"`)
		}, rebuilt},
		{"version in pyproject.toml alone", func(t *testing.T) { edit(t, manifest, `version = "1.0.1"`, `version = "1.0.2"`) }, rebuilt},
		{"configuration of a linter", func(t *testing.T) {
			edit(t, manifest, "[tool.pyfrontend]", "[tool.ruff]\nline-length = 100\n\n[tool.pyfrontend]")
		}, rebuilt[:1]},
		{"environment", func(t *testing.T) {
			edit(t, manifest, `python = "3.13"`, "python = \"3.13\"\nlabels = { a = \"b\" }")
		}, rebuilt[:1]},
		{"formatting of the lock", func(t *testing.T) {
			edit(t, filepath.Join(dir, "uv.lock"), "revision = 3\n", "revision = 3 # formatted\n\n\n")
		}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.edit(t)
			docker.build(t, dir).ok(t).runs(t, c.runs...)
		})
	}
	for _, w := range locked {
		if n := wheels.count(w); n != 1 {
			t.Errorf("%s was downloaded %d times", w.name, n)
		}
	}
}

// TestOneDependency changes one of many dependencies: one bucket is installed
// and pushed again.
func TestOneDependency(t *testing.T) {
	t.Parallel()
	names := []string{"alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"}
	locked := fresh(names...)
	for _, w := range locked {
		w.sized(1 << 20)
	}
	dir := project(t, "shop", locked...)
	own(t, dir)
	edit(t, filepath.Join(dir, "src/shop/__init__.py"), ", beta.version", "")
	_, before := docker.push(t, dir)
	if len(before.layers) < 5 {
		t.Fatalf("all dependencies are in one layer: %q", before.history())
	}
	bumped := fresh("gamma")[0].sized(1 << 20)
	locked[2] = bumped
	relock(t, dir, locked...)
	o, after := docker.push(t, dir)
	o.runs(t, "install", "smoke test")
	checkChanged(t, before, after, "gamma", 1)
	added := fresh("lamda")[0].sized(1 << 20)
	relock(t, dir, append(locked, added)...)
	_, more := docker.push(t, dir)
	checkChanged(t, after, more, "lamda", 2)
	if n := wheels.count(added); n != 1 {
		t.Errorf("the new wheel was downloaded %d times", n)
	}
}

// checkChanged asserts that at most so many layers of dependencies differ, one
// of them for the distribution.
func checkChanged(t *testing.T, before, after *image, name string, most int) {
	t.Helper()
	known := map[string]bool{}
	for _, l := range before.layers {
		known[l.digest] = true
	}
	changed, has := 0, false
	for _, l := range after.layers {
		if known[l.digest] || l.created == "install shop" {
			continue
		}
		changed++
		for _, file := range l.names() {
			has = has || filepath.Base(file) == name
		}
	}
	if changed == 0 || changed > most || !has {
		t.Errorf("%d layers changed of %q, of %q before", changed, after.history(), before.history())
	}
}

// TestColdRunner imports a registry's cache on an engine that has never seen
// the project: it runs no exec and downloads nothing.
func TestColdRunner(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		warm, cold engine
	}{
		{"docker to buildkit", docker, buildkit},
		{"buildkit to docker", buildkit, docker},
		{"docker to graph", docker, graph},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			locked := fresh("alpha", "beta")
			dir, other := project(t, "shop", locked...), t.TempDir()
			own(t, dir)
			if err := os.CopyFS(other, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			ref := c.warm.ref(t) + ":cache"
			c.warm.build(t, dir, "--pull", "--cache-to", "type=registry,mode=max,ref="+ref).ok(t)
			age(t, other, 0o600, 0o700)
			o := c.cold.build(t, other, "--pull", "--cache-from", "type=registry,ref="+ref).ok(t)
			if c.cold != graph {
				o.runs(t)
			}
			for _, w := range locked {
				if n := wheels.count(w); n != 1 {
					t.Errorf("%s was downloaded %d times", w.name, n)
				}
			}
			edit(t, filepath.Join(other, "src/shop/__init__.py"), "main", "main_")
			c.cold.build(t, other, "--pull", "--cache-from", "type=registry,ref="+ref).ok(t)
			for _, w := range locked {
				if n := wheels.count(w); n != 1 {
					t.Errorf("after an edit %s was downloaded %d times", w.name, n)
				}
			}
		})
	}
}
