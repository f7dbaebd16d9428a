package lock

import (
	"errors"
	"path"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// builder makes the tree from the parser's expressions.
type builder struct {
	*document
	parser unstable.Parser
}

func (b *builder) invalid(err error) error {
	var at uint32
	var p *unstable.ParserError
	if errors.As(err, &p) {
		if offset := len(b.text) - cap(p.Highlight); len(p.Highlight) > 0 && offset >= 0 && offset <= len(b.text) {
			at = uint32(offset)
		} else {
			at = uint32(len(b.text))
		}
	}
	return spec.Errorf(b.between(at, at), "%s is not valid TOML: %s", literal(path.Base(b.file)), printable(err.Error()))
}

func (b *builder) duplicate(at uint32, key string) error {
	return spec.Errorf(b.between(at, at+uint32(len(key))), "%s is stated twice", literal(key))
}

// expression adds one line's content and returns the table that following keys
// belong to.
func (b *builder) expression(e *unstable.Node, current *node) (*node, error) {
	switch e.Kind {
	case unstable.Table, unstable.ArrayTable:
		return b.header(e)
	case unstable.KeyValue:
		return current, b.keyValue(e, current)
	default:
		return current, nil
	}
}

func (b *builder) header(e *unstable.Node) (*node, error) {
	current := b.root
	for it := e.Key(); it.Next(); {
		k := it.Node()
		key, at := string(k.Data), k.Raw.Offset
		f := current.find(key)
		last := it.IsLast()
		if f == nil {
			value := b.span(b.node(tableNode), at, at+k.Raw.Length)
			value.stated = last
			if last && e.Kind == unstable.ArrayTable {
				array := b.span(b.node(arrayNode), at, at+k.Raw.Length)
				array.items = append(array.items, value)
				current.add(key, at, array)
			} else {
				current.add(key, at, value)
			}
			current = value
			continue
		}
		next := f.value
		switch {
		case next.sealed || next.kind != arrayNode && next.kind != tableNode:
			return nil, b.duplicate(at, key)
		case last && e.Kind == unstable.ArrayTable:
			if next.kind != arrayNode {
				return nil, b.duplicate(at, key)
			}
			value := b.span(b.node(tableNode), at, at+k.Raw.Length)
			value.stated = true
			next.items = append(next.items, value)
			next = value
		case next.kind == arrayNode:
			if last {
				return nil, b.duplicate(at, key)
			}
			next = next.items[len(next.items)-1]
		case last && next.stated:
			return nil, b.duplicate(at, key)
		case last:
			next.stated = true
		}
		current = next
	}
	return current, nil
}

func (b *builder) span(n *node, start, end uint32) *node {
	n.start, n.end = start, end
	return n
}

func (b *builder) keyValue(e *unstable.Node, table *node) error {
	for it := e.Key(); it.Next(); {
		k := it.Node()
		key, at := string(k.Data), k.Raw.Offset
		f := table.find(key)
		switch {
		case it.IsLast() && f != nil:
			return b.duplicate(at, key)
		case it.IsLast():
			value, err := b.value(e.Value(), e.Raw.Offset+e.Raw.Length)
			if err != nil {
				return err
			}
			table.add(key, at, value)
		case f == nil:
			value := b.span(b.node(tableNode), at, at+k.Raw.Length)
			value.stated = true
			table.add(key, at, value)
			table = value
		case f.value.kind != tableNode || f.value.sealed:
			return b.duplicate(at, key)
		default:
			table = f.value
		}
	}
	return nil
}

// value converts one value. Arrays and inline tables have no range of their
// own; theirs ends at end, and starts at their bracket.
func (b *builder) value(v *unstable.Node, end uint32) (*node, error) {
	switch v.Kind {
	case unstable.Array:
		n := b.node(arrayNode)
		n.sealed = true
		return n, b.array(n, v, end)
	case unstable.InlineTable:
		n := b.node(tableNode)
		for it := v.Children(); it.Next(); {
			if err := b.keyValue(it.Node(), n); err != nil {
				return nil, err
			}
		}
		b.seal(n)
		b.inlineSpan(n, end)
		return n, nil
	}
	n := b.span(b.node(scalarKind(v.Kind)), v.Raw.Offset, v.Raw.Offset+v.Raw.Length)
	if raw := b.text[n.start:n.end]; v.Kind != unstable.String {
		n.text = raw
	} else if len(raw) == len(v.Data)+2 {
		n.text = raw[1 : len(raw)-1]
	} else {
		n.text = string(v.Data)
	}
	return n, nil
}

func (b *builder) array(n *node, v *unstable.Node, end uint32) error {
	count := 0
	for it := v.Children(); it.Next(); {
		count++
	}
	n.items = make([]*node, 0, count)
	for it := v.Children(); it.Next(); {
		item, err := b.value(it.Node(), 0)
		if err != nil {
			return err
		}
		n.items = append(n.items, item)
	}
	n.start, n.end = end, end
	if count > 0 {
		n.start, n.end = n.items[0].start, max(end, n.items[count-1].end)
		if i := strings.LastIndexByte(b.text[:n.start], '['); i >= 0 {
			n.start = uint32(i)
		}
	}
	return nil
}

// inlineSpan gives an inline table the range from its brace to the end of its
// last value; a table without keys stands where its owner ends.
func (b *builder) inlineSpan(n *node, end uint32) {
	n.start, n.end = end, end
	if len(n.fields) == 0 {
		return
	}
	n.start, n.end = n.fields[0].at, n.fields[len(n.fields)-1].value.end
	if i := strings.LastIndexByte(b.text[:n.start], '{'); i >= 0 {
		n.start = uint32(i)
	}
	if rest := strings.TrimLeft(b.text[n.end:min(len(b.text), int(n.end)+8)], " \t"); strings.HasPrefix(rest, "}") {
		n.end = uint32(strings.IndexByte(b.text[n.end:], '}')) + n.end + 1
	}
}

// seal closes an inline table and the tables its dotted keys made.
func (b *builder) seal(n *node) {
	n.sealed = true
	for _, f := range n.fields {
		if f.value.kind == tableNode && !f.value.sealed {
			b.seal(f.value)
		}
	}
}

func scalarKind(k unstable.Kind) nodeKind {
	switch k {
	case unstable.String:
		return stringNode
	case unstable.Integer:
		return integerNode
	case unstable.Bool:
		return boolNode
	case unstable.DateTime, unstable.LocalDate, unstable.LocalDateTime:
		return timeNode
	default:
		return otherNode
	}
}
