package enginetest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// project writes a case of testdata into a directory of the test's own. In its
// files $DEPENDENCIES is the list of the wheels, $INDEX the address of the
// wheels' server and $SHA_x the hash of the wheel x. A uv.lock that the case
// does not hold is made from the wheels.
func project(t *testing.T, name string, locked ...*wheel) string {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("testdata", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	// BuildKit joins builds of one content that run at the same time, so that
	// a test would see what another makes anew: each has a content of its own.
	for i, f := range archive.Files {
		if strings.HasSuffix(f.Name, ".py") {
			archive.Files[i].Data = fmt.Appendf(slices.Clone(f.Data), "\n# of %s\n", t.Name())
		}
	}
	dir := t.TempDir()
	write(t, dir, archive, locked...)
	return dir
}

func write(t *testing.T, dir string, archive *txtar.Archive, locked ...*wheel) {
	t.Helper()
	names := make([]string, len(locked))
	pairs := []string{"$INDEX", wheels.url, "org/pyfrontend:1", frontendImage, "$REGISTRY", registry}
	for i, w := range locked {
		wheels.add(w)
		names[i] = fmt.Sprintf("%q", w.name+"=="+w.version)
		pairs = append(pairs, "$SHA_"+w.name, w.sha)
	}
	pairs = append(pairs, "$DEPENDENCIES", "["+strings.Join(names, ", ")+"]")
	replace := strings.NewReplacer(pairs...)
	has := map[string]string{}
	for _, f := range archive.Files {
		has[f.Name] = replace.Replace(string(f.Data))
	}
	if _, ok := has["uv.lock"]; !ok && has["pyproject.toml"] != "" {
		has["uv.lock"] = lockText(has["pyproject.toml"], locked...)
	}
	for name, data := range has {
		if data == "$NONE\n" {
			continue
		}
		put(t, filepath.Join(dir, name), data)
	}
}

func put(t *testing.T, file, data string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

// edit replaces text in a file; what is not there is a mistake of the test.
func edit(t *testing.T, file, from, to string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), from) {
		t.Fatalf("%s does not hold %q", file, from)
	}
	put(t, file, strings.ReplaceAll(string(data), from, to))
}

// own makes a project unlike that of any other test or run, so that no vertex
// is known from there: another working directory and other code.
func own(t *testing.T, dir string) {
	t.Helper()
	seed := unique()
	edit(t, filepath.Join(dir, "pyproject.toml"), "[tool.pyfrontend]\n", "[tool.pyfrontend]\nworkdir = \"/app-"+strings.Trim(seed, "# \n")+"\"\n")
	for _, pattern := range []string{"src/*/*.py", "packages/*/src/*/*.py"} {
		found, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, file := range found {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			put(t, file, seed+string(data))
		}
	}
}

// relock makes the uv.lock again, for other wheels.
func relock(t *testing.T, dir string, locked ...*wheel) {
	t.Helper()
	manifest := filepath.Join(dir, "pyproject.toml")
	data, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(locked))
	for i, w := range locked {
		wheels.add(w)
		names[i] = fmt.Sprintf("%q", w.name+"=="+w.version)
	}
	text := regexp.MustCompile(`(?m)^dependencies = .*$`).ReplaceAllString(string(data), "dependencies = ["+strings.Join(names, ", ")+"]")
	put(t, manifest, text)
	put(t, filepath.Join(dir, "uv.lock"), lockText(text, locked...))
}

// lockText is the uv.lock of a project that requires exactly these wheels.
func lockText(manifest string, locked ...*wheel) string {
	field := func(name string) string {
		m := regexp.MustCompile(`(?m)^` + name + ` = "([^"]*)"$`).FindStringSubmatch(manifest)
		if m == nil {
			return ""
		}
		return m[1]
	}
	var b strings.Builder
	fmt.Fprintf(&b, "version = 1\nrevision = 3\nrequires-python = %q\n", field("requires-python"))
	kind := "virtual"
	if strings.Contains(manifest, "[build-system]") {
		kind = "editable"
	}
	var dependencies, metadata strings.Builder
	done := map[string]bool{}
	locked = slices.Clone(locked)
	slices.SortStableFunc(locked, func(a, b *wheel) int { return strings.Compare(a.name, b.name) })
	for _, w := range locked {
		if done[w.name] {
			continue
		}
		done[w.name] = true
		fmt.Fprintf(&dependencies, "    { name = %q },\n", w.name)
		fmt.Fprintf(&metadata, "    { name = %q, specifier = %q },\n", w.name, "=="+w.version)
		fmt.Fprintf(&b, "\n[[package]]\nname = %q\nversion = %q\nsource = { registry = %q }\nwheels = [\n", w.name, w.version, wheels.url+"/simple")
		for _, other := range locked {
			if other.name == w.name {
				fmt.Fprintf(&b, "    { url = %q, hash = \"sha256:%s\", size = %d },\n", other.url(), other.sha, max(other.size, int64(len(other.data))))
			}
		}
		b.WriteString("]\n")
	}
	fmt.Fprintf(&b, "\n[[package]]\nname = %q\nversion = %q\nsource = { %s = \".\" }\ndependencies = [\n%s]\n\n[package.metadata]\nrequires-dist = [\n%s]\n",
		field("name"), field("version"), kind, dependencies.String(), metadata.String())
	return b.String()
}

// age gives every file of a directory another time and mode, as another
// checkout would have.
func age(t *testing.T, dir string, fileMode, dirMode fs.FileMode) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		mode := fileMode
		if d.IsDir() {
			mode = dirMode
		}
		if err := os.Chmod(path, mode); err != nil {
			return err
		}
		return os.Chtimes(path, longAgo, longAgo)
	})
	if err != nil {
		t.Fatal(err)
	}
}
