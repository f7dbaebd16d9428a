package step

import (
	"fmt"
	"os"
	"path/filepath"
)

// workName is the directory inside the environment that is uv's cache and
// home while it installs. It must be in the same mount as the result: files
// are then unpacked once and hard-linked instead of written twice.
const workName = ".pyfrontend"

// skeleton is the least that makes a directory a virtual environment for uv.
type skeleton struct {
	venv, work string
	python     string // the base interpreter, without links
	made       []string
}

// newSkeleton makes the environment at venv, which must be empty or missing.
func newSkeleton(venv, python string) (*skeleton, error) {
	real, err := filepath.EvalSymlinks(python)
	if err != nil {
		return nil, fmt.Errorf("finding the interpreter: %w", err)
	}
	if entries, err := os.ReadDir(venv); err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("%s is not empty: it holds %s", venv, entries[0].Name())
	}
	s := &skeleton{venv: venv, work: filepath.Join(venv, workName), python: real}
	bin := filepath.Join(venv, "bin")
	for _, dir := range []string{venv, s.work, s.home(), bin, filepath.Join(venv, "lib")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("preparing the environment: %w", err)
		}
	}
	config := "home = " + filepath.Dir(real) + "\ninclude-system-site-packages = false\n"
	if err := os.WriteFile(filepath.Join(venv, "pyvenv.cfg"), []byte(config), 0o644); err != nil {
		return nil, fmt.Errorf("preparing the environment: %w", err)
	}
	links := []struct{ target, name string }{
		{real, filepath.Join(bin, "python")},
		{"lib", filepath.Join(venv, "lib64")}, // Red Hat's platlib
	}
	for _, link := range links {
		if err := os.Symlink(link.target, link.name); err != nil {
			return nil, fmt.Errorf("preparing the environment: %w", err)
		}
	}
	s.made = []string{
		s.work, filepath.Join(bin, "python"), filepath.Join(venv, "lib64"),
		filepath.Join(venv, "pyvenv.cfg"), filepath.Join(venv, ".lock"),
	}
	return s, nil
}

// interpreter is the one that scripts name in their first line.
func (s *skeleton) interpreter() string { return filepath.Join(s.venv, "bin", "python") }

// home is uv's home and working directory; uv refuses one inside its cache.
func (s *skeleton) home() string { return filepath.Join(s.work, "home") }

// libName guesses python3.13 from the interpreter's name; it is for messages.
func (s *skeleton) libName() string { return filepath.Base(s.python) }

// strip removes what makes the directory an environment.
func (s *skeleton) strip() error {
	for _, path := range s.made {
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("removing %s: %w", filepath.Base(path), err)
		}
	}
	return nil
}

// sitePackages is the one lib/python*/site-packages, or "" when no wheel had
// a file for it.
func (s *skeleton) sitePackages() (string, error) { return findSite(s.venv) }

func findSite(venv string) (string, error) {
	found, err := filepath.Glob(filepath.Join(escapeGlob(venv), "lib", "python*", "site-packages"))
	if err != nil {
		return "", fmt.Errorf("searching site-packages: %w", err)
	}
	switch len(found) {
	case 0:
		return "", nil
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("%s holds more than one site-packages", venv)
}

// addInterpreter makes an environment out of what install left, and returns its
// interpreter.
func addInterpreter(venv, python string) (string, error) {
	bin := filepath.Join(venv, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return "", fmt.Errorf("preparing the environment: %w", err)
	}
	config := "home = " + filepath.Dir(python) + "\ninclude-system-site-packages = false\n"
	if err := os.WriteFile(filepath.Join(venv, "pyvenv.cfg"), []byte(config), 0o644); err != nil {
		return "", fmt.Errorf("preparing the environment: %w", err)
	}
	link := filepath.Join(bin, "python")
	if err := os.Symlink(python, link); err != nil {
		return "", fmt.Errorf("preparing the environment: %w", err)
	}
	return link, nil
}
