package lock

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pyfrontend/pyfrontend/llbgen/packaging"
)

const (
	hash   = `hashes = { sha256 = "4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274" }`
	header = "lock-version = \"1.0\"\ncreated-by = \"test\"\n"
)

// entry is a package with one wheel, url and hashes as given.
func entry(name, version, wheel string) string {
	return "[[packages]]\nname = \"" + name + "\"\nversion = \"" + version + "\"\nwheels = [\n    { " + wheel + " },\n]\n"
}

func wheel(name string) string { return `url = "https://h.example/` + name + `", ` + hash }

func TestPylockErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, data, want string }{
		{"not TOML", "lock-version = \n", "pylock.toml:1:16: `pylock.toml` is not valid TOML: unexpected character U+000A at start of value"},
		{"cut off", "lock-version = \"1.0\"\n[[packages]", "pylock.toml:2:11: `pylock.toml` is not valid TOML: expected ']]' to close array table name"},
		{"stated twice", "lock-version = \"1.0\"\na = 1\na = 2", "pylock.toml:3:1: `a` is stated twice"},
		{"no version", "created-by = \"x\"", "pylock.toml:1:1: `lock-version` is missing"},
		{"other version", "\nlock-version = \"2.0\"", "pylock.toml:2:1: `pylock.toml` has lock-version `2.0`; this pyfrontend reads version 1"},
		{"version is a number", "lock-version = 1.0", "pylock.toml:1:1: `lock-version` must be a string"},
		{"newer minor version and unknown keys", "lock-version = \"1.7\"\nfuture = 1\n[[packages]]\nname = \"a\"\nnew = []\ndirectory = {path = \".\"}", ""},
		{"wrong kinds", header + "extras = 1\npackages = [1]\nenvironments = [2]",
			"pylock.toml:3:1: `extras` must be an array\npylock.toml:4:13: `packages` must hold tables\npylock.toml:5:17: `environments` must hold strings"},
		{"requires-python", header + "requires-python = \"3.12\"", "pylock.toml:3:1: `3.12` is not a version specifier"},
		{"hostile names", header + entry("../x", "1", wheel("x-1-py3-none-any.whl")) + entry("-r", "1", wheel("x-1-py3-none-any.whl")) + entry(`a\u001b[31m`, "1", wheel("x-1-py3-none-any.whl")),
			"pylock.toml:4:1: `../x` is not a package name\npylock.toml:10:1: `-r` is not a package name\npylock.toml:16:1: `a\\x1b[31m` is not a package name"},
		{"version", header + entry("a", "one", wheel("a-1-py3-none-any.whl")), "pylock.toml:5:1: `one` is not a version"},
		{"marker", header + "[[packages]]\nname = \"a\"\nmarker = \"maybe\"\ndirectory = {path = \"a\"}",
			"pylock.toml:5:1: `maybe` is not a marker: neither a variable nor a quoted text where one should be"},
		{"no source", header + "[[packages]]\nname = \"a\"", "pylock.toml:4:1: `a` must have exactly one of `vcs`, `directory`, `archive`, or `sdist` and `wheels`"},
		{"two sources", header + "[[packages]]\nname = \"a\"\ndirectory = {path = \".\"}\nsdist = {url = \"https://x/a-1.tar.gz\"}",
			"pylock.toml:4:1: `a` must have exactly one of `vcs`, `directory`, `archive`, or `sdist` and `wheels`"},
		{"directory outside", header + "[[packages]]\nname = \"a\"\ndirectory = {path = \"../shared\"}\n[[packages]]\nname = \"b\"\ndirectory = {path = \"/etc\"}",
			"pylock.toml:4:1: `a` lies at `../shared`, outside the build context\n  hint: move it into the project, or build with the folder that holds both as the context\n" +
				"pylock.toml:7:1: `b` lies at `/etc`, outside the build context\n  hint: move it into the project, or build with the folder that holds both as the context"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := ParsePylock([]byte(test.data), Places{File: "pylock.toml"})
			if diff := cmp.Diff(test.want, lines(t, err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestErrorsInAnExportHaveNoLine(t *testing.T) {
	t.Parallel()
	_, err := ParsePylock([]byte("lock-version = \"3\""), uvLock(t, "fastapi").Places())
	want := "uv.lock: the export of `uv.lock` is not readable: `uv.lock` has lock-version `3`; this pyfrontend reads version 1"
	if diff := cmp.Diff(want, lines(t, err)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSelectErrors(t *testing.T) {
	t.Parallel()
	const md5 = `hashes = { md5 = "d41d8cd98f00b204e9800998ecf8427e" }`
	linux := func(names ...string) string {
		var all []string
		for _, name := range names {
			all = append(all, wheel("x-1.0-"+name+".whl"))
		}
		return strings.Join(all, " },\n    { ")
	}
	sdist := "sdist = { url = \"https://h.example/x-1.0.tar.gz\", " + hash + " }\n"
	for _, test := range []struct {
		name, data string
		options    Options
		want       string
	}{
		{"python", "requires-python = \">=3.14\"\n", Options{}, "pylock.toml:3:1: `pylock.toml` is for Python `>=3.14`, and the target has CPython 3.13\n" +
			"  hint: choose another `python`, or change `requires-python` and lock again"},
		{"environments", "environments = [\"sys_platform == 'win32'\"]\n", Options{}, "pylock.toml:1:1: `pylock.toml` was not made for CPython 3.13 on linux/amd64 (glibc 2.36)\n" +
			"  hint: none of its `environments` holds there: lock again with that platform among them"},
		{"extra and group", "extras = [\"S3\", \"web\"]\n", Options{Extras: []string{"s3", "pdf"}, Groups: []string{"docs"}},
			"pylock.toml:1:1: `pylock.toml` has no extra `pdf`\n  hint: it has `s3` and `web`\npylock.toml:1:1: `pylock.toml` has no dependency group `docs`"},
		{"package python", entry("x", "1.0", wheel("x-1.0-py3-none-any.whl")) + "requires-python = \"<3.10\"\n", Options{},
			"pylock.toml:4:1: `x` 1.0 needs Python `<3.10`, and the target has CPython 3.13\n  hint: choose another `python`, or lock again"},
		{"twice", entry("x", "1.0", wheel("x-1.0-py3-none-any.whl")) + entry("X", "2.0", wheel("x-2.0-py3-none-any.whl")), Options{},
			"pylock.toml:10:1: `x` is selected twice for CPython 3.13 on linux/amd64 (glibc 2.36): 2.0 and 1.0 (line 4)"},
		{"no hash", entry("x", "1.0", `url = "https://h.example/x-1.0-py3-none-any.whl"`), Options{},
			"pylock.toml:7:5: `x-1.0-py3-none-any.whl` has no sha256 hash in `pylock.toml`\n  hint: lock again, from an index that states sha256 hashes"},
		{"md5", entry("x", "1.0", `url = "https://h.example/x-1.0-py3-none-any.whl", `+md5), Options{},
			"pylock.toml:7:5: `x-1.0-py3-none-any.whl` has no sha256 hash in `pylock.toml`, only md5\n  hint: lock again, from an index that states sha256 hashes"},
		{"no place", entry("x", "1.0", `name = "x-1.0-py3-none-any.whl", `+hash), Options{}, "pylock.toml:7:5: `x-1.0-py3-none-any.whl` has neither a URL nor a path"},
		{"file URL", entry("x", "1.0", `url = "file:///etc/x-1.0-py3-none-any.whl", `+hash), Options{},
			"pylock.toml:7:5: `file:///etc/x-1.0-py3-none-any.whl` is not an http or https address\n  hint: use an index that serves the file, or name a wheel of the project as `{ path = … }` in `[tool.uv.sources]`, and lock again"},
		{"path outside", entry("x", "1.0", `path = "../w/x-1.0-py3-none-any.whl", `+hash), Options{},
			"pylock.toml:7:5: `x-1.0-py3-none-any.whl` lies at `../w/x-1.0-py3-none-any.whl`, outside the build context\n" +
				"  hint: move it into the project, or build with the folder that holds both as the context"},
		{"hostile file names", entry("a", "1.0", `name = "../a-1.0-py3-none-any.whl", `+wheel("")) + entry("b", "1.0", `name = "-b-1.0-py3-none-any.whl", `+wheel("")) + entry("c", "1.0", wheel("c%2Fc%0A-1.0-py3-none-any.whl")), Options{},
			"pylock.toml:7:5: `../a-1.0-py3-none-any.whl` is not an acceptable file name\npylock.toml:13:5: `-b-1.0-py3-none-any.whl` is not an acceptable file name\n" +
				"pylock.toml:19:5: `c/c\\n-1.0-py3-none-any.whl` is not an acceptable file name"},
		{"not a wheel", entry("x", "1.0", wheel("x-1.0.zip")), Options{}, "pylock.toml:7:5: `x-1.0.zip` is not the name of a wheel"},
		{"other package", entry("x", "1.0", wheel("y-1.0-py3-none-any.whl")), Options{}, "pylock.toml:7:5: the file `y-1.0-py3-none-any.whl` is not of `x` 1.0"},
		{"other version", entry("x", "1.0", wheel("x-1.1-py3-none-any.whl")), Options{}, "pylock.toml:7:5: the file `x-1.1-py3-none-any.whl` is not of `x` 1.0"},
		{"vcs", "[[packages]]\nname = \"x\"\nvcs = { type = \"git\", url = \"https://h.example/x\", commit-id = \"00\" }", Options{},
			"pylock.toml:4:1: `x` comes from a source repository, which this pyfrontend does not build yet\n  hint: depend on a release that has wheels, or on a wheel's URL"},
		{"source archive", "[[packages]]\nname = \"x\"\narchive = { url = \"https://h.example/x-1.0.zip\", " + hash + " }", Options{},
			"pylock.toml:4:1: `x` comes from a source archive, which this pyfrontend does not build yet\n  hint: depend on a release that has wheels, or on a wheel's URL"},
		{"only an sdist", "[[packages]]\nname = \"x\"\nversion = \"1.0\"\n" + sdist, Options{},
			"pylock.toml:4:1: `x` 1.0 has no wheel for CPython 3.13 on linux/amd64 (glibc 2.36), only a source distribution\n" +
				"  hint: choose a version of `x` that has one: building from source is not there yet"},
		{"an sdist and other wheels", entry("x", "1.0", linux("cp311-cp311-manylinux_2_17_x86_64", "cp312-cp312-manylinux_2_17_x86_64", "cp313-cp313-win_amd64")) + sdist, Options{},
			"pylock.toml:4:1: `x` 1.0 has no wheel for CPython 3.13 on linux/amd64 (glibc 2.36), only a source distribution and wheels for: CPython 3.11–3.12 on linux x86-64; CPython 3.13 on Windows x86-64\n" +
				"  hint: choose Python 3.11–3.12, or choose a version of `x` that has one: building from source is not there yet"},
		{"other platforms", entry("x", "1.0", linux("cp39-cp39-macosx_11_0_arm64", "cp39-cp39-win_amd64", "cp310-cp310-macosx_11_0_arm64", "cp310-cp310-win_amd64", "cp312-cp312-macosx_11_0_arm64", "cp312-cp312-win_amd64",
			"py3-none-musllinux_1_2_x86_64", "cp39-abi3-musllinux_1_2_aarch64", "cp313-cp313t-manylinux_2_17_x86_64", "pp310-pypy310_pp73-manylinux_2_17_aarch64")), Options{},
			"pylock.toml:4:1: `x` 1.0 has no wheel for CPython 3.13 on linux/amd64 (glibc 2.36); wheels exist for: CPython 3.9 and later on linux arm64 musl; CPython 3.9–3.10, 3.12 on macOS arm64, Windows x86-64; " +
				"any Python on linux x86-64 musl; free-threaded CPython 3.13 on linux x86-64; other Pythons on linux arm64\n  hint: choose another version of `x`"},
		{"newer glibc", entry("x", "1.0", linux("cp313-cp313-manylinux_2_41_x86_64", "cp313-cp313-manylinux_2_39_x86_64")) + sdist, Options{},
			"pylock.toml:4:1: `x` 1.0 needs glibc 2.39; the base has 2.36\n  hint: choose a newer base, or another version of `x`"},
		{"all together", entry("b", "1.0", `url = "https://h.example/b-1.0-py3-none-any.whl"`) + entry("a", "1.0", wheel("b-1.0-py3-none-any.whl")), Options{},
			"pylock.toml:7:5: `b-1.0-py3-none-any.whl` has no sha256 hash in `pylock.toml`\n  hint: lock again, from an index that states sha256 hashes\n" +
				"pylock.toml:13:5: the file `b-1.0-py3-none-any.whl` is not of `a` 1.0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l, err := ParsePylock([]byte(header+test.data), Places{File: "pylock.toml"})
			if err != nil {
				t.Fatal(err)
			}
			_, err = l.Select(target(t, "3.13.2", "x86_64", bookworm), test.options)
			if diff := cmp.Diff(test.want, lines(t, err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestMuslErrors(t *testing.T) {
	t.Parallel()
	data := header + entry("x", "1.0", wheel("x-1.0-cp313-cp313-manylinux_2_17_x86_64.whl")) + entry("y", "1.0", wheel("y-1.0-cp313-cp313-musllinux_1_2_x86_64.whl"))
	l, err := ParsePylock([]byte(data), Places{File: "pylock.toml"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.Select(target(t, "3.13.2", "x86_64", packaging.Libc{Musl: true, Major: 1, Minor: 1}), Options{})
	want := "pylock.toml:4:1: `x` 1.0 has no wheel for CPython 3.13 on linux/amd64 (musl 1.1); wheels exist for: CPython 3.13 on linux x86-64\n" +
		"  hint: choose a base with glibc, or choose another version of `x`\n" +
		"pylock.toml:10:1: `y` 1.0 needs musl 1.2; the base has 1.1\n  hint: choose a newer base, or another version of `y`"
	if diff := cmp.Diff(want, lines(t, err)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSelectChooses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, data string
		options    Options
		threaded   bool
		want       string
	}{
		{"best tag", entry("x", "1.0", wheel("x-1.0-py3-none-any.whl")+" },\n{ "+wheel("x-1.0-cp39-abi3-manylinux_2_17_x86_64.whl")+" },\n{ "+wheel("x-1.0-cp313-cp313-manylinux_2_28_x86_64.whl")),
			Options{}, false, "x-1.0-cp313-cp313-manylinux_2_28_x86_64.whl"},
		{"build tag", entry("x", "1.0", wheel("x-1.0-2-py3-none-any.whl")+" },\n{ "+wheel("x-1.0-10-py3-none-any.whl")+" },\n{ "+wheel("x-1.0-py3-none-any.whl")),
			Options{}, false, "x-1.0-10-py3-none-any.whl"},
		{"not free-threaded", entry("x", "1.0", wheel("x-1.0-cp313-cp313t-manylinux_2_17_x86_64.whl")+" },\n{ "+wheel("x-1.0-py3-none-any.whl")), Options{}, false, "x-1.0-py3-none-any.whl"},
		{"free-threaded", entry("x", "1.0", wheel("x-1.0-cp313-cp313t-manylinux_2_17_x86_64.whl")+" },\n{ "+wheel("x-1.0-cp313-cp313-manylinux_2_17_x86_64.whl")), Options{}, true,
			"x-1.0-cp313-cp313t-manylinux_2_17_x86_64.whl"},
		{"name wins over the URL", entry("x", "1.0", `name = "x-1.0-py3-none-any.whl", `+wheel("blob")), Options{}, false, "x-1.0-py3-none-any.whl"},
		{"escaped local version", entry("torch", "2.1+cpu", wheel("torch-2.1%2Bcpu-py3-none-any.whl?a=b#c")), Options{}, false, "torch-2.1+cpu-py3-none-any.whl"},
		{"wheel archive", "[[packages]]\nname = \"x\"\narchive = { url = \"http://h.example/x-1.0-py3-none-any.whl\", " + hash + " }\n", Options{}, false, "x-1.0-py3-none-any.whl"},
		{"upper case hash", entry("x", "1.0", `url = "https://h.example/x-1.0-py3-none-any.whl", hashes = { sha256 = "`+strings.Repeat("AB", 32)+`" }`), Options{}, false, "x-1.0-py3-none-any.whl"},
		{"extras and groups", "extras = [\"s3\"]\ndependency-groups = [\"default\", \"docs\"]\ndefault-groups = [\"default\"]\n" +
			entry("a", "1", wheel("a-1-py3-none-any.whl")) + "marker = \"'default' in dependency_groups\"\n" +
			entry("b", "1", wheel("b-1-py3-none-any.whl")) + "marker = \"'docs' in dependency_groups\"\n" +
			entry("c", "1", wheel("c-1-py3-none-any.whl")) + "marker = \"'s3' in extras\"\n", Options{Extras: []string{"S3"}}, false, "a-1-py3-none-any.whl c-1-py3-none-any.whl"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l, err := ParsePylock([]byte(header+test.data), Places{File: "pylock.toml"})
			if err != nil {
				t.Fatal(err)
			}
			to := target(t, "3.13.2", "x86_64", bookworm)
			to.FreeThreaded = test.threaded
			distributions, err := l.Select(to, test.options)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, d := range distributions {
				names = append(names, d.File.Name)
			}
			if got := strings.Join(names, " "); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestPythons(t *testing.T) {
	t.Parallel()
	data := header + "requires-python = \">=3.10\"\n" +
		entry("pure", "1.0", wheel("pure-1.0-py3-none-any.whl")) +
		entry("x", "1.0", wheel("x-1.0-cp312-cp312-manylinux_2_17_x86_64.whl")+" },\n{ "+wheel("x-1.0-cp312-cp312-manylinux_2_17_aarch64.whl")+" },\n{ "+wheel("x-1.0-cp313-cp313-manylinux_2_17_x86_64.whl"))
	l, err := ParsePylock([]byte(data), Places{File: "pylock.toml"})
	if err != nil {
		t.Fatal(err)
	}
	platforms := []packaging.Target{target(t, "3.13", "x86_64", bookworm), target(t, "3.13", "aarch64", bookworm)}
	var got []string
	for _, c := range l.Pythons([]string{"3.9", "3.12", "3.13", "3.14", "later"}, platforms, Options{}) {
		line := c.Python
		if c.Reason != nil {
			line += ": " + c.Reason.Message
		}
		got = append(got, line)
	}
	const exist = "; wheels exist for: CPython 3.12 on linux arm64; CPython 3.12–3.13 on linux x86-64"
	want := []string{
		"3.14: `x` 1.0 has no wheel for CPython 3.14 on linux/amd64 (glibc 2.36)" + exist,
		"3.13: `x` 1.0 has no wheel for CPython 3.13 on linux/arm64 (glibc 2.36)" + exist,
		"3.12",
		"3.9: `pylock.toml` is for Python `>=3.10`, and the target has CPython 3.9",
		"later: `later` is not a Python version",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if c := l.Pythons([]string{"3.9", "3.14"}, nil, Options{}); c[0].Reason != nil || c[1].Reason == nil {
		t.Errorf("without platforms: %+v", c)
	}
}
