package spec

import (
	"bytes"
	"fmt"

	"github.com/pelletier/go-toml/v2/unstable"
)

// kind is what a value is, in the words of a message.
type kind string

const (
	kindString   kind = "a string"
	kindInteger  kind = "an integer"
	kindFloat    kind = "a float"
	kindBoolean  kind = "a boolean"
	kindDate     kind = "a date"
	kindTime     kind = "a time"
	kindDateTime kind = "a date-time"
	kindLocal    kind = "a date-time without a zone"
	kindArray    kind = "an array"
	kindTable    kind = "a table"
)

var kinds = map[unstable.Kind]kind{
	unstable.String:        kindString,
	unstable.Integer:       kindInteger,
	unstable.Float:         kindFloat,
	unstable.Bool:          kindBoolean,
	unstable.LocalDate:     kindDate,
	unstable.LocalTime:     kindTime,
	unstable.LocalDateTime: kindLocal,
	unstable.DateTime:      kindDateTime,
	unstable.Array:         kindArray,
	unstable.InlineTable:   kindTable,
}

// node is one value of a document.
type node struct {
	kind kind
	// name is the key it stands under, path the whole dotted way to it.
	name, path string
	// text is a string's content and any other scalar as it is written.
	text string

	// key is the last part of the key. whole is `key = value`, a table's or an
	// array table's header line; for an element it is the value. value is the
	// value alone; for a table with a header it is the header.
	key, whole, value span

	// stated is false while a table is only implied by the header or the
	// dotted key of something in it; its spans are those of the first such.
	stated bool
	fields []*node // of a table, in file order
	byName map[string]*node
	items  []*node // of an array
}

// get gives the value of a table's key, or nil. A nil table has no keys.
func (n *node) get(names ...string) *node {
	for _, name := range names {
		if n == nil {
			return nil
		}
		n = n.byName[name]
	}
	return n
}

// builder makes the tree of a document whose syntax is known to be right. It
// trusts nothing else: keys may repeat, the decoder has not looked yet.
type builder struct {
	*document
	parser unstable.Parser
	// again is the first repeated key, tooLong the first key with a path too
	// long to keep.
	again, tooLong *Error
}

func (d *document) build() (again, tooLong *Error) {
	b := builder{document: d}
	b.parser.Reset(d.data)
	table := d.root
	for b.parser.NextExpression() && b.tooLong == nil {
		switch expr := b.parser.Expression(); expr.Kind {
		case unstable.Table:
			table, _ = b.header(expr, 1)
		case unstable.ArrayTable:
			array, line := b.header(expr, 2)
			array.kind = kindArray
			table = b.item(array, kindTable, line)
		case unstable.KeyValue:
			b.keyValue(table, expr)
		}
	}
	return b.again, b.tooLong
}

// header finds or makes the table that a `[header]` or `[[header]]` names and
// gives it the header, which it returns too, as its place.
func (b *builder) header(expr *unstable.Node, brackets int) (*node, span) {
	first := b.start(expr).start
	last := first
	for it := expr.Key(); it.Next(); {
		last = rawSpan(it.Node()).end
	}
	// The parser gives no range for headers; between a bracket and the key
	// stands nothing but blanks.
	for first > 0 && b.data[first-1] != '[' {
		first--
	}
	for b.data[last] != ']' {
		last++
	}
	line := span{first - brackets, last + brackets}
	table, name, key := b.descend(b.root, expr.Key(), line)
	n := b.field(table, name, key, line)
	if !n.stated {
		n.stated, n.key, n.whole, n.value = true, key, line, line
	}
	return n, line
}

// descend walks a dotted key from a table to the table that its last part
// stands in, making the tables between.
func (b *builder) descend(table *node, it unstable.Iterator, whole span) (*node, string, span) {
	it.Next()
	name, key := string(it.Node().Data), rawSpan(it.Node())
	for it.Next() {
		table = b.field(table, name, key, whole)
		if len(table.items) > 0 {
			table = table.items[len(table.items)-1]
		}
		name, key = string(it.Node().Data), rawSpan(it.Node())
	}
	return table, name, key
}

// field finds or makes the value of a table's key; a new one is a table, not
// stated.
func (b *builder) field(table *node, name string, key, whole span) *node {
	if n := table.byName[name]; n != nil {
		return n
	}
	n := &node{kind: kindTable, name: name, key: key, whole: whole, value: whole}
	if n.path = joinKey(table.path, name); len(n.path) > maxPath {
		b.tooLong = b.errorf(key, "the key is longer than %d bytes", maxPath)
		n.path = ""
	}
	if table.byName == nil {
		table.byName = map[string]*node{}
	}
	table.byName[name] = n
	table.fields = append(table.fields, n)
	return n
}

func (b *builder) item(array *node, k kind, value span) *node {
	n := &node{
		kind: k, path: fmt.Sprintf("%s[%d]", array.path, len(array.items)),
		key: value, whole: value, value: value, stated: true,
	}
	array.items = append(array.items, n)
	return n
}

func (b *builder) keyValue(table *node, expr *unstable.Node) {
	whole := rawSpan(expr)
	table, name, key := b.descend(table, expr.Key(), whole)
	if first := table.byName[name]; first != nil {
		if b.again == nil {
			b.again = b.errorf(key, "invalid TOML: %s is already set in line %d", Quote(name), b.position(first.key.start).Line)
		}
		return
	}
	n := b.field(table, name, key, whole)
	n.stated = true
	start := b.skip(key.end, " \t=")
	b.fill(n, expr.Value(), start)
}

// fill gives a node its value, which begins at start, and tells where it ends:
// the parser gives ranges for scalars only.
func (b *builder) fill(n *node, value *unstable.Node, start int) int {
	end := start
	n.kind = kinds[value.Kind]
	switch value.Kind {
	case unstable.Array:
		end = b.skip(start+1, blanks)
		for it := value.Children(); it.Next(); {
			item := b.item(n, kindTable, span{end, end})
			end = b.skip(b.fill(item, it.Node(), end), blanks)
			item.key, item.whole = item.value, item.value
		}
		end++
	case unstable.InlineTable:
		end = start + 1
		for it := value.Children(); it.Next(); {
			b.keyValue(n, it.Node())
			end = rawSpan(it.Node()).end
		}
		end = b.skip(end, blanks) + 1
	default:
		n.text = string(value.Data)
		end = rawSpan(value).end
	}
	n.value = span{start, end}
	return end
}

// blanks is what stands between the elements of arrays and inline tables,
// beside comments.
const blanks = " \t\r\n,"

// skip passes over the given bytes and, where lines may break, comments.
func (b *builder) skip(at int, set string) int {
	for at < len(b.data) {
		switch c := b.data[at]; {
		case bytes.IndexByte([]byte(set), c) >= 0:
			at++
		case c == '#' && set == blanks:
			for at < len(b.data) && b.data[at] != '\n' {
				at++
			}
		default:
			return at
		}
	}
	return at
}
