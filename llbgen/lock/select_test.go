package lock

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pyfrontend/pyfrontend/llbgen/packaging"
)

var oracleTargets = map[string]struct {
	arch string
	libc packaging.Libc
}{
	"x86_64-glibc-2.36":  {"x86_64", bookworm},
	"aarch64-glibc-2.36": {"aarch64", bookworm},
	"x86_64-musl-1.2":    {"x86_64", packaging.Libc{Musl: true, Major: 1, Minor: 2}},
}

// TestSelectAgreesWithOthers compares with testdata/expected.json: the names
// and versions that uv installs, and the files that PyPA's packaging prefers.
func TestSelectAgreesWithOthers(t *testing.T) {
	t.Parallel()
	var expected map[string]map[string][2]string
	if err := json.Unmarshal(read(t, "expected.json"), &expected); err != nil {
		t.Fatal(err)
	}
	if len(expected) < 100 {
		t.Fatalf("only %d expectations", len(expected))
	}
	locks := map[string]*Lock{}
	compared := 0
	for key, want := range expected {
		fields := strings.Fields(key)
		file, row := fields[0], oracleTargets[fields[2]]
		if locks[file] == nil {
			locks[file] = exported(t, file)
		}
		l := locks[file]
		got := map[string][2]string{}
		s := &selection{lock: l, target: target(t, fields[1]+".7", row.arch, row.libc)}
		s.index = s.target.TagIndex()
		chosen, errs := l.filter(s.target, Options{})
		if len(errs) > 0 {
			t.Errorf("%s: %v", key, errs)
		}
		for _, p := range chosen {
			d, err := s.distribution(p)
			switch {
			case err != nil:
				got[p.Name] = [2]string{p.Version, "none"}
			case d.Directory != nil:
				got[p.Name] = [2]string{p.Version, "directory"}
			default:
				got[p.Name] = [2]string{p.Version, d.File.Name}
				compared++
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
	t.Logf("%d files in %d selections", compared, len(expected))
}

func TestSelectGivesOrderedCheckedFiles(t *testing.T) {
	t.Parallel()
	l := exported(t, "fastapi/pylock.extras.toml")
	distributions, err := l.Select(target(t, "3.13.2", "x86_64", bookworm), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(distributions) < 60 {
		t.Fatalf("%d distributions", len(distributions))
	}
	text := string(read(t, "fastapi/uv.lock"))
	rows := strings.Split(text, "\n")
	for i, d := range distributions {
		if i > 0 && distributions[i-1].Name >= d.Name {
			t.Errorf("%s comes after %s", d.Name, distributions[i-1].Name)
		}
		if !isSHA256(d.File.SHA256) || d.File.URL == "" || d.File.UploadTime.IsZero() || d.File.Size == 0 || len(d.Tags) == 0 {
			t.Errorf("%+v is not complete", d)
		}
		line := rows[d.File.At.Range.Start.Line-1]
		if !strings.Contains(line, d.File.URL) || line[d.File.At.Range.Start.Column-1] != '{' || line[d.File.At.Range.End.Column-2] != '}' {
			t.Errorf("%s is said to stand at %v, which is %q", d.File.Name, d.File.At, line)
		}
		if line := rows[d.At.Range.Start.Line-1]; line != `name = "`+d.Name+`"` {
			t.Errorf("%s is said to stand at %v, which is %q", d.Name, d.At, line)
		}
		if d.File.At.File != "uv.lock" {
			t.Errorf("%s stands in %q", d.Name, d.File.At.File)
		}
	}
}

// TestEveryFileHasItsLine walks all that uv exports and finds it in its uv.lock.
func TestEveryFileHasItsLine(t *testing.T) {
	t.Parallel()
	for _, name := range cases(t) {
		l := exported(t, name+"/pylock.toml")
		rows := strings.Split(string(read(t, name+"/uv.lock")), "\n")
		for _, p := range l.Packages {
			files := slices.Clone(p.Wheels)
			if p.Sdist != nil {
				files = append(files, *p.Sdist)
			}
			if p.Archive != nil {
				files = append(files, p.Archive.File)
			}
			if line := rows[max(p.At.Range.Start.Line-1, 0)]; line != `name = "`+p.Name+`"` {
				t.Errorf("%s: %s is said to stand at %v, which is %q", name, p.Name, p.At, line)
			}
			for _, f := range files {
				if f.At.Range.Start.Line == 0 || !strings.Contains(rows[f.At.Range.Start.Line-1], f.SHA256) {
					t.Errorf("%s: %s is said to stand at %v", name, f.Name, f.At)
				}
			}
		}
	}
}

func TestSelectDirectoriesAndDirectFiles(t *testing.T) {
	t.Parallel()
	var got []string
	for _, file := range []string{"workspace/pylock.toml", "workspace/pylock.api.toml", "fastapi/pylock.toml", "dynamic/pylock.toml"} {
		distributions, err := exported(t, file).Select(target(t, "3.12.1", "aarch64", bookworm), Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range distributions {
			if d.Directory != nil {
				got = append(got, path.Dir(file)+" "+d.Name+" "+d.Directory.Path)
			}
		}
	}
	want := []string{"workspace api packages/api", "workspace core packages/core", "workspace root-app .", "workspace vendored vendor/vendored",
		"workspace api packages/api", "workspace core packages/core", "dynamic dyn ."}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("directories (-want +got):\n%s", diff)
	}
	_, err := exported(t, "direct/pylock.toml").Select(target(t, "3.12.1", "aarch64", bookworm), Options{})
	wantErr := "uv.lock:41:1: `docopt` 0.6.2 comes from a source archive, which this pyfrontend does not build yet\n" +
		"  hint: depend on a release that has wheels, or on a wheel's URL\n" +
		"uv.lock:52:1: `gitdep` 1.5 comes from a source repository, which this pyfrontend does not build yet\n" +
		"  hint: depend on a release that has wheels, or on a wheel's URL"
	if diff := cmp.Diff(wantErr, lines(t, err)); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

func TestPathsAreRelativeToTheContext(t *testing.T) {
	t.Parallel()
	u, err := ParseUVLock("backend/uv.lock", read(t, "direct/uv.lock"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := ParsePylock(read(t, "direct/pylock.toml"), u.Places())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range l.Packages {
		switch {
		case p.Directory != nil:
			got = append(got, p.Directory.Path)
		case p.Archive != nil && p.Archive.File.Path != "":
			got = append(got, p.Archive.File.Path+" "+p.Archive.File.Name)
		}
	}
	want := []string{"backend/editme", "backend/wheels/idna-3.10-py3-none-any.whl idna-3.10-py3-none-any.whl"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
}

// TestMissingHashStandsInTheUVLock takes the hashes out of an export, as uv
// writes it for a lock that has none.
func TestMissingHashStandsInTheUVLock(t *testing.T) {
	t.Parallel()
	data := regexp.MustCompile(`, hashes = \{[^}]*\}`).ReplaceAll(read(t, "sources/pylock.toml"), nil)
	l, err := ParsePylock(data, uvLock(t, "sources").Places())
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.Select(target(t, "3.14.1", "x86_64", bookworm), Options{})
	first, _, _ := strings.Cut(lines(t, err), "\n")
	want := "uv.lock:18:5: `attrs-25.4.0-py3-none-any.whl` has no sha256 hash in `uv.lock`"
	if first != want {
		t.Errorf("got  %s\nwant %s", first, want)
	}
}
