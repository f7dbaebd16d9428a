package spec

import (
	"strconv"
	"strings"
)

// reader turns the nodes of one document into Go values and collects the
// user's mistakes. Every reading method takes nil, a key that is not stated,
// for the zero value.
type reader struct {
	doc      *document
	mistakes []error
}

// mistake notes what is wrong at a stretch of the document.
func (r *reader) mistake(at span, hint, format string, args ...any) {
	e := r.doc.errorf(at, format, args...)
	e.Hint = hint
	r.mistakes = append(r.mistakes, e)
}

// label is how messages name a value: by its path, short within the tool's own
// table.
func label(n *node) string {
	return Quote(strings.TrimPrefix(n.path, toolKey+"."))
}

// wrongType notes that a value should be of another type. An empty hint is
// replaced by the one that fits the two types, if there is one.
func (r *reader) wrongType(n *node, want, hint string) {
	if hint == "" {
		hint = typeHint(n, want)
	}
	r.mistake(n.value, hint, "%s must be %s, not %s", label(n), want, n.kind)
}

const (
	wantStrings = "an array of strings"
	wantPairs   = "a table of strings"
)

func typeHint(n *node, want string) string {
	scalar := n.kind != kindArray && n.kind != kindTable
	switch {
	case want == string(kindString) && scalar:
		return "put it in quotes: " + Quote(tomlString(n.text))
	case want == string(kindInteger) && n.kind == kindString && isNumber(n.text),
		want == string(kindBoolean) && (n.text == "true" || n.text == "false"):
		return "write it without quotes: " + Quote(n.text)
	case want == wantStrings && n.kind == kindString:
		return "write it as an array: " + Quote("["+tomlString(n.text)+"]")
	}
	return ""
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 31)
	return err == nil
}

// is tells whether a value is stated and of a type, and notes the mistake if
// it is of another.
func (r *reader) is(n *node, want kind) bool {
	if n != nil && n.kind != want {
		r.wrongType(n, string(want), "")
	}
	return n != nil && n.kind == want
}

func (r *reader) text(n *node) string {
	if !r.is(n, kindString) {
		return ""
	}
	r.noNUL(n, n.value, n.text)
	return n.text
}

// noNUL refuses the one character that no argument, variable or file name can
// hold.
func (r *reader) noNUL(n *node, at span, text string) {
	if strings.ContainsRune(text, 0) {
		r.mistake(at, "", "%s holds a NUL character", label(n))
	}
}

func (r *reader) boolean(n *node) *bool {
	if !r.is(n, kindBoolean) {
		return nil
	}
	value := n.text == "true"
	return &value
}

func (r *reader) integer(n *node) int {
	if !r.is(n, kindInteger) {
		return 0
	}
	// The decoder has accepted it as 64 bits.
	value, err := strconv.ParseInt(n.text, 0, strconv.IntSize)
	if err != nil {
		r.mistake(n.value, "", "%s is too large", label(n))
	}
	return int(value)
}

func (r *reader) strings(n *node) []string {
	if n == nil {
		return nil
	}
	if n.kind != kindArray {
		r.wrongType(n, wantStrings, "")
		return nil
	}
	list := make([]string, 0, len(n.items))
	for _, item := range n.items {
		list = append(list, r.text(item))
	}
	return list
}

// pairs reads a table of strings.
func (r *reader) pairs(n *node) []Pair {
	if n == nil {
		return nil
	}
	if n.kind != kindTable {
		r.wrongType(n, wantPairs, "")
		return nil
	}
	var list []Pair
	for _, value := range n.fields {
		r.noNUL(value, value.key, value.name)
		if value.kind == kindTable {
			// `org.example.x = "1"` is easily written and means tables.
			hint := ""
			if len(value.fields) > 0 {
				hint = "a name with dots stands in quotes: " + Quote(tomlString(dotted(value)))
			}
			r.wrongType(value, string(kindString), hint)
			continue
		}
		list = append(list, Pair{value.name, r.text(value)})
	}
	return list
}

// dotted is the name that a chain of tables was probably meant as.
func dotted(n *node) string {
	name := n.name
	for len(n.fields) > 0 {
		n = n.fields[0]
		name += "." + n.name
	}
	return name
}

// table gives a value that must be a table, else nil.
func (r *reader) table(n *node) *node {
	if !r.is(n, kindTable) {
		return nil
	}
	return n
}

// fields lists the keys of a value that must be a table.
func (r *reader) fields(n *node) []*node {
	if table := r.table(n); table != nil {
		return table.fields
	}
	return nil
}

// tables lists the elements of a value that must be an array of tables.
func (r *reader) tables(n *node) []*node {
	if n == nil {
		return nil
	}
	if n.kind != kindArray {
		r.wrongType(n, "an array of tables", "")
		return nil
	}
	var list []*node
	for _, item := range n.items {
		if r.is(item, kindTable) {
			list = append(list, item)
		}
	}
	return list
}

// date reads a date or an instant, as a string or as TOML's own types.
func (r *reader) date(n *node) string {
	switch {
	case n == nil:
		return ""
	case n.kind == kindString:
		return r.text(n)
	case n.kind == kindDate:
		return n.text
	case n.kind == kindDateTime:
		// TOML allows a blank for the `T` and, from 1.1, to leave out the
		// seconds; RFC 3339 does not.
		text := strings.Replace(strings.ToUpper(n.text), " ", "T", 1)
		if minutes := len("2006-01-02T15:04"); len(text) > minutes && text[minutes] != ':' {
			text = text[:minutes] + ":00" + text[minutes:]
		}
		return text
	case n.kind == kindLocal:
		r.wrongType(n, wantDate, "add the zone: "+Quote(n.text+"Z"))
	default:
		r.wrongType(n, wantDate, "for example "+Quote(exampleDate))
	}
	return ""
}

const (
	wantDate    = "a date or an RFC 3339 date-time"
	exampleDate = "2026-11-01"
)
