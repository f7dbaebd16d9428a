package lock

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pyfrontend/pyfrontend/llbgen/packaging"
	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// relock is the hint of every error here.
const relock = "run `uv lock`"

// Stale compares what the projects declare with what the lock was made for, and
// gives an error for each difference, or nil. It looks at requirements and
// requires-python only, never at the project's own version, and of the
// dependency groups only at those asked for. Projects are the root and the
// members whose pyproject.toml the caller has; a requirement that
// [tool.uv.sources] redirects is compared without its specifier. Every error in
// it is a *spec.Error.
func (u *UVLock) Stale(projects []Manifest, groups []string) error {
	c := &comparer{lock: u, overridden: u.lockedRequirements(u.doc.root.get("manifest").list("overrides"))}
	for i := range groups {
		c.groups = append(c.groups, packaging.NormalizeName(groups[i]))
	}
	for i := range projects {
		if m := &projects[i]; m.folder() == path.Dir(u.File) {
			c.overridden = append(c.overridden, readReqs(m.Overrides, "")...)
		}
	}
	for i := range projects {
		c.project(&projects[i])
	}
	return errors.Join(c.errs...)
}

// comparer compares projects with a lock and collects the differences.
type comparer struct {
	lock   *UVLock
	groups []string
	// overridden are the requirements of [tool.uv] override-dependencies.
	overridden []requirement
	errs       []error
}

func (c *comparer) fail(at spec.Place, format string, args ...any) {
	if len(c.errs) < maxErrors {
		c.errs = append(c.errs, &spec.Error{At: at, Message: fmt.Sprintf(format, args...), Hint: relock})
	}
}

func (c *comparer) lockName() string { return literal(path.Base(c.lock.File)) }

func (c *comparer) project(m *Manifest) {
	before := len(c.errs)
	c.readable(m.Dependencies)
	for _, extra := range m.Extras {
		c.readable(extra.List)
	}
	if len(c.errs) > before {
		// To compare what is left would blame the lock.
		return
	}
	root := m.folder() == path.Dir(c.lock.File)
	if root && m.UV && c.lock.metadata {
		manifest := c.lock.doc.root.get("manifest")
		c.compare(m, readReqs(m.Constraints, ""), c.lock.lockedRequirements(manifest.list("constraints")))
		c.compare(m, readReqs(m.Overrides, ""), c.lock.lockedRequirements(manifest.list("overrides")))
	}
	if m.Name == "" {
		if root {
			c.compareGroups(m, c.lock.doc.root.get("manifest").get("dependency-groups"))
		}
		return
	}
	p := c.lock.find(m)
	if p == nil {
		c.fail(m.At, "the project %s is not in %s", literal(m.Name), c.lockName())
		return
	}
	if c.lock.isMember(p) {
		c.requiresPython(m)
	}
	if metadata := p.node.get("metadata"); metadata != nil {
		c.metadata(m, metadata)
	} else {
		c.edges(m, p)
	}
}

// readable reports requirements that are none.
func (c *comparer) readable(list []Req) {
	for _, r := range list {
		if _, err := packaging.ParseRequirement(r.Text); err != nil && len(c.errs) < maxErrors {
			c.errs = append(c.errs, &spec.Error{
				At: r.At, Message: literal(r.Text) + " is not a requirement",
				Hint: "write a name and a range of versions, for example `httpx>=0.27`, and run `uv lock`",
			})
		}
	}
}

// find gives the package that is a manifest's project: the source tree of its
// name, if there are several that of its folder.
func (u *UVLock) find(m *Manifest) *uvPackage {
	var first *uvPackage
	for _, p := range u.byName[packaging.NormalizeName(m.Name)] {
		if p.kind != "editable" && p.kind != "virtual" && p.kind != "directory" {
			continue
		}
		if at, _ := contextPath(path.Dir(u.File), p.source); at == m.folder() {
			return p
		}
		if first == nil {
			first = p
		}
	}
	return first
}

// requiresPython compares it for a project alone; the lock of a workspace holds
// what its members have in common.
func (c *comparer) requiresPython(m *Manifest) {
	if len(c.lock.members) > 1 || m.RequiresPython == "" {
		return
	}
	want, err := packaging.ParseSpecifiers(m.RequiresPython)
	if err != nil || samePythons(want, c.lock.RequiresPython) {
		return
	}
	c.fail(m.RequiresPythonAt, "%s has `requires-python` %s, but %s was made for %s", literal(m.File), literal(m.RequiresPython),
		c.lockName(), literal(c.lock.doc.root.str("requires-python")))
}

func (c *comparer) metadata(m *Manifest, metadata *node) {
	locked := c.lock.lockedRequirements(metadata.list("requires-dist"))
	base, extras := m.dynamic("dependencies"), m.dynamic("optional-dependencies")
	var stated []requirement
	if !base {
		stated = readReqs(m.Dependencies, "")
	}
	if !extras {
		for _, extra := range m.Extras {
			stated = append(stated, readReqs(extra.List, extra.Name)...)
		}
	}
	if base || extras {
		locked = slices.DeleteFunc(locked, func(r requirement) bool {
			optional := r.marker != nil && strings.Contains(r.marker.String(), "extra ==")
			return optional && extras || !optional && base
		})
	}
	c.compare(m, stated, locked)
	if provided := metadata.get("provides-extras"); provided != nil && !extras {
		names := normalised(metadata.strs("provides-extras"))
		for _, extra := range m.Extras {
			if !slices.Contains(names, packaging.NormalizeName(extra.Name)) && len(extra.List) == 0 {
				c.fail(extra.At, "%s has the extra %s, which %s does not have", literal(m.File), literal(extra.Name), c.lockName())
			}
		}
	}
	c.compareGroups(m, metadata.get("requires-dev", "dependency-groups"))
}

// compareGroups compares the groups asked for with a table of groups.
func (c *comparer) compareGroups(m *Manifest, table *node) {
	for _, name := range c.groups {
		var stated, locked []requirement
		if group := find(m.Groups, name); group != nil {
			stated = readReqs(group.List, "")
		}
		if table != nil {
			for _, f := range table.fields {
				if packaging.NormalizeName(f.key) == name {
					locked = c.lock.lockedRequirements(f.value.items)
				}
			}
		}
		c.compare(m, stated, locked)
	}
}

// compare reports where two lists of requirements differ, name by name.
func (c *comparer) compare(m *Manifest, stated, locked []requirement) {
	var names []string
	known := map[string]bool{}
	byName := func(list []requirement) map[string][]*requirement {
		groups := map[string][]*requirement{}
		for i := range list {
			name := list[i].name
			if !known[name] {
				known[name] = true
				names = append(names, name)
			}
			groups[name] = append(groups[name], &list[i])
		}
		return groups
	}
	here, there := byName(stated), byName(locked)
	for _, name := range names {
		c.compareName(m, here[name], there[name])
	}
}

// compareName reports the requirements of one name that, in some environment,
// one side has and the other has not.
func (c *comparer) compareName(m *Manifest, stated, locked []*requirement) {
	if len(stated) == 1 && len(locked) == 1 && stated[0].same(locked[0]) && stated[0].extra == "" &&
		stated[0].marker.String() == locked[0].marker.String() {
		return
	}
	mention := mentioned{}
	extras := [][]string{nil}
	for _, r := range slices.Concat(stated, locked) {
		mention.read(r.marker)
		if r.extra != "" && !slices.Contains(mention["extra"], r.extra) {
			mention["extra"] = append(mention["extra"], r.extra)
		}
	}
	for _, extra := range mention["extra"] {
		extras = append(extras, []string{extra})
	}
	reported := map[*requirement]bool{}
	for _, e := range mention.grid(c.lock.RequiresPython, extras) {
		here, there := active(stated, e), active(locked, e)
		for _, r := range here {
			if !slices.ContainsFunc(there, r.same) && !reported[r] {
				reported[r] = true
				if other := counterpart(r, there, here, locked); other != nil {
					reported[other] = true
					c.differs(m, r, other)
				} else {
					c.fail(r.at, "%s requires %s, which %s was not made for", literal(m.File), literal(r.plain), c.lockName())
				}
			}
		}
		for _, r := range there {
			same := func(s *requirement) bool { return s.same(r) }
			if slices.ContainsFunc(here, same) || reported[r] {
				continue
			}
			reported[r] = true
			if i := slices.IndexFunc(stated, same); i >= 0 {
				if !reported[stated[i]] {
					reported[stated[i]] = true
					c.differs(m, stated[i], r)
				}
			} else {
				c.fail(r.at, "%s was made for %s, which %s no longer requires", c.lockName(), literal(r.plain), literal(m.File))
			}
		}
	}
}

// active are the requirements that apply in an environment.
func active(list []*requirement, e packaging.Environment) []*requirement {
	var some []*requirement
	for _, r := range list {
		if r.extra != "" && !slices.Contains(e.Extras, r.extra) {
			continue
		}
		if r.marker.Evaluate(e) {
			some = append(some, r)
		}
	}
	return some
}

// counterpart is the locked requirement that a stated one has most likely been:
// one that is the same under another marker, else one that nothing here
// accounts for, else any of the name.
func counterpart(r *requirement, there, here, locked []*requirement) *requirement {
	if i := slices.IndexFunc(locked, r.same); i >= 0 {
		return locked[i]
	}
	for _, other := range there {
		if !slices.ContainsFunc(here, func(s *requirement) bool { return s.same(other) }) {
			return other
		}
	}
	if r.extra == "" && len(locked) > 0 && len(there) == 0 {
		return locked[0]
	}
	return nil
}

func (c *comparer) differs(m *Manifest, stated, locked *requirement) {
	a, b := stated.plain, locked.plain
	if stated.same(locked) {
		a, b = stated.full, locked.full
		if stated.extra != "" {
			a += " (extra " + stated.extra + ")"
		}
	}
	c.fail(stated.at, "%s requires %s, but %s was made for %s", literal(m.File), literal(a), c.lockName(), literal(b))
}
