package enginetest

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the wanted errors in testdata/mistakes")

// TestMistakes builds each project of testdata/mistakes and compares what
// docker build says of it. To write it anew: go test -run Mistakes -update
func TestMistakes(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob("testdata/mistakes/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatal(err, cases)
	}
	for _, file := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			checkMistake(t, file)
		})
	}
}

// broken is no archive, but has the hash that is locked.
var broken = &wheel{name: "broken", version: "1.0", tag: "py3-none-any", data: []byte("broken"), sha: fmt.Sprintf("%x", sha256.Sum256([]byte("broken")))}

func checkMistake(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	last := &archive.Files[len(archive.Files)-1]
	if last.Name != "want.err" {
		t.Fatalf("%s does not end in want.err", file)
	}
	dir := t.TempDir()
	project := *archive
	project.Files = archive.Files[:len(archive.Files)-1]
	write(t, dir, &project, alpha)
	edits := strings.NewReplacer("$SHA_broken", broken.sha, "$LATIN", "\xe9")
	for _, name := range []string{"pyproject.toml", "uv.lock"} {
		if data, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			put(t, filepath.Join(dir, name), edits.Replace(string(data)))
		}
	}
	wheels.put("/files/"+broken.file(), broken.data)
	wheels.put("/files/"+alpha.file(), alpha.data)
	wheels.put("/altered/"+alpha.file(), append([]byte("altered"), alpha.data...))
	o := docker.build(t, dir)
	if o.err == nil {
		t.Fatal("the build succeeded")
	}
	got := strings.ReplaceAll(o.text, wheels.url, "$INDEX")
	got = strings.ReplaceAll(got, alpha.sha, "$SHA_alpha")
	got = strings.ReplaceAll(got, broken.sha, "$SHA_broken")
	got = strings.ReplaceAll(got, frontendImage, "org/pyfrontend:1")
	got = strings.TrimSpace(got) + "\n"
	if *update {
		last.Data = []byte(got)
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(last.Data), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
