package main

import (
	"embed"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// projectNames are directories of projects/, the smallest first.
var projectNames = []string{"small", "science", "large"}

//go:embed projects peer
var files embed.FS

// state is what a working copy contains beside the project's own files.
type state struct {
	// edit is a number in a comment of the code, patch one of the version.
	edit, patch int
	// bump and add are numbers of prepared changes, 0 for none.
	bump, add int
}

// project is a working copy of one project for one side.
type project struct {
	name, dir string
}

// write makes the working copy what the state says. Only files that change are
// written.
func (p project) write(s state) error {
	content, err := p.content(s)
	if err != nil {
		return err
	}
	for name, data := range content {
		file := filepath.Join(p.dir, name)
		if old, err := os.ReadFile(file); err == nil && string(old) == data {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(data), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (p project) content(s state) (map[string]string, error) {
	read := func(name string) (string, error) {
		data, err := files.ReadFile(path.Join("projects", p.name, name))
		return string(data), err
	}
	pyproject, err := read("pyproject.toml")
	if err != nil {
		return nil, err
	}
	lock, err := read("uv.lock")
	if err != nil {
		return nil, err
	}
	code, err := read("main.py")
	if err != nil {
		return nil, err
	}
	if s.patch > 0 {
		version := fmt.Sprintf("version = \"1.0.%d\"\n", s.patch)
		pyproject = strings.Replace(pyproject, "version = \"1.0.0\"\n", version, 1)
		own := packageBlock(lock, "app")
		lock = strings.Replace(lock, own, strings.Replace(own, "version = \"1.0.0\"\n", version, 1), 1)
	}
	if s.bump > 0 {
		change, err := readChange("bump", s.bump)
		if err != nil {
			return nil, err
		}
		lock = strings.Replace(lock, packageBlock(lock, "idna"), change, 1)
	}
	if s.add > 0 {
		if pyproject, lock, err = addDependency(pyproject, lock, s.add); err != nil {
			return nil, err
		}
	}
	content := map[string]string{
		"pyproject.toml":               pyproject,
		"uv.lock":                      lock,
		"src/app/main.py":              code + fmt.Sprintf("\n\n# edit %d\n", s.edit),
		"src/app/__init__.py":          "",
		"tests/test_main.py":           "import app.main\n\n\ndef test_app():\n    assert app.main.app\n",
		".dockerignore":                ".venv\n.git\n",
		"trivial.Dockerfile":           "FROM python:3.13-slim\nCOPY src /app\n",
		"src/app/handlers/__init__.py": "",
	}
	for i := range 40 {
		content[fmt.Sprintf("src/app/handlers/h%02d.py", i)] = handler(i)
	}
	return content, nil
}

// handler is one of the modules that make the project as large as a real one.
func handler(n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\"\"\"Handlers of part %d.\"\"\"\n", n)
	for i := range 12 {
		fmt.Fprintf(&b, "\n\ndef handle_%d(request: dict[str, str]) -> dict[str, str]:\n    answer = {}\n    for key, value in request.items():\n        if value:\n            answer[key.lower()] = f\"{value}:%d\"\n    return answer\n", i, n*100+i)
	}
	return b.String()
}

// packageBlock gives the part of a uv.lock that is about one package.
func packageBlock(lock, name string) string {
	const heading = "[[package]]\n"
	start := strings.Index(lock, heading+"name = \""+name+"\"\n")
	if start < 0 {
		panic("the lock has no package " + name) // only for the committed locks
	}
	block := lock[start:]
	if end := strings.Index(block[1:], heading); end >= 0 {
		block = block[:end+1]
	}
	return strings.TrimSpace(block)
}

// readChange reads the nth prepared package of a lock.
func readChange(kind string, n int) (string, error) {
	dir := path.Join("projects", "changes", kind)
	entries, err := files.ReadDir(dir)
	if err != nil {
		return "", err
	}
	if n > len(entries) {
		return "", fmt.Errorf("there are only %d changes of kind %s", len(entries), kind)
	}
	data, err := files.ReadFile(path.Join(dir, entries[n-1].Name()))
	return strings.TrimSpace(string(data)), err
}

// addDependency adds the nth prepared package as `uv add` would.
func addDependency(pyproject, lock string, n int) (string, string, error) {
	block, err := readChange("add", n)
	if err != nil {
		return "", "", err
	}
	name := strings.Split(block, "\"")[1]
	pyproject = insertSorted(pyproject, "dependencies = [\n", "    \""+name+"\",")
	own := packageBlock(lock, "app")
	changed := insertSorted(own, "dependencies = [\n", "    { name = \""+name+"\" },")
	changed = insertSorted(changed, "requires-dist = [\n", "    { name = \""+name+"\" },")
	lock = strings.Replace(lock, own, changed+"\n\n"+block, 1)
	return pyproject, lock, nil
}

// insertSorted inserts a line into the list that follows a heading.
func insertSorted(text, heading, line string) string {
	before, rest, _ := strings.Cut(text, heading)
	list, after, _ := strings.Cut(rest, "\n]")
	lines := append(strings.Split(list, "\n"), line)
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return before + heading + strings.Join(lines, "\n") + "\n]" + after
}
