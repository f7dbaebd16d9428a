package examples

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

// want is an example's want.toml. A field that is not here is an error.
type want struct {
	// Way is the way in: "pyproject.toml" is named as the build file,
	// "Dockerfile" holds the syntax line, or "BUILDKIT_SYNTAX" is a build
	// argument and no file says anything.
	Way string `toml:"way"`
	// BuildArgs are further build arguments.
	BuildArgs map[string]string `toml:"build-args"`
	// Python is the version X.Y that the image must have, if that is decided.
	Python string `toml:"python"`
	// Created is the image's time, if that is decided.
	Created string `toml:"created"`
	// Absent are distributions that the lock has and the image must not have.
	Absent []string `toml:"absent"`
	// Missing are paths that the image must not have.
	Missing []string `toml:"missing"`
	// Labels must be there; a name without a dot is one of
	// org.opencontainers.image.
	Labels map[string]string `toml:"labels"`
	Server *wantServer       `toml:"server"`
	Runs   []wantRun         `toml:"runs"`
}

// wantServer is for an image that serves until it is stopped.
type wantServer struct {
	// Port is 8000 if it is not stated.
	Port int `toml:"port"`
	// Health answers 200 as soon as the application does.
	Health string `toml:"health"`
	// Slow takes two seconds to answer: the container is stopped meanwhile.
	Slow string `toml:"slow"`
	// Workers is how many processes serve, at the least.
	Workers int `toml:"workers"`
	// Heartbeat tells that the workers have heartbeat files, as gunicorn's do.
	Heartbeat bool `toml:"heartbeat"`
	// AccessLog is a part of standard output after the requests; empty for a
	// server that has no access log.
	AccessLog string        `toml:"access-log"`
	Requests  []wantRequest `toml:"requests"`
}

type wantRequest struct {
	Path string `toml:"path"`
	// Status is 200 if it is not stated.
	Status int `toml:"status"`
	// Body is compared without blanks around it; any will do if it is not
	// stated.
	Body *string `toml:"body"`
}

// wantRun is a container that comes to an end.
type wantRun struct {
	// Target is the build target; the image itself if it is not stated.
	Target string `toml:"target"`
	// Command is given to `docker run` in place of the image's.
	Command []string `toml:"command"`
	// Stdout and Stderr are compared without blanks around them.
	Stdout   string `toml:"stdout"`
	Stderr   string `toml:"stderr"`
	ExitCode int    `toml:"exit-code"`
}

func (r wantRun) name() string {
	return strings.Join(append([]string{cmp.Or(r.Target, "run")}, r.Command...), " ")
}

func readWant(t *testing.T, dir string) *want {
	t.Helper()
	name := filepath.Join(dir, "want.toml")
	f, err := os.Open(name)
	if err != nil {
		t.Fatalf("every folder is an example and says what it wants: %v", err)
	}
	defer f.Close()
	var w want
	if err := toml.NewDecoder(f).DisallowUnknownFields().Decode(&w); err != nil {
		var unknown *toml.StrictMissingError
		if errors.As(err, &unknown) {
			t.Fatalf("%s has unknown fields:\n%s", name, unknown.String())
		}
		t.Fatalf("%s: %v", name, err)
	}
	if problem := w.check(); problem != "" {
		t.Fatalf("%s: %s", name, problem)
	}
	return &w
}

// check fills in defaults and says what is wrong.
func (w *want) check() string {
	ways := []string{"pyproject.toml", "Dockerfile", "BUILDKIT_SYNTAX"}
	switch {
	case !slices.Contains(ways, w.Way):
		return "`way` must be one of " + strings.Join(ways, ", ")
	case w.Labels["title"] == "" || w.Labels["version"] == "":
		return "`labels` must have a title and a version"
	case w.Server == nil && len(w.Runs) == 0:
		return "nothing is run: there is neither `server` nor `runs`"
	case w.Server == nil:
		return ""
	case w.Server.Health == "" || w.Server.Slow == "" || w.Server.Workers == 0:
		return "`server` must have `health`, `slow` and `workers`"
	case len(w.Server.Requests) == 0:
		return "`server` has no `requests`"
	}
	w.Server.Port = cmp.Or(w.Server.Port, 8000)
	for i := range w.Server.Requests {
		w.Server.Requests[i].Status = cmp.Or(w.Server.Requests[i].Status, 200)
	}
	return ""
}

// lockedVersions reads the versions that an example's uv.lock has, by name.
func lockedVersions(t *testing.T, dir string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "uv.lock"))
	if err != nil {
		t.Fatal(err)
	}
	var lock struct {
		Package []struct{ Name, Version string }
	}
	if err := toml.Unmarshal(data, &lock); err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{}
	for _, p := range lock.Package {
		versions[p.Name] = p.Version
	}
	return versions
}
