package lock

import (
	"github.com/pyfrontend/pyfrontend/llbgen/packaging"
	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// Places tells where an entry of a pylock stands in the file the user
// committed. With nothing but File in it, that file is the pylock itself.
type Places struct {
	// File is the file the user committed, relative to the build context.
	File string

	requiresPython spec.Place
	// packages is by name and version, and by name alone for what has none.
	packages map[string]spec.Place
	// files is by URL, and by package name and file name.
	files map[string]filePlace
}

// filePlace is a file's place and that of the package it belongs to.
type filePlace struct{ file, pkg spec.Place }

func (p Places) own() bool { return p.packages == nil }

func (p Places) top(d *document) spec.Place {
	if p.own() {
		return d.key(d.root, "requires-python")
	}
	return p.requiresPython
}

// pkg finds an entry's place: by its files, since one name and version may
// occur with several sources, then by name and version, then by name.
func (p Places) pkg(d *document, n *node, name, version string) spec.Place {
	if p.own() {
		return d.key(n, "name")
	}
	for _, file := range append([]*node{n.get("archive"), n.get("sdist")}, n.list("wheels")...) {
		if place, ok := p.files[file.str("url")]; ok {
			return place.pkg
		}
	}
	if place, ok := p.packages[name+" "+version]; ok {
		return place
	}
	if place, ok := p.packages[name]; ok {
		return place
	}
	return spec.Place{File: p.File}
}

func (p Places) file(d *document, n *node, pkg *Package, f File) spec.Place {
	if p.own() {
		return d.at(n)
	}
	if place, ok := p.files[f.URL]; ok && f.URL != "" {
		return place.file
	}
	if place, ok := p.files[pkg.Name+" "+f.Name]; ok {
		return place.file
	}
	return pkg.At
}

// Places gives the place of everything that `uv export` may write of this lock.
func (u *UVLock) Places() Places {
	p := Places{
		File:           u.File,
		requiresPython: u.doc.key(u.doc.root, "requires-python"),
		packages:       make(map[string]spec.Place, 2*len(u.packages)),
		files:          map[string]filePlace{},
	}
	for _, pkg := range u.packages {
		at := u.doc.key(pkg.node, "name")
		for _, key := range []string{pkg.name + " " + pkg.version, pkg.name} {
			if _, taken := p.packages[key]; !taken {
				p.packages[key] = at
			}
		}
		for _, n := range append([]*node{pkg.node.get("sdist")}, pkg.node.list("wheels")...) {
			if n == nil || n.kind != tableNode {
				continue
			}
			u.addFile(p.files, pkg, n, filePlace{u.doc.at(n), at})
		}
	}
	return p
}

func (u *UVLock) addFile(files map[string]filePlace, pkg *uvPackage, n *node, place filePlace) {
	address, name := n.str("url"), n.str("filename")
	if address == "" && pkg.kind == "url" {
		address = pkg.source
	}
	if stated := n.str("path"); name == "" {
		name = urlFileName(address + stated)
	}
	for _, key := range []string{address, packaging.NormalizeName(pkg.name) + " " + name} {
		if _, taken := files[key]; !taken && key != "" {
			files[key] = place
		}
	}
}
