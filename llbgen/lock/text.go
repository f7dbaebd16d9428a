package lock

import (
	"errors"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// literal is text of the user's for a message: in backticks, nothing in it that
// could act on a terminal or end the quotation, and not endless.
func literal(s string) string { return "`" + strings.ReplaceAll(printable(s), "`", "'") + "`" }

// maxLiteral is the most bytes of a file's own text that a message repeats.
const maxLiteral = 200

// printable is text with what is not printable escaped, and shortened.
func printable(s string) string {
	cut := ""
	if len(s) > maxLiteral {
		s, cut = s[:maxLiteral], "…"
		for len(s) > 0 && !utf8.ValidString(s[max(0, len(s)-utf8.UTFMax):]) && !utf8.RuneStart(s[len(s)-1]) {
			s = s[:len(s)-1]
		}
	}
	if strings.IndexFunc(s, unprintable) < 0 && utf8.ValidString(s) {
		return s + cut
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteString(`\x` + strconv.FormatUint(uint64(s[0]), 16))
		case unprintable(r):
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	return b.String() + cut
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// reason is what stands behind an error that repeats the text itself.
func reason(err error) string {
	if inner := errors.Unwrap(err); inner != nil {
		return ": " + printable(inner.Error())
	}
	return ""
}

// listing joins words as "a, b and c".
func listing(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
