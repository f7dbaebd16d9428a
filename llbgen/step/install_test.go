package step

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestPopularWheels makes sure that nothing legitimate is refused.
func TestPopularWheels(t *testing.T) {
	t.Parallel()
	wheels, err := findWheels(wheelDir(t, download(t, "popular", popular)))
	if err != nil || len(wheels) != len(popular) {
		t.Fatalf("%d wheels, %v", len(wheels), err)
	}
	order, warnings := rounds(wheels, func(place string) string { return place })
	if len(order) != 1 || len(warnings) != 0 {
		t.Errorf("%d rounds, warnings %q", len(order), warnings)
	}
}

// TestInstallLikePip compares with what pip makes of the same wheels.
func TestInstallLikePip(t *testing.T) {
	t.Parallel()
	paths := download(t, "popular", popular)[:installed]
	venv := filepath.Join(t.TempDir(), "venv")
	execute(t, pythonPath(t), "-m", "venv", "--without-pip", venv)
	execute(t, pythonPath(t), append([]string{"-m", "pip", "--python", filepath.Join(venv, "bin/python"), "install",
		"-q", "--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check"}, paths...)...)
	theirs := contents(t, venv)
	check(t, os.RemoveAll(venv))
	if text := installInto(t, venv, wheelDir(t, paths), "--no-compile"); text != "" {
		t.Errorf("unexpected output:\n%s", text)
	}
	ours := contents(t, venv)
	for name, want := range theirs {
		got, ok := ours[name]
		delete(ours, name)
		switch {
		case leftOut(name):
			if ok {
				t.Errorf("%s should not be there", name)
			}
		case !ok:
			t.Errorf("%s is missing", name)
		case strings.HasSuffix(name, ".dist-info/RECORD"):
			same(t, name, recordLines(t, got), recordLines(t, want))
		case strings.HasPrefix(name, "bin/") && strings.Contains(want, "sys.exit("):
			line, _, _ := strings.Cut(got, "\n")
			if line != "#!"+venv+"/bin/python" {
				t.Errorf("%s begins with %q", name, line)
			}
		case got != want:
			t.Errorf("%s differs", name)
		}
	}
	for name := range ours {
		t.Errorf("%s is ours alone", name)
	}
	checkRecords(t, venv)
}

// leftOut names what only an installer or `python -m venv` writes.
func leftOut(name string) bool {
	base := filepath.Base(name)
	return slices.Contains([]string{"INSTALLER", "REQUESTED", "direct_url.json", "pyvenv.cfg", ".gitignore"}, base) ||
		strings.HasPrefix(name, "bin/python") || strings.HasPrefix(name, "bin/activate") ||
		strings.HasPrefix(name, "bin/Activate") || name == "lib64"
}

// recordLines leaves out what pip alone writes and, for generated scripts,
// hash and size.
func recordLines(t *testing.T, content string) []string {
	rows, err := readRecord([]byte(content))
	check(t, err)
	var lines []string
	for _, row := range rows {
		if leftOut(row[0]) {
			continue
		}
		if strings.HasPrefix(row[0], "../../../bin/") {
			row = row[:1]
		}
		lines = append(lines, strings.Join(row, ","))
	}
	slices.Sort(lines)
	return lines
}

// contents reads all files below root, following no directory links.
func contents(t *testing.T, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, line := range layer(t, root) {
		name, rest, _ := strings.Cut(line, " ")
		if strings.HasPrefix(rest, "d") {
			continue
		}
		data, _ := os.ReadFile(filepath.Join(root, name))
		files[name] = string(data)
	}
	return files
}

// checkRecords makes sure that every RECORD states what is on disk.
func checkRecords(t *testing.T, venv string) {
	t.Helper()
	site, err := findSite(venv)
	check(t, err)
	all, err := distributions(site)
	check(t, err)
	for _, d := range all {
		for _, row := range d.rows {
			data, err := os.ReadFile(filepath.Join(site, row[0]))
			if err != nil {
				t.Errorf("%s lists %s: %v", d.name, row[0], err)
			} else if row[1] != "" && row[1] != hashOf(data) {
				t.Errorf("%s: the hash of %s differs", d.name, row[0])
			}
		}
	}
}

func execute(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// oddities are files that the compiler has its difficulties with.
var oddities = []entry{
	{name: "odd/__init__.py", content: "x = 1 in {None, 'a', 'b', 2.5, (None, 'c')}\n"},
	{name: "odd/py2.py", content: "print 'hello'\n"},
	{name: "odd/latin.py", content: "# -*- coding: latin-1 -*-\nx = '\xe9'\n"},
	{name: "odd/broken.py", content: "x = '\xe9'\n"},
	{name: "odd/nul.py", content: "x = 1\x00\n"},
	{name: "odd/deep.py", content: "x = " + strings.Repeat("(", 3000) + strings.Repeat(")", 3000) + "\n"},
	{name: "odd/warns.py", content: "x = '\\d'\nassert (x, 'always')\n"},
	{name: "odd/{{name}}/a b.py", content: "y = 'é'\n"},
	{name: "odd/__pycache__/__init__.cpython-313.pyc", content: "stale"},
	{name: "odd/empty.py", content: ""},
}

// TestInstallRepeats runs the program in unlike surroundings.
func TestInstallRepeats(t *testing.T) {
	t.Parallel()
	paths := download(t, "popular", popular)[1:installed] // without numpy: 20 s of compiling
	wheels := wheelDir(t, append(slices.Clone(paths), makeWheel(t, t.TempDir(), "odd", "1", oddities...)))
	venv := filepath.Join(t.TempDir(), "venv")
	var first []string
	for _, prefix := range [][]string{
		{"env", "-i"},
		{"taskset", "-c", "0", "env", "-i", "GOMAXPROCS=1", "TZ=Asia/Tokyo", "LC_ALL=tr_TR.UTF-8", "PYTHONOPTIMIZE=2", "PYTHONHASHSEED=7", "HOME=/nowhere", "UV_LINK_MODE=symlink"},
	} {
		args := append(prefix[1:], "STEP_MAIN=1", "sh", "-c", `umask 077; exec "$@"`, "sh", os.Args[0],
			"install", "--uv", uvPath(t), "--python", pythonPath(t), "--venv", venv, "--wheels", wheels)
		if text := execute(t, prefix[0], args...); text != "" {
			t.Errorf("unexpected output:\n%s", text)
		}
		got := layer(t, venv)
		if first == nil {
			first = got
			checkRecords(t, venv)
			checkBytecode(t, venv)
		}
		same(t, strings.Join(prefix, " "), got, first)
		check(t, os.RemoveAll(venv))
	}
	for _, line := range first {
		fields := strings.Fields(line)
		i := slices.IndexFunc(fields, func(f string) bool { return strings.HasPrefix(f, "-rw") || strings.HasPrefix(f, "drwx") })
		if mode := fields[i]; mode != "-rw-r--r--" && mode != "-rwxr-xr-x" && mode != "drwxr-xr-x" {
			t.Errorf("mode of %s", line)
		}
		if fields[i+2] != "315532800" {
			t.Errorf("time of %s", line)
		}
	}
	// A package's bytecode is its own: it does not depend on its neighbours.
	installInto(t, venv, wheelDir(t, paths[3:5]))
	for _, line := range layer(t, venv) {
		if strings.Contains(line, ".pyc ") && !slices.Contains(first, line) {
			t.Errorf("differs when installed alone: %s", line)
		}
	}
}

// verify compares every .pyc with what CPython makes of its source.
const verify = `
import importlib.util, marshal, os, sys
total = 0
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        if not name.endswith(".py"):
            continue
        path = os.path.join(folder, name)
        source = open(path, "rb").read()
        cached = importlib.util.cache_from_source(path)
        parts = path.split("/")
        test = {"test", "tests"} & set(parts[:-1]) and (name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py")
        assert not (test and os.path.exists(cached)), cached
        if test:
            continue
        try:
            code = compile(source, path, "exec", dont_inherit=True)
        except Exception:
            assert not os.path.exists(cached), cached
            continue
        data = open(cached, "rb").read()
        assert data[:8] == importlib.util.MAGIC_NUMBER + bytes([1, 0, 0, 0]), path
        assert data[8:16] == importlib.util.source_hash(source), path
        assert marshal.loads(data[16:]) == code, path
        total += 1
print(total)
`

func checkBytecode(t *testing.T, venv string) {
	t.Helper()
	out := execute(t, pythonPath(t), "-W", "ignore", "-c", verify, filepath.Join(venv, "lib"))
	if len(strings.TrimSpace(out)) < 3 {
		t.Errorf("only %s files were compiled", out)
	}
}

// TestOldPythonsRepeat: before 3.11 marshal's order of a set is an address.
func TestOldPythonsRepeat(t *testing.T) {
	t.Parallel()
	home, _ := os.UserHomeDir()
	found, _ := filepath.Glob(filepath.Join(home, ".pyenv/versions/3.*/bin/python3.[0-9]*[0-9]"))
	for _, old := range found {
		if strings.Contains(old, "/3.6.") || strings.Contains(old, "/3.7.") || strings.Contains(old, "/3.8.") {
			continue
		}
		dir := t.TempDir()
		for _, e := range oddities {
			write(t, filepath.Join(dir, e.name), e.content)
		}
		var first []string
		for range 3 {
			check(t, compileAll(old, dir, "/", streams{os.Stdout, os.Stderr}))
			check(t, tidy(dir))
			got := layer(t, dir)
			if first == nil {
				first = got
			}
			same(t, old, got, first)
		}
	}
}

func TestRefusedWheels(t *testing.T) {
	t.Parallel()
	const link = 0o120777
	for _, test := range []struct {
		entries []entry
		want    string
	}{
		{[]entry{{name: "a/../../x.py"}}, `entry "a/../../x.py" leads out of the environment`},
		{[]entry{{name: "evil-1.data/data/../../../etc/passwd"}}, `entry "evil-1.data/data/../../../etc/passwd" leads out of the environment`},
		{[]entry{{name: "/etc/cron.d/x"}}, `entry with the absolute path "/etc/cron.d/x"`},
		{[]entry{{name: "x.py", content: "/etc/passwd", mode: link}}, `entry "x.py" is a symbolic link`},
		{[]entry{{name: "x", mode: 0o060644}}, `entry "x" is neither a file nor a directory`},
		{[]entry{{name: "x.py"}, {name: "x.py", content: "2"}}, `it holds "x.py" twice`},
		{[]entry{{name: "x.py"}, {name: ".//x.py"}}, `it holds "x.py" twice`},
		{[]entry{{name: "x"}, {name: "x/y.py"}}, `"x" is a file and a directory`},
		{[]entry{{name: "evil-1.data/scripts/python3", mode: 0o100755}}, `it overwrites bin/python3 of the environment`},
		{[]entry{{name: "evil-1.data/data/pyvenv.cfg"}}, `it overwrites pyvenv.cfg of the environment`},
		{[]entry{{name: "evil-1.dist-info/entry_points.txt", content: "[console_scripts]\n../../x = a:b\n"}}, `a script cannot be called "../../x"`},
		{[]entry{{name: "evil-1.data/other/x"}}, `entry "evil-1.data/other/x" is of no known scheme`},
	} {
		dir := t.TempDir()
		venv := filepath.Join(t.TempDir(), "venv")
		makeWheel(t, dir, "evil", "1", test.entries...)
		code, text := run(t, "install", "--uv", "/nowhere", "--python", "/nowhere", "--venv", venv, "--wheels", dir)
		want := "pyfrontend-step install: refusing evil-1-py3-none-any.whl: " + test.want + "\n"
		if code != exitFailed || text != want || exists(venv) {
			t.Errorf("exit code %d\n got %s want %s", code, text, want)
		}
	}
}

// TestOverlaps: the last wheel by name wins, in every run.
func TestOverlaps(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script := "[console_scripts]\nrun = shared:"
	makeWheel(t, dir, "zeta", "1", entry{name: "shared/x.py", content: "x = 'zeta'\n"}, entry{name: "shared/y.py", content: "y = 1\n"})
	makeWheel(t, dir, "alpha", "2", entry{name: "shared/x.py", content: "x = 'alpha'\n"}, entry{name: "shared/__init__.py"},
		entry{name: "alpha-2.dist-info/entry_points.txt", content: script + "alpha\n"})
	makeWheel(t, dir, "beta", "3", entry{name: "beta-3.data/purelib/shared/x.py", content: "x = 'beta'\n"}, entry{name: "shared/__init__.py"},
		entry{name: "shared/y.py", content: "y = 2\n"}, entry{name: "beta-3.dist-info/entry_points.txt", content: script + "beta\n"})
	var first []string
	for range 3 {
		venv := filepath.Join(t.TempDir(), "venv")
		text := installInto(t, venv, dir)
		name := filepath.Base(pythonPath(t))
		want := "warning: alpha 2 and beta 3 both install bin/run (and 1 more); that of beta is kept\n" +
			"warning: beta 3 and zeta 1 both install lib/" + name + "/site-packages/shared/x.py (and 1 more); that of zeta is kept\n"
		if text != want {
			t.Errorf("got\n%swant\n%s", text, want)
		}
		site, err := findSite(venv)
		check(t, err)
		for file, content := range map[string]string{"shared/x.py": "x = 'zeta'\n", "shared/y.py": "y = 1\n"} {
			if data, _ := os.ReadFile(filepath.Join(site, file)); string(data) != content {
				t.Errorf("%s holds %q", file, data)
			}
		}
		if data, _ := os.ReadFile(filepath.Join(venv, "bin/run")); !bytes.Contains(data, []byte("beta")) {
			t.Errorf("bin/run holds %s", data)
		}
		record, err := os.ReadFile(filepath.Join(site, "alpha-2.dist-info/RECORD"))
		check(t, err)
		if !bytes.Contains(record, []byte("shared/x.py,"+hashOf([]byte("x = 'alpha'\n")))) {
			t.Errorf("the loser's RECORD has changed:\n%s", record)
		}
		got := slices.DeleteFunc(layer(t, venv), func(line string) bool {
			return strings.HasPrefix(line, "bin/run ") || strings.Contains(line, "RECORD ") || strings.Contains(line, ".pyc ")
		}) // those name the directory, which differs
		if first == nil {
			first = got
		}
		same(t, "again", got, first)
	}
	makeWheel(t, dir, "Alpha", "4")
	code, text := run(t, "install", "--uv", "/x", "--python", "/x", "--venv", "/nowhere", "--wheels", dir)
	if want := "pyfrontend-step install: two wheels of alpha: alpha-2-py3-none-any.whl and Alpha-4-py3-none-any.whl\n"; code != exitFailed || text != want {
		t.Errorf("exit code %d, %s", code, text)
	}
}

// TestInstallForeign installs for a machine that this one is not.
func TestInstallForeign(t *testing.T) {
	t.Parallel()
	if runtime.GOARCH != "amd64" {
		t.Skip("the foreign wheel is for aarch64")
	}
	wheel := download(t, "aarch64", []string{"markupsafe==3.0.2"}, "--platform", "manylinux2014_aarch64")
	dir := t.TempDir()
	// No uv of today knows of this glibc.
	future := strings.ReplaceAll(filepath.Base(wheel[0]), "manylinux_2_17_aarch64.manylinux2014_aarch64", "manylinux_2_99_aarch64")
	check(t, os.Symlink(wheel[0], filepath.Join(dir, future)))
	venv := filepath.Join(t.TempDir(), "venv")
	installInto(t, venv, dir, "--target-platform", "aarch64-manylinux_2_99")
	checkRecords(t, venv)
	code, text := run(t, "install", "--uv", uvPath(t), "--python", pythonPath(t), "--venv", filepath.Join(t.TempDir(), "v"), "--wheels", dir, "--target-platform", "ppc64le-manylinux_2_28")
	if want := "pyfrontend-step install: " + future + " is not for ppc64le\n"; code != exitFailed || text != want {
		t.Errorf("exit code %d, %s", code, text)
	}
	complete(t, venv)
	report := smokeReport(t, exitOK, "--venv", venv, "--machine", "aarch64", "--foreign")
	expect(t, report, `{"ok":true,"modules":[],"failures":[],"warnings":[]}`)
	report = smokeReport(t, exitOK, "--venv", venv, "--machine", "x86_64", "--foreign")
	file := "markupsafe/_speedups.cpython-313-aarch64-linux-gnu.so"
	expect(t, report, `{"ok":false,"modules":[],"failures":[{"kind":"wrong-architecture","name":"`+file+`","detail":"`+file+
		` is for aarch64, the image is for x86_64","machine":"aarch64","distribution":"markupsafe"}],"warnings":[]}`)
	// Asked for directly, the import says the same of the same file.
	report = smokeReport(t, exitOK, "--venv", venv, "--machine", "x86_64", "--module", "markupsafe._speedups")
	expect(t, report, `{"ok":false,"modules":["markupsafe._speedups"],"failures":[{"kind":"wrong-architecture","module":"markupsafe._speedups","name":"`+file+`","detail":"`+file+
		` is for aarch64, the image is for x86_64","machine":"aarch64","distribution":"markupsafe"}],"warnings":[]}`)
}

func TestInstallArguments(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{nil, exitUsage, "usage: pyfrontend-step COMMAND [flags]"},
		{[]string{"frob"}, exitUsage, `unknown command "frob"`},
		{[]string{"install", "--uv", "x"}, exitUsage, "--python is required"},
		{[]string{"install", "--uv", "x", "--python", "x", "--venv", "x", "--wheels", "x", "y"}, exitUsage, `unexpected argument "y"`},
		{[]string{"install", "--uv", "x", "--python", "x", "--venv", "x", "--wheels", empty}, exitFailed, "no wheels in " + empty},
	} {
		if code, text := run(t, test.args...); code != test.code || !strings.Contains(text, test.want) {
			t.Errorf("%q: exit code %d\n%s", test.args, code, text)
		}
	}
}
