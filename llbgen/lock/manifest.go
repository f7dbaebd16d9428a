package lock

import (
	"path"
	"regexp"
	"strings"

	"github.com/pyfrontend/pyfrontend/llbgen/packaging"
	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// Manifest is what one pyproject.toml declares, as far as a lock depends on it.
// The project's own version is no part of it, on purpose.
type Manifest struct {
	// File is its name, relative to the build context.
	File string
	// Name is the project's name; empty without a [project] table, and then
	// only its Groups are compared.
	Name string
	// At is the place of the name, or of the first line.
	At spec.Place
	// RequiresPython is empty if it is not stated.
	RequiresPython   string
	RequiresPythonAt spec.Place
	Dependencies     []Req
	// Extras is [project.optional-dependencies].
	Extras []Requirements
	// Groups is [dependency-groups], each with its includes expanded; an
	// included requirement keeps its own place.
	Groups []Requirements
	// Dynamic is [project] dynamic: `dependencies` and
	// `optional-dependencies` in it cannot be compared and are not.
	Dynamic []string
	// UV is true if Constraints and Overrides were read from [tool.uv]
	// constraint-dependencies and override-dependencies. They count at the
	// root of the workspace only, and a lock without metadata records neither:
	// overrides then tell which packages cannot be compared.
	UV                     bool
	Constraints, Overrides []Req
}

// Req is one requirement as written.
type Req struct {
	Text string
	At   spec.Place
}

// Requirements is a named list of them: an extra, or a dependency group.
type Requirements struct {
	Name string
	// At is the place of the name.
	At   spec.Place
	List []Req
}

func (m *Manifest) dynamic(key string) bool {
	for _, d := range m.Dynamic {
		if d == key {
			return true
		}
	}
	return false
}

func find(lists []Requirements, name string) *Requirements {
	for i := range lists {
		if packaging.NormalizeName(lists[i].Name) == name {
			return &lists[i]
		}
	}
	return nil
}

// requirement is one requirement from either side, ready to be compared.
type requirement struct {
	name   string // normalised
	extras []string
	spec   packaging.Specifiers
	// url is an address in the form of address(); anySource is true where uv
	// has put a source of [tool.uv.sources] in place of the specifier.
	url       string
	anySource bool
	marker    *packaging.Marker
	// extra is the extra whose requirement it is, for pyproject.toml; the lock
	// has it in the marker.
	extra string
	// also are further markers that must hold.
	also []*packaging.Marker
	// plain is the text without its marker, full with it.
	plain, full string
	at          spec.Place
}

// applies tells whether a requirement's markers hold.
func (r *requirement) applies(e packaging.Environment) bool {
	for _, m := range r.also {
		if !m.Evaluate(e) {
			return false
		}
	}
	return r.marker.Evaluate(e)
}

// readReq reads a requirement of pyproject.toml. One that cannot be read is the
// caller's to report, and is left out: it is in no lock either.
func readReq(r Req, extra string) (requirement, bool) {
	p, err := packaging.ParseRequirement(r.Text)
	if err != nil {
		return requirement{}, false
	}
	plain := r.Text
	if p.Marker != nil {
		separator := ";"
		if p.URL != "" {
			separator = " ;"
		}
		if i := strings.Index(plain, separator); i >= 0 {
			plain = plain[:i]
		}
	}
	return requirement{
		name: packaging.NormalizeName(p.Name), extras: p.Extras, spec: p.Specifiers, url: address(p.URL), marker: p.Marker,
		extra: packaging.NormalizeName(extra), plain: strings.TrimSpace(plain), full: strings.TrimSpace(r.Text), at: r.At,
	}, true
}

// readReqs reads a list of them.
func readReqs(list []Req, extra string) []requirement {
	var all []requirement
	for _, r := range list {
		if one, ok := readReq(r, extra); ok {
			all = append(all, one)
		}
	}
	return all
}

// uvSources are the keys of a locked requirement that stand for a source.
var uvSources = []string{"url", "git", "path", "directory", "editable", "virtual", "workspace"}

// lockedRequirement reads one of `requires-dist` and its like.
func (u *UVLock) lockedRequirement(n *node) (requirement, bool) {
	name := n.str("name")
	specifiers, err := packaging.ParseSpecifiers(n.str("specifier"))
	r := requirement{name: packaging.NormalizeName(name), spec: specifiers, at: u.doc.at(n)}
	if name == "" || err != nil {
		return r, false
	}
	if text := n.str("marker"); text != "" {
		if r.marker, err = packaging.ParseMarker(text); err != nil {
			return r, false
		}
	}
	for _, item := range n.list("extras", "extra") {
		r.extras = append(r.extras, packaging.NormalizeName(item.text))
	}
	r.plain = name
	if len(r.extras) > 0 {
		r.plain += "[" + strings.Join(r.extras, ",") + "]"
	}
	r.plain += strings.ReplaceAll(n.str("specifier"), " ", "")
	for _, key := range uvSources {
		v := n.get(key)
		if v == nil {
			continue
		}
		r.anySource = true
		r.plain = name + " @ " + v.text
		if key == "url" || key == "git" {
			r.url = address(v.text)
			if sub := n.str("subdirectory"); sub != "" {
				r.url += "#subdirectory=" + sub
			}
		}
	}
	r.full = r.plain
	if r.marker != nil {
		r.full += "; " + n.str("marker")
	}
	return r, true
}

func (u *UVLock) lockedRequirements(nodes []*node) []requirement {
	var all []requirement
	for _, n := range nodes {
		if r, ok := u.lockedRequirement(n); ok {
			all = append(all, r)
		}
	}
	return all
}

// gitQuery is what uv.lock writes behind a repository's address.
var gitQuery = regexp.MustCompile(`^(?:(?:rev|tag|branch|subdirectory|lfs)=[^&]*(?:&|$))+$`)

// address brings the addresses of PEP 508 and of uv.lock into one form: a
// repository as URL?ref=REF, without "git+", credentials or a hash.
func address(url string) string {
	if url == "" {
		return ""
	}
	base, fragment, _ := strings.Cut(url, "#")
	base, isGit := strings.CutPrefix(base, "git+")
	if isGit {
		if slash, at := strings.LastIndexByte(base, '/'), strings.LastIndexByte(base, '@'); at > slash {
			base = base[:at] + "?ref=" + base[at+1:]
		}
	} else if before, query, ok := strings.Cut(base, "?"); ok && gitQuery.MatchString(query) {
		base = before
		for part := range strings.SplitSeq(query, "&") {
			key, value, _ := strings.Cut(part, "=")
			switch key {
			case "rev", "tag", "branch":
				base += "?ref=" + value
			case "subdirectory":
				fragment += "&" + part
			}
		}
	}
	base = withoutUser(base)
	for part := range strings.SplitSeq(fragment, "&") {
		if strings.HasPrefix(part, "subdirectory=") {
			base += "#" + part
		}
	}
	return base
}

func withoutUser(url string) string {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		return url
	}
	host, tail := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		host, tail = rest[:i], rest[i:]
	}
	return scheme + "://" + host[strings.LastIndexByte(host, '@')+1:] + tail
}

// same tells whether a requirement of pyproject.toml is a locked one, markers
// apart.
func (r *requirement) same(locked *requirement) bool {
	if r.name != locked.name || !sameSet(r.extras, locked.extras) {
		return false
	}
	switch {
	case r.url != "":
		return r.url == locked.url
	case locked.anySource:
		return true
	default:
		return canonical(r.spec) == canonical(locked.spec)
	}
}

func sameSet(a, b []string) bool { return subset(a, b) && subset(b, a) }

func subset(a, b []string) bool {
next:
	for _, x := range a {
		for _, y := range b {
			if x == y {
				continue next
			}
		}
		return false
	}
	return true
}

// folder is where a manifest lies.
func (m *Manifest) folder() string { return path.Dir(m.File) }
