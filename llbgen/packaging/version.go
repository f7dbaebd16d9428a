package packaging

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Version is a version of PEP 440, [N!]N(.N)*[{a|b|rc}N][.postN][.devN][+local].
// Compare orders versions; == does not, it is not defined on them.
type Version struct {
	epoch   number // "" in the zero Version only
	release []number
	pre     string // "a", "b", "rc" or ""
	preN    number
	post    number
	dev     number
	local   []string // lower case, digits as a number
}

// ParseVersion reads any spelling PEP 440 allows, with white space around it.
func ParseVersion(s string) (Version, error) {
	c := cursor{src: strings.TrimFunc(s, isSpace)}
	v, ok := scanVersion(&c)
	if ok {
		v.local = scanLocal(&c)
	}
	if !ok || !c.done() {
		return Version{}, fmt.Errorf("invalid version %q", s)
	}
	return v, nil
}

// scanVersion consumes a version up to its local part.
func scanVersion(c *cursor) (Version, bool) {
	v, ok := scanRelease(c)
	if !ok {
		return v, false
	}
	scanSuffixes(c, &v)
	return v, true
}

// scanRelease consumes [v][N!]N(.N)*.
func scanRelease(c *cursor) (Version, bool) {
	c.fold("v")
	v := Version{epoch: "0"}
	n := toNumber(c.while(isDigit))
	if n != "" && c.literal("!") {
		v.epoch = n
		n = toNumber(c.while(isDigit))
	}
	if n == "" {
		return v, false
	}
	v.release = append(v.release, n)
	for r := c.rest(); len(r) > 1 && r[0] == '.' && isDigit(r[1]); r = c.rest() {
		c.pos++
		v.release = append(v.release, toNumber(c.while(isDigit)))
	}
	return v, true
}

func scanSuffixes(c *cursor, v *Version) {
	if word, n := scanSuffix(c, "alpha", "a", "beta", "b", "preview", "pre", "c", "rc"); word != "" {
		v.preN = n
		switch word[0] {
		case 'a', 'b':
			v.pre = word[:1]
		default:
			v.pre = "rc"
		}
	}
	if r := c.rest(); len(r) > 1 && r[0] == '-' && isDigit(r[1]) {
		c.pos++
		v.post = toNumber(c.while(isDigit))
	} else if word, n := scanSuffix(c, "post", "rev", "r"); word != "" {
		v.post = n
	}
	if word, n := scanSuffix(c, "dev"); word != "" {
		v.dev = n
	}
}

// scanSuffix consumes one of the words with a number, each with an optional
// separator before it. The number is 0 when it is not written.
func scanSuffix(c *cursor, words ...string) (string, number) {
	start := c.pos
	c.oneOf(".", "_", "-")
	word := c.fold(words...)
	if word == "" {
		c.pos = start
		return "", ""
	}
	c.oneOf(".", "_", "-")
	return word, toNumber(c.while(isDigit)).or("0")
}

// scanLocal consumes "+" and the local part.
func scanLocal(c *cursor) []string {
	if r := c.rest(); len(r) < 2 || r[0] != '+' || !isAlnum(r[1]) {
		return nil
	}
	var local []string
	for {
		c.pos++ // the "+" or a separator
		part := lowerASCII(c.while(isAlnum))
		if allDigits(part) {
			part = string(toNumber(part))
		}
		local = append(local, part)
		r := c.rest()
		if len(r) < 2 || !strings.ContainsRune("._-", rune(r[0])) || !isAlnum(r[1]) {
			return local
		}
	}
}

// String is the normalised form, with every part of the release as written;
// "" for the zero Version.
func (v Version) String() string {
	var b strings.Builder
	if v.epoch.compare("0") > 0 {
		b.WriteString(string(v.epoch) + "!")
	}
	for i, n := range v.release {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(string(n))
	}
	b.WriteString(v.pre + string(v.preN))
	if v.post != "" {
		b.WriteString(".post" + string(v.post))
	}
	if v.dev != "" {
		b.WriteString(".dev" + string(v.dev))
	}
	if len(v.local) > 0 {
		b.WriteString("+" + v.Local())
	}
	return b.String()
}

// Compare is -1, 0 or +1. Trailing zeros of the release do not count (1.0 and
// 1.0.0 are the same version), a local part does. The zero Version comes
// before all others.
func (v Version) Compare(o Version) int {
	return cmp.Or(
		v.comparePublic(o),
		compareLocal(v.local, o.local),
	)
}

// comparePublic is Compare without the local parts.
func (v Version) comparePublic(o Version) int {
	return cmp.Or(
		v.compareBase(o),
		cmp.Compare(v.preRank(), o.preRank()),
		v.preN.compare(o.preN),
		v.post.compare(o.post),
		cmp.Compare(v.devRank(), o.devRank()),
		v.dev.compare(o.dev),
	)
}

// compareBase compares epoch and release.
func (v Version) compareBase(o Version) int {
	return cmp.Or(
		v.epoch.compare(o.epoch),
		slices.CompareFunc(trimZeros(v.release), trimZeros(o.release), number.compare),
	)
}

// preRank puts 1.0.dev1 before 1.0a1 and that before 1.0.
func (v Version) preRank() int {
	switch {
	case v.pre == "a":
		return 0
	case v.pre == "b":
		return 1
	case v.pre == "rc":
		return 2
	case v.post == "" && v.dev != "":
		return -1
	}
	return 3
}

func (v Version) devRank() int {
	if v.dev != "" {
		return 0
	}
	return 1
}

// compareLocal orders letters before numbers, and no local part before any.
func compareLocal(a, b []string) int {
	return slices.CompareFunc(a, b, func(x, y string) int {
		switch xn, yn := allDigits(x), allDigits(y); {
		case xn && yn:
			return number(x).compare(number(y))
		case xn:
			return 1
		case yn:
			return -1
		}
		return strings.Compare(x, y)
	})
}

func trimZeros(release []number) []number {
	for len(release) > 0 && release[len(release)-1] == "0" {
		release = release[:len(release)-1]
	}
	return release
}

// IsPrerelease says whether the version is an alpha, a beta, a release
// candidate or a development release.
func (v Version) IsPrerelease() bool { return v.pre != "" || v.dev != "" }

// Release gives the parts of the release. One too large for an int is the
// largest int.
func (v Version) Release() []int {
	out := make([]int, len(v.release))
	for i, n := range v.release {
		out[i] = n.int()
	}
	return out
}

// Local is what follows "+", normalised, or "".
func (v Version) Local() string { return strings.Join(v.local, ".") }

// IsZero says whether v is no version at all.
func (v Version) IsZero() bool { return v.epoch == "" }
