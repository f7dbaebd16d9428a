package examples

import (
	_ "embed"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// probe runs in a container with the image's Python and prints what it finds.
//
//go:embed probe.py
var probe string

// ask runs a part of the probe in a new container and decodes its answer.
func ask(t *testing.T, img image, answer any, options []string, question ...string) {
	t.Helper()
	args := append([]string{"run", "--rm"}, options...)
	args = append(args, img.tag, "python", "-c", probe)
	decode(t, must(t, append(args, question...)...), answer)
}

func decode(t *testing.T, text string, answer any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), answer); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

// testConfig checks what the engine says of an image.
func testConfig(t *testing.T, img image, w *want) {
	var config struct {
		User, WorkingDir, StopSignal string
		Env, Cmd, Entrypoint         []string
		Labels                       map[string]string
		ExposedPorts                 map[string]struct{}
	}
	decode(t, must(t, "image", "inspect", "--format", "{{json .Config}}", img.tag), &config)
	if config.User != "10001:10001" || config.WorkingDir != "/app" {
		t.Errorf("user %q in %q", config.User, config.WorkingDir)
	}
	if !slices.Contains(config.Env, "VIRTUAL_ENV=/venv") {
		t.Errorf("VIRTUAL_ENV is not set: %q", config.Env)
	}
	if len(config.Cmd) == 0 || len(config.Entrypoint) > 0 {
		t.Errorf("the command is %q, the entrypoint %q", config.Cmd, config.Entrypoint)
	}
	for name, value := range w.Labels {
		if !strings.Contains(name, ".") {
			name = "org.opencontainers.image." + name
		}
		if got := config.Labels[name]; got != value {
			t.Errorf("label %s is %q, want %q", name, got, value)
		}
	}
	base := []string{"base.name"}
	if strings.Contains(must(t, "info", "--format", "{{json .DriverStatus}}"), "io.containerd.snapshotter") {
		// A graph driver knows no digest of an image that it has already.
		base = append(base, "base.digest")
	}
	for _, name := range base {
		if config.Labels["org.opencontainers.image."+name] == "" {
			t.Errorf("there is no label for %s", name)
		}
	}
	if created := must(t, "image", "inspect", "--format", "{{.Created}}", img.tag); w.Created != "" && created != w.Created {
		t.Errorf("created %s, want %s", created, w.Created)
	}
	if w.Server != nil && len(config.ExposedPorts) != 1 {
		t.Errorf("exposed are %v", slices.Collect(maps.Keys(config.ExposedPorts)))
	}
}

// testFiles checks what is in an image.
func testFiles(t *testing.T, img image, w *want) {
	var user struct {
		UID, GID                                    int
		Name, Home, Prefix, Base, Python, TestWrite string
		Writable                                    []string
		Distributions                               map[string]string
	}
	ask(t, img, &user, nil, "user")
	if user.UID != 10001 || user.GID != 10001 || user.Name == "" || user.TestWrite != user.Home {
		t.Errorf("the user is %d:%d %q, at home in %q, and can write to %q", user.UID, user.GID, user.Name, user.Home, user.TestWrite)
	}
	if user.Prefix != "/venv" || user.Base == user.Prefix {
		t.Errorf("the prefixes are %s and %s", user.Prefix, user.Base)
	}
	if w.Python != "" && user.Python != w.Python {
		t.Errorf("the image has Python %s, want %s", user.Python, w.Python)
	}
	if len(user.Writable) > 0 {
		t.Errorf("the user can write to %q", user.Writable)
	}
	testDistributions(t, img, w, user.Distributions)

	var files struct{ Tools, Wheels, Uncompiled, Checked, Foreign, There []string }
	ask(t, img, &files, []string{"--user", "0"}, append([]string{"files"}, w.Missing...)...)
	for what, found := range map[string][]string{
		"tools that build and install":                    files.Tools,
		"wheels":                                          files.Wheels,
		"modules without bytecode":                        files.Uncompiled,
		"bytecode that is compared with its source":       files.Checked,
		"files of the application that root does not own": files.Foreign,
		"what the image must not have":                    files.There,
	} {
		if len(found) > 0 {
			t.Errorf("%s: %q", what, found)
		}
	}
}

var ours = regexp.MustCompile(`^buildkit\.pyfrontend\.`)

// testDistributions compares what is installed with the lock, and with the
// names of the layers.
func testDistributions(t *testing.T, img image, w *want, installed map[string]string) {
	locked := lockedVersions(t, img.dir)
	for _, name := range w.Absent {
		if version, ok := installed[name]; ok {
			t.Errorf("%s %s is installed", name, version)
		}
	}
	// maxLayers is how many layers of ours an image has at the most.
	const maxLayers = 20
	var layers []string
	for line := range strings.Lines(must(t, "history", "--no-trunc", "--format", "{{json .}}", img.tag)) {
		var entry struct{ CreatedBy, Comment string }
		decode(t, line, &entry)
		if ours.MatchString(entry.Comment) {
			layers = append(layers, entry.CreatedBy)
		}
	}
	slices.Sort(layers)
	if named := slices.Compact(slices.Clone(layers)); len(named) != len(layers) || slices.Contains(layers, "") || len(layers) > maxLayers {
		t.Errorf("the layers are not named, one by one: %q", layers)
	}
	want := map[string]string{}
	count := map[string]int{}
	for name := range installed {
		want[name] = locked[name]
		for _, layer := range layers {
			for _, item := range strings.Split(strings.TrimPrefix(layer, "install "), ", ") {
				if item == name || item == name+" "+locked[name] {
					count[name]++
				}
			}
		}
		if count[name] != 1 {
			t.Errorf("%s is named by %d of the layers %q", name, count[name], layers)
		}
	}
	if diff := cmp.Diff(want, installed); diff != "" {
		t.Errorf("installed is not what is locked (-want +got):\n%s", diff)
	}
}

// testRun checks a container that comes to an end.
func testRun(t *testing.T, img image, w wantRun) {
	args := append([]string{"run", "--rm"}, hardened...)
	out := docker(t, t.Context(), append(append(args, img.tag), w.Command...)...)
	got := wantRun{w.Target, w.Command, strings.TrimSpace(out.stdout), strings.TrimSpace(out.stderr), out.code}
	if diff := cmp.Diff(w, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
