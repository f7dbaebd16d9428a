package lock

import (
	"fmt"
	"slices"

	"github.com/pyfrontend/pyfrontend/llbgen/packaging"
)

// A lock without [package.metadata] (uv may leave it out) does not say what it
// was made for. What remains to be compared are the project's edges: each
// requirement must name one, with a locked version that satisfies it, and each
// edge must be named.

// edge is one locked dependency of a project.
type edge struct {
	requirement
	// version is the locked one, zero where there is none to compare.
	version packaging.Version
	// source is the address of a git or url source.
	source string
}

func (c *comparer) edges(m *Manifest, p *uvPackage) {
	if !m.dynamic("dependencies") && !m.dynamic("optional-dependencies") {
		c.compareEdges(m, c.expand(m, "", nil), p.node.get("dependencies"), nil)
		optional := p.node.get("optional-dependencies")
		for _, extra := range m.Extras {
			name := packaging.NormalizeName(extra.Name)
			list, conflict := groupOf(optional, name), fmt.Sprintf("extra-%d-%s-%s", len(p.name), p.name, name)
			c.compareEdges(m, c.expand(m, name, nil), list, []string{conflict})
		}
		if optional != nil {
			for _, f := range optional.fields {
				if find(m.Extras, packaging.NormalizeName(f.key)) == nil {
					c.fail(c.lock.doc.key(optional, f.key), "%s was made for the extra %s, which %s no longer has", c.lockName(), literal(f.key), literal(m.File))
				}
			}
		}
	}
	for _, name := range c.groups {
		list := groupOf(p.node.get("dev-dependencies", "dependency-groups"), name)
		var stated []requirement
		if group := find(m.Groups, name); group != nil {
			stated = readReqs(group.List, "")
		}
		c.compareEdges(m, stated, list, []string{fmt.Sprintf("group-%d-%s-%s", len(p.name), p.name, name)})
	}
}

func groupOf(table *node, name string) *node {
	if table != nil {
		for _, f := range table.fields {
			if packaging.NormalizeName(f.key) == name {
				return f.value
			}
		}
	}
	return nil
}

// expand gives the requirements of an extra, or of the project itself for "",
// with `name[extra]` of the project's own replaced by what it stands for. uv's
// own lists are expanded the same way.
func (c *comparer) expand(m *Manifest, extra string, seen []string) []requirement {
	list := readReqs(m.Dependencies, "")
	if extra != "" {
		list = nil
		if e := find(m.Extras, extra); e != nil {
			list = readReqs(e.List, "")
		}
	}
	own := packaging.NormalizeName(m.Name)
	seen = append(slices.Clone(seen), extra)
	var all []requirement
	for _, r := range list {
		if r.name != own {
			all = append(all, r)
			continue
		}
		for _, inner := range r.extras {
			if !slices.Contains(seen, inner) {
				for _, one := range c.expand(m, inner, seen) {
					one.also = append(slices.Clone(one.also), r.marker)
					all = append(all, one)
				}
			}
		}
	}
	return all
}

func (c *comparer) compareEdges(m *Manifest, stated []requirement, list *node, conflicts []string) {
	var edges []edge
	if list != nil {
		for _, n := range list.items {
			if e, ok := c.lock.edge(n); ok {
				edges = append(edges, e)
			}
		}
	}
	var names []string
	for _, r := range stated {
		names = append(names, r.name)
	}
	for _, e := range edges {
		names = append(names, e.name)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if slices.ContainsFunc(c.overridden, func(r requirement) bool { return r.name == name }) {
			continue
		}
		here := slices.DeleteFunc(slices.Clone(stated), func(r requirement) bool { return r.name != name })
		there := slices.DeleteFunc(slices.Clone(edges), func(e edge) bool { return e.name != name })
		c.compareEdge(m, here, there, conflicts)
	}
}

// edge reads one entry of `dependencies` and finds the package it names.
func (u *UVLock) edge(n *node) (edge, bool) {
	r, ok := u.lockedRequirement(n)
	e := edge{requirement: r}
	if !ok {
		return e, false
	}
	var target *uvPackage
	for _, p := range u.byName[e.name] {
		if v := n.str("version"); v != "" && v != p.version {
			continue
		}
		if source := n.get("source"); source != nil && source.str(p.kind) != p.source {
			continue
		}
		target = p
		break
	}
	if target != nil {
		e.plain = e.name + " " + target.version
		e.version, _ = packaging.ParseVersion(target.version)
		switch target.kind {
		case "git", "url":
			e.source = address(target.source)
			fallthrough
		case "path", "directory", "editable", "virtual":
			e.anySource = true
		}
	}
	return e, true
}

const otherEnvironments = "%s requires %s, in other environments than %s was made for"

// compareEdge compares the requirements and the edges of one name.
func (c *comparer) compareEdge(m *Manifest, stated []requirement, edges []edge, conflicts []string) {
	mention := mentioned{}
	for _, r := range stated {
		mention.read(append(r.also, r.marker)...)
	}
	mention.read(c.lock.supported...)
	for _, e := range edges {
		mention.read(e.marker)
	}
	for _, environment := range mention.grid(c.lock.RequiresPython, [][]string{conflicts}) {
		supported := func(m *packaging.Marker) bool { return m.Evaluate(environment) }
		if len(c.lock.supported) > 0 && !slices.ContainsFunc(c.lock.supported, supported) {
			continue
		}
		here := slices.DeleteFunc(slices.Clone(stated), func(r requirement) bool { return !r.applies(environment) })
		there := slices.DeleteFunc(slices.Clone(edges), func(e edge) bool { return !e.marker.Evaluate(environment) })
		if c.edgeDiffers(m, here, there, stated, len(edges) > 0) {
			return
		}
	}
}

// edgeDiffers reports the first difference in one environment; all are the
// requirements of every environment, and known tells whether one has an edge.
func (c *comparer) edgeDiffers(m *Manifest, stated []requirement, edges []edge, all []requirement, known bool) bool {
	var wanted, locked []string
	for _, r := range stated {
		wanted = append(wanted, r.extras...)
	}
	for _, e := range edges {
		locked = append(locked, e.extras...)
	}
	for _, r := range stated {
		switch {
		case len(edges) == 0 && known:
			c.fail(r.at, otherEnvironments, literal(m.File), literal(r.full), c.lockName())
		case len(edges) == 0:
			c.fail(r.at, "%s requires %s, which %s was not made for", literal(m.File), literal(r.plain), c.lockName())
		case !subset(r.extras, locked):
			c.fail(r.at, "%s requires %s, but %s has %s without an extra of it", literal(m.File), literal(r.plain), c.lockName(), literal(r.name))
		case slices.ContainsFunc(edges, func(e edge) bool { return !e.satisfies(r) }):
			c.fail(r.at, "%s requires %s, but %s has %s", literal(m.File), literal(r.plain), c.lockName(), literal(edges[0].plain))
		default:
			continue
		}
		return true
	}
	for _, e := range edges {
		switch {
		case len(stated) == 0 && len(all) > 0:
			c.fail(all[0].at, otherEnvironments, literal(m.File), literal(all[0].full), c.lockName())
		case len(stated) == 0:
			c.fail(e.at, "%s was made for %s, which %s no longer requires", c.lockName(), literal(e.name), literal(m.File))
		case !subset(locked, wanted):
			c.fail(e.at, "%s was made for extras of %s that %s no longer requires", c.lockName(), literal(e.name), literal(m.File))
		default:
			continue
		}
		return true
	}
	return false
}

// satisfies tells whether the locked package is one that the requirement allows.
func (e *edge) satisfies(r requirement) bool {
	if r.url != "" {
		return e.source == r.url
	}
	return e.anySource || e.version.IsZero() || r.spec.Contains(e.version)
}
