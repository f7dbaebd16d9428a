package plan

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/agext/levenshtein"

	"github.com/pyfrontend/pyfrontend/llbgen/lock"
	"github.com/pyfrontend/pyfrontend/llbgen/packaging"
	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// DefaultTarget is the name of the image itself among the targets.
const DefaultTarget = "default"

// CheckTarget tells whether the project has a build target; "" is the image.
func CheckTarget(s *spec.Spec, target string) error {
	names := []string{DefaultTarget}
	for _, c := range s.Tool.Commands {
		names = append(names, c.Name)
	}
	if target == "" || slices.Contains(names, target) {
		return nil
	}
	return &spec.Error{
		At:      s.At("tool.pyfrontend.commands"),
		Message: fmt.Sprintf("there is no target %s", spec.Quote(target)),
		Hint:    suggest(target, names, "the targets are"),
	}
}

// suggest names the most similar of the known words, else all of them.
func suggest(word string, known []string, listing string) string {
	best, distance := "", 3
	for _, k := range known {
		if d := levenshtein.Distance(strings.ToLower(word), strings.ToLower(k), nil); d < distance {
			best, distance = k, d
		}
	}
	if best != "" {
		return "did you mean " + spec.Quote(best) + "?"
	}
	if len(known) == 0 {
		return ""
	}
	return listing + " `" + strings.Join(known, "`, `") + "`"
}

// FindLock gives the name of the lock file: the `lock` key, else the one that
// is there.
func FindLock(s *spec.Spec, context fs.FS) (string, error) {
	at := s.At("tool.pyfrontend.lock")
	if name := s.Tool.Lock; name != "" {
		if _, err := fs.Stat(context, path.Clean(name)); err != nil {
			return "", &spec.Error{At: at, Message: fmt.Sprintf("the lock file `%s` is not in the build context", name), Hint: "see that the path is right and that `.dockerignore` does not exclude it"}
		}
		if path.Base(name) != "uv.lock" {
			return "", notUV(at, name)
		}
		if path.Dir(path.Clean(name)) != "." {
			return "", &spec.Error{
				At: at, Message: fmt.Sprintf("the lock file `%s` is not in the root of the build context, beside the `pyproject.toml` that it is for", name),
				Hint: "build with its directory as the context; a member of a workspace is chosen with `package`",
			}
		}
		return path.Clean(name), nil
	}
	var found []string
	for _, l := range lockFiles {
		if _, err := fs.Stat(context, l.name); err == nil {
			found = append(found, l.name)
		}
	}
	switch {
	case len(found) == 0:
		return "", &spec.Error{
			At:      s.At("project"),
			Message: "there is no lock file in the build context",
			Hint:    "run `uv lock` and commit `uv.lock`; see that `.dockerignore` does not exclude it",
		}
	case len(found) > 1:
		return "", &spec.Error{
			At:      at,
			Message: "there are several lock files: `" + strings.Join(found, "`, `") + "`",
			Hint:    fmt.Sprintf("delete those that are not in use, or set `lock = %q` in `[tool.pyfrontend]`", found[0]),
		}
	case found[0] != "uv.lock":
		return "", notUV(at, found[0])
	}
	return found[0], nil
}

func notUV(at spec.Place, name string) error {
	return &spec.Error{At: at, Message: fmt.Sprintf("the lock file `%s` is of a format that is not read", name), Hint: "lock the project with `uv lock`"}
}

// FindProject tells which project of the lock is built: its directory in the
// context and, where uv has to be told, its name.
func FindProject(s *spec.Spec, members []lock.Member) (dir, name string, err error) {
	wanted, at := s.Tool.Package, s.At("tool.pyfrontend.package")
	if wanted == "" {
		// A member's own pyproject.toml may be the build file of a context that
		// is the whole workspace.
		for _, m := range members {
			if s.Project.Defined && m.Workspace && m.Name == packaging.NormalizeName(s.Project.Name) && m.Path != "." {
				return m.Path, m.Name, nil
			}
		}
		return ".", "", nil
	}
	var names []string
	for _, m := range members {
		if !m.Workspace {
			continue
		}
		if m.Name == packaging.NormalizeName(wanted) {
			return m.Path, m.Name, nil
		}
		names = append(names, m.Name)
	}
	return "", "", &spec.Error{At: at, Message: fmt.Sprintf("the workspace has no package %s", spec.Quote(wanted)), Hint: suggest(wanted, names, "its packages are")}
}

// CheckSelection tells whether the project has the extras and groups that are
// asked for.
func CheckSelection(s *spec.Spec) error {
	var extras, groups []string
	for _, e := range s.Project.Extras {
		extras = append(extras, packaging.NormalizeName(e.Name))
	}
	for _, g := range s.Groups {
		groups = append(groups, packaging.NormalizeName(g.Name))
	}
	var errs []error
	check := func(key, kind string, wanted, known []string) {
		for i, name := range wanted {
			if !slices.Contains(known, packaging.NormalizeName(name)) {
				errs = append(errs, &spec.Error{
					At:      s.At(fmt.Sprintf("tool.pyfrontend.%s[%d]", key, i)),
					Message: fmt.Sprintf("the project has no %s %s", kind, spec.Quote(name)),
					Hint:    suggest(name, known, "it has"),
				})
			}
		}
	}
	check("extras", "extra", s.Tool.Extras, extras)
	check("groups", "dependency group", s.Tool.Groups, groups)
	return errors.Join(errs...)
}

// BuildWheels selects from a resolved pylock.toml the wheels that build a
// project on the build platform.
func BuildWheels(pylock []byte, python packaging.Version, project Project, arch string, libc packaging.Libc) ([]lock.Distribution, error) {
	l, err := lock.ParsePylock(pylock, lock.Places{File: project.At.File})
	if err != nil {
		return nil, project.buildError(err)
	}
	wheels, err := l.Select(packaging.Target{Python: python, Arch: Machine(arch), Libc: libc}, lock.Options{})
	if err != nil {
		return nil, project.buildError(err)
	}
	for i := range wheels {
		wheels[i].At, wheels[i].File.At = project.At, project.At
	}
	return wheels, nil
}

// buildError gives mistakes in what an index answered the place of the
// requirements that it was asked for.
func (p Project) buildError(err error) error {
	var errs []error
	for _, e := range spec.Errors(err) {
		errs = append(errs, &spec.Error{At: p.At, Message: fmt.Sprintf("the build requirements of %s: %s", p.Name, e.Message), Hint: e.Hint})
	}
	if errs == nil {
		return err
	}
	return errors.Join(errs...)
}

// Manifests gives the declarations of a lock's projects in the form in which
// they are compared with it.
func Manifests(members map[string]*spec.Spec) []lock.Manifest {
	var all []lock.Manifest
	for _, dir := range slices.Sorted(maps.Keys(members)) {
		all = append(all, manifest(path.Join(dir, "pyproject.toml"), members[dir]))
	}
	return all
}

func manifest(file string, s *spec.Spec) lock.Manifest {
	m := lock.Manifest{
		File: file, Name: s.Project.Name, At: s.At("project.name"),
		RequiresPython: s.Project.RequiresPython, RequiresPythonAt: s.At("project.requires-python"),
		Dependencies: reqs(s, "project.dependencies", s.Project.Dependencies),
		Dynamic:      s.Project.Dynamic,
	}
	for _, e := range s.Project.Extras {
		key := spec.Key("project", "optional-dependencies", e.Name)
		m.Extras = append(m.Extras, lock.Requirements{Name: e.Name, At: s.At(key), List: reqs(s, key, e.Requirements)})
	}
	for _, g := range s.Groups {
		m.Groups = append(m.Groups, lock.Requirements{Name: g.Name, At: s.At(spec.Key("dependency-groups", g.Name)), List: groupReqs(s, g, nil)})
	}
	return m
}

func reqs(s *spec.Spec, key string, texts []string) []lock.Req {
	list := make([]lock.Req, len(texts))
	for i, text := range texts {
		list[i] = lock.Req{Text: text, At: s.At(fmt.Sprintf("%s[%d]", key, i))}
	}
	return list
}

// groupReqs gives a group's requirements with those of the groups it includes,
// in any depth; within holds the groups on the way, so that a cycle ends.
func groupReqs(s *spec.Spec, g spec.Group, within []string) []lock.Req {
	key := spec.Key("dependency-groups", g.Name)
	var list []lock.Req
	for _, text := range g.Requirements {
		list = append(list, lock.Req{Text: text, At: s.At(key)})
	}
	within = append(within, g.Name)
	for _, name := range g.Include {
		for _, other := range s.Groups {
			if other.Name == packaging.NormalizeName(name) && !slices.Contains(within, other.Name) {
				list = append(list, groupReqs(s, other, within)...)
			}
		}
	}
	return list
}
