package step

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// importable matches a name that an import statement can spell.
var importable = regexp.MustCompile(`^[\p{L}][\p{L}\p{N}_]*$`)

// besides are names of what lies beside a package and is run by other tools.
var besides = []string{
	"alembic", "benchmarks", "conftest", "doc", "docs", "example", "examples", "migrations", "scripts",
	"setup", "templates", "test", "testing", "tests", "versions",
}

// importPlan is what smoke.py is told.
type importPlan struct {
	Modules []string    `json:"modules"`
	Server  *serverPlan `json:"server,omitempty"`
}

type serverPlan struct {
	Module string `json:"module"`
	Object string `json:"object"`
}

// plan decides what is imported, and in which order: what was asked for, else
// what the projects bring, then what the server needs.
func (t *smokeTest) plan() importPlan {
	var p importPlan
	p.Modules = append(p.Modules, t.modules...)
	if len(t.modules) == 0 {
		for _, project := range t.projects {
			p.Modules = append(p.Modules, t.modulesOf(project)...)
		}
	}
	if t.server != "" {
		p.Modules = append(p.Modules, t.serverModule)
		p.Server = &serverPlan{t.serverModule, t.serverObject}
	}
	seen := map[string]bool{}
	p.Modules = slices.DeleteFunc(p.Modules, func(name string) bool {
		double := seen[name]
		seen[name] = true
		return double
	})
	return p
}

// modulesOf lists the top-level modules of an installed distribution.
func (t *smokeTest) modulesOf(project string) []string {
	i := slices.IndexFunc(t.all, func(d distribution) bool { return d.name == normalise(project) })
	if i < 0 {
		t.fail(Failure{
			Kind: KindMissingDistribution, Name: normalise(project),
			Detail: fmt.Sprintf("%s is not installed", project),
		})
		return nil
	}
	root := &folder{}
	for _, row := range t.all[i].rows {
		root.add(strings.Split(row[0], "/"))
	}
	names := root.modules("", func(name string) bool { return !slices.Contains(besides, name) })
	if len(names) == 0 { // a project may be called scripts
		names = root.modules("", func(string) bool { return true })
	}
	return names
}

// folder is a directory of Python files.
type folder struct {
	files   map[string]bool // importable files, __init__ among them
	folders map[string]*folder
}

// add notes a file of a RECORD if it can be imported.
func (f *folder) add(parts []string) {
	name := parts[0]
	if len(parts) > 1 {
		if !importable.MatchString(name) {
			return
		}
		if f.folders == nil {
			f.folders = map[string]*folder{}
		}
		if f.folders[name] == nil {
			f.folders[name] = &folder{}
		}
		f.folders[name].add(parts[1:])
		return
	}
	stem, suffix, _ := strings.Cut(name, ".")
	if suffix != "py" && suffix != "so" && !extensionName.MatchString(name) {
		return
	}
	if stem == "__init__" || importable.MatchString(stem) {
		if f.files == nil {
			f.files = map[string]bool{}
		}
		f.files[stem] = true
	}
}

// modules lists modules and packages; a folder without __init__ is a
// namespace, and what it holds counts instead.
func (f *folder) modules(prefix string, wanted func(string) bool) []string {
	var names []string
	for name := range f.files {
		if name != "__init__" && wanted(name) {
			names = append(names, prefix+name)
		}
	}
	for name, sub := range f.folders {
		switch {
		case !wanted(name):
		case sub.files["__init__"]:
			names = append(names, prefix+name)
		default:
			names = append(names, sub.modules(prefix+name+".", wanted)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
