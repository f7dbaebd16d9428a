//go:build unix

package packaging

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// generator makes inputs for the comparison with the oracle, always the same
// ones: some right, some nearly.
type generator struct{ *rand.Rand }

func newGenerator(seed uint64) generator {
	return generator{rand.New(rand.NewPCG(seed, 0))}
}

func (g generator) pick(from ...string) string { return from[g.IntN(len(from))] }

// maybe is one of the texts half of the time, and else nothing.
func (g generator) maybe(from ...string) string {
	if g.IntN(2) == 0 {
		return ""
	}
	return g.pick(from...)
}

func (g generator) join(max int, separator string, item func() string) string {
	items := make([]string, 1+g.IntN(max))
	for i := range items {
		items[i] = item()
	}
	return strings.Join(items, separator)
}

// mutations are the texts, and as many changed in a place or two.
func (g generator) mutations(texts []string) []string {
	out := texts
	for _, s := range texts {
		for range 1 + g.IntN(2) {
			i := g.IntN(len(s) + 1)
			for i < len(s) && i > 0 && s[i]&0xc0 == 0x80 {
				i-- // not within a rune
			}
			end := i
			if g.IntN(3) > 0 {
				end = min(len(s), i+1+g.IntN(3))
				for end < len(s) && s[end]&0xc0 == 0x80 {
					end++
				}
			}
			s = s[:i] + g.maybe(g.noise()) + s[end:]
		}
		out = append(out, s)
	}
	return out
}

func (g generator) noise() string {
	return g.pick(" ", "\t", "\n", "\u00a0", "\x1f", "_", ".", "-", "--", "+", "!", "*", ".*", ",", ";", "(", ")", "[", "]", "@",
		"'", `"`, "\\", "\x00", "0", "00", "1", "9", "a", "rc", "dev", "post", "r", "V", "é", "²", "́", "in", "not", "and ", " or",
		"=", "==", "===", "<", ">=", "~=", "!=", "extra", "extras", "os.name", "python_version", "%")
}

func (g generator) number() string {
	return g.pick("0", "1", "2", "3", "9", "10", "00", "01", "007", "20240131", "123456789012345678901234567890")
}

func (g generator) release() string {
	return g.join(4, ".", func() string { return g.pick("0", "0", "1", "1", "2", "10") })
}

func (g generator) separator() string { return g.pick("", "", ".", "-", "_") }

func (g generator) suffixes() string {
	var b strings.Builder
	if g.IntN(3) == 0 {
		word := g.pick("a", "b", "rc", "alpha", "BETA", "c", "pre", "Preview")
		b.WriteString(g.separator() + word + g.separator() + g.maybe(g.number()))
	}
	switch g.IntN(6) {
	case 0:
		b.WriteString("-" + g.number())
	case 1:
		b.WriteString(g.separator() + g.pick("post", "rev", "r", "POST") + g.separator() + g.maybe(g.number()))
	}
	if g.IntN(4) == 0 {
		b.WriteString(g.separator() + g.pick("dev", "DEV") + g.separator() + g.maybe(g.number()))
	}
	return b.String()
}

func (g generator) local() string {
	if g.IntN(4) > 0 {
		return ""
	}
	return "+" + g.join(3, g.pick(".", "-", "_"), func() string { return g.pick("ubuntu", "1", "01", "A1", "1a", "cpu", "0") })
}

func (g generator) version() string {
	epoch := ""
	if g.IntN(10) == 0 {
		epoch = g.pick("0!", "1!", "00!", "12!")
	}
	prefix := g.pick("", "", "", "", "v", "V", " ")
	return prefix + epoch + g.release() + g.suffixes() + g.local()
}

func (g generator) specifier() string {
	op := g.pick("==", "!=", "<", "<=", ">", ">=", "~=", "===")
	text := g.version()
	if op != "==" && op != "!=" {
		text, _, _ = strings.Cut(text, "+")
	} else if g.IntN(3) == 0 {
		text = g.release() + ".*"
	}
	return op + g.pick("", "", " ", "  ") + text
}

func (g generator) specifiers() string {
	return g.join(3, g.pick(",", ", ", " ,"), g.specifier)
}

// marker is a marker with n levels of parentheses at most.
func (g generator) marker(n int) string {
	return g.join(3, "", func() string {
		if n > 0 && g.IntN(3) == 0 {
			return "(" + g.marker(n-1) + ")" + g.pick(" and ", " or ")
		}
		return g.comparison() + g.pick(" and ", " or ")
	}) + g.comparison()
}

func (g generator) comparison() string {
	variable, text := g.pick(markerNames...), g.markerText()
	op := g.pick("==", "!=", "<", "<=", ">", ">=", "in", "not in")
	switch variable {
	case "extras", "dependency_groups":
		return text + " " + op + " " + variable
	case "python_version", "python_full_version", "implementation_version":
		op = g.pick(op, "~=", "===")
		if g.IntN(4) > 0 {
			text = `"` + g.pick("3", "3.9", "3.13", "3.13.*", "3.13.2", "3.13.2rc1", "3.8 3.9", "3.14.0a1", "2.7") + `"`
		}
	}
	if g.IntN(5) == 0 {
		return text + " " + op + " " + variable
	}
	return variable + g.pick(" ", "  ", "\t") + op + " " + text
}

func (g generator) markerText() string {
	return g.pick(`"linux"`, `"win32"`, `'posix'`, `"Linux"`, `"x86_64"`, `"x86_64 aarch64"`, `"cpython"`, `'CPython'`, `""`,
		`"cli"`, `"Cli_Tools"`, `"cli.tools"`, `"dev"`, `"extra-7-sensors-cpu"`, `"6.1.0"`, `"5"`, `"#1 SMP"`, `"3.13"`, `'a"b'`,
		`"it's"`, `'\x6cinux'`, `"\154inux"`, `'li\u006eux'`, `'\q'`, `'a\\b'`)
}

func (g generator) requirement() string {
	s := g.pick("a", "Foo.Bar", "foo_bar", "zope.interface", "x2", "ruamel.yaml.clib", "foo_")
	if g.IntN(3) == 0 {
		s += g.maybe(" ") + "[" + g.join(3, ",", func() string { return g.pick("b", " A_b ", "c.d", "a", "") }) + "]"
	}
	switch g.IntN(4) {
	case 0:
		s += g.maybe(" ") + "(" + g.specifiers() + ")"
	case 1:
		s += g.pick("@", " @ ") + g.pick("https://h/a-1.whl", "git+ssh://x/y@v1#egg=a;b", "./a") + g.maybe(" ", "\t ")
	case 2:
		s += g.maybe(" ") + g.specifiers()
	}
	if g.IntN(2) == 0 {
		s += g.pick(";", " ; ") + g.marker(1)
	}
	return s
}

func (g generator) wheel() string {
	set := func(from ...string) string {
		return g.join(3, ".", func() string { return g.pick(from...) })
	}
	name := g.pick("foo", "Foo_Bar", "foo.bar", "f__o", "_", "f\u00e9", "a.b_c")
	build := g.maybe("-1", "-2abc", "-007", "-x", "-1_2")
	return name + "-" + g.version() + build + "-" + set("py3", "py2", "cp313", "CP39", "3") + "-" +
		set("none", "abi3", "cp313t") + "-" + set("any", "manylinux_2_17_x86_64", "manylinux2014_x86_64", "linux_x86_64") + ".whl"
}

// repeat calls generate n times.
func repeat(n int, generate func() string) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = generate()
	}
	return out
}

// corpus is the real data of a kind with n generated texts, and mutations of
// both.
func corpus(t testing.TB, g generator, kind string, n int, generate func() string) []string {
	return g.mutations(append(realData(t, kind), repeat(n, generate)...))
}
