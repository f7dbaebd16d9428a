package enginetest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// probe prints, when it is imported, what a step of the build can see.
const probe = `import os, resource, socket

try:
    host = socket.gethostbyname("probe.example")
except OSError as e:
    host = "none"
shm = os.statvfs("/dev/shm")
raise SystemExit(f"host={host} shm={shm.f_blocks * shm.f_frsize} nofile={resource.getrlimit(resource.RLIMIT_NOFILE)[0]} name={socket.gethostname()}")
`

// TestExecFlags passes docker build's flags about execs on to them: an import
// says what it sees.
func TestExecFlags(t *testing.T) {
	t.Parallel()
	dir := project(t, "gate", alpha, uvicorn)
	put(t, filepath.Join(dir, "src/gate/web.py"), probe)
	o := docker.build(t, dir, "--add-host", "probe.example:10.1.2.3", "--shm-size", "8m", "--ulimit", "nofile=777:888", "--build-arg", "BUILDKIT_SANDBOX_HOSTNAME=probe")
	if want := "SystemExit: host=10.1.2.3 shm=8388608 nofile=777 name=probe"; !strings.Contains(o.message(), want) {
		t.Errorf("want %q in\n%s", want, o.message())
	}
}

// TestNetwork builds without any network, and with the host's, which no exec
// of the dependency path may have.
func TestNetwork(t *testing.T) {
	t.Parallel()
	locked := fresh("alpha", "beta")
	dir := project(t, "shop", locked...)
	put(t, filepath.Join(dir, "src/shop/__init__.py"), "import os\nassert os.listdir('/sys/class/net') == ['lo'], os.listdir('/sys/class/net')\n")
	docker.build(t, dir, "--network", "none").ok(t)
	docker.build(t, dir, "--network", "host", "--allow", "network.host", "--no-cache").ok(t)
	resolved := project(t, "hatch")
	o := docker.build(t, resolved, "--network", "none", "--no-cache-filter", "resolve", "--secret", caBundle)
	o.fails(t, "pyproject.toml:8:1: the build requirements could not be resolved (exit code: 1)\n"+
		"hint: what uv printed is above; behind a proxy that replaces certificates pass `--secret id=ca-bundle,src=…`")
}

// TestNoCache runs again what the flags name.
func TestNoCache(t *testing.T) {
	t.Parallel()
	dir := project(t, "shop", fresh("alpha", "beta")...)
	own(t, dir)
	docker.build(t, dir).ok(t)
	project := []string{"build the wheel of shop", "install shop"}
	for _, c := range []struct {
		flag string
		runs []string
	}{
		{"--no-cache-filter=dependencies", []string{"install 2", "smoke test"}},
		{"--no-cache-filter=project", project},
		{"--no-cache-filter=smoke", []string{"smoke test"}},
		{"--no-cache-filter=image", []string{"prepare", "smoke test"}},
		{"--no-cache", append(project, "install 2", "prepare", "smoke test")},
	} {
		t.Run(c.flag, func(t *testing.T) { docker.build(t, dir, c.flag).ok(t).runs(t, c.runs...) })
	}
}

// TestNamedContext replaces the default base by one that the command names.
func TestNamedContext(t *testing.T) {
	t.Parallel()
	dir := project(t, "shop", alpha, beta)
	for _, context := range []string{"docker-image://python:3.12-slim", "docker-image://docker.io/library/python:3.12-slim"} {
		for _, name := range []string{"python:3.13-slim", "docker.io/library/python:3.13-slim"} {
			o := docker.build(t, dir, "--build-context", name+"="+context)
			if want := "the base image `python:3.13-slim` has Python 3.12, not Python 3.13"; !strings.Contains(o.message(), want) {
				t.Errorf("%s=%s: want %q in\n%s", name, context, want, o.message())
			}
		}
	}
	edit(t, filepath.Join(dir, "pyproject.toml"), `python = "3.13"`, `base = "company/python"`)
	ref := docker.ref(t)
	docker.build(t, dir, "-t", ref, "--build-context", "company/python=docker-image://python:3.12-slim").ok(t)
	if got := docker.python(t, ref, "import sys; print(sys.version_info[:2])"); got != "(3, 12)" {
		t.Errorf("the image has Python %s", got)
	}
}

// TestPull finds a base that the registry has in another version than the
// engine's store: only --pull takes it.
func TestPull(t *testing.T) {
	t.Parallel()
	dir := project(t, "shop", alpha, beta)
	ref := docker.ref(t) + ":base"
	edit(t, filepath.Join(dir, "pyproject.toml"), `python = "3.13"`, `base = "`+ref+`"`)
	docker.docker(t, "pull", "-q", "python:3.12-slim")
	docker.docker(t, "tag", "python:3.12-slim", ref)
	copyImage(t, "library/python", "3.11-slim", ref)
	version := func(args ...string) string {
		image := docker.ref(t)
		docker.build(t, dir, append([]string{"-t", image}, args...)...).ok(t)
		return docker.python(t, image, "import sys; print(sys.version_info[:2])")
	}
	if got := version(); got != "(3, 12)" {
		t.Errorf("without --pull the image has Python %s", got)
	}
	if got := version("--pull"); got != "(3, 11)" {
		t.Errorf("with --pull the image has Python %s", got)
	}
}

// TestTargets builds the commands of a project.
func TestTargets(t *testing.T) {
	t.Parallel()
	dir := project(t, "shop", alpha, beta)
	manifest := filepath.Join(dir, "pyproject.toml")
	text, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	put(t, manifest, string(text)+"\n[tool.pyfrontend.commands]\nmigrate = [\"python\", \"-c\", \"print('migrated')\"]\n")
	ref := docker.ref(t)
	for target, want := range map[string]string{"": shopSays, "default": shopSays, "migrate": "migrated\n"} {
		docker.build(t, dir, "-t", ref, "--target", target).ok(t)
		if got := docker.run(t, ref); got != want {
			t.Errorf("target %q says %q", target, got)
		}
	}
	docker.build(t, dir, "--target", "migrat").fails(t, "pyproject.toml:26:1: there is no target `migrat`\nhint: did you mean `migrate`?")
	docker.build(t, dir, "--target", "production").fails(t, "pyproject.toml:26:1: there is no target `production`\nhint: the targets are `default`, `migrate`")
	docker.build(t, dir, "--target", "test").fails(t, "pyproject.toml:26:1: there is no target `test`\nhint: the targets are `default`, `migrate`")
	put(t, manifest, string(text))
	docker.build(t, dir, "--target", "migrate").fails(t, "pyproject.toml:23:1: there is no target `migrate`\nhint: the targets are `default`")
}
