package packaging

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// cursor walks over an input. Its methods mirror the regular expressions of
// PyPA's tokenizer: each consumes what it matches, or nothing.
type cursor struct {
	src string
	pos int
}

func (c *cursor) rest() string { return c.src[c.pos:] }
func (c *cursor) done() bool   { return c.pos == len(c.src) }

// literal consumes s.
func (c *cursor) literal(s string) bool {
	if !strings.HasPrefix(c.rest(), s) {
		return false
	}
	c.pos += len(s)
	return true
}

// oneOf consumes the first of the words that comes next.
func (c *cursor) oneOf(words ...string) string {
	for _, w := range words {
		if c.literal(w) {
			return w
		}
	}
	return ""
}

// fold consumes the first of the words (in lower case) that comes next in any
// case.
func (c *cursor) fold(words ...string) string {
	for _, w := range words {
		if r := c.rest(); len(r) >= len(w) && lowerASCII(r[:len(w)]) == w {
			c.pos += len(w)
			return w
		}
	}
	return ""
}

// keyword consumes the first of the words that comes next and stands alone.
func (c *cursor) keyword(words ...string) string {
	if !c.boundary(c.pos) {
		return ""
	}
	for _, w := range words {
		if strings.HasPrefix(c.rest(), w) && c.boundary(c.pos+len(w)) {
			c.pos += len(w)
			return w
		}
	}
	return ""
}

// while consumes the bytes ok accepts.
func (c *cursor) while(ok func(byte) bool) string {
	start := c.pos
	for c.pos < len(c.src) && ok(c.src[c.pos]) {
		c.pos++
	}
	return c.src[start:c.pos]
}

// blanks consumes the white space PEP 508 allows between tokens.
func (c *cursor) blanks() bool {
	return c.while(func(b byte) bool { return b == ' ' || b == '\t' }) != ""
}

// spaces consumes what Python's \s matches.
func (c *cursor) spaces() {
	c.pos = len(c.src) - len(strings.TrimLeftFunc(c.rest(), isSpace))
}

// boundary is \b: one side of position i is a word and the other is not.
func (c *cursor) boundary(i int) bool {
	before, _ := utf8.DecodeLastRuneInString(c.src[:i])
	after, _ := utf8.DecodeRuneInString(c.src[i:])
	return isWord(before) != isWord(after)
}

// isSpace is Python's str.isspace.
func isSpace(r rune) bool {
	return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f
}

// isWord is \w of Python's regular expressions. utf8.RuneError, which stands
// for an end of the input, is none.
func isWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r)
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

func isAlnum(b byte) bool {
	return isDigit(b) || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
