package plan

import (
	"path"
	"slices"
)

// lockFiles are the lock files that a project may have, by who makes them. Only
// the first is read; the others are named in the error that says so.
var lockFiles = []struct{ name, tool string }{
	{"uv.lock", "uv"},
	{"poetry.lock", "Poetry"},
	{"pdm.lock", "PDM"},
	{"Pipfile.lock", "Pipenv"},
	{"pylock.toml", "PEP 751"},
}

// Inputs lists the patterns of the only files that planning looks at, relative
// to a project's directory; a * stands for one path element.
func Inputs(dir string) []string {
	names := []string{"pyproject.toml", ".python-version", "requirements.txt", "main.py", "*.py", "*/__init__.py", "*/__main__.py", "src/*/__init__.py", "src/*/__main__.py"}
	for _, l := range lockFiles {
		names = append(names, l.name)
	}
	for i, name := range names {
		names[i] = path.Join(dir, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
