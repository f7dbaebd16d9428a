package enginetest

import (
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// status is one line of progress in the form rawjson.
type status struct {
	Vertexes []*vertex
	Statuses []struct {
		ID, Vertex string
		Current    int64
	}
	Logs     []struct{ Data []byte }
	Warnings []struct{ Short []byte }
}

type vertex struct {
	Digest, Name string
	Started      *time.Time
	Cached       bool
	Error        string
}

// outcome is what came of a build.
type outcome struct {
	err error
	// text is what was printed beside the progress: the error.
	text     string
	order    []string
	vertices map[string]*vertex
	// sent is how many bytes of the context each vertex, by name, received.
	sent     map[string]int64
	warnings []string
	logs     strings.Builder
}

// build builds a directory. The build file is its pyproject.toml unless the
// arguments name another.
func (e engine) build(t *testing.T, dir string, args ...string) *outcome {
	t.Helper()
	return e.buildAs(t, dir, append([]string{"-f", filepath.Join(dir, "pyproject.toml")}, args...)...)
}

// buildAs builds a context with exactly these arguments.
func (e engine) buildAs(t *testing.T, contextDir string, args ...string) *outcome {
	t.Helper()
	argv := []string{"buildx", "build", "--builder", e.builder, "--progress=rawjson"}
	if !slices.ContainsFunc(args, func(a string) bool {
		return a == "--push" || a == "--output" || a == "-o" || a == "-t" || strings.HasPrefix(a, "--output=")
	}) {
		argv = append(argv, "--output", "type=cacheonly")
	}
	argv = append(argv, args...)
	return progress(e.command(t, append(argv, contextDir)...))
}

// progress runs a command that reports its progress as JSON.
func progress(cmd *exec.Cmd) *outcome {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	o := &outcome{vertices: map[string]*vertex{}, sent: map[string]int64{}}
	o.err = cmd.Run()
	var text strings.Builder
	for line := range strings.Lines(out.String()) {
		var s status
		if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &s) != nil {
			text.WriteString(line)
			continue
		}
		o.add(&s)
	}
	// Which of the two it says depends on which of two answers comes first.
	o.text = strings.ReplaceAll(text.String(), "failed to run Build function: ", solving)
	return o
}

func (o *outcome) add(s *status) {
	for _, v := range s.Vertexes {
		if o.vertices[v.Digest] == nil {
			o.order = append(o.order, v.Digest)
		}
		// The first start tells: a result from a cache may start once more, to
		// be pulled.
		if before := o.vertices[v.Digest]; before == nil || before.Started == nil {
			o.vertices[v.Digest] = v
		}
	}
	for _, st := range s.Statuses {
		if v := o.vertices[st.Vertex]; v != nil && strings.HasPrefix(st.ID, "transferring") {
			o.sent[v.Name] = max(o.sent[v.Name], st.Current)
		}
	}
	for _, l := range s.Logs {
		o.logs.Write(l.Data)
	}
	for _, w := range s.Warnings {
		o.warnings = append(o.warnings, string(w.Short))
	}
}

// ok fails the test unless the build succeeded.
func (o *outcome) ok(t *testing.T) *outcome {
	t.Helper()
	if o.err != nil {
		t.Fatalf("the build failed: %v\n%s\n%s", o.err, o.text, o.logs.String())
	}
	return o
}

const solving = "failed to solve: "

// message is the error of a failed build.
func (o *outcome) message() string {
	_, text, ok := strings.Cut(o.text, solving)
	if !ok {
		return o.text
	}
	return strings.TrimSpace(text)
}

// fails fails the test unless the build failed with exactly this error.
func (o *outcome) fails(t *testing.T, want string) {
	t.Helper()
	if o.err == nil {
		t.Fatalf("the build succeeded, but should fail with\n%s", want)
	}
	if got := o.message(); got != strings.TrimSpace(want) {
		t.Errorf("the error is\n%s\nbut should be\n%s\nall output:\n%s", got, want, o.text)
	}
}

// ran lists the names of the vertices that did some work, without those that
// only serve. Downloads are not among them: a fetch vertex starts although its
// file is never asked for, and the wheels' server counts what is.
func (o *outcome) ran() []string {
	var names []string
	for _, d := range o.order {
		v := o.vertices[d]
		if v.Started != nil && !v.Cached && !internal(v.Name) {
			names = append(names, v.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// internal tells whether a vertex is BuildKit's own, or ours without being of
// interest: it runs nothing.
func internal(name string) bool {
	return slices.ContainsFunc([]string{"[internal]", "fetch ", "exporting", "importing", "resolve image config", "docker-image://", "pushing", "load the files", "image", "preparing", "sending", "[auth]", "merging", "link dependencies"},
		func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// runs fails the test unless exactly the vertices with these beginnings ran.
func (o *outcome) runs(t *testing.T, want ...string) {
	t.Helper()
	got := o.ran()
	slices.Sort(want)
	if !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("ran\n  %s\nbut should run\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// hasVertex tells whether a vertex of this name was there.
func (o *outcome) hasVertex(name string) bool {
	for _, v := range o.vertices {
		if strings.Contains(v.Name, name) {
			return true
		}
	}
	return false
}

// buildctl runs BuildKit's own client.
func buildctl(ctx context.Context, args ...string) *outcome {
	return progress(exec.CommandContext(ctx, "buildctl", append([]string{"build", "--progress=rawjson"}, args...)...))
}
