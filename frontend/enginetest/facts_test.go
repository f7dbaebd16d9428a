package enginetest

import (
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestImage looks at everything an image states and holds.
func TestImage(t *testing.T) {
	t.Parallel()
	dir := project(t, "served", alpha, uvicorn)
	commit(t, dir)
	gitIn(t, dir, "remote", "add", "origin", "https://user:secret@git.example/served.git")
	_, img := docker.load(t, dir, "--label", "color=blue", "--label", "org.opencontainers.image.licenses=Apache-2.0")
	t.Run("config", func(t *testing.T) { checkConfig(t, img) })
	t.Run("labels", func(t *testing.T) { checkLabels(t, img, gitIn(t, dir, "rev-parse", "HEAD")) })
	t.Run("layers", func(t *testing.T) { checkLayers(t, img) })
	t.Run("files", func(t *testing.T) { checkFiles(t, img) })
	t.Run("running", func(t *testing.T) { checkRunning(t, img.ref) })
}

// uvicorn is none, but looks like it to the plan.
var uvicorn = newWheel("uvicorn", "0.30.0")

func checkConfig(t *testing.T, img *image) {
	c := img.config.Config
	got := map[string]string{
		"user": c.User, "workdir": c.WorkingDir, "stop": c.StopSignal, "cmd": fmt.Sprintf("%q", c.Cmd), "entrypoint": fmt.Sprintf("%q", c.Entrypoint),
		"ports": fmt.Sprint(slices.Sorted(maps.Keys(c.ExposedPorts))), "volumes": fmt.Sprint(c.Volumes), "platform": img.config.OS + "/" + img.config.Architecture,
	}
	want := map[string]string{
		"user": "10002:10002", "workdir": "/srv/app", "stop": "SIGINT", "entrypoint": "[]", "ports": "[9000/tcp]", "volumes": "map[]", "platform": "linux/amd64",
		"cmd": `["uvicorn" "--host" "0.0.0.0" "--port" "9000" "--timeout-graceful-shutdown" "8" "served.web:app"]`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	env := map[string]string{}
	for _, e := range c.Env {
		name, value, _ := strings.Cut(e, "=")
		env[name] = value
	}
	for name, value := range map[string]string{"VIRTUAL_ENV": "/venv", "PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1", "LOG_LEVEL": "info", "WEB_CONCURRENCY": "2"} {
		if env[name] != value {
			t.Errorf("%s is %q, not %q", name, env[name], value)
		}
	}
	if !strings.HasPrefix(env["PATH"], "/venv/bin:") {
		t.Errorf("PATH is %q", env["PATH"])
	}
	for name := range env {
		if strings.Contains(name, "UV") || strings.Contains(name, "PIP") || strings.Contains(strings.ToLower(name), "proxy") {
			t.Errorf("the environment has %s", name)
		}
	}
}

func checkLabels(t *testing.T, img *image, revision string) {
	labels := maps.Clone(img.config.Config.Labels)
	digest := labels["org.opencontainers.image.base.digest"]
	delete(labels, "org.opencontainers.image.base.digest")
	const oci = "org.opencontainers.image."
	want := map[string]string{
		oci + "title": "served", oci + "version": "3.2.1", oci + "description": "A service", oci + "licenses": "Apache-2.0",
		oci + "revision": revision, oci + "source": "https://git.example/served.git", oci + "base.name": "python:3.13-slim",
		"color": "blue", "team": "core",
	}
	if diff := cmp.Diff(want, labels); diff != "" {
		t.Error(diff)
	}
	if !strings.HasPrefix(digest, "sha256:") || len(get(t, "library/python", "manifests/"+digest)) == 0 {
		t.Errorf("the base's digest is %q", digest)
	}
}

func checkLayers(t *testing.T, img *image) {
	want := []string{"prepare python:3.13-slim", "install alpha 1.0, uvicorn 0.30.0", "install served", "record the smoke test"}
	if diff := cmp.Diff(want, img.history()); diff != "" {
		t.Error(diff)
	}
	for _, l := range img.layers[1:] {
		for _, e := range l.entries {
			if e.Uid != 0 || e.Gid != 0 || e.Mode&0o022 != 0 {
				t.Errorf("%q: %s is %d:%d %o", l.created, e.Name, e.Uid, e.Gid, e.Mode)
			}
			if name := path.Clean(e.Name); name != "venv" && !strings.HasPrefix(name, "venv/") {
				t.Errorf("%q holds %s", l.created, name)
			}
			if year := e.ModTime.UTC().Year(); year != 1980 {
				t.Errorf("%q: %s is of %v", l.created, e.Name, e.ModTime)
			}
		}
	}
}

func checkFiles(t *testing.T, img *image) {
	setup := img.layer(t, "prepare").names()
	for _, name := range []string{"usr/local/lib/python3.13/site-packages/.wh.pip", "usr/local/bin/.wh.pip", "usr/local/bin/.wh.pip3", "etc/passwd", "etc/group", "home/app", "srv/app", "venv/pyvenv.cfg", "venv/bin/python"} {
		if !slices.Contains(setup, name) {
			t.Errorf("the first layer has no %s, only %q", name, setup)
		}
	}
	for _, l := range img.layers {
		for _, name := range l.names() {
			base := path.Base(name)
			if base == "uv" || base == "pyfrontend-step" || base == "pip" || strings.HasPrefix(base, "pip-") || strings.HasSuffix(base, ".whl") || base == "tmp" || base == "run" {
				t.Errorf("%q holds %s", l.created, name)
			}
		}
	}
	site := "venv/lib/python3.13/site-packages/"
	for _, name := range []string{site + "served/web.py", site + "served/__pycache__/web.cpython-313.pyc", site + "alpha/__pycache__/__init__.cpython-313.pyc", site + "served-3.2.1.dist-info/RECORD"} {
		if img.find(name) == nil {
			t.Errorf("there is no %s", name)
		}
	}
	if e := img.find("home/app"); e != nil && (e.Uid != 10002 || e.Gid != 10002) {
		t.Errorf("the home directory is of %d:%d", e.Uid, e.Gid)
	}
}

// checkRunning asks the image itself.
func checkRunning(t *testing.T, ref string) {
	got := docker.python(t, ref, `
import os, pwd, sys, ssl, importlib.util, served.web
print(pwd.getpwuid(os.getuid()), os.getcwd(), sys.prefix, importlib.util.find_spec("pip"))
print(os.access("/srv/app", os.W_OK), os.access(served.web.__file__, os.W_OK), os.access(os.environ["HOME"], os.W_OK), os.access("/venv", os.W_OK))
`)
	want := "pwd.struct_passwd(pw_name='app', pw_passwd='x', pw_uid=10002, pw_gid=10002, pw_gecos='', pw_dir='/home/app', pw_shell='/usr/sbin/nologin') /srv/app /venv None\nFalse False True False"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestNamedBase leaves a base alone that the user names.
func TestNamedBase(t *testing.T) {
	t.Parallel()
	dir := project(t, "shop", alpha, beta)
	edit(t, dir+"/pyproject.toml", "python = \"3.13\"", "base = \"python:3.13-slim\"")
	_, img := docker.load(t, dir)
	for _, name := range img.layer(t, "prepare").names() {
		if strings.Contains(name, ".wh.") {
			t.Errorf("%s was removed", name)
		}
	}
	if got := docker.python(t, img.ref, `import subprocess; print(subprocess.check_output(["/usr/local/bin/python", "-m", "pip", "--version"])[:3])`); got != "b'pip'" {
		t.Errorf("pip says %q", got)
	}
}

// TestDirectoryMode copies the files of an application, and no secret.
func TestDirectoryMode(t *testing.T) {
	t.Parallel()
	dir := project(t, "directory", alpha)
	_, img := docker.load(t, dir)
	l := img.layer(t, "copy the application")
	want := []string{"app", "app/__pycache__", "app/__pycache__/main.cpython-313.pyc", "app/helpers", "app/helpers/__init__.py", "app/helpers/__pycache__",
		"app/helpers/__pycache__/__init__.cpython-313.pyc", "app/helpers/text.txt", "app/main.py", "app/pyproject.toml", "app/run.sh", "app/uv.lock"}
	got := l.names()
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, e := range l.entries {
		if e.Uid != 0 || e.Gid != 0 || e.Mode&0o022 != 0 {
			t.Errorf("%s is %d:%d %o", e.Name, e.Uid, e.Gid, e.Mode)
		}
	}
	if got := docker.run(t, img.ref); got != "main 1.0 helped\n" {
		t.Errorf("the image says %q", got)
	}
	if _, err := os.Stat(dir + "/.env"); err != nil {
		t.Fatal("the case has lost its secret")
	}
}
