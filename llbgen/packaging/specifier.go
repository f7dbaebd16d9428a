package packaging

import (
	"fmt"
	"slices"
	"strings"
)

// Specifiers is a set of version specifiers of PEP 440 such as ">=1.2,!=1.3.*".
// The zero value is the empty set, which holds every version.
type Specifiers struct {
	list []specifier // sorted by their text, each once
}

// specifier is one clause.
type specifier struct {
	op       string
	version  Version // not for ===
	wildcard bool    // ==1.2.* and !=1.2.*
	text     string  // what follows ===, as written
}

// ParseSpecifiers reads a comma separated list. Empty items are allowed.
func ParseSpecifiers(s string) (Specifiers, error) {
	var list []specifier
	for item := range strings.SplitSeq(s, ",") {
		item = strings.TrimFunc(item, isSpace)
		if item == "" {
			continue
		}
		one, ok := parseSpecifier(item)
		if !ok {
			return Specifiers{}, fmt.Errorf("invalid version specifier %q", item)
		}
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b specifier) int { return strings.Compare(a.String(), b.String()) })
	var unique []specifier
	seen := map[string]bool{}
	for _, one := range list {
		if key := one.key(); !seen[key] {
			seen[key] = true
			unique = append(unique, one)
		}
	}
	return Specifiers{unique}, nil
}

func parseSpecifier(s string) (specifier, bool) {
	c := cursor{src: strings.TrimFunc(s, isSpace)}
	one, ok := scanSpecifier(&c)
	return one, ok && c.done()
}

// scanSpecifier consumes one clause.
func scanSpecifier(c *cursor) (specifier, bool) {
	one := specifier{op: c.oneOf("===", "==", "!=", "~=", "<=", ">=", "<", ">")}
	if one.op == "" {
		return one, false
	}
	c.spaces()
	if one.op == "===" {
		end := strings.IndexFunc(c.rest(), func(r rune) bool { return r == ';' || r == ')' || isSpace(r) })
		if end < 0 {
			end = len(c.rest())
		}
		one.text = c.rest()[:end]
		c.pos += end
		return one, true
	}
	v, ok := scanRelease(c)
	if !ok || one.op == "~=" && len(v.release) < 2 {
		return one, false
	}
	exact := one.op == "==" || one.op == "!="
	if exact && c.literal(".*") {
		one.wildcard = true
	} else {
		scanSuffixes(c, &v)
		if exact {
			v.local = scanLocal(c)
		}
	}
	one.version = v
	return one, true
}

// Contains says whether a version fulfils every clause. Pre-releases are taken
// like any other version: it is asked about versions somebody has already
// chosen (PyPA's SpecifierSet.contains(v, prereleases=True)).
func (s Specifiers) Contains(v Version) bool {
	for _, one := range s.list {
		if !one.contains(v) {
			return false
		}
	}
	return true
}

// IsEmpty says whether there is no clause.
func (s Specifiers) IsEmpty() bool { return len(s.list) == 0 }

// String is the clauses sorted and comma separated. Unlike PyPA's it has the
// versions in their normalised form; === keeps what was written.
func (s Specifiers) String() string {
	texts := make([]string, len(s.list))
	for i, one := range s.list {
		texts[i] = one.String()
	}
	return strings.Join(texts, ",")
}

func (s specifier) String() string {
	out := s.op + s.version.String() + s.text
	if s.wildcard {
		out += ".*"
	}
	return out
}

// key is what PyPA compares clauses by: only ~= and wildcards tell 1.0 from
// 1.0.0.
func (s specifier) key() string {
	if s.op != "~=" && !s.wildcard {
		s.version.release = trimZeros(s.version.release)
	}
	return s.String()
}

func (s specifier) contains(v Version) bool {
	switch s.op {
	case "===":
		return strings.EqualFold(v.String(), s.text)
	case "==":
		return s.equal(v)
	case "!=":
		return !s.equal(v)
	case "~=":
		return v.Compare(s.version) >= 0 && hasPrefix(v, s.version, len(s.version.release)-1)
	case "<=":
		return v.comparePublic(s.version) <= 0
	case ">=":
		return v.Compare(s.version) >= 0
	case "<":
		return s.less(v)
	default:
		return s.greater(v)
	}
}

// containsText is contains for a text that may be no version.
func (s specifier) containsText(text string) bool {
	if s.op == "===" {
		return strings.EqualFold(text, s.text)
	}
	v, err := ParseVersion(text)
	return err == nil && s.contains(v)
}

// equal is ==: a local part counts only when the clause has one.
func (s specifier) equal(v Version) bool {
	switch {
	case s.wildcard:
		return hasPrefix(v, s.version, len(s.version.release))
	case s.version.local != nil:
		return v.Compare(s.version) == 0
	default:
		return v.comparePublic(s.version) == 0
	}
}

// less is <: 1.0a1 is not <1.0, though it comes before it.
func (s specifier) less(v Version) bool {
	bound := s.version
	if !bound.IsPrerelease() {
		bound.dev = "0"
	}
	return v.Compare(bound) < 0
}

// greater is >: neither 1.0+local nor 1.0.post1 is >1.0, though they come
// after it.
func (s specifier) greater(v Version) bool {
	if v.comparePublic(s.version) <= 0 {
		return false
	}
	if s.version.dev != "" || s.version.post != "" {
		return true
	}
	return v.compareBase(s.version) != 0 || v.pre != s.version.pre || v.preN != s.version.preN
}

// hasPrefix says whether v's release begins with the first n parts of p's, v
// being filled up with zeros.
func hasPrefix(v, p Version, n int) bool {
	if v.epoch != p.epoch {
		return false
	}
	for i, want := range p.release[:n] {
		got := number("0")
		if i < len(v.release) {
			got = v.release[i]
		}
		if got != want {
			return false
		}
	}
	return true
}
