package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

const root = "../.."

func TestPagesAreCurrent(t *testing.T) {
	t.Parallel()
	if err := generate(root, true); err != nil {
		t.Error(err)
	}
}

func TestCheckFindsDifferences(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile(filepath.Join(root, specSource))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, specSource)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(old, replacement string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(strings.Replace(string(source), old, replacement, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("", "")
	if err := generate(dir, true); err == nil {
		t.Error("a missing page is not found")
	}
	if err := generate(dir, false); err != nil {
		t.Fatal(err)
	}
	if err := generate(dir, true); err != nil {
		t.Error(err)
	}
	write("// Port is", "// Port is now")
	if err := generate(dir, true); err == nil {
		t.Error("a changed comment is not found")
	}
	write("Port int", "Port float64")
	if err := generate(dir, false); err == nil {
		t.Error("a type that is not known is not found")
	}
}

// TestExample holds the page's example to what it is: valid, and complete.
func TestExample(t *testing.T) {
	t.Parallel()
	f := spec.File{Name: "pyproject.toml", Data: []byte(example)}
	if _, err := spec.Parse(f, f); err != nil {
		t.Error(err)
	}
	keys, err := toolKeys(filepath.Join(root, specSource))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if !strings.Contains(example, "\n"+k.name+" = ") && !strings.Contains(example, "\n# "+k.name+" = ") &&
			!strings.Contains(example, "\n[tool.pyfrontend."+k.name+"]") {
			t.Errorf("the example lacks %s", k.name)
		}
	}
}
