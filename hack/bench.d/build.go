package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// side is one of the ways to build that are compared.
type side string

const (
	ours    side = "pyfrontend"
	peer    side = "Dockerfile"
	trivial side = "trivial" // FROM and COPY: the floor of any build
)

// vertex is one operation of a build that took time.
type vertex struct {
	Name string `json:"name"`
	// Start and Seconds are relative to the start of the command.
	Start   float64 `json:"start"`
	Seconds float64 `json:"seconds"`
	// Dependency tells whether it handles dependencies of the project.
	Dependency bool `json:"dependency,omitempty"`
	// Transfer tells that it was found in a cache and only its files were
	// brought here.
	Transfer bool   `json:"transfer,omitempty"`
	Error    string `json:"error,omitempty"`
}

// buildOptions is one build command.
type buildOptions struct {
	side      side
	engine    string
	project   project
	push      bool
	ref       string
	platforms string
	cacheFrom string
	cacheTo   string
	pull      bool
	args      []string
}

// outcome is what a build did.
type outcome struct {
	seconds  float64
	cpu      float64
	vertices []vertex
	cached   int
	err      error
}

// build runs one build and times the whole command.
func (s *stack) build(ctx context.Context, o buildOptions) (outcome, error) {
	env, args, err := s.command(ctx, o)
	if err != nil {
		return outcome{}, err
	}
	log, err := os.Create(filepath.Join(s.dir, "build.rawjson"))
	if err != nil {
		return outcome{}, err
	}
	defer log.Close()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Dir = o.project.dir
	cmd.Env = env
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	syscall.Sync()
	used := s.cpu(o.engine)
	start := time.Now()
	err = cmd.Run()
	out := outcome{seconds: time.Since(start).Seconds(), cpu: s.cpu(o.engine) - used}
	if ctx.Err() != nil {
		return outcome{}, context.Cause(ctx)
	}
	data, readErr := os.ReadFile(log.Name())
	if readErr != nil {
		return outcome{}, readErr
	}
	out.vertices, out.cached = parseProgress(data, start)
	if err != nil {
		out.err = failure(data, out.vertices, err)
	}
	return out, nil
}

func (s *stack) command(ctx context.Context, o buildOptions) (env, args []string, err error) {
	env, builder, err := s.builder(ctx, o.engine)
	if err != nil {
		return nil, nil, err
	}
	args = append([]string{"buildx", "build"}, builder...)
	args = append(args, "--progress", "rawjson", "-t", s.registry+"/"+o.ref)
	switch o.side {
	case ours:
		args = append(args, "-f", "pyproject.toml", "--secret", "id=ca-bundle,src="+s.ca)
	case peer:
		args = append(args, "-f", filepath.Join(s.dir, "peer.Dockerfile"),
			"--build-arg", "PYTHON_IMAGE="+s.registry+"/"+peerBaseName, "--build-arg", "UV_IMAGE="+s.registry+"/"+uvName)
	case trivial:
		args = append(args, "-f", "trivial.Dockerfile")
	}
	if o.push {
		args = append(args, "--push")
	}
	if o.pull {
		args = append(args, "--pull")
	}
	if o.platforms != "" {
		args = append(args, "--platform", o.platforms)
	}
	if o.cacheFrom != "" {
		args = append(args, "--cache-from", "type=registry,ref="+s.registry+"/"+o.cacheFrom)
	}
	if o.cacheTo != "" {
		args = append(args, "--cache-to", "type=registry,mode=max,ref="+s.registry+"/"+o.cacheTo)
	}
	return append(append([]string{}, s.env...), env...), append(append(args, o.args...), "."), nil
}

// status is a line of BuildKit's raw progress, as far as it is used.
type status struct {
	Vertexes []struct {
		Digest        string
		Name          string
		Started       *time.Time
		Completed     *time.Time
		Cached        bool
		Error         string
		ProgressGroup *struct{ Name string }
	}
}

// progress is what is known of one vertex.
type progress struct {
	vertex
	starts map[time.Time]bool
	// cached tells that the cache had it before it was executed: what is
	// reported after that is the transfer of its files.
	cached bool
}

// ran tells whether the vertex did anything. It is reported once when its cache
// key is made, which takes no time, and again when it runs.
func (p *progress) ran() bool {
	return len(p.starts) > 1 && p.Seconds > 0.001 || p.Seconds > 0.25
}

// parseProgress gives the vertices that were executed, in order of their
// start, and the number of those that were cached. A vertex of several solves
// counts as executed when any of them executed it.
func parseProgress(data []byte, start time.Time) ([]vertex, int) {
	all := map[string]*progress{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var st status
		if json.Unmarshal(lines.Bytes(), &st) != nil {
			continue
		}
		for _, v := range st.Vertexes {
			p := all[v.Digest]
			if p == nil {
				p = &progress{vertex: vertex{Name: v.Name}, starts: map[time.Time]bool{}}
				all[v.Digest] = p
			}
			if v.ProgressGroup != nil && dependencyGroup.MatchString(v.ProgressGroup.Name) || dependencyVertex.MatchString(v.Name) {
				p.Dependency = true
			}
			if v.Cached && !p.ran() {
				p.cached = true
				p.Transfer = true
				clear(p.starts)
				p.Seconds = 0
			}
			if v.Cached || v.Started == nil || v.Completed == nil {
				continue
			}
			p.starts[*v.Started] = true
			if seconds := v.Completed.Sub(*v.Started).Seconds(); seconds >= p.Seconds {
				p.Start, p.Seconds = round(v.Started.Sub(start).Seconds()), round(seconds)
			}
			if v.Error != "" {
				p.Error = v.Error
			}
		}
	}
	var vertices []vertex
	cached := 0
	for _, p := range all {
		if p.cached {
			cached++
		}
		if p.ran() || p.cached && p.Seconds > 0.001 {
			vertices = append(vertices, p.vertex)
		}
	}
	slices.SortFunc(vertices, func(a, b vertex) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), strings.Compare(a.Name, b.Name))
	})
	return vertices, cached
}

func round(seconds float64) float64 { return float64(int(seconds*1e4)) / 1e4 }

// dependencyVertex matches the names of vertices that fetch or install
// dependencies of the project: ours, then the peer's.
var dependencyVertex = regexp.MustCompile(`^(\[linux/\S+\] )?install \d+ distributions|^\[(linux/\S+ )?deps |COPY .*--from=deps `)

// dependencyGroup matches the name of the progress group of fetches.
var dependencyGroup = regexp.MustCompile(`fetch \d+ wheels`)

// overheadVertex matches vertices that every build has: reading its input and
// writing its output.
var overheadVertex = regexp.MustCompile(`^\[internal\] load|^\[internal\] waiting|^\[(linux/\S+ )?auth\]|^exporting|^importing|^preparing|^resolving|^sending|^resolve image config|^docker-image://|^load remote|^load the files|^writing|^pushing|^unpacking|^\[[^]]*\] FROM `)

// operations are the vertices that did some work of the project's.
func operations(vertices []vertex) (all, dependencies int) {
	for _, v := range vertices {
		if v.Transfer || overheadVertex.MatchString(v.Name) {
			continue
		}
		all++
		if v.Dependency {
			dependencies++
		}
	}
	return all, dependencies
}

// failure is the error of a build in a line or two.
func failure(data []byte, vertices []vertex, err error) error {
	for _, v := range vertices {
		if v.Error != "" && !strings.Contains(v.Error, "context canceled") {
			return errors.New(v.Name + ": " + firstLine(v.Error))
		}
	}
	text := strings.TrimSpace(string(data))
	if i := strings.LastIndex(text, "\nERROR:"); i >= 0 {
		return errors.New(firstLine(text[i+1:]))
	}
	lines := strings.Split(text, "\n")
	return fmt.Errorf("%w: %s", err, lines[len(lines)-1])
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
