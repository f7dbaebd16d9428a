package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pyfrontend/pyfrontend/llbgen/lock"
	"github.com/pyfrontend/pyfrontend/llbgen/packaging"
	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// pythons are the CPython versions that the default base exists for, newest
// first.
var pythons = []string{"3.15", "3.14", "3.13", "3.12", "3.11", "3.10", "3.9"}

// floor is the C library that a Python is chosen for before the base is known:
// the oldest that the default bases of the last years have.
var floor = packaging.Libc{Major: 2, Minor: 36}

// PythonChoice is a Python version X.Y and who chose it.
type PythonChoice struct {
	// Candidates are the versions to try, the best first; a version that the
	// user states is the only one.
	Candidates []string
	// At is where the version is stated, or the project table.
	At spec.Place
}

// ChoosePython gives the Python versions that may be used: the `python` key,
// else `.python-version`, else all that requires-python and every locked wheel
// allow, newest first. pin is the content of .python-version, nil if there is
// none.
func ChoosePython(s *spec.Spec, l *lock.Lock, pin []byte, arches []string) (PythonChoice, error) {
	if s.Tool.Python != "" {
		at := s.At("tool.pyfrontend.python")
		return PythonChoice{[]string{s.Tool.Python}, at}, CheckPython(s, s.Tool.Python, at)
	}
	if version, line, ok := pinnedPython(pin); ok {
		at := spec.Place{File: ".python-version", Range: spec.Range{
			Start: spec.Position{Line: line, Column: 1},
			End:   spec.Position{Line: line, Column: 1 + len(version)},
		}}
		minor, err := minorOf(version, at)
		if err != nil {
			return PythonChoice{}, err
		}
		return PythonChoice{[]string{minor}, at}, CheckPython(s, minor, at)
	}
	at := s.At("project.requires-python")
	var targets []packaging.Target
	for _, arch := range arches {
		targets = append(targets, packaging.Target{Arch: machines[arch].name, Libc: floor})
	}
	allowed := allowedPythons(s)
	if len(allowed) == 0 {
		return PythonChoice{}, &spec.Error{
			At:      at,
			Message: fmt.Sprintf("no Python that has an image satisfies `requires-python = %q`", s.Project.RequiresPython),
			Hint:    "images exist for Python " + strings.Join(pythons, ", ") + "; a `base` image of your own may have another",
		}
	}
	var fit []string
	for _, choice := range l.Pythons(allowed, targets, lock.Options{}) {
		if choice.Reason == nil {
			fit = append(fit, choice.Python)
		}
	}
	if len(fit) == 0 {
		// No version suits every wheel: the newest gives the errors that say so.
		fit = allowed[:1]
	}
	return PythonChoice{fit, at}, nil
}

// KnownPython gives the version X.Y that is used whatever the lock holds: the
// one that the user states, or the only one that requires-python allows. It is
// empty if the lock has a say, or if what is stated cannot be read.
func KnownPython(s *spec.Spec, pin []byte) string {
	if s.Tool.Python != "" {
		return s.Tool.Python
	}
	if version, _, ok := pinnedPython(pin); ok {
		minor, _ := minorOf(version, spec.Place{})
		return minor
	}
	if allowed := allowedPythons(s); len(allowed) == 1 {
		return allowed[0]
	}
	return ""
}

// allowedPythons are the versions of the default base that requires-python
// allows, newest first.
func allowedPythons(s *spec.Spec) []string {
	return slices.DeleteFunc(slices.Clone(pythons), func(python string) bool {
		return CheckPython(s, python, spec.Place{}) != nil
	})
}

// pinnedPython finds the first version in a .python-version file.
func pinnedPython(data []byte) (version string, line int, ok bool) {
	for i, text := range strings.Split(string(data), "\n") {
		text = strings.TrimSpace(text)
		if text != "" && !strings.HasPrefix(text, "#") {
			return text, i + 1, true
		}
	}
	return "", 0, false
}

func minorOf(version string, at spec.Place) (string, error) {
	text := strings.TrimPrefix(strings.TrimPrefix(version, "cpython-"), "cpython@")
	v, err := packaging.ParseVersion(text)
	if err != nil || len(v.Release()) < 2 {
		return "", &spec.Error{
			At:      at,
			Message: fmt.Sprintf("`.python-version` does not state a CPython version: %q", version),
			Hint:    "write a version such as `3.13`, or set `python` in `[tool.pyfrontend]`",
		}
	}
	return fmt.Sprintf("%d.%d", v.Release()[0], v.Release()[1]), nil
}

// CheckPython checks a minor version against requires-python: some patch
// release of it has to be allowed.
func CheckPython(s *spec.Spec, minor string, at spec.Place) error {
	if s.Project.RequiresPython == "" {
		return nil
	}
	set, err := packaging.ParseSpecifiers(s.Project.RequiresPython)
	if err != nil {
		return spec.Errorf(s.At("project.requires-python"), "`requires-python` is not a version specifier: %v", err)
	}
	for patch := range 60 {
		v, err := packaging.ParseVersion(fmt.Sprintf("%s.%d", minor, patch))
		if err == nil && set.Contains(v) {
			return nil
		}
	}
	return &spec.Error{
		At:      at,
		Message: fmt.Sprintf("Python %s does not satisfy `requires-python = %q`", minor, s.Project.RequiresPython),
		Hint:    "choose another version with `python` in `[tool.pyfrontend]`, or change `requires-python`",
	}
}
