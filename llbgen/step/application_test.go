package step

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What an application becomes is the same each time, with one time for
// everything and bytecode that names the files as they will lie.
func TestApplication(t *testing.T) {
	t.Parallel()
	source := t.TempDir()
	for name, text := range map[string]string{
		"app/__init__.py": "", "app/main.py": "import sys\n\ndef where():\n    return sys._getframe().f_code.co_filename\n",
		"app/broken.py": "def (", "static/site.css": "body {}", "run.sh": "#!/bin/sh\n",
	} {
		path := filepath.Join(source, name)
		check(t, os.MkdirAll(filepath.Dir(path), 0o755))
		check(t, os.WriteFile(path, []byte(text), 0o600))
	}
	check(t, os.Chmod(filepath.Join(source, "run.sh"), 0o700))
	check(t, os.Symlink("site.css", filepath.Join(source, "static/link.css")))
	var outs []string
	for range 2 {
		out := t.TempDir()
		outs = append(outs, out)
		if code, text := run(t, "application", "--source", source, "--out", out, "--target", "/srv/shop", "--python", pythonPath(t), "--epoch", "1700000000"); code != 0 {
			t.Fatalf("exit code %d\n%s", code, text)
		}
	}
	found := 0
	check(t, filepath.WalkDir(outs[0], func(path string, d fs.DirEntry, err error) error {
		check(t, err)
		info, err := d.Info()
		check(t, err)
		if path != outs[0] && !info.ModTime().Equal(time.Unix(1700000000, 0)) {
			t.Errorf("the time of %s is %s", path, info.ModTime())
		}
		if d.Type().IsRegular() {
			found++
			one, _ := os.ReadFile(path)
			two, _ := os.ReadFile(strings.Replace(path, outs[0], outs[1], 1))
			if !bytes.Equal(one, two) {
				t.Errorf("%s differs from run to run", path)
			}
		}
		return nil
	}))
	if found != 7 {
		t.Errorf("%d files, want the 5 and the bytecode of 2", found)
	}
	if info, err := os.Stat(filepath.Join(outs[0], "srv/shop/run.sh")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("run.sh: %v, %v", info, err)
	}
	compiled, _ := filepath.Glob(filepath.Join(outs[0], "srv/shop/app/__pycache__/main.*.pyc"))
	if len(compiled) != 1 {
		t.Fatalf("the bytecode of main.py is %q", compiled)
	}
	if data, err := os.ReadFile(compiled[0]); err != nil || !bytes.Contains(data, []byte("/srv/shop/app/main.py")) || bytes.Contains(data, []byte(outs[0])) {
		t.Errorf("the bytecode does not name its file as it will lie: %v", err)
	}
}

func TestApplicationRefusesDevices(t *testing.T) {
	t.Parallel()
	source := t.TempDir()
	check(t, exec.Command("mkfifo", filepath.Join(source, "pipe")).Run())
	code, text := run(t, "application", "--source", source, "--out", t.TempDir(), "--target", "/app", "--python", pythonPath(t))
	if code != 1 || !strings.Contains(text, "pipe is neither a file, a directory nor a link") {
		t.Errorf("exit code %d\n%s", code, text)
	}
}
