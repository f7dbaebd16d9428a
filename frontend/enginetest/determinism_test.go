package enginetest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDeterminism builds two checkouts of each project on two engines, both
// anew, and compares what comes out, byte by byte.
func TestDeterminism(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		locked []*wheel
	}{
		{"shop", []*wheel{alpha, beta}},
		{"directory", []*wheel{alpha}},
		{"hatch", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			args := []string{"--no-cache", "--pull", "--build-arg", "SOURCE_DATE_EPOCH=1700000000", "--secret", caBundle}
			first, second := project(t, c.name, c.locked...), project(t, c.name, c.locked...)
			age(t, second, 0o600, 0o700)
			_, one := docker.push(t, first, args...)
			_, two := buildkit.push(t, second, args...)
			compare(t, one, two)
		})
	}
}

// compare reports where two images differ, in the order of the layers.
func compare(t *testing.T, one, two *image) {
	t.Helper()
	if diff := cmp.Diff(configText(t, one), configText(t, two)); diff != "" {
		t.Error(diff)
	}
	if len(one.layers) != len(two.layers) {
		t.Fatalf("%q and %q", one.history(), two.history())
	}
	for i, a := range one.layers {
		b := two.layers[i]
		if a.diffID == b.diffID && a.digest == b.digest {
			continue
		}
		t.Errorf("layer %q is %s and %s, compressed %s and %s\n%s", a.created, a.diffID, b.diffID, a.digest, b.digest,
			cmp.Diff(a.describe(), b.describe()))
	}
}

func configText(t *testing.T, img *image) string {
	t.Helper()
	data, err := json.MarshalIndent(img.config, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// describe lists the entries of a layer with all that is in the digest.
func (l layer) describe() []string {
	lines := make([]string, len(l.entries))
	for i, e := range l.entries {
		lines[i] = fmt.Sprintf("%s %c %o %d:%d %s %s %d %x %v", e.Name, e.Typeflag, e.Mode, e.Uid, e.Gid, e.ModTime.UTC(), e.Linkname, e.Size, sha256.Sum256(e.data), e.PAXRecords)
	}
	return lines
}

// TestEpoch gives the user's epoch to the project and to nothing that is
// locked.
func TestEpoch(t *testing.T) {
	t.Parallel()
	seed := unique()
	one, two := newWheel("alpha", "1.0", "alpha/__init__.py", seed+"version = '1.0'\n"), newWheel("beta", "2.0", "beta/__init__.py", seed+"version = '2.0'\n")
	dir := project(t, "shop", one, two)
	own(t, dir)
	_, before := docker.push(t, dir, "--build-arg", "SOURCE_DATE_EPOCH=1600000000")
	o, after := docker.push(t, dir, "--build-arg", "SOURCE_DATE_EPOCH=1700000000")
	if o.ranAny("install 2", "prepare") || wheels.count(one) != 1 {
		t.Errorf("with another epoch ran %q", o.ran())
	}
	for _, created := range []string{"prepare", "install alpha"} {
		if a, b := before.layer(t, created), after.layer(t, created); a.digest != b.digest {
			t.Errorf("with another epoch %q is another layer", created)
		}
	}
	if got := after.config.Created; got == nil || got.Unix() != 1700000000 {
		t.Errorf("the image was created at %v", got)
	}
	for _, h := range after.config.History[len(after.config.History)-len(after.layers):] {
		if h.Created == nil || h.Created.Unix() != 1700000000 {
			t.Errorf("%q was created at %v", h.CreatedBy, h.Created)
		}
	}
	docker.build(t, dir, "--build-arg", "SOURCE_DATE_EPOCH=yesterday").fails(t,
		"pyproject.toml:23:1: the build argument SOURCE_DATE_EPOCH is not a number of seconds or `context`: \"yesterday\"")
}

// ranAny tells whether a vertex ran that contains one of the words.
func (o *outcome) ranAny(words ...string) bool {
	return slices.ContainsFunc(o.ran(), func(name string) bool {
		return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(name, word) })
	})
}
