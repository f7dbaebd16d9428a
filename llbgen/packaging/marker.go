package packaging

import "strings"

// Marker is an environment marker of PEP 508: a condition under which
// something is installed. It may use the set variables of PEP 751.
type Marker struct {
	list []term
}

// term is a comparison, a group in parentheses, or "and" or "or" between two of
// them.
type term struct {
	logic      string
	group      []term
	comparison *comparison
}

// comparison has a variable on exactly one of its sides.
type comparison struct {
	left, right operand
	op          string
}

// operand is the name of a variable, or a text.
type operand struct {
	text     string
	variable bool
}

// The variables by how they compare.
const (
	kindText    = iota
	kindVersion // as versions, where both sides are
	kindExtra   // with each of the extras
	kindSet     // by membership only
)

var markerKinds = map[string]int{
	"os_name":                        kindText,
	"sys_platform":                   kindText,
	"platform_machine":               kindText,
	"platform_system":                kindText,
	"platform_version":               kindText,
	"platform_python_implementation": kindText,
	"implementation_name":            kindText,
	"platform_release":               kindVersion,
	"python_version":                 kindVersion,
	"python_full_version":            kindVersion,
	"implementation_version":         kindVersion,
	"extra":                          kindExtra,
	"extras":                         kindSet,
	"dependency_groups":              kindSet,
}

// variable is the name of the comparison's variable.
func (c *comparison) variable() string {
	if c.left.variable {
		return c.left.text
	}
	return c.right.text
}

// String writes the marker with double quotes, single blanks and no more
// parentheses than were written; "" for nil. It can be parsed again, also
// where PyPA's str() cannot: for texts with backslashes or both quotes.
func (m *Marker) String() string {
	if m == nil {
		return ""
	}
	var b strings.Builder
	writeTerms(&b, m.list, true)
	return b.String()
}

func writeTerms(b *strings.Builder, list []term, first bool) {
	if len(list) == 1 {
		writeTerm(b, list[0], first)
		return
	}
	if !first {
		b.WriteByte('(')
	}
	for i, t := range list {
		if i > 0 {
			b.WriteByte(' ')
		}
		writeTerm(b, t, false)
	}
	if !first {
		b.WriteByte(')')
	}
}

func writeTerm(b *strings.Builder, t term, first bool) {
	switch {
	case t.comparison != nil:
		b.WriteString(t.comparison.left.String() + " " + t.comparison.op + " " + t.comparison.right.String())
	case t.group != nil:
		writeTerms(b, t.group, first)
	default:
		b.WriteString(t.logic)
	}
}

func (o operand) String() string {
	if o.variable {
		return o.text
	}
	return quoteText(o.text)
}
