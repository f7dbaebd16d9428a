package enginetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const native = "cp313-cp313-manylinux_2_17_x86_64"

// gate is a project that must not become an image, and what the user is told.
type gate struct {
	name string
	// code is that of gate.web, server the key; empty for those that are right.
	code, server string
	// wheel takes the place of alpha.
	wheel *wheel
	want  string
}

const (
	gateApp  = "\n\nasync def app(scope, receive, send):\n    pass\n"
	gateHint = "\nhint: the build log has the traceback; set `smoke` to the modules that can be imported without a running environment"
)

// brokenWheels are gates whose fault is in what is locked.
func brokenWheels(t *testing.T) []gate {
	graphics, exotic := sharedLibrary(t, "libGL.so.1"), sharedLibrary(t, "libexotic.so.7")
	foreign := withMachine(graphics, 183)
	return []gate{
		{name: "missing distribution", code: "import alpha\nimport requests" + gateApp,
			want: "pyproject.toml:14:1: importing `gate.web` fails: there is no module `requests` in the image\n" +
				"hint: add the distribution that has `requests` to the dependencies and lock again; groups such as dev are not installed"},
		{name: "missing distribution, indirectly", code: "import alpha" + gateApp,
			wheel: newWheel("alpha", "1.0", "alpha.py", "import nothing_there\n"),
			want: "pyproject.toml:14:1: importing `gate.web` fails: there is no module `nothing_there` in the image\n" +
				"hint: add the distribution that has `nothing_there` to the dependencies and lock again; groups such as dev are not installed"},
		{name: "missing library", wheel: taggedWheel("alpha", "1.0", native, "alpha.cpython-313-x86_64-linux-gnu.so", graphics),
			want: "pyproject.toml:14:1: importing `gate.web` fails: the shared library `libGL.so.1` of `alpha` is not in the image\n" +
				"hint: the Debian package `libgl1` has it: use a `base` image with it installed"},
		{name: "missing library that nobody knows", wheel: taggedWheel("alpha", "1.0", native, "alpha.cpython-313-x86_64-linux-gnu.so", exotic),
			want: "pyproject.toml:14:1: importing `gate.web` fails: the shared library `libexotic.so.7` of `alpha` is not in the image\n" +
				"hint: find the package that has it with `apt-file search libexotic.so.7` and use a `base` image with it installed"},
		{name: "wrong architecture", wheel: taggedWheel("alpha", "1.0", native, "alpha.cpython-313-x86_64-linux-gnu.so", foreign),
			want: "pyproject.toml:14:1: `alpha.cpython-313-x86_64-linux-gnu.so` of `alpha` is made for aarch64, but the image is for x86_64\n" +
				"hint: lock a release whose wheel for this platform is right, or build for the platform that the file is for"},
	}
}

// brokenModules are gates whose fault is in the project.
var brokenModules = []gate{
	{name: "wrong module", server: "gate.wbe:app",
		want: "pyproject.toml:14:1: there is no module `gate.wbe` in the image\nhint: did you mean `gate.web`?"},
	{name: "wrong object", server: "gate.web:ap",
		want: "pyproject.toml:14:1: the module `gate.web` has no `ap`\nhint: did you mean `app`?"},
	{name: "not callable", code: "app = 3\n",
		want: "pyproject.toml:14:1: `gate.web` is not an application: gate.web:app is not callable: it is of type int\n" +
			"hint: name the ASGI or WSGI object in `server`"},
	{name: "crash", code: "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n",
		want: "pyproject.toml:14:1: importing `gate.web` ends the interpreter: the interpreter died of SIGSEGV (segmentation fault)\n" +
			"hint: the build log has what Python printed before"},
	{name: "exit", code: "raise SystemExit(3)\n",
		want: "pyproject.toml:14:1: importing `gate.web` fails: SystemExit: 3" + gateHint},
	{name: "syntax error", code: "def app(:\n",
		want: "pyproject.toml:14:1: importing `gate.web` fails: SyntaxError: invalid syntax (web.py, line 1)" + gateHint},
	{name: "needs the environment", code: "import os\nos.environ['DATABASE_URL']" + gateApp,
		want: "pyproject.toml:14:1: importing `gate.web` fails: KeyError: 'DATABASE_URL'" + gateHint},
	{name: "writes to itself", code: "import pathlib\npathlib.Path(__file__).with_name('x').write_text('')" + gateApp,
		want: "pyproject.toml:14:1: importing `gate.web` fails: PermissionError: [Errno 13] Permission denied: '/venv/lib/python3.13/site-packages/gate/x'" + gateHint},
	{name: "network", code: "import socket\nsocket.create_connection(('1.1.1.1', 53), 2)" + gateApp,
		want: "pyproject.toml:14:1: importing `gate.web` fails: OSError: [Errno 101] Network is unreachable" + gateHint},
	{name: "wrong interface", code: "class App:\n    def __call__(self, environ, start_response):\n        return []\n\n\napp = App()\n",
		want: "pyproject.toml:14:1: `gate.web` does not fit the server that is locked: gate.web:app looks like WSGI, the server speaks ASGI\n" +
			"hint: lock a server for that kind of application, or set `command`"},
}

// TestGates builds projects that cannot run. Each has a message of its own, and
// no image.
func TestGates(t *testing.T) {
	t.Parallel()
	for _, c := range append(brokenWheels(t), brokenModules...) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dependency := alpha
			if c.wheel != nil {
				dependency = c.wheel
			}
			dir := project(t, "gate", dependency, uvicorn)
			if c.code != "" {
				put(t, filepath.Join(dir, "src/gate/web.py"), c.code)
			}
			if c.server != "" {
				edit(t, filepath.Join(dir, "pyproject.toml"), "gate.web:app", c.server)
			}
			ref := docker.ref(t)
			docker.build(t, dir, "-t", ref).fails(t, c.want)
			if out := docker.docker(t, "image", "ls", "-q", ref); out != "" {
				t.Errorf("there is an image all the same: %s", out)
			}
		})
	}
}

// sharedLibrary compiles an extension module that needs a library which no
// image has.
func sharedLibrary(t *testing.T, needs string) string {
	t.Helper()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "empty.c"), "")
	put(t, filepath.Join(dir, "module.c"), "void *PyInit_alpha(void) { return 0; }\n")
	for _, args := range [][]string{
		{"-o", needs, "-Wl,-soname," + needs, "empty.c"},
		{"-o", "module.so", "-Wl,--no-as-needed", "module.c", needs},
	} {
		cmd := exec.CommandContext(t.Context(), "gcc", append([]string{"-shared", "-fPIC", "-nostdlib", "-s"}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("gcc: %v\n%s", err, out)
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "module.so"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// withMachine claims that an ELF file is for another machine.
func withMachine(file string, machine byte) string {
	return file[:18] + string([]byte{machine}) + "\x00" + file[20:]
}

// TestSmokeOff builds what cannot run, because the user says so.
func TestSmokeOff(t *testing.T) {
	t.Parallel()
	dir := project(t, "gate", alpha, uvicorn)
	edit(t, filepath.Join(dir, "src/gate/web.py"), "import alpha", "import nothing")
	edit(t, filepath.Join(dir, "pyproject.toml"), "python = \"3.13\"", "python = \"3.13\"\nsmoke = false")
	o := docker.build(t, dir).ok(t)
	if o.hasVertex("smoke") {
		t.Errorf("the test ran: %s", strings.Join(o.ran(), ", "))
	}
}
