package enginetest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSources locks a wheel in each way that uv knows.
func TestSources(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, requirement, source, file, locked string }{
		{"address", "alpha", `source = { url = "` + "URL" + `" }`, `{ url = "URL", hash = "sha256:SHA" }`, `{ name = "alpha", url = "URL" }`},
		{"file of the context", "alpha", `source = { path = "vendor/alpha-1.0-py3-none-any.whl" }`, `{ filename = "alpha-1.0-py3-none-any.whl", hash = "sha256:SHA" }`, `{ name = "alpha", path = "vendor/alpha-1.0-py3-none-any.whl" }`},
		{"flat index", "alpha==1.0", `source = { registry = "vendor" }`, `{ path = "alpha-1.0-py3-none-any.whl", hash = "sha256:SHA" }`, `{ name = "alpha", specifier = "==1.0" }`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := fresh("alpha")[0]
			dir := project(t, "gate", w, uvicorn)
			put(t, filepath.Join(dir, "vendor", w.file()), string(w.data))
			fill := strings.NewReplacer("URL", w.url(), "SHA", w.sha).Replace
			lock := filepath.Join(dir, "uv.lock")
			edit(t, lock, fill(`source = { registry = "`+wheels.url+`/simple" }
wheels = [
    { url = "URL",`), fill(c.source+`
wheels = [
    { url = "URL",`))
			data, err := os.ReadFile(lock)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(string(data), "\n")
			for i, line := range lines {
				if strings.Contains(line, w.sha) {
					lines[i] = "    " + fill(c.file) + ","
				}
				if strings.Contains(line, `name = "alpha", specifier`) {
					lines[i] = "    " + fill(c.locked) + ","
				}
			}
			put(t, lock, strings.Join(lines, "\n"))
			ref := docker.ref(t)
			docker.build(t, dir, "-t", ref).ok(t)
			if got := docker.python(t, ref, "import alpha; print(alpha.version)"); got != "1.0" {
				t.Errorf("alpha is of version %q", got)
			}
			docker.build(t, dir).ok(t).runs(t)
		})
	}
}

// TestText builds from files as editors on other systems write them.
func TestText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, before, newline string }{
		{"carriage returns", "", "\r\n"},
		{"byte order mark", "\ufeff", "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := project(t, "shop", alpha, beta)
			for _, name := range []string{"pyproject.toml", "uv.lock"} {
				data, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				text := strings.ReplaceAll(string(data), "\n", c.newline)
				if name == "pyproject.toml" {
					text = c.before + text
				}
				put(t, filepath.Join(dir, name), text)
			}
			docker.build(t, dir).ok(t)
		})
	}
}

// TestVariants builds for platforms that are spelled in other ways.
func TestVariants(t *testing.T) {
	t.Parallel()
	dir := project(t, "shop", alpha, beta)
	for _, platform := range []string{"linux/amd64/v2", "linux/x86_64", "linux/arm64/v8", "linux/aarch64"} {
		docker.build(t, dir, "--platform", platform).ok(t)
	}
}
