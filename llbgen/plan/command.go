package plan

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// start is what the image runs, and what that needs.
type start struct {
	argv  []string
	env   []spec.Pair
	iface string
	port  int
}

// command decides what the image of a target runs. files is the project's
// directory; installed tells whether the project is installed (wheel mode).
func command(s *spec.Spec, target string, files fs.FS, installed bool, locked map[string]string) (start, error) {
	if target != "" {
		for _, c := range s.Tool.Commands {
			if c.Name == target {
				return start{argv: c.Argv}, nil
			}
		}
	}
	switch {
	case len(s.Tool.Command) > 0:
		st := start{argv: s.Tool.Command}
		if s.Has("tool.pyfrontend.port") {
			st.port = s.Tool.Port
		}
		return st, nil
	case s.Tool.Server != "":
		row, iface, err := serve(s, files, locked)
		if err != nil {
			return start{}, err
		}
		return start{
			argv: row.command(s.Tool.Server, iface, s.Tool.Port, locked), env: row.env,
			iface: iface, port: s.Tool.Port,
		}, nil
	case installed && len(s.Project.Scripts) == 1:
		return start{argv: []string{s.Project.Scripts[0].Name}}, nil
	case installed && len(s.Project.Scripts) > 1:
		var names []string
		for _, script := range s.Project.Scripts {
			names = append(names, "`"+script.Name+"`")
		}
		return start{}, &spec.Error{
			At:      s.At("project.scripts"),
			Message: "several scripts could be the image's command: " + strings.Join(names, ", "),
			Hint:    fmt.Sprintf("set `command = [%q]` in `[tool.pyfrontend]`", s.Project.Scripts[0].Name),
		}
	}
	return mainCommand(s, files)
}

// mainCommand runs the one package that has a __main__, or the one main file.
func mainCommand(s *spec.Spec, files fs.FS) (start, error) {
	packages := mainPackages(files)
	switch len(packages) {
	case 1:
		return start{argv: []string{"python", "-m", packages[0]}}, nil
	case 0:
		if _, err := fs.Stat(files, "main.py"); err == nil && !s.BuildSystem.Defined {
			return start{argv: []string{"python", "main.py"}}, nil
		}
		return start{}, &spec.Error{
			At:      s.At("tool.pyfrontend"),
			Message: "nothing says what the image runs: there is no `server`, no `command`, no script and no package with a `__main__`",
			Hint:    "set `server = \"package.module:app\"` or `command = [\"…\"]` in `[tool.pyfrontend]`",
		}
	}
	return start{}, &spec.Error{
		At:      s.At("tool.pyfrontend"),
		Message: "several packages have a `__main__`: `" + strings.Join(packages, "`, `") + "`",
		Hint:    fmt.Sprintf("set `command = [\"python\", \"-m\", %q]` in `[tool.pyfrontend]`", packages[0]),
	}
}

func mainPackages(files fs.FS) []string {
	var names []string
	for _, pattern := range []string{"*/__main__.py", "src/*/__main__.py"} {
		found, _ := fs.Glob(files, pattern)
		for _, file := range found {
			name := path.Base(path.Dir(file))
			if name != "src" && name != "tests" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}
