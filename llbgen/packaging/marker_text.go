package packaging

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Texts in markers are Python string literals, to PyPA's library at least.

var (
	simpleEscapes = map[byte]byte{
		'\\': '\\', '\'': '\'', '"': '"', 'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v',
	}
	hexEscapes = map[byte]int{'x': 2, 'u': 4, 'U': 8}

	escapeText = strings.NewReplacer(`\`, `\\`, `"`, `\x22`, "\n", `\n`, "\r", `\r`, "\x00", `\x00`)
)

// quoteText writes a literal: in the quotes PyPA takes, and with escapes only
// where there is no literal without.
func quoteText(s string) string {
	switch {
	case strings.ContainsAny(s, "\\\n\r\x00") || strings.Contains(s, `"`) && strings.Contains(s, "'"):
		return `"` + escapeText.Replace(s) + `"`
	case strings.Contains(s, `"`):
		return "'" + s + "'"
	default:
		return `"` + s + `"`
	}
}

// unquoteText reads what is between the quotes of a literal. Escapes by
// character name (\N{…}) and of half a surrogate pair are refused.
func unquoteText(s string) (string, bool) {
	if strings.ContainsRune(s, 0) {
		return "", false
	}
	var b strings.Builder
	for s != "" {
		switch {
		case s[0] == '\n' || s[0] == '\r':
			return "", false
		case s[0] != '\\':
			b.WriteByte(s[0])
			s = s[1:]
		case len(s) == 1:
			return "", false
		default:
			n, ok := unescape(&b, s[1:])
			if !ok {
				return "", false
			}
			s = s[1+n:]
		}
	}
	return b.String(), true
}

// unescape writes what follows a backslash and says how long it was.
func unescape(b *strings.Builder, s string) (int, bool) {
	if simple, ok := simpleEscapes[s[0]]; ok {
		b.WriteByte(simple)
		return 1, true
	}
	if digits, ok := hexEscapes[s[0]]; ok {
		return unescapeHex(b, s[1:], digits)
	}
	switch {
	case s[0] == 'N':
		return 0, false
	case '0' <= s[0] && s[0] <= '7':
		n := 1
		for n < 3 && n < len(s) && '0' <= s[n] && s[n] <= '7' {
			n++
		}
		r, _ := strconv.ParseUint(s[:n], 8, 32)
		b.WriteRune(rune(r))
		return n, true
	case strings.HasPrefix(s, "\r\n"):
		return 2, true
	case s[0] == '\n' || s[0] == '\r':
		return 1, true
	}
	b.WriteByte('\\') // Python leaves the others alone
	return 0, true
}

func unescapeHex(b *strings.Builder, s string, digits int) (int, bool) {
	if len(s) < digits {
		return 0, false
	}
	r, err := strconv.ParseUint(s[:digits], 16, 32)
	if err != nil || !utf8.ValidRune(rune(r)) {
		return 0, false
	}
	b.WriteRune(rune(r))
	return 1 + digits, true
}
