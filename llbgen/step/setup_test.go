package step

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// baseFiles makes what setup looks at of an image, all of it an hour old.
func baseFiles(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"etc/passwd":               "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33::/var/www:/usr/sbin/nologin",
		"etc/group":                "root:x:0:\nwww-data:x:33:\n",
		"usr/local/bin/python3.13": "elf", "usr/local/bin/pip3": "#!", "usr/local/bin/pipx": "#!",
		"usr/local/lib/python3.13/site-packages/pip/__init__.py":            "",
		"usr/local/lib/python3.13/site-packages/pip-24.2.dist-info/RECORD":  "",
		"usr/local/lib/python3.13/site-packages/piptools/__init__.py":       "",
		"usr/local/lib/python3.13/ensurepip/_bundled/pip-24.2-py3-none.whl": "",
		"usr/local/lib/python3.13/ensurepip/__init__.py":                    "",
	} {
		path := filepath.Join(root, name)
		check(t, os.MkdirAll(filepath.Dir(path), 0o755))
		check(t, os.WriteFile(path, []byte(text), 0o644))
	}
	old := time.Now().Add(-time.Hour).Truncate(time.Second)
	check(t, filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		check(t, err)
		return os.Chtimes(path, old, old)
	}))
	return root
}

func setupArgs(root string, more ...string) []string {
	return append([]string{"setup", "--root", root, "--python", "/usr/local/bin/python3.13", "--python-version", "3.13.1",
		"--venv", "/venv", "--workdir", "/srv/app", "--uid", "10001", "--home", "/home/app"}, more...)
}

func TestSetup(t *testing.T) {
	t.Parallel()
	root := baseFiles(t)
	before := modTime(t, filepath.Join(root, "etc"))
	if code, text := run(t, setupArgs(root, "--trim")...); code != 0 {
		t.Fatalf("exit code %d\n%s", code, text)
	}
	for name, want := range map[string]string{
		"etc/passwd":      "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\napp:x:10001:10001::/home/app:/usr/sbin/nologin\n",
		"etc/group":       "root:x:0:\nwww-data:x:33:\napp:x:10001:\n",
		"venv/pyvenv.cfg": "home = /usr/local/bin\ninclude-system-site-packages = false\nversion = 3.13.1\n",
	} {
		if got, err := os.ReadFile(filepath.Join(root, name)); string(got) != want {
			t.Errorf("%s holds %q, %v", name, got, err)
		}
	}
	for name, want := range map[string]bool{
		"usr/local/bin/pip3": false, "usr/local/bin/pipx": true,
		"usr/local/lib/python3.13/site-packages/pip": false, "usr/local/lib/python3.13/site-packages/pip-24.2.dist-info": false,
		"usr/local/lib/python3.13/site-packages/piptools": true, "usr/local/lib/python3.13/ensurepip/_bundled": false,
		"usr/local/lib/python3.13/ensurepip/__init__.py": true, "srv/app": true, "venv/lib/python3.13/site-packages": true,
	} {
		if got := exists(filepath.Join(root, name)); got != want {
			t.Errorf("%s is there: %t", name, got)
		}
	}
	if link, err := os.Readlink(filepath.Join(root, "venv/bin/python3.13")); link != "/usr/local/bin/python3.13" {
		t.Errorf("the interpreter is a link to %q, %v", link, err)
	}
	if stat := statOf(t, filepath.Join(root, "home/app")); stat.Uid != 10001 || stat.Gid != 10001 {
		t.Errorf("the home belongs to %d:%d", stat.Uid, stat.Gid)
	}
	// A directory of the base keeps its time, a new one has the fixed time.
	if after := modTime(t, filepath.Join(root, "etc")); !after.Equal(before) {
		t.Errorf("the time of etc went from %s to %s", before, after)
	}
	for _, name := range []string{"venv", "venv/bin", "venv/bin/python", "venv/lib", "srv", "srv/app", "home", "etc/passwd"} {
		if got := modTime(t, filepath.Join(root, name)); got.Unix() != Epoch {
			t.Errorf("the time of %s is %s", name, got)
		}
	}
}

func TestSetupOfANamedBase(t *testing.T) {
	t.Parallel()
	root := baseFiles(t)
	if code, text := run(t, setupArgs(root)...); code != 0 {
		t.Fatalf("exit code %d\n%s", code, text)
	}
	if !exists(filepath.Join(root, "usr/local/bin/pip3")) {
		t.Error("pip of a base that the user named is gone")
	}
}

// A number that the base knows keeps its name; links in the base do not lead
// out of it.
func TestSetupOfAHostileBase(t *testing.T) {
	t.Parallel()
	root := baseFiles(t)
	outside := t.TempDir()
	check(t, os.Symlink(outside, filepath.Join(root, "srv")))
	code, text := run(t, setupArgs(root)...)
	if entries, err := os.ReadDir(outside); err != nil || len(entries) > 0 {
		t.Errorf("a link of the base led out of it: %v, %v", entries, err)
	}
	if code == 0 || !strings.Contains(text, "srv") {
		t.Errorf("exit code %d\n%s", code, text)
	}
}

func modTime(t *testing.T, path string) time.Time {
	t.Helper()
	info, err := os.Lstat(path)
	check(t, err)
	return info.ModTime()
}

func statOf(t *testing.T, path string) *syscall.Stat_t {
	t.Helper()
	info, err := os.Stat(path)
	check(t, err)
	return info.Sys().(*syscall.Stat_t)
}
