package lock

import (
	"cmp"
	"errors"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/pyfrontend/pyfrontend/llbgen/packaging"
	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// UVLock is what is read of a uv.lock directly: everything but the selection,
// which uv's own export makes. It is not changed after ParseUVLock.
type UVLock struct {
	// File is its name, relative to the build context.
	File           string
	RequiresPython packaging.Specifiers

	doc      *document
	packages []*uvPackage // in file order
	byName   map[string][]*uvPackage
	members  []string // normalised names of [manifest]
	// supported are the environments the lock is limited to; its markers hold
	// for these only. None means every environment.
	supported []*packaging.Marker
	// metadata is true if the lock says what it was made for.
	metadata bool
}

// uvPackage is one [[package]].
type uvPackage struct {
	name, version string // name is normalised, version may be empty
	// kind is the key of `source`: registry, git, url, path, directory,
	// editable or virtual; source its value.
	kind, source string
	node         *node
}

var uvSourceKinds = []string{"registry", "git", "url", "path", "directory", "editable", "virtual"}

// uvVersion is the format that is read; any revision of it is compatible.
const uvVersion = 1

// ParseUVLock reads a uv.lock named file. Every error in it is a *spec.Error.
func ParseUVLock(file string, data []byte) (*UVLock, error) {
	d, err := parseTOML(file, data)
	if err != nil {
		return nil, err
	}
	u := &UVLock{File: file, doc: d, byName: map[string][]*uvPackage{}}
	if err := u.checkVersion(); err != nil {
		return nil, err
	}
	var errs []error
	text := d.root.str("requires-python")
	if u.RequiresPython, err = packaging.ParseSpecifiers(text); err != nil {
		errs = append(errs, spec.Errorf(d.key(d.root, "requires-python"), "%s is not a version specifier", literal(text)))
	}
	for _, name := range d.root.get("manifest").strs("members") {
		u.members = append(u.members, packaging.NormalizeName(name))
	}
	for _, text := range d.root.strs("supported-markers") {
		if m, err := packaging.ParseMarker(text); err == nil {
			u.supported = append(u.supported, m)
		}
	}
	nodes := d.root.list("package", "distribution")
	u.packages = make([]*uvPackage, 0, len(nodes))
	for _, n := range nodes {
		p, err := u.pkg(n)
		if err != nil {
			if errs = append(errs, err); len(errs) == maxErrors {
				break
			}
			continue
		}
		u.metadata = u.metadata || n.get("metadata") != nil
		u.packages = append(u.packages, p)
		u.byName[p.name] = append(u.byName[p.name], p)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return u, nil
}

func (u *UVLock) checkVersion() error {
	v := u.doc.root.get("version")
	if v == nil {
		e := spec.Errorf(u.doc.at(nil), "%s states no `version`", literal(path.Base(u.File)))
		e.Hint = "run `uv lock` to make it again"
		return e
	}
	if n, err := strconv.Atoi(v.text); err == nil && n == uvVersion && v.kind == integerNode {
		return nil
	}
	e := spec.Errorf(u.doc.key(u.doc.root, "version"), "%s has version %s; this pyfrontend reads version %d", literal(path.Base(u.File)), printable(cmp.Or(v.text, v.kind.String())), uvVersion)
	e.Hint = "use a newer pyfrontend, or make the lock with the uv that this one knows"
	return e
}

func (u *UVLock) pkg(n *node) (*uvPackage, error) {
	if n.kind != tableNode {
		return nil, spec.Errorf(u.doc.at(n), "`package` must hold tables")
	}
	name := n.str("name")
	if !validName(name) {
		return nil, spec.Errorf(u.doc.key(n, "name"), "%s is not a package name", literal(name))
	}
	p := &uvPackage{name: packaging.NormalizeName(name), version: n.str("version"), node: n}
	source := n.get("source")
	for _, kind := range uvSourceKinds {
		if v := source.get(kind); v != nil {
			if p.kind != "" || v.kind != stringNode {
				return nil, spec.Errorf(u.doc.key(n, "source"), "the source of %s is not understood", literal(name))
			}
			p.kind, p.source = kind, v.text
		}
	}
	if p.kind == "" {
		e := spec.Errorf(u.doc.key(n, "source"), "the source of %s is not understood", literal(name))
		e.Hint = "use a newer pyfrontend, or make the lock again with `uv lock`"
		return nil, e
	}
	return p, nil
}

// MemberKind tells how a project of the context takes part in a lock.
type MemberKind string

// The kinds of member, named as uv.lock names them.
const (
	// Virtual is a project of which only the dependencies are installed.
	Virtual MemberKind = "virtual"
	// Editable is a project that is built and installed; here never editable.
	Editable MemberKind = "editable"
	// SourceTree is a path dependency that is built and installed.
	SourceTree MemberKind = "directory"
	// LocalFile is a wheel or source archive in the context.
	LocalFile MemberKind = "path"
)

// Member is a project or file of the context that the lock names.
type Member struct {
	Name string
	// Path is relative to the build context, cleaned.
	Path string
	Kind MemberKind
	// Workspace is true for the project itself and for workspace members, as
	// against path dependencies.
	Workspace bool
	At        spec.Place
}

// Members are the workspace members and the path dependencies, in file order.
// A path that leaves the build context is an error at its line.
func (u *UVLock) Members() ([]Member, error) {
	var members []Member
	var errs []error
	for _, p := range u.packages {
		switch p.kind {
		case "virtual", "editable", "directory", "path":
		default:
			continue
		}
		at := u.doc.key(p.node, "source")
		clean, ok := contextPath(path.Dir(u.File), p.source)
		if !ok {
			errs = append(errs, outside(at, literal(p.name), p.source))
			continue
		}
		members = append(members, Member{Name: p.name, Path: clean, Kind: MemberKind(p.kind), Workspace: u.isMember(p), At: at})
	}
	return members, errors.Join(errs...)
}

// isMember tells whether a package is of the workspace. A lock of one project
// alone lists no members; the project is then the one at the lock's own folder.
func (u *UVLock) isMember(p *uvPackage) bool {
	if p.kind != "virtual" && p.kind != "editable" {
		return false
	}
	return slices.Contains(u.members, p.name) || len(u.members) == 0 && p.source == "."
}

// Unhashed gives an error for each file that the lock states without a sha256
// hash, or nil. Select finds them too, of what is selected; this is for a lock
// that uv does not export.
func (u *UVLock) Unhashed() error {
	var errs []error
	for _, p := range u.packages {
		for _, n := range append([]*node{p.node.get("sdist")}, p.node.list("wheels")...) {
			if n == nil || n.kind != tableNode || len(errs) == maxErrors {
				continue
			}
			if algorithm, digits, _ := strings.Cut(n.str("hash"), ":"); algorithm == "sha256" && isSHA256(strings.ToLower(digits)) {
				continue
			}
			name := cmp.Or(n.str("filename"), urlFileName(n.str("url")+n.str("path")))
			errs = append(errs, noHash(u.doc.at(n), name, u.File, ""))
		}
	}
	return errors.Join(errs...)
}
