package step

import (
	"os"
	"path/filepath"
	"testing"
)

// Parts overlap in directories, a later part wins, links stay links, and a
// directory may stand where an earlier part has a file.
func TestAssemble(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	put := func(name, text string) {
		path := filepath.Join(root, name)
		check(t, os.MkdirAll(filepath.Dir(path), 0o755))
		check(t, os.WriteFile(path, []byte(text), 0o644))
	}
	put("0/bin/tool", "first")
	put("0/lib/shared/a.py", "a")
	put("0/lib/both", "a file")
	put("1/lib/shared/b.py", "b")
	put("1/bin/tool", "second")
	put("1/lib/both/inner", "inner")
	check(t, os.Symlink("/usr/bin/python3", filepath.Join(root, "0/bin/python")))
	venv := filepath.Join(root, "venv")
	check(t, os.Mkdir(venv, 0o755))
	check(t, assemble(venv, []string{filepath.Join(root, "0"), filepath.Join(root, "1")}))
	for name, want := range map[string]string{
		"bin/tool": "second", "lib/shared/a.py": "a", "lib/shared/b.py": "b", "lib/both/inner": "inner",
	} {
		if got, err := os.ReadFile(filepath.Join(venv, name)); string(got) != want {
			t.Errorf("%s holds %q, %v", name, got, err)
		}
	}
	if link, err := os.Readlink(filepath.Join(venv, "bin/python")); link != "/usr/bin/python3" {
		t.Errorf("the interpreter is a link to %q, %v", link, err)
	}
	if info, err := os.Lstat(filepath.Join(venv, "lib/shared")); err != nil || !info.IsDir() {
		t.Errorf("lib/shared is no directory of its own: %v", err)
	}
}
