package enginetest

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLinear builds the same projects where there is no Merge and no Diff: the
// same files come out, and layers that did not change keep their digests.
func TestLinear(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		locked []*wheel
		says   string
	}{
		{"shop", []*wheel{alpha, beta}, shopSays},
		{"directory", []*wheel{alpha}, "main 1.0 helped\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := project(t, c.name, c.locked...)
			args := []string{"--pull", "--build-arg", "SOURCE_DATE_EPOCH=1700000000"}
			_, merged := docker.load(t, dir, args...)
			_, linear := graph.load(t, dir, args...)
			if got := graph.run(t, linear.ref); got != c.says {
				t.Errorf("the image says %q", got)
			}
			if diff := cmp.Diff(merged.history(), linear.history()); diff != "" {
				t.Fatal(diff)
			}
			for i, l := range linear.layers {
				if diff := cmp.Diff(merged.layers[i].content(), l.content()); diff != "" {
					t.Errorf("layer %q:\n%s", l.created, diff)
				}
			}
			if diff := cmp.Diff(merged.config.Config, linear.config.Config); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// content lists the files of a layer as they are, without the directories on
// the way to them, which a copy on top of others states too. Of a removed file
// the name is enough: a graph driver writes the time of the removal.
func (l layer) content() []string {
	var lines []string
	for i, text := range l.describe() {
		switch name := l.entries[i].Name; {
		case strings.HasSuffix(name, "/"):
		case strings.Contains(name, ".wh."):
			lines = append(lines, name)
		default:
			lines = append(lines, text)
		}
	}
	return lines
}

// TestLinearEdit changes the code and one dependency in turn.
func TestLinearEdit(t *testing.T) {
	t.Parallel()
	locked := fresh("alpha", "beta")
	locked[0].sized(5 << 20)
	dir := project(t, "shop", locked...)
	own(t, dir)
	_, before := graph.load(t, dir)
	edit(t, filepath.Join(dir, "src/shop/__init__.py"), "main", "main_")
	o, after := graph.load(t, dir)
	if o.ranAny("install 1", "prepare") {
		t.Errorf("an edit ran %q", o.ran())
	}
	for i := range len(before.layers) - 2 {
		if before.layers[i].diffID != after.layers[i].diffID {
			t.Errorf("after an edit %q is another layer", before.layers[i].created)
		}
	}
	bumped := fresh("beta")[0]
	relock(t, dir, locked[0], bumped)
	o, bump := graph.load(t, dir)
	if o.ranAny("alpha", "prepare") {
		t.Errorf("another beta ran %q", o.ran())
	}
	if a, b := after.layer(t, "install alpha"), bump.layer(t, "install alpha"); a.diffID != b.diffID {
		t.Error("another beta made another layer of alpha")
	}
}
