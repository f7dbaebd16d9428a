package packaging

import (
	"fmt"
	"slices"
)

// Requirement is a dependency specifier of PEP 508, such as
// "name[extra]>=1; python_version > '3.9'" or "name @ https://…".
type Requirement struct {
	Name       string   // as written
	Extras     []string // normalised, sorted, each once
	Specifiers Specifiers
	URL        string  // "" unless written with @; then there are no specifiers
	Marker     *Marker // nil when there is none
}

// ParseRequirement reads one requirement.
func ParseRequirement(s string) (Requirement, error) {
	p := requirementParser{cursor{src: s}}
	r, err := p.requirement()
	if err != nil {
		return Requirement{}, fmt.Errorf("invalid requirement %q: %w", s, err)
	}
	return r, nil
}

type requirementParser struct{ cursor }

func (p *requirementParser) requirement() (Requirement, error) {
	p.blanks()
	r := Requirement{Name: p.identifier()}
	if r.Name == "" {
		return r, fmt.Errorf("no name at its start")
	}
	p.blanks()
	var err error
	if r.Extras, err = p.extras(); err != nil {
		return r, err
	}
	p.blanks()
	if p.literal("@") {
		r.URL, err = p.url()
	} else {
		r.Specifiers, err = p.specifiers()
	}
	if err != nil || p.done() {
		return r, err
	}
	if !p.literal(";") {
		return r, fmt.Errorf("unexpected %q", p.rest())
	}
	m := markerParser{cursor: p.cursor}
	r.Marker, err = m.whole()
	return r, err
}

// identifier consumes a name, which ends where a word ends.
func (p *requirementParser) identifier() string {
	start := p.pos
	if p.done() || !isAlnum(p.src[start]) {
		return ""
	}
	p.while(func(b byte) bool { return isAlnum(b) || b == '.' || b == '_' || b == '-' })
	for p.pos > start && !p.boundary(p.pos) {
		p.pos--
	}
	return p.src[start:p.pos]
}

// extras consumes "[a, b]".
func (p *requirementParser) extras() ([]string, error) {
	if !p.literal("[") {
		return nil, nil
	}
	var extras []string
	p.blanks()
	for name := p.identifier(); name != ""; name = p.identifier() {
		extras = append(extras, NormalizeName(name))
		p.blanks()
		if !p.literal(",") {
			return p.closeExtras(extras)
		}
		p.blanks()
	}
	if extras != nil {
		return nil, fmt.Errorf("no extra after a comma")
	}
	return p.closeExtras(nil)
}

func (p *requirementParser) closeExtras(extras []string) ([]string, error) {
	if !p.literal("]") {
		return nil, fmt.Errorf("no ] after the extras")
	}
	slices.Sort(extras)
	return slices.Compact(extras), nil
}

// url consumes what follows "@", up to a marker.
func (p *requirementParser) url() (string, error) {
	p.blanks()
	url := p.while(func(b byte) bool { return b != ' ' && b != '\t' })
	if url == "" {
		return "", fmt.Errorf("no URL after @")
	}
	p.blanks()
	return url, nil
}

// specifiers consumes a version specifier, with or without parentheses.
func (p *requirementParser) specifiers() (Specifiers, error) {
	open := p.literal("(")
	p.blanks()
	start := p.pos
	for {
		if _, ok := scanSpecifier(&p.cursor); !ok {
			break
		}
		p.blanks()
		if !p.literal(",") {
			break
		}
		p.blanks()
	}
	text := p.src[start:p.pos]
	p.blanks()
	if open && !p.literal(")") {
		return Specifiers{}, fmt.Errorf("no ) after the version specifier")
	}
	p.blanks()
	return ParseSpecifiers(text)
}
