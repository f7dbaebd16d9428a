package spec

import "strings"

// readProject reads what other tools' tables say. Their unknown keys are
// their own business.
func (s *Spec) readProject(r *reader, root *node) {
	if n := r.table(root.get("project")); n != nil {
		s.Project = r.project(n)
	}
	if n := r.table(root.get("build-system")); n != nil {
		s.BuildSystem = BuildSystem{
			Defined:     true,
			Requires:    r.strings(n.get("requires")),
			Backend:     r.text(n.get("build-backend")),
			BackendPath: r.strings(n.get("backend-path")),
		}
	}
	s.Groups = r.groups(root.get("dependency-groups"))
	if n := r.table(root.get("tool")); n != nil {
		s.UV = r.uv(n.get("uv"))
	}
}

func (r *reader) project(n *node) Project {
	p := Project{
		Defined:        true,
		Name:           r.text(n.get("name")),
		Version:        r.text(n.get("version")),
		Description:    r.text(n.get("description")),
		RequiresPython: r.text(n.get("requires-python")),
		Readme:         r.readme(n.get("readme")),
		LicenseFiles:   r.strings(n.get("license-files")),
		Authors:        r.authors(n.get("authors")),
		URLs:           r.pairs(n.get("urls")),
		Dependencies:   r.strings(n.get("dependencies")),
		Extras:         r.extras(n.get("optional-dependencies")),
		Scripts:        r.pairs(n.get("scripts")),
		Dynamic:        r.strings(n.get("dynamic")),
	}
	r.license(n.get("license"), &p)
	switch name := n.get("name"); {
	case name == nil:
		r.mistake(n.whole, "add `name = \"…\"`, the one key that cannot be left out", "`[project]` has no `name`")
	case name.kind == kindString && !distributionName.MatchString(name.text):
		r.mistake(name.value, "use letters, digits, `.`, `_` and `-`, and a letter or digit at both ends", "%s is not a valid name: %s", label(name), Quote(name.text))
	}
	return p
}

// readme is a file name, or a table with `file` or `text`.
func (r *reader) readme(n *node) string {
	if n != nil && n.kind == kindTable {
		return r.text(n.get("file"))
	}
	if n != nil && n.kind != kindString {
		r.wrongType(n, "a string or a table", "")
		return ""
	}
	return r.text(n)
}

// license is an SPDX expression, or a table with `file` or `text` (the form
// before PEP 639).
func (r *reader) license(n *node, p *Project) {
	switch {
	case n == nil:
	case n.kind == kindString:
		p.License = r.text(n)
	case n.kind != kindTable:
		r.wrongType(n, "a string or a table", "")
	default:
		p.License = r.text(n.get("text"))
		if file := r.text(n.get("file")); file != "" {
			p.LicenseFiles = append(p.LicenseFiles, file)
		}
	}
}

// authors gives each as "Name <email>", or the one of the two that is there.
func (r *reader) authors(n *node) []string {
	var list []string
	for _, author := range r.tables(n) {
		name, email := r.text(author.get("name")), r.text(author.get("email"))
		if email != "" && name != "" {
			email = "<" + email + ">"
		}
		if both := strings.TrimSpace(name + " " + email); both != "" {
			list = append(list, both)
		}
	}
	return list
}

func (r *reader) extras(n *node) []Extra {
	var list []Extra
	for _, extra := range r.distinct(n) {
		list = append(list, Extra{Name: normalize(extra.name), Requirements: r.strings(extra)})
	}
	return list
}

func (r *reader) groups(n *node) []Group {
	var list []Group
	for _, group := range r.distinct(n) {
		g := Group{Name: normalize(group.name)}
		if group.kind != kindArray {
			r.wrongType(group, "an array", typeHint(group, wantStrings))
		}
		for _, item := range group.items {
			include := item.get("include-group")
			switch {
			case item.kind == kindString:
				g.Requirements = append(g.Requirements, r.text(item))
			case item.kind != kindTable:
				r.wrongType(item, "a string or a table", "")
			case include == nil || len(item.fields) > 1:
				r.mistake(item.value, "write `{include-group = \"…\"}`", "%s must hold `include-group` and nothing else", label(item))
			default:
				g.Include = append(g.Include, normalize(r.text(include)))
			}
		}
		list = append(list, g)
	}
	return list
}

// distinct lists the keys of a table of extras or groups and refuses two that
// are the same name in its normalised form.
func (r *reader) distinct(n *node) []*node {
	seen := map[string]*node{}
	fields := r.fields(n)
	for _, f := range fields {
		name := normalize(f.name)
		if first := seen[name]; first != nil {
			r.mistake(f.key, "", "%s and %s are the same name", Quote(first.name), Quote(f.name))
			continue
		}
		seen[name] = f
	}
	return fields
}

func (r *reader) uv(n *node) UV {
	if n = r.table(n); n == nil {
		return UV{}
	}
	uv := UV{Package: r.boolean(n.get("package")), ExcludeNewer: r.date(n.get("exclude-newer"))}
	if !isDate(uv.ExcludeNewer) {
		// uv also takes a span ("7 days"), counted back from the moment of
		// the build, which is no date to resolve as of.
		uv.ExcludeNewer = ""
	}
	if workspace := r.table(n.get("workspace")); workspace != nil {
		uv.Workspace = true
		uv.Members = r.strings(workspace.get("members"))
		uv.WorkspaceExclude = r.strings(workspace.get("exclude"))
	}
	return uv
}
