package step

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const project = `[build-system]
requires = [%q]
build-backend = %q
[project]
name = "shop"
version = "1.0"
description = "a shop"
`

// shop writes a project and returns its directory.
func shop(t *testing.T, requires, backend string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "pyproject.toml"), fmt.Sprintf(project, requires, backend))
	write(t, filepath.Join(dir, "src/shop/__init__.py"), "\"\"\"A shop.\"\"\"\n__version__ = '1.0'\n")
	write(t, filepath.Join(dir, "src/shop/data/list.txt"), "a\n")
	return dir
}

// environment begins the arguments of a build with the requirements installed.
func environment(t *testing.T, wheels []string) []string {
	t.Helper()
	args := []string{"build", "--uv", uvPath(t), "--python", pythonPath(t)}
	if wheels == nil {
		return args
	}
	venv := filepath.Join(t.TempDir(), "environment")
	installInto(t, venv, wheelDir(t, wheels))
	return append(args, "--environment", venv)
}

func TestBuild(t *testing.T) {
	t.Parallel()
	wheels := download(t, "popular", backends)
	for _, test := range []struct {
		requires, backend string
		wheels            []string
		generator         string
	}{
		{"hatchling", "hatchling.build", wheels, "hatchling 1.26.3"},
		{"setuptools", "setuptools.build_meta", wheels, "setuptools (75.6.0)"},
		{"flit_core", "flit_core.buildapi", wheels, "flit 3.10.1"},
		{"poetry-core", "poetry.core.masonry.api", wheels, "poetry-core 2.0.1"},
		{"pdm-backend", "pdm.backend", wheels, "pdm-backend (2.4.3)"},
		{"uv_build>=0.9,<0.10", "uv_build", wheels, "uv 0.9.7"},
		{"uv_build>=0.13,<0.14", "uv_build", nil, "uv 0.13.9"},
	} {
		t.Run(test.requires+" "+test.generator, func(t *testing.T) {
			var first []string
			for range 2 {
				out := t.TempDir()
				code, text := run(t, append(environment(t, test.wheels), "--epoch", "1700000000",
					"--source", shop(t, test.requires, test.backend), "--out", out)...)
				if code != exitOK {
					t.Fatalf("exit code %d\n%s", code, text)
				}
				got := layer(t, out)
				if first == nil {
					first = got
					built, err := findWheels(out)
					check(t, err)
					venv := filepath.Join(t.TempDir(), "venv")
					installInto(t, venv, out)
					if built[0].name != "shop" || !strings.Contains(contentOf(t, venv, "/WHEEL"), "Generator: "+test.generator) {
						t.Errorf("built %s with %s", built[0].file, contentOf(t, venv, "/WHEEL"))
					}
				}
				same(t, "again", got, first)
			}
		})
	}
}

// contentOf returns the one file whose path ends in suffix.
func contentOf(t *testing.T, root, suffix string) string {
	t.Helper()
	for name, content := range contents(t, root) {
		if strings.HasSuffix(name, suffix) {
			return content
		}
	}
	return ""
}

func TestBuildFails(t *testing.T) {
	t.Parallel()
	wheels := download(t, "popular", backends)
	for _, test := range []struct {
		requires, setup string
		wheels          []string
		log, last       string
	}{
		{"setuptools", "", nil, "", "Failed to resolve requirements from `build-system.requires`"},
		{"setuptools", "open('config.log', 'w').write('configure: no compiler\\n')\nraise SystemExit('boom')", wheels, "configure: no compiler",
			"Call to `setuptools.build_meta.build_wheel` failed (exit status: 1)"},
	} {
		source := shop(t, test.requires, "setuptools.build_meta")
		if test.setup != "" {
			write(t, filepath.Join(source, "setup.py"), test.setup)
		}
		code, text := run(t, append(environment(t, test.wheels), "--source", source, "--out", t.TempDir())...)
		lines := strings.Split(strings.TrimSpace(text), "\n")
		last := lines[len(lines)-1]
		if code != exitFailed || !strings.HasPrefix(last, "pyfrontend-step build: building the wheel of "+source+": uv: ") || !strings.Contains(last, test.last) {
			t.Errorf("exit code %d, last line %s", code, last)
		}
		if test.log != "" && !slices.Contains(lines, test.log) {
			t.Errorf("%s is not in the output:\n%s", test.log, text)
		}
		if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "pyfrontend-step-*", "home")); len(left) > 8 {
			t.Errorf("temporary directories are left: %s", left)
		}
	}
}
