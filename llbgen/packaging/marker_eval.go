package packaging

import (
	"slices"
	"strings"
)

// Environment is what markers ask about.
type Environment struct {
	PythonVersion     Version // 3.13
	PythonFullVersion Version // 3.13.2, also the implementation's version
	OSName            string  // posix
	SysPlatform       string  // linux
	PlatformMachine   string  // x86_64
	PlatformSystem    string  // Linux
	PlatformRelease   string
	PlatformVersion   string
	Implementation    string   // CPython; in lower case, the implementation's name
	Extras            []string // for both extra and extras
	DependencyGroups  []string
}

// value is the text a variable stands for.
func (e Environment) value(variable string) string {
	switch variable {
	case "os_name":
		return e.OSName
	case "sys_platform":
		return e.SysPlatform
	case "platform_machine":
		return e.PlatformMachine
	case "platform_system":
		return e.PlatformSystem
	case "platform_release":
		return e.PlatformRelease
	case "platform_version":
		return e.PlatformVersion
	case "platform_python_implementation":
		return e.Implementation
	case "implementation_name":
		return strings.ToLower(e.Implementation)
	case "python_version":
		return e.PythonVersion.String()
	default: // python_full_version, implementation_version
		return e.PythonFullVersion.String()
	}
}

// Evaluate says whether the marker holds; nil does. The extras are a set: with
// more than one, "extra == 'x'" holds if any of them is x and "extra != 'x'"
// if none is. With none, extra is "".
func (m *Marker) Evaluate(e Environment) bool {
	return m == nil || evaluate(m.list, e)
}

// evaluate is true when all terms between two "or" are.
func evaluate(list []term, e Environment) bool {
	all := true
	for _, t := range list {
		switch {
		case t.logic == "or":
			if all {
				return true
			}
			all = true
		case t.logic == "and" || !all:
		case t.group != nil:
			all = evaluate(t.group, e)
		default:
			all = t.comparison.evaluate(e)
		}
	}
	return all
}

func (c *comparison) evaluate(e Environment) bool {
	name := c.variable()
	switch markerKinds[name] {
	case kindExtra:
		return c.evaluateExtra(e.Extras)
	case kindSet:
		set := e.Extras
		if name == "dependency_groups" {
			set = e.DependencyGroups
		}
		return c.evaluateSet(set)
	case kindVersion:
		left, right := c.sides(e.value(name))
		if s, ok := parseSpecifier(c.op + right); ok {
			return s.containsText(left)
		}
		return compareTexts(left, c.op, right)
	default:
		left, right := c.sides(e.value(name))
		return compareTexts(left, c.op, right)
	}
}

// sides puts a value in place of the variable.
func (c *comparison) sides(value string) (left, right string) {
	if c.left.variable {
		return value, c.right.text
	}
	return c.left.text, value
}

func (c *comparison) evaluateExtra(extras []string) bool {
	if len(extras) == 0 {
		extras = []string{""}
	}
	holds := func(extra string) bool {
		left, right := c.sides(NormalizeName(extra))
		return compareTexts(left, c.op, right)
	}
	if c.op == "!=" || c.op == "not in" {
		return !slices.ContainsFunc(extras, func(extra string) bool { return !holds(extra) })
	}
	return slices.ContainsFunc(extras, holds)
}

func (c *comparison) evaluateSet(set []string) bool {
	member := slices.ContainsFunc(set, func(name string) bool { return NormalizeName(name) == c.left.text })
	switch c.op {
	case "in":
		return member
	case "not in":
		return !member
	default: // a text is no set
		return c.op == "!="
	}
}

// compareTexts is the comparison of what are not two versions. As in PyPA's
// library texts have no order, so nothing is < or >.
func compareTexts(left, op, right string) bool {
	switch op {
	case "in":
		return strings.Contains(right, left)
	case "not in":
		return !strings.Contains(right, left)
	case "==", "<=", ">=":
		return left == right
	case "!=":
		return left != right
	default: // < and >; ~= and === have no sense here
		return false
	}
}
