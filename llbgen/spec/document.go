package spec

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// The build file comes from strangers where a frontend is a shared service.
// go-toml compares every key with all keys before it, so that size alone does
// not bound the time: as many as maxNodes allows take a tenth of a second. maxPath
// bounds the memory that the places' keys take.
const (
	maxSize  = 4 << 20
	maxNodes = 10_000
	maxDepth = 64
	maxPath  = 2048
)

// document is one TOML file as a tree of values, each with its stretch of the
// file.
type document struct {
	name  string
	data  []byte
	lines []int // the offset of each line's first byte
	root  *node
}

// load reads a file as TOML. What it returns beside an error is fit for
// positions only.
func load(f File) (*document, *Error) {
	d := &document{name: f.Name, lines: []int{0}, root: &node{kind: kindTable}}
	if len(f.Data) > maxSize {
		return d, &Error{At: d.place(span{}), Message: fmt.Sprintf("the file is larger than %d MiB", maxSize>>20), Hint: "check that it is the build file that was meant"}
	}
	d.data = f.Data
	if mark := []byte("\ufeff"); bytes.HasPrefix(d.data, mark) {
		// TOML 1.1 ignores a byte order mark, go-toml does not. Blanks keep
		// the positions.
		d.data = slices.Concat(bytes.Repeat([]byte(" "), len(mark)), d.data[len(mark):])
	}
	for i, b := range d.data {
		if b == '\n' {
			d.lines = append(d.lines, i+1)
		}
	}
	if err := d.checkLimits(); err != nil {
		return d, err
	}
	again, tooLong := d.build()
	if tooLong != nil {
		return d, tooLong
	}
	var decoded map[string]any
	if err := toml.Unmarshal(d.data, &decoded); err != nil {
		return d, d.decodeError(err, again)
	}
	return d, nil
}

// checkLimits parses the file once without keeping anything, in linear time,
// and refuses what the decoder could take long over.
func (d *document) checkLimits() *Error {
	var p unstable.Parser
	p.Reset(d.data)
	left := maxNodes
	for p.NextExpression() {
		switch measure(p.Expression(), maxDepth, &left) {
		case "":
		case "deep":
			return d.errorf(d.start(p.Expression()), "tables and arrays are nested more than %d deep", maxDepth)
		default:
			return d.errorf(d.start(p.Expression()), "the file holds more than %d keys and values", maxNodes)
		}
	}
	var bad *unstable.ParserError
	if errors.As(p.Error(), &bad) {
		// Where the line's end is what is wrong, the next line is not.
		found := p.Range(bytes.TrimRight(bad.Highlight, "\r\n"))
		return d.errorf(span{int(found.Offset), int(found.Offset + found.Length)}, "invalid TOML: %s", plain(bad.Message))
	}
	return nil
}

// measure counts a node and what is in it off left, and says which limit is
// passed, if any. It goes no deeper than depth: the parser accepts more.
func measure(n *unstable.Node, depth int, left *int) string {
	if depth <= 0 {
		return "deep"
	}
	if *left--; *left < 0 {
		return "many"
	}
	level := depth - 1
	for it := n.Children(); it.Next(); {
		child := it.Node()
		if child.Kind == unstable.Key {
			level-- // each part of a dotted key is a table
		}
		if over := measure(child, level, left); over != "" {
			return over
		}
	}
	return ""
}

// start is the first key of an expression: the one stretch that every kind of
// expression has.
func (d *document) start(n *unstable.Node) span {
	it := n.Key()
	it.Next()
	return rawSpan(it.Node())
}

// decodeError says what the decoder found beyond syntax. It places a repeated
// key at its expression's start, so the tree's own finding is better there.
func (d *document) decodeError(err error, again *Error) *Error {
	var bad *toml.DecodeError
	if !errors.As(err, &bad) {
		return d.errorf(span{}, "invalid TOML: %s", plain(strings.TrimPrefix(err.Error(), "toml: ")))
	}
	if again != nil && strings.HasSuffix(bad.Error(), "is already defined") {
		return again
	}
	line, column := bad.Position()
	at := Position{line, column}
	return Errorf(Place{d.name, Range{at, at}}, "invalid TOML: %s", plain(strings.TrimPrefix(bad.Error(), "toml: ")))
}

// span is a stretch of a document in bytes.
type span struct{ start, end int }

func rawSpan(n *unstable.Node) span {
	return span{int(n.Raw.Offset), int(n.Raw.Offset + n.Raw.Length)}
}

func (d *document) position(offset int) Position {
	line := sort.SearchInts(d.lines, offset+1)
	return Position{Line: line, Column: offset - d.lines[line-1] + 1}
}

func (d *document) place(s span) Place {
	return Place{File: d.name, Range: Range{d.position(s.start), d.position(s.end)}}
}

func (d *document) errorf(at span, format string, args ...any) *Error {
	return Errorf(d.place(at), format, args...)
}
