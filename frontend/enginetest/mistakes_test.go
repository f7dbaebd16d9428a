package enginetest

import (
	"flag"
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
	wheels.put("/files/"+alpha.file(), alpha.data)
	wheels.put("/altered/"+alpha.file(), append([]byte("altered"), alpha.data...))
	o := docker.build(t, dir)
	if o.err == nil {
		t.Fatal("the build succeeded")
	}
	got := strings.ReplaceAll(o.text, wheels.url, "$INDEX")
	got = strings.ReplaceAll(got, alpha.sha, "$SHA_alpha")
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
