package step

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// complete makes an installed tree an environment, as the other layer does.
func complete(t *testing.T, venv string) {
	t.Helper()
	completeWith(t, venv, pythonPath(t))
}

func completeWith(t *testing.T, venv, python string) {
	t.Helper()
	check(t, os.MkdirAll(filepath.Join(venv, "bin"), 0o755))
	check(t, os.Symlink(python, filepath.Join(venv, "bin/python")))
	write(t, filepath.Join(venv, "pyvenv.cfg"), "home = "+filepath.Dir(python)+"\n")
}

// smokeReport runs the smoke test and returns the report.
func smokeReport(t *testing.T, want int, args ...string) string {
	t.Helper()
	output := filepath.Join(t.TempDir(), "out/report.json")
	code, text := run(t, append([]string{"smoke", "--output", output}, args...)...)
	if code != want {
		t.Fatalf("exit code %d\n%s", code, text)
	}
	data, _ := os.ReadFile(output)
	if info, err := os.Stat(output); err != nil || info.ModTime().Unix() != Epoch {
		t.Errorf("the report's time is not fixed: %v, %v", info, err)
	}
	return string(data)
}

func expect(t *testing.T, got, want string) {
	t.Helper()
	if got != want+"\n" {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

const classes = `
class Asgi:
    async def __call__(self, scope, receive, send): ...
class Wsgi:
    def __call__(self, environ, start_response): ...
asgi, wsgi, number, value = Asgi(), Wsgi(), 3, type("V", (), {"inner": Asgi()})
def anything(*args, **kwargs): ...
def create(): ...
async def plain(scope, receive, send): ...
`

// TestSmokeImports has one row per kind of failure.
func TestSmokeImports(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	venv, app := filepath.Join(dir, "venv"), filepath.Join(dir, "app")
	makeWheel(t, dir, "lib", "1", entry{name: "lib/__init__.py"}, entry{name: "lib/part.py"})
	installInto(t, venv, dir)
	complete(t, venv)
	for name, content := range map[string]string{
		"main.py":    classes,
		"good.py":    "import os, sys, threading\nassert os.environ['PYTHONDONTWRITEBYTECODE'] == '1'\nthreading.Thread(target=__import__('time').sleep, args=(600,)).start()\n",
		"miss.py":    "import nosuch.thing\n",
		"typo.py":    "import lib.prat\n",
		"ill.py":     "import os\nos.kill(os.getpid(), 4)\n",
		"exit.py":    "raise SystemExit(3)\n",
		"gone.py":    "import os\nos._exit(4)\n",
		"value.py":   "raise ValueError('bad %s\\nmore' % object())\n",
		"cause.py":   "try:\n    import psycopg\nexcept ImportError as e:\n    raise RuntimeError('no driver') from e\n",
		"load.py":    "import ctypes\nctypes.CDLL('libnothere.so.7')\n",
		"hang.py":    "import time\ntime.sleep(600)\n",
		"builtin.py": "raise ModuleNotFoundError(\"No module named '_tkinter'\", name='_tkinter') if True else 0\n",
	} {
		write(t, filepath.Join(app, name), content)
	}
	failure := func(kind, module, rest string) string {
		return fmt.Sprintf(`{"kind":%q,"module":%q,%s}`, kind, module, rest)
	}
	server := func(kind, object, rest string) string {
		return failure(kind, "main", fmt.Sprintf(`"name":"main:%s",%s`, object, rest))
	}
	for _, test := range []struct{ args, modules, failures string }{
		{"--module good --server main:asgi --interface asgi", `"good","main"`, ""},
		{"--project lib", `"lib"`, ""},
		{"--project nolib", ``, `{"kind":"missing-distribution","name":"nolib","detail":"nolib is not installed"}`},
		{"--module miss", `"miss"`, failure("missing-distribution", "miss", `"name":"nosuch","detail":"miss imports nosuch, which is not installed"`)},
		{"--module typo", `"typo"`, failure("missing-module", "typo", `"name":"lib.prat","detail":"there is no module lib.prat","similar":["lib.part"]`)},
		{"--server mian:app", `"mian"`, failure("missing-module", "mian", `"name":"mian","detail":"there is no module mian","similar":["main"]`)},
		{"--module lib.nothing", `"lib.nothing"`, failure("missing-module", "lib.nothing", `"name":"lib.nothing","detail":"there is no module lib.nothing"`)},
		{"--module ill --module good", `"ill","good"`, failure("crash", "ill", `"name":"SIGILL","detail":"the interpreter died of SIGILL (illegal instruction)"`)},
		{"--module exit", `"exit"`, failure("import-error", "exit", `"detail":"SystemExit: 3"`)},
		{"--module gone", `"gone"`, failure("import-error", "gone", `"detail":"the import ended the interpreter with exit status 4"`)},
		{"--module value", `"value"`, failure("import-error", "value", `"detail":"ValueError: bad <object object at 0x…>"`)},
		{"--module cause", `"cause"`, failure("missing-distribution", "cause", `"name":"psycopg","detail":"cause imports psycopg, which is not installed"`)},
		{"--module load", `"load"`, failure("missing-library", "load", `"name":"libnothere.so.7","detail":"libnothere.so.7 is missing"`)},
		{"--module hang --timeout 2s", `"hang"`, failure("import-error", "hang", `"detail":"the import did not end within 2s"`)},
		{"--module builtin", `"builtin"`, failure("missing-module", "builtin", `"name":"_tkinter","detail":"this Python was built without _tkinter of the standard library"`)},
		{"--server main:agsi", `"main"`, server("missing-object", "agsi", `"detail":"main has no agsi","similar":["asgi"]`)},
		{"--server main:number", `"main"`, server("not-callable", "number", `"detail":"main:number is not callable: it is of type int"`)},
		{"--server main:wsgi --interface asgi", `"main"`, server("wrong-interface", "wsgi", `"detail":"main:wsgi looks like WSGI, the server speaks ASGI"`)},
		{"--server main:value.inner --interface wsgi", `"main"`, server("wrong-interface", "value.inner", `"detail":"main:value.inner looks like ASGI, the server speaks WSGI"`)},
		{"--server main:plain --interface wsgi", `"main"`, server("wrong-interface", "plain", `"detail":"main:plain looks like ASGI, the server speaks WSGI"`)},
		{"--server main:wsgi --interface wsgi", `"main"`, ""},
		{"--server main:anything --interface wsgi", `"main"`, ""},
		{"--server main:Wsgi --interface asgi", `"main"`, ""},
		{"--server main:create() --interface asgi", `"main"`, ""},
	} {
		args := append([]string{"--venv", venv, "--workdir", app, "--machine", "x86_64"}, strings.Fields(test.args)...)
		got := smokeReport(t, exitOK, args...)
		want := fmt.Sprintf(`{"ok":%t,"modules":[%s],"failures":[%s],"warnings":[]}`, test.failures == "", test.modules, test.failures)
		if got != want+"\n" {
			t.Errorf("%s: got\n%swant\n%s", test.args, got, want)
		}
	}
	if found, _ := filepath.Glob(filepath.Join(app, "__pycache__")); len(found) > 0 {
		t.Errorf("the imports wrote %s", found)
	}
}

// TestSmokeMissingLibrary breaks a real extension module.
func TestSmokeMissingLibrary(t *testing.T) {
	t.Parallel()
	venv := filepath.Join(t.TempDir(), "venv")
	installInto(t, venv, wheelDir(t, download(t, "popular", []string{"greenlet==3.1.1"})), "--no-compile")
	complete(t, venv)
	found, _ := filepath.Glob(filepath.Join(venv, "lib/python*/site-packages/greenlet/_greenlet.*.so"))
	if len(found) != 1 {
		t.Skip("this greenlet has no extension module")
	}
	data, err := os.ReadFile(found[0])
	check(t, err)
	check(t, os.WriteFile(found[0], bytes.ReplaceAll(data, []byte("libstdc++.so.6"), []byte("libstdcxx.so.6")), 0o644))
	file := "greenlet/" + filepath.Base(found[0])
	expect(t, smokeReport(t, exitOK, "--venv", venv, "--project", "greenlet"),
		`{"ok":false,"modules":["greenlet"],"failures":[{"kind":"missing-library","module":"greenlet","name":"libstdcxx.so.6","detail":"libstdcxx.so.6 is missing; `+
			file+` needs it","distribution":"greenlet"}],"warnings":[]}`)
}

// TestSmokeDuplicates names who lost and who won.
func TestSmokeDuplicates(t *testing.T) {
	t.Parallel()
	dir, venv := t.TempDir(), filepath.Join(t.TempDir(), "venv")
	makeWheel(t, dir, "cv_headless", "1", entry{name: "cv/__init__.py", content: "a = 1\n"}, entry{name: "cv/core.py", content: "a\n"}, entry{name: "ns/__init__.py"})
	makeWheel(t, dir, "cv", "1", entry{name: "cv/__init__.py", content: "a = 2\n"}, entry{name: "cv/core.py", content: "b\n"}, entry{name: "ns/__init__.py"})
	installInto(t, venv, dir)
	expect(t, smokeReport(t, exitOK, "--venv", venv, "--foreign"),
		`{"ok":true,"modules":[],"failures":[],"warnings":[{"kind":"duplicate-file","path":"cv/__init__.py","files":2,"distributions":["cv","cv-headless"],"winner":"cv-headless"}]}`)
}

// TestSmokeForeignHelpers: a wheel for any platform may bring binaries for some.
func TestSmokeForeignHelpers(t *testing.T) {
	t.Parallel()
	dir, venv := t.TempDir(), filepath.Join(t.TempDir(), "venv")
	header := func(machine byte) string {
		return "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 9) + "\x03\x00" + string([]byte{machine, 0}) + strings.Repeat("\x00", 44)
	}
	const amd, arm = 62, 183
	makeWheel(t, dir, "both", "1", entry{name: "both/a_amd64.so", content: header(amd)}, entry{name: "both/a_arm64.so", content: header(arm)})
	makeWheel(t, dir, "helper", "1", entry{name: "helper/a.so", content: header(amd)}, entry{name: "helper/text.so", content: "INPUT(-lc)"})
	makeWheel(t, dir, "wrong", "1", entry{name: "wrong/_a.abi3.so", content: header(amd)})
	installInto(t, venv, dir)
	write(t, filepath.Join(dir, "app/native.so"), header(amd))
	expect(t, smokeReport(t, exitOK, "--venv", venv, "--foreign", "--machine", "aarch64", "--path", filepath.Join(dir, "app")),
		`{"ok":false,"modules":[],"failures":[`+
			`{"kind":"wrong-architecture","name":"wrong/_a.abi3.so","detail":"wrong/_a.abi3.so is for x86_64, the image is for aarch64","machine":"x86_64","distribution":"wrong"},`+
			`{"kind":"wrong-architecture","name":"native.so","detail":"native.so is for x86_64, the image is for aarch64","machine":"x86_64"}],`+
			`"warnings":[{"kind":"foreign-file","path":"helper/a.so","files":1,"distributions":["helper"],"machine":"x86_64"}]}`)
}

func TestModulesOf(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ record, want string }{
		{"shop/__init__.py shop/main.py shop-1.dist-info/METADATA", "shop"},
		{"six.py _six.py", "six"},
		{"google/cloud/storage/__init__.py google/cloud/storage/x.py google/api.py", "google.api google.cloud.storage"},
		{"shop/__init__.py tests/__init__.py docs/conf.py conftest.py setup.py", "shop"},
		{"tests/__init__.py", "tests"},
		{"fast.cpython-313-x86_64-linux-gnu.so _fast.abi3.so slow.abi3.so libx.so.1 ../../../bin/shop", "fast slow"},
		{"pkg/__init__.cpython-313-x86_64-linux-gnu.so", "pkg"},
		{"shop-data/x.py 1st.py shop/__init__.py x.pth", "shop"},
	} {
		smoke := &smokeTest{}
		d := distribution{name: "shop"}
		for _, path := range strings.Fields(test.record) {
			d.rows = append(d.rows, []string{path, "", ""})
		}
		smoke.all = []distribution{d}
		if got := strings.Join(smoke.modulesOf("Shop"), " "); got != test.want {
			t.Errorf("%s: got %q, want %q", test.record, got, test.want)
		}
	}
}

// TestSmokeUser: the imports are the image's user's, without any group.
func TestSmokeUser(t *testing.T) {
	t.Parallel()
	const system = "/usr/bin/python3"
	if os.Geteuid() != 0 || !exists(system) {
		t.Skip("needs root and an interpreter that every user can reach")
	}
	dir, err := os.MkdirTemp("", "smoke")
	check(t, err)
	defer os.RemoveAll(dir)
	check(t, os.Chmod(dir, 0o755))
	completeWith(t, filepath.Join(dir, "venv"), system)
	write(t, filepath.Join(dir, "who.py"), "import os\nassert (os.getuid(), os.getgid(), os.getgroups()) == (65534, 65533, []), os.getgroups()\nassert os.getcwd() == os.path.dirname(__file__)\n")
	expect(t, smokeReport(t, exitOK, "--venv", filepath.Join(dir, "venv"), "--workdir", dir, "--uid", "65534", "--gid", "65533", "--module", "who"),
		`{"ok":true,"modules":["who"],"failures":[],"warnings":[]}`)
}

// TestSmokeOwnFaults are those of the caller, not of the project.
func TestSmokeOwnFaults(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "killed.py"), "import os\nos.kill(os.getpid(), 9)\n")
	complete(t, filepath.Join(dir, "venv"))
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"--module killed", exitFailed, "the interpreter was killed while it imported killed: is there enough memory?"},
		{"--server shop", exitUsage, `--server "shop" is not module:object`},
		{"--interface rsgi", exitUsage, `--interface "rsgi" is neither asgi nor wsgi`},
		{"--machine pdp11", exitUsage, `--machine "pdp11" is not known`},
		{"--module x --venv " + dir, exitFailed, "starting the interpreter"},
	} {
		args := append([]string{"smoke", "--venv", filepath.Join(dir, "venv"), "--workdir", dir, "--output", filepath.Join(dir, "r.json")}, strings.Fields(test.args)...)
		if code, text := run(t, args...); code != test.code || !strings.Contains(text, test.want) {
			t.Errorf("%s: exit code %d\n%s", test.args, code, text)
		}
	}
}
