package spec

import (
	"os"
	"strings"
	"testing"
)

// FuzzParse holds Parse to its promises whatever the files say: it returns
// either a Spec or mistakes, each with a place that is in one of the files, as
// are the places of a Spec.
func FuzzParse(f *testing.F) {
	data, err := os.ReadFile(mistakesFile)
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range strings.Split(string(data), caseMark)[1:] {
		_, body, _ := strings.Cut(c, "\n")
		text, _, _ := strings.Cut(body, reportMark)
		f.Add("", text, true)
		f.Add(text, "[project]\nname = 'a'\n", false)
	}
	f.Add("FROM a\n", places, false)
	f.Add("", fullProject, true)
	f.Fuzz(func(t *testing.T, build, project string, one bool) {
		files := map[string]string{"Dockerfile": build, pyproject: project}
		name := "Dockerfile"
		if one {
			name = pyproject
		}
		s, err := Parse(File{name, []byte(files[name])}, File{pyproject, []byte(project)})
		if (s == nil) != (err != nil) || (err != nil) != (len(Errors(err)) > 0) {
			t.Fatalf("spec %v, error %v", s != nil, err)
		}
		for _, e := range Errors(err) {
			checkPlace(t, files, e.At, e.Message)
			if text := e.Message + e.Hint; strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f }) {
				t.Errorf("control character in %q", text)
			}
		}
		if s == nil {
			return
		}
		for key, place := range s.places {
			checkPlace(t, files, place, key)
			if s.At(key+"[0].x") != s.At(key+"[0]") && s.places[key+"[0].x"] == (Place{}) {
				t.Errorf("%s[0].x is not placed at its parent", key)
			}
		}
	})
}

func checkPlace(t *testing.T, files map[string]string, p Place, what string) {
	t.Helper()
	text, ok := files[p.File]
	if !ok {
		t.Fatalf("%s: no file %q", what, p.File)
	}
	lines := strings.SplitAfter(text, "\n")
	for _, at := range []Position{p.Range.Start, p.Range.End} {
		if at.Line < 1 || at.Line > len(lines) || at.Column < 1 || at.Column > len(lines[at.Line-1])+1 {
			t.Fatalf("%s: %v is not in %s", what, p, p.File)
		}
	}
	if s, e := p.Range.Start, p.Range.End; e.Line < s.Line || e.Line == s.Line && e.Column < s.Column {
		t.Fatalf("%s: %v ends before it starts", what, p)
	}
}
