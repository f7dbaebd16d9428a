package step

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// TestMain lets the test binary be the program, so that tests can run it with
// other processors, environments and masks.
func TestMain(m *testing.M) {
	if os.Getenv("STEP_MAIN") == "1" {
		os.Unsetenv("STEP_MAIN")
		os.Exit(Main(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// popular are wheels that must all be accepted; the first few are installed.
var popular = []string{
	"numpy==2.1.3", "pydantic-core==2.27.1", "markupsafe==3.0.2", "pip==24.3.1", "uvicorn==0.32.1", "click==8.1.7",
	"six==1.17.0", "certifi==2024.8.30", "jupyterlab-widgets==3.0.13", "greenlet==3.1.1", "jinja2==3.1.4",
	"charset-normalizer==3.4.0", "idna==3.10", "typing-extensions==4.12.2", "python-dateutil==2.9.0.post0",
	"pandas==2.2.3", "django==5.1.4", "sqlalchemy==2.0.36", "pydantic==2.10.3", "fastapi==0.115.6", "starlette==0.41.3",
	"cryptography==44.0.0", "cffi==1.17.1", "pillow==11.0.0", "lxml==5.3.0", "requests==2.32.3", "urllib3==2.2.3",
	"rich==13.9.4", "pygments==2.18.0", "boto3==1.35.76", "botocore==1.35.76", "setuptools==75.6.0", "pytz==2024.2",
	"tzdata==2024.2", "attrs==24.2.0", "aiohttp==3.11.10", "yarl==1.18.3", "psycopg2-binary==2.9.10", "celery==5.4.0",
	"ipykernel==6.29.5", "debugpy==1.8.9", "scipy==1.14.1",
}

// installed is how many of popular the slower tests install.
const installed = 15

var backends = []string{
	"hatchling==1.26.3", "setuptools==75.6.0", "flit-core==3.10.1", "poetry-core==2.0.1", "pdm-backend==2.4.3",
	"packaging==24.2", "pathspec==0.12.1", "pluggy==1.5.0", "trove-classifiers==2024.10.21.16", "uv-build==0.9.7",
}

// python is the interpreter under test: a pyenv 3.13, else python3.
var python = sync.OnceValues(func() (string, error) {
	home, _ := os.UserHomeDir()
	candidates, _ := filepath.Glob(filepath.Join(home, ".pyenv/versions/3.13.*/bin/python3.13"))
	candidates = append(candidates, "python3")
	out, err := exec.Command(candidates[0], "-c", "import os, sys; print(os.path.realpath(sys.executable))").Output()
	return strings.TrimSpace(string(out)), err
})

func pythonPath(t *testing.T) string {
	t.Helper()
	path, err := python()
	if err != nil {
		t.Fatalf("no Python: %v", err)
	}
	return path
}

var downloads sync.Mutex

// download returns the paths of pinned wheels, fetched once into the cache.
func download(t *testing.T, kind string, pins []string, options ...string) []string {
	t.Helper()
	downloads.Lock()
	defer downloads.Unlock()
	cache, err := os.UserCacheDir()
	check(t, err)
	dir := filepath.Join(cache, "pyfrontend", "wheels", filepath.Base(pythonPath(t))+"-"+kind)
	check(t, os.MkdirAll(dir, 0o755))
	if missing := slices.DeleteFunc(slices.Clone(pins), func(pin string) bool { return find(dir, pin) != "" }); len(missing) > 0 {
		temp, err := os.MkdirTemp(dir, "download")
		check(t, err)
		defer os.RemoveAll(temp)
		args := []string{"-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:", "-d", temp}
		out, err := exec.Command(pythonPath(t), append(append(args, options...), missing...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("downloading: %v\n%s", err, out)
		}
		entries, err := os.ReadDir(temp)
		check(t, err)
		for _, e := range entries {
			check(t, os.Rename(filepath.Join(temp, e.Name()), filepath.Join(dir, e.Name())))
		}
	}
	var paths []string
	for _, pin := range pins {
		paths = append(paths, find(dir, pin))
	}
	return paths
}

// find looks for the wheel of name==version in dir.
func find(dir, pin string) string {
	name, version, _ := strings.Cut(pin, "==")
	found, _ := filepath.Glob(filepath.Join(dir, "*-"+version+"-*.whl"))
	for _, path := range found {
		if first, _, _ := strings.Cut(filepath.Base(path), "-"); normalise(first) == normalise(name) {
			return path
		}
	}
	return ""
}

// uvPath is the static uv, taken out of its wheel.
func uvPath(t *testing.T) string {
	t.Helper()
	wheel := download(t, "uv", []string{"uv==0.13.9"}, "--platform", "musllinux_1_1_x86_64", "--platform", "musllinux_1_1_aarch64")[0]
	path := filepath.Join(filepath.Dir(wheel), "uv")
	downloads.Lock()
	defer downloads.Unlock()
	if exists(path) {
		return path
	}
	archive, err := zip.OpenReader(wheel)
	check(t, err)
	defer archive.Close()
	for _, e := range archive.File {
		if strings.HasSuffix(e.Name, ".data/scripts/uv") {
			in, err := e.Open()
			check(t, err)
			data, err := io.ReadAll(in)
			check(t, err)
			check(t, os.WriteFile(path+".new", data, 0o755))
			check(t, os.Rename(path+".new", path))
		}
	}
	return path
}

// wheelDir links wheels into a directory, each in one of its own.
func wheelDir(t *testing.T, paths []string) string {
	t.Helper()
	dir := t.TempDir()
	for i, path := range paths {
		sub := filepath.Join(dir, fmt.Sprint(i))
		check(t, os.Mkdir(sub, 0o755))
		check(t, os.Symlink(path, filepath.Join(sub, filepath.Base(path))))
	}
	return dir
}

// entry is one entry of a wheel made for a test.
type entry struct {
	name, content string
	mode          uint32
}

// makeWheel writes name-version-py3-none-any.whl into dir.
func makeWheel(t *testing.T, dir, name, version string, entries ...entry) string {
	t.Helper()
	info := name + "-" + version + ".dist-info/"
	entries = append(entries,
		entry{name: info + "METADATA", content: "Metadata-Version: 2.1\nName: " + name + "\nVersion: " + version + "\n"},
		entry{name: info + "WHEEL", content: "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"})
	var record strings.Builder
	for _, e := range entries {
		fmt.Fprintf(&record, "%s,%s,%d\n", e.name, hashOf([]byte(e.content)), len(e.content))
	}
	fmt.Fprintf(&record, "%sRECORD,,\n", info)
	entries = append(entries, entry{name: info + "RECORD", content: record.String()})
	var b bytes.Buffer
	archive := zip.NewWriter(&b)
	for _, e := range entries {
		header := &zip.FileHeader{Name: e.name, CreatorVersion: 3 << 8, ExternalAttrs: e.mode << 16}
		w, err := archive.CreateHeader(header)
		check(t, err)
		_, err = io.WriteString(w, e.content)
		check(t, err)
	}
	check(t, archive.Close())
	path := filepath.Join(dir, name+"-"+version+"-py3-none-any.whl")
	check(t, os.WriteFile(path, b.Bytes(), 0o644))
	return path
}

// run calls Main and returns its exit code and what it printed on stderr.
func run(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out, errs bytes.Buffer
	code := Main(args, &out, &errs)
	return code, errs.String()
}

// installInto installs wheels and fails the test when that fails.
func installInto(t *testing.T, venv, wheels string, more ...string) string {
	t.Helper()
	args := append([]string{"install", "--uv", uvPath(t), "--python", pythonPath(t), "--venv", venv, "--wheels", wheels}, more...)
	code, text := run(t, args...)
	if code != exitOK {
		t.Fatalf("install: exit code %d\n%s", code, text)
	}
	return text
}

// layer describes all that a layer would hold of a directory.
func layer(t *testing.T, root string) []string {
	t.Helper()
	var lines []string
	check(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		stat := info.Sys().(*syscall.Stat_t)
		rel, _ := filepath.Rel(root, path)
		line := fmt.Sprintf("%s %s %d:%d %d", rel, info.Mode(), stat.Uid, stat.Gid, info.ModTime().Unix())
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" %x", sha256.Sum256(data))
		}
		lines = append(lines, line)
		return nil
	}))
	return lines
}

// same fails with the first lines that differ.
func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	shown := 0
	for _, pair := range []struct {
		sign string
		a, b []string
	}{{"-", want, got}, {"+", got, want}} {
		for _, line := range pair.a {
			if !slices.Contains(pair.b, line) && shown < 20 {
				t.Logf("%s%s", pair.sign, line)
				shown++
			}
		}
	}
	t.Errorf("%s: -want +got", what)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	check(t, os.MkdirAll(filepath.Dir(path), 0o755))
	check(t, os.WriteFile(path, []byte(content), 0o644))
}
