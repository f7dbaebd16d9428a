package packaging

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxNesting keeps a marker from exhausting the stack. Real ones nest two or
// three deep, Python gives up in the hundreds.
const maxNesting = 100

// markerNames are the spellings of the variables, the ones of before PEP 508
// among them.
var markerNames = []string{
	"python_version", "python_full_version",
	"os_name", "os.name",
	"sys_platform", "sys.platform",
	"platform_release", "platform_system",
	"platform_version", "platform.version",
	"platform_machine", "platform.machine",
	"platform_python_implementation", "platform.python_implementation", "python_implementation",
	"implementation_name", "implementation_version",
	"extra", "extras", "dependency_groups",
}

// ParseMarker reads a marker. Comparisons without a sense are errors here:
// those of two texts or two variables, ~= and === of what is no version, and
// set variables on the left. PyPA's library parses them, and then fails in
// evaluate or takes a variable's name for its value.
func ParseMarker(s string) (*Marker, error) {
	p := markerParser{cursor: cursor{src: s}}
	m, err := p.whole()
	if err != nil {
		return nil, fmt.Errorf("invalid marker %q: %w", s, err)
	}
	return m, nil
}

type markerParser struct {
	cursor
	depth int
}

// whole reads a marker up to the end of the input.
func (p *markerParser) whole() (*Marker, error) {
	list, err := p.terms()
	if err == nil && !p.done() {
		err = fmt.Errorf("unexpected %q", p.rest())
	}
	if err != nil {
		return nil, err
	}
	return &Marker{list}, nil
}

// terms reads comparisons and groups joined by "and" and "or".
func (p *markerParser) terms() ([]term, error) {
	var list []term
	for {
		t, err := p.term()
		if err != nil {
			return nil, err
		}
		list = append(list, t)
		logic := p.keyword("or", "and")
		if logic == "" {
			return list, nil
		}
		list = append(list, term{logic: logic})
	}
}

func (p *markerParser) term() (term, error) {
	p.blanks()
	defer p.blanks()
	if !p.literal("(") {
		c, err := p.comparison()
		return term{comparison: c}, err
	}
	if p.depth++; p.depth > maxNesting {
		return term{}, errors.New("too many parentheses")
	}
	group, err := p.terms()
	if err != nil {
		return term{}, err
	}
	p.depth--
	if !p.literal(")") {
		return term{}, errors.New("no ) after a group")
	}
	return term{group: group}, nil
}

func (p *markerParser) comparison() (*comparison, error) {
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	p.blanks()
	op, err := p.operator()
	if err != nil {
		return nil, err
	}
	p.blanks()
	right, err := p.operand()
	if err != nil {
		return nil, err
	}
	c := &comparison{left, right, op}
	if err := c.check(); err != nil {
		return nil, err
	}
	c.normalize()
	return c, nil
}

func (p *markerParser) operand() (operand, error) {
	if name := p.keyword(markerNames...); name != "" {
		name = strings.ReplaceAll(name, ".", "_")
		if name == "python_implementation" {
			name = "platform_python_implementation"
		}
		return operand{name, true}, nil
	}
	quote := p.oneOf("'", `"`)
	if quote == "" {
		return operand{}, errors.New("neither a variable nor a quoted text where one should be")
	}
	inner, _, closed := strings.Cut(p.rest(), quote)
	if !closed {
		return operand{}, errors.New("a quoted text does not end")
	}
	text, ok := unquoteText(inner)
	if !ok {
		return operand{}, fmt.Errorf("the quoted text %q is no python string", inner)
	}
	p.pos += len(inner) + 1
	return operand{text, false}, nil
}

func (p *markerParser) operator() (string, error) {
	if p.keyword("in") != "" {
		return "in", nil
	}
	if p.keyword("not") != "" {
		if p.blanks() && p.keyword("in") != "" {
			return "not in", nil
		}
		return "", errors.New(`no "in" after "not"`)
	}
	if op := p.oneOf("===", "==", "~=", "!=", "<=", ">=", "<", ">"); op != "" {
		return op, nil
	}
	return "", errors.New("no operator where one should be")
}

// check refuses comparisons without a sense.
func (c *comparison) check() error {
	if c.left.variable == c.right.variable {
		return fmt.Errorf("%s and %s: one has to be a variable and the other a text", c.left, c.right)
	}
	kind := markerKinds[c.variable()]
	if kind == kindSet && c.left.variable {
		return fmt.Errorf("%s cannot be on the left", c.left)
	}
	if c.op != "~=" && c.op != "===" {
		return nil
	}
	if kind != kindVersion {
		return fmt.Errorf("%s does not apply to %s", c.op, c.variable())
	}
	if _, ok := parseSpecifier(c.op + c.right.text); c.left.variable && !ok {
		return fmt.Errorf("%s does not apply to %s", c.op, c.right)
	}
	return nil
}

// normalize brings names of extras and groups into their one spelling.
func (c *comparison) normalize() {
	if !slices.Contains([]int{kindExtra, kindSet}, markerKinds[c.variable()]) {
		return
	}
	if c.left.variable {
		c.right.text = NormalizeName(c.right.text)
	} else {
		c.left.text = NormalizeName(c.left.text)
	}
}
