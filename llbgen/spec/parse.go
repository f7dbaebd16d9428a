package spec

import (
	"bytes"
	"errors"
	"slices"
	"strings"
)

// toolKey is our own table.
const toolKey = "tool.pyfrontend"

// Parse reads the build file that the user named and the project's
// pyproject.toml. The two may be the same file, told by the name; then build
// counts. A build file of another name may hold [tool.pyfrontend] as TOML, or
// nothing but comments. A project whose Data is nil is one that is not there;
// the Data of an empty file is empty but not nil.
//
// The error joins one *Error for every mistake, by file and position, and then
// there is no Spec. A mistake about a key is placed on the key's last part,
// one about a value on the value.
func Parse(build, project File) (*Spec, error) {
	own, main, mistakes := open(build, project)
	s := &Spec{BuildFile: build.Name, ProjectFile: project.Name, places: map[string]Place{}}
	if main != nil {
		r := &reader{doc: main}
		s.readProject(r, main.root)
		mistakes = append(mistakes, r.mistakes...)
		s.collect(main, main.root)
		s.collectNamed(main, main.root.get("project", "optional-dependencies"))
		s.collectNamed(main, main.root.get("dependency-groups"))
	}
	r := &reader{doc: main}
	table := main.tool()
	if t := own.tool(); t != nil {
		if table != nil {
			mistakes = append(mistakes, twoTables(own, t, main, table))
		}
		r.doc, table = own, t
		s.note(own, t)
	}
	s.Tool = r.tool(table)
	mistakes = append(mistakes, r.mistakes...)
	if len(mistakes) > 0 {
		return nil, inOrder(mistakes)
	}
	return s, nil
}

// tool finds our own table, nil if it is not stated.
func (d *document) tool() *node {
	if d == nil {
		return nil
	}
	return d.root.get("tool", "pyfrontend")
}

// open loads the files: own is the build file where it is another than main,
// the project's. What is not there or cannot be read is nil.
func open(build, project File) (own, main *document, mistakes []error) {
	if build.Name == project.Name {
		project = build
	} else {
		doc, err := load(build)
		switch {
		case err != nil && doc.isInstruction(err.At.Range.Start.Line):
			// Whatever else is wrong follows from this.
			return nil, nil, []error{notDockerfile(doc, err.At.Range.Start.Line)}
		case err != nil:
			mistakes = append(mistakes, err)
		default:
			own = doc
			mistakes = append(mistakes, foreignTables(doc, project.Name)...)
		}
	}
	if project.Data == nil {
		return own, nil, append(mistakes, &Error{
			At:      top(build.Name),
			Message: "there is no " + Quote(project.Name) + " beside the build file",
			Hint:    "create one, for example with `uv init --bare`, or build another directory",
		})
	}
	doc, err := load(project)
	if err != nil {
		return own, nil, append(mistakes, err)
	}
	return own, doc, mistakes
}

// instructions are the words a line of a Dockerfile begins with.
var instructions = []string{
	"ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL",
	"MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
}

// isInstruction tells whether a line that is not TOML is a Dockerfile's.
// `from = ` is a broken TOML line, not an instruction.
func (d *document) isInstruction(line int) bool {
	word, rest, _ := strings.Cut(strings.ReplaceAll(d.line(line), "\t", " "), " ")
	return slices.Contains(instructions, strings.ToUpper(word)) && !strings.HasPrefix(strings.TrimSpace(rest), "=")
}

// line is one line's text without the blanks around it.
func (d *document) line(line int) string {
	start, end := d.lines[line-1], len(d.data)
	if line < len(d.lines) {
		end = d.lines[line]
	}
	return strings.TrimSpace(string(d.data[start:end]))
}

func notDockerfile(d *document, line int) *Error {
	text := d.line(line)
	start := d.lines[line-1] + bytes.Index(d.data[d.lines[line-1]:], []byte(text))
	e := d.errorf(span{start, start + len(text)}, "%s holds Dockerfile instructions, not a pyfrontend build", Quote(d.name))
	e.Hint = "pass `-f pyproject.toml`, or leave only the `# syntax=` line in this file"
	return e
}

// foreignTables notes whatever a build file beside pyproject.toml holds that
// is not our own table.
func foreignTables(d *document, project string) (mistakes []error) {
	refuse := func(n *node) {
		e := d.errorf(n.whole, "%s does not belong in %s", Quote(n.path), Quote(d.name))
		e.Hint = "move it to " + Quote(project) + "; this file may hold `[" + toolKey + "]` only"
		mistakes = append(mistakes, e)
	}
	for _, n := range d.root.fields {
		switch {
		case n.name != "tool":
			refuse(n)
		case n.kind != kindTable:
			mistakes = append(mistakes, d.errorf(n.value, "%s must be %s, not %s", Quote(n.path), kindTable, n.kind))
		default:
			for _, inner := range n.fields {
				if inner.name != "pyfrontend" {
					refuse(inner)
				}
			}
		}
	}
	return mistakes
}

func twoTables(own *document, second *node, main *document, first *node) *Error {
	e := own.errorf(second.whole, "%s stands in this file and in %s, line %d",
		Quote("["+toolKey+"]"), Quote(main.name), main.position(first.whole.start).Line)
	e.Hint = "keep one of the two"
	return e
}

// inOrder joins mistakes by file and position.
func inOrder(mistakes []error) error {
	joined := make([]error, 0, len(mistakes))
	for _, e := range Errors(errors.Join(mistakes...)) {
		joined = append(joined, e)
	}
	return errors.Join(joined...)
}
