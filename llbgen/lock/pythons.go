package lock

import (
	"slices"
	"strings"

	"github.com/pyfrontend/pyfrontend/llbgen/packaging"
	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// PythonChoice is the answer for one candidate.
type PythonChoice struct {
	// Python is the candidate as given, "3.13".
	Python string
	// Reason is why it cannot be used, by the first package that stands in the
	// way; nil if it can.
	Reason *spec.Error
}

// Pythons tells which Python versions the lock allows: requires-python holds,
// and every package selected on each platform has a wheel or is a directory.
// Candidates are X.Y, taken as the newest patch release of it, or full
// versions; one that is no version has a Reason. The answers are newest first,
// so the first without a Reason is the one to use. Of a platform everything but
// Python counts; without platforms only requires-python is looked at.
func (l *Lock) Pythons(candidates []string, platforms []packaging.Target, o Options) []PythonChoice {
	type candidate struct {
		text    string
		version packaging.Version
		err     error
	}
	all := make([]candidate, len(candidates))
	for i, text := range candidates {
		all[i].text = text
		all[i].version, all[i].err = candidateVersion(text)
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return b.version.Compare(a.version) })
	choices := make([]PythonChoice, len(all))
	for i, c := range all {
		choices[i] = PythonChoice{Python: c.text}
		if c.err != nil {
			choices[i].Reason = spec.Errorf(o.At, "%s is not a Python version", literal(c.text))
			continue
		}
		choices[i].Reason = l.reasonAgainst(c.version, platforms, o)
	}
	return choices
}

func (l *Lock) reasonAgainst(python packaging.Version, platforms []packaging.Target, o Options) *spec.Error {
	if len(platforms) == 0 {
		return firstError((&Lock{File: l.File, At: l.At, RequiresPython: l.RequiresPython}).fits(packaging.Target{Python: python}, Options{}))
	}
	for _, t := range platforms {
		t.Python = python
		if _, err := l.Select(t, o); err != nil {
			return firstError(err)
		}
	}
	return nil
}

// firstError is the first mistake of a joined error, in the order it was made.
func firstError(err error) *spec.Error {
	if all := spec.Errors(err); len(all) > 0 {
		return all[0]
	}
	return nil
}

func candidateVersion(text string) (packaging.Version, error) {
	full := text
	if strings.Count(text, ".") == 1 {
		full += ".99" // latestPatch
	}
	return packaging.ParseVersion(full)
}
