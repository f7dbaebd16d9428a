package packaging

import (
	"slices"
	"strings"
	"unicode"
)

// Tag is a compatibility tag of PEP 425, such as cp313-abi3-manylinux_2_17_x86_64,
// in lower case.
type Tag struct{ Interpreter, ABI, Platform string }

func (t Tag) String() string { return t.Interpreter + "-" + t.ABI + "-" + t.Platform }

// maxTags is more than any wheel means; a few kilobytes of name could
// otherwise stand for gigabytes of tags.
const maxTags = 4096

// ParseTags expands a compressed tag set such as "py2.py3-none-any" in the
// order written, each tag once. It gives nil for what is no tag set, or one of
// more than 4096 tags, a limit PyPA's library has only on request.
func ParseTags(s string) []Tag {
	fields := strings.Split(strings.ToLower(s), "-")
	if len(fields) != 3 {
		return nil
	}
	var sets [3][]string
	count := 1
	for i, field := range fields {
		sets[i] = strings.Split(field, ".")
		if slices.Contains(sets[i], "") {
			return nil
		}
		if count *= len(sets[i]); count > maxTags {
			return nil
		}
	}
	if slices.ContainsFunc(sets[0], isNoIdentifier) {
		return nil
	}
	tags := make([]Tag, 0, count)
	seen := make(map[Tag]bool, count)
	for _, interpreter := range sets[0] {
		for _, abi := range sets[1] {
			for _, platform := range sets[2] {
				tag := Tag{interpreter, abi, platform}
				if !seen[tag] {
					seen[tag] = true
					tags = append(tags, tag)
				}
			}
		}
	}
	return tags
}

// isNoIdentifier is the opposite of Python's str.isidentifier.
func isNoIdentifier(s string) bool {
	for i, r := range s {
		start := r == '_' || unicode.IsLetter(r) || unicode.Is(unicode.Nl, r)
		if !start && (i == 0 || !unicode.In(r, unicode.Nd, unicode.Mn, unicode.Mc, unicode.Pc)) {
			return true
		}
	}
	return s == ""
}
