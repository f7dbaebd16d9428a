package spec

import (
	"fmt"
	"strconv"
	"strings"
)

// Key writes a key for Spec.At: the parts with dots between, a part that is
// not a bare TOML key in quotes (`project.urls."Bug Tracker"`).
func Key(parts ...string) string {
	key := ""
	for _, part := range parts {
		key = joinKey(key, part)
	}
	return key
}

func joinKey(table, name string) string {
	if !isBareKey(name) {
		name = tomlString(name)
	}
	if table == "" {
		return name
	}
	return table + "." + name
}

func isBareKey(name string) bool {
	for _, c := range []byte(name) {
		if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return name != ""
}

// tomlString writes a basic string. strconv.Quote would use escapes that TOML
// does not have.
func tomlString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteRune('\\')
			b.WriteRune(c)
		case c < 0x20 || c == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, c)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// maxQuoted is how many characters of the user's text a message repeats.
const maxQuoted = 80

// Quote puts text of the user's into a message, in backticks. What could
// disturb a terminal or hide itself is escaped, and a long text cut.
func Quote(s string) string { return "`" + plainUntil(s, maxQuoted, '`') + "`" }

// plain makes a library's message, which may repeat the user's text as it is,
// fit to show.
func plain(s string) string { return plainUntil(s, 2*maxQuoted, -1) }

func plainUntil(s string, limit int, mark rune) string {
	var b strings.Builder
	for _, c := range s {
		if limit--; limit < 0 {
			b.WriteRune('…')
			break
		}
		switch {
		case c == mark:
			fmt.Fprintf(&b, `\x%02x`, c)
		case strconv.IsPrint(c):
			b.WriteRune(c)
		default:
			quoted := strconv.QuoteRune(c)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
}

// collect notes the place of every value below n.
func (s *Spec) collect(d *document, n *node) {
	for _, child := range n.fields {
		s.note(d, child)
	}
	for _, child := range n.items {
		s.note(d, child)
	}
}

func (s *Spec) note(d *document, n *node) {
	s.places[n.path] = d.place(n.whole)
	s.collect(d, n)
}

// collectNamed notes the children of a table of extras or groups under their
// normalised names too, which is how Extra and Group name them.
func (s *Spec) collectNamed(d *document, table *node) {
	if table == nil {
		return
	}
	for _, child := range table.fields {
		alias := joinKey(table.path, normalize(child.name))
		if _, taken := s.places[alias]; taken {
			continue
		}
		s.places[alias] = d.place(child.whole)
		for i, item := range child.items {
			s.places[fmt.Sprintf("%s[%d]", alias, i)] = d.place(item.whole)
		}
	}
}

func (s *Spec) at(key string) Place {
	if place, ok := s.places[key]; ok {
		return place
	}
	for key = parentKey(key); key != "" && key != "tool"; key = parentKey(key) {
		if place, ok := s.places[key]; ok {
			return place
		}
	}
	// Where nothing but `tool` is stated, some other tool's table states it.
	return top(s.BuildFile)
}

// top is the place for what concerns a file as a whole.
func top(file string) Place {
	return Place{File: file, Range: Range{Position{1, 1}, Position{1, 1}}}
}

// parentKey cuts the last part or the last index off a key.
func parentKey(key string) string {
	cut, quoted := 0, false
	for i := 0; i < len(key); i++ {
		switch c := key[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == '.' || c == '['):
			cut = i
		}
	}
	return key[:cut]
}
