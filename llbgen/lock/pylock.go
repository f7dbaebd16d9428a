package lock

import (
	"cmp"
	"errors"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/pyfrontend/pyfrontend/llbgen/packaging"
	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// ParsePylock reads a pylock.toml (PEP 751). Places says where each entry
// stands in the file the user committed; for a pylock.toml of the user's own,
// Places{File: its name} is enough and the places are those of data itself.
// Every error in it is a *spec.Error. Files are checked when they are selected.
func ParsePylock(data []byte, places Places) (*Lock, error) {
	d, err := parseTOML(places.File, data)
	if err != nil {
		return nil, places.generated(err)
	}
	r := &pylockReader{document: d, places: places, folder: path.Dir(places.File)}
	l := r.lock()
	if len(r.errs) > 0 {
		return nil, errors.Join(r.errs...)
	}
	return l, nil
}

// generated takes the position away from an error in a text that the user has
// not written.
func (p Places) generated(err error) error {
	var e *spec.Error
	if p.own() || !errors.As(err, &e) {
		return err
	}
	return &spec.Error{At: spec.Place{File: p.File}, Message: "the export of " + literal(path.Base(p.File)) + " is not readable: " + e.Message, Hint: e.Hint}
}

// maxErrors is the most mistakes of one file that are reported.
const maxErrors = 50

// pylockReader turns the tree into a Lock and collects mistakes.
type pylockReader struct {
	*document
	places Places
	folder string
	errs   []error
}

func (r *pylockReader) fail(at spec.Place, format string, args ...any) {
	if len(r.errs) < maxErrors {
		r.errs = append(r.errs, r.places.generated(spec.Errorf(at, format, args...)))
	}
}

// value returns a key's value if it has the right kind.
func (r *pylockReader) value(n *node, key string, kind nodeKind) *node {
	v := n.get(key)
	if v != nil && v.kind != kind {
		r.fail(r.key(n, key), "%s must be %s", literal(key), kind)
		return nil
	}
	return v
}

func (r *pylockReader) str(n *node, key string) string {
	if v := r.value(n, key, stringNode); v != nil {
		return v.text
	}
	return ""
}

func (r *pylockReader) strings(n *node, key string) []string {
	v := r.value(n, key, arrayNode)
	if v == nil {
		return nil
	}
	all := make([]string, 0, len(v.items))
	for _, item := range v.items {
		if item.kind != stringNode {
			r.fail(r.at(item), "%s must hold strings", literal(key))
			return nil
		}
		all = append(all, item.text)
	}
	return all
}

func (r *pylockReader) specifiers(n *node, key string) packaging.Specifiers {
	text := r.str(n, key)
	s, err := packaging.ParseSpecifiers(text)
	if err != nil {
		r.fail(r.key(n, key), "%s is not a version specifier%s", literal(text), reason(err))
	}
	return s
}

func (r *pylockReader) marker(at spec.Place, text string) *packaging.Marker {
	if text == "" {
		return nil
	}
	m, err := packaging.ParseMarker(text)
	if err != nil {
		r.fail(at, "%s is not a marker%s", literal(text), reason(err))
	}
	return m
}

func (r *pylockReader) lock() *Lock {
	version := r.str(r.root, "lock-version")
	if major, _, _ := strings.Cut(version, "."); major != "1" {
		switch {
		case r.root.get("lock-version") == nil:
			r.fail(r.at(nil), "`lock-version` is missing")
		case version != "":
			r.fail(r.key(r.root, "lock-version"), "%s has lock-version %s; this pyfrontend reads version 1", literal(path.Base(r.file)), literal(version))
		}
		return nil
	}
	l := &Lock{
		File:           r.places.File,
		RequiresPython: r.specifiers(r.root, "requires-python"),
		Extras:         normalised(r.strings(r.root, "extras")),
		Groups:         normalised(r.strings(r.root, "dependency-groups")),
		DefaultGroups:  normalised(r.strings(r.root, "default-groups")),
		At:             r.places.top(r.document),
	}
	for _, text := range r.strings(r.root, "environments") {
		l.Environments = append(l.Environments, r.marker(r.key(r.root, "environments"), text))
	}
	packages := r.value(r.root, "packages", arrayNode)
	if packages == nil {
		return l
	}
	l.Packages = make([]Package, 0, len(packages.items))
	for _, n := range packages.items {
		if n.kind != tableNode {
			r.fail(r.at(n), "`packages` must hold tables")
			continue
		}
		l.Packages = append(l.Packages, r.pkg(n))
	}
	return l
}

func normalised(names []string) []string {
	for i, name := range names {
		names[i] = packaging.NormalizeName(name)
	}
	return names
}

func (r *pylockReader) pkg(n *node) Package {
	name := r.str(n, "name")
	p := Package{Name: packaging.NormalizeName(name), Version: r.str(n, "version"), Index: r.str(n, "index")}
	p.At = r.places.pkg(r.document, n, p.Name, p.Version)
	if !validName(name) {
		r.fail(r.key(n, "name"), "%s is not a package name", literal(name))
	}
	if p.Version != "" {
		var err error
		if p.version, err = packaging.ParseVersion(p.Version); err != nil {
			r.fail(r.key(n, "version"), "%s is not a version", literal(p.Version))
		}
	}
	p.Marker = r.marker(r.key(n, "marker"), r.str(n, "marker"))
	p.RequiresPython = r.specifiers(n, "requires-python")
	r.sources(n, &p)
	return p
}

// sources reads the one source an entry has.
func (r *pylockReader) sources(n *node, p *Package) {
	kinds, before := 0, len(r.errs)
	if v := r.value(n, "vcs", tableNode); v != nil {
		kinds++
		p.VCS = &VCS{Type: r.str(v, "type"), URL: r.str(v, "url"), Path: r.str(v, "path"),
			Revision: r.str(v, "requested-revision"), Commit: r.str(v, "commit-id"), Subdirectory: r.str(v, "subdirectory")}
	}
	if v := r.value(n, "directory", tableNode); v != nil {
		kinds++
		p.Directory = r.directory(v, p)
	}
	if v := r.value(n, "archive", tableNode); v != nil {
		kinds++
		p.Archive = &Archive{File: r.fileOf(v, p), Subdirectory: r.str(v, "subdirectory")}
	}
	sdist, wheels := r.value(n, "sdist", tableNode), r.value(n, "wheels", arrayNode)
	if sdist != nil || wheels != nil && len(wheels.items) > 0 {
		kinds++
	}
	if sdist != nil {
		file := r.fileOf(sdist, p)
		p.Sdist = &file
	}
	if wheels != nil && len(wheels.items) > 0 {
		p.Wheels = make([]File, 0, len(wheels.items))
		for _, w := range wheels.items {
			p.Wheels = append(p.Wheels, r.fileOf(w, p))
		}
	}
	if kinds != 1 && len(r.errs) == before {
		r.fail(p.At, "%s must have exactly one of `vcs`, `directory`, `archive`, or `sdist` and `wheels`", literal(p.Name))
	}
}

func (r *pylockReader) directory(n *node, p *Package) *Directory {
	stated := path.Join(r.str(n, "path"), r.str(n, "subdirectory"))
	if stated == "" || path.IsAbs(r.str(n, "subdirectory")) {
		stated = r.str(n, "path")
	}
	editable := r.value(n, "editable", boolNode)
	d := &Directory{Editable: editable != nil && editable.text == "true"}
	var ok bool
	if d.Path, ok = contextPath(r.folder, stated); !ok && len(r.errs) < maxErrors {
		r.errs = append(r.errs, outside(p.At, literal(p.Name), stated))
	}
	return d
}

// fileOf reads a wheel, an sdist or an archive.
func (r *pylockReader) fileOf(n *node, p *Package) File {
	if n.kind != tableNode {
		r.fail(r.at(n), "`wheels` must hold tables")
		return File{}
	}
	f := File{Name: r.str(n, "name"), URL: r.str(n, "url"), Path: r.str(n, "path")}
	f.Name = cmp.Or(f.Name, urlFileName(f.URL), f.Path[strings.LastIndexAny(f.Path, `/\`)+1:])
	f.At = r.places.file(r.document, n, p, f)
	if f.Path != "" {
		if clean, ok := contextPath(r.folder, f.Path); ok {
			f.Path = clean
		} else {
			f.outside = true
		}
	}
	if size := r.value(n, "size", integerNode); size != nil {
		f.Size, _ = strconv.ParseInt(strings.ReplaceAll(size.text, "_", ""), 0, 64)
		f.Size = max(f.Size, 0)
	}
	if t := n.get("upload-time"); t != nil {
		f.UploadTime = parseTime(t.text)
	}
	r.hashes(n, &f)
	if strings.HasSuffix(f.Name, ".whl") {
		f.wheel, f.wheelErr = packaging.ParseWheelName(f.Name)
	}
	return f
}

// parseTime reads a TOML time; one without an offset is UTC, as PEP 751 says.
func parseTime(text string) time.Time {
	text = strings.Replace(strings.ToUpper(text), " ", "T", 1)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

func (r *pylockReader) hashes(n *node, f *File) {
	hashes := r.value(n, "hashes", tableNode)
	if hashes == nil {
		return
	}
	var others []string
	for _, h := range hashes.fields {
		switch {
		case h.value.kind != stringNode:
			r.fail(r.key(hashes, h.key), "%s must be a string", literal(h.key))
		case h.key == "sha256" && isSHA256(strings.ToLower(h.value.text)):
			f.SHA256 = strings.ToLower(h.value.text)
		default:
			others = append(others, h.key)
		}
	}
	f.otherHashes = strings.Join(others, ", ")
}
