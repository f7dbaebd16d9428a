package lock

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// maxSize is the largest lock file that is read.
const maxSize = 64 << 20

type nodeKind uint8

const (
	stringNode nodeKind = iota
	integerNode
	boolNode
	timeNode
	otherNode
	arrayNode
	tableNode
)

// String names a kind in a message.
func (k nodeKind) String() string {
	return [...]string{"a string", "an integer", "a boolean", "a time", "a value", "an array", "a table"}[k]
}

// node is one TOML value with its stretch of the text. The tree is built here
// and not by unmarshalling because every value's place is wanted, and because
// the files are large.
type node struct {
	kind       nodeKind
	start, end uint32
	// text is a string's value, or another scalar's spelling.
	text   string
	items  []*node
	fields []field
	index  map[string]int
	// sealed is true for inline values, which later lines must not extend;
	// stated for a table that has had its own header.
	sealed, stated bool
}

type field struct {
	key   string
	at    uint32
	value *node
}

// indexFrom is the number of keys from which a table is searched by map.
const indexFrom = 24

func (n *node) find(key string) *field {
	if n == nil || n.kind != tableNode {
		return nil
	}
	if n.index != nil {
		if i, ok := n.index[key]; ok {
			return &n.fields[i]
		}
		return nil
	}
	for i := range n.fields {
		if n.fields[i].key == key {
			return &n.fields[i]
		}
	}
	return nil
}

// get returns the value of the first of keys that is there, or nil.
func (n *node) get(keys ...string) *node {
	for _, key := range keys {
		if f := n.find(key); f != nil {
			return f.value
		}
	}
	return nil
}

// str is the value of a string key, or empty.
func (n *node) str(key string) string {
	if v := n.get(key); v != nil && v.kind == stringNode {
		return v.text
	}
	return ""
}

// list is the items of an array key.
func (n *node) list(keys ...string) []*node {
	if v := n.get(keys...); v != nil {
		return v.items
	}
	return nil
}

// strs is the strings of an array key.
func (n *node) strs(key string) []string {
	var all []string
	for _, item := range n.list(key) {
		if item.kind == stringNode {
			all = append(all, item.text)
		}
	}
	return all
}

func (n *node) add(key string, at uint32, value *node) {
	n.fields = append(n.fields, field{key, at, value})
	switch {
	case n.index != nil:
		n.index[key] = len(n.fields) - 1
	case len(n.fields) == indexFrom:
		n.index = make(map[string]int, 2*indexFrom)
		for i, f := range n.fields {
			n.index[f.key] = i
		}
	}
}

// document is a parsed TOML file.
type document struct {
	file  string
	text  string
	root  *node
	lines []uint32 // where each line starts
	slab  []node
}

// parseTOML reads data; its errors are *spec.Error.
func parseTOML(file string, data []byte) (*document, error) {
	d := &document{file: file}
	if len(data) > maxSize {
		return nil, spec.Errorf(spec.Place{File: file}, "%s is larger than %d MiB", literal(path.Base(file)), maxSize>>20)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	data = data[:len(data):len(data)]
	d.text = string(data)
	d.lines = append(make([]uint32, 0, bytes.Count(data, []byte{'\n'})+1), 0)
	for i := 0; ; {
		next := strings.IndexByte(d.text[i:], '\n')
		if next < 0 {
			break
		}
		i += next + 1
		d.lines = append(d.lines, uint32(i))
	}
	d.root = d.node(tableNode)
	b := builder{document: d}
	b.parser.Reset(data)
	current := d.root
	for b.parser.NextExpression() {
		var err error
		if current, err = b.expression(b.parser.Expression(), current); err != nil {
			return nil, err
		}
	}
	if err := b.parser.Error(); err != nil {
		return nil, b.invalid(err)
	}
	return d, nil
}

func (d *document) node(kind nodeKind) *node {
	if len(d.slab) == 0 {
		d.slab = make([]node, 512)
	}
	n := &d.slab[0]
	d.slab = d.slab[1:]
	n.kind = kind
	return n
}

func (d *document) position(offset uint32) spec.Position {
	i, found := slices.BinarySearch(d.lines, offset)
	if !found {
		i--
	}
	return spec.Position{Line: i + 1, Column: int(offset-d.lines[i]) + 1}
}

func (d *document) between(start, end uint32) spec.Place {
	return spec.Place{File: d.file, Range: spec.Range{Start: d.position(start), End: d.position(end)}}
}

// at is the place of a value, or of the file's first line if there is none.
func (d *document) at(n *node) spec.Place {
	if n == nil {
		return d.between(0, 0)
	}
	return d.between(n.start, n.end)
}

// key is the place of a key in a table with its value, or else of the table.
func (d *document) key(n *node, key string) spec.Place {
	if f := n.find(key); f != nil {
		return d.between(f.at, max(f.at, f.value.end))
	}
	return d.at(n)
}
