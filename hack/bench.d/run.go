package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// scenario is one situation that is measured. change gives what differs from
// the state that the engine has already built; n is another number each time.
type scenario struct {
	name, title string
	change      func(n int) state
}

// scenarios are measured in this order. Those with a change run on a warm
// engine.
var scenarios = []scenario{
	{"cold", "cold", nil},
	{"unchanged", "no change", func(int) state { return state{} }},
	{"code", "code edit", func(n int) state { return state{edit: n} }},
	{"version", "version bump", func(n int) state { return state{patch: n} }},
	{"bump", "one dependency bumped", func(n int) state { return state{bump: n} }},
	{"add", "one dependency added", func(n int) state { return state{add: n} }},
	{"epoch", "code edit, other SOURCE_DATE_EPOCH", nil},
	{"base", "new base digest", nil},
	{"runner", "cold runner with registry cache, code edit", nil},
	{"index", "cold runner with registry cache, no index", nil},
	{"platforms", "cold, amd64 and arm64", nil},
}

func scenarioNames() []string {
	names := make([]string, len(scenarios))
	for i, s := range scenarios {
		names[i] = s.name
	}
	return names
}

// record is one line of the results.
type record struct {
	Time       time.Time `json:"time"`
	Engine     string    `json:"engine"`
	Project    string    `json:"project"`
	Scenario   string    `json:"scenario"`
	Side       side      `json:"side"`
	Push       bool      `json:"push"`
	Repetition int       `json:"repetition"`
	Seconds    float64   `json:"seconds"`
	// CPU are the processor seconds of the engine and what it ran, which say
	// more than the time on a machine that others use.
	CPU float64 `json:"cpu"`
	// Load is the load average of the last minute before the build.
	Load  float64 `json:"load"`
	Error string  `json:"error,omitempty"`

	// Operations are vertices that were executed, without those that every
	// build has.
	Operations           int      `json:"operations"`
	DependencyOperations int      `json:"dependencyOperations"`
	Cached               int      `json:"cached"`
	Vertices             []vertex `json:"vertices,omitempty"`
	Pushed               *pushed  `json:"pushed,omitempty"`
	// Asked are the hosts that the build asked the proxy for.
	Asked map[string]int `json:"asked,omitempty"`
	// Layers are the image's, in records of the scenario "image".
	Layers []layer `json:"layers,omitempty"`
	// Machine describes it, in records of the scenario "machine".
	Machine string `json:"machine,omitempty"`
}

// bench is a run.
type bench struct {
	*stack
	out     *os.File
	records []record
}

func run(ctx context.Context, c config) error {
	s, err := newStack(c)
	if err != nil {
		return err
	}
	lock, err := os.OpenFile(filepath.Join(s.dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer lock.Close()
	if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		return errors.New("another hack/bench is running: they would wipe each other's engines")
	}
	peerFile, err := files.ReadFile("peer/Dockerfile")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.dir, "peer.Dockerfile"), peerFile, 0o644); err != nil {
		return err
	}
	out, err := os.OpenFile(c.out, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	b := &bench{stack: s, out: out}
	defer s.down()
	// What is left of an interrupted run.
	if err := s.service(ctx, "down"); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "results:", c.out)
	for _, engine := range c.engines {
		for _, name := range c.projects {
			if err := b.measure(ctx, engine, name); err != nil {
				return fmt.Errorf("%s, %s: %w", engine, name, err)
			}
		}
		if c.keep {
			continue
		}
		if err := s.service(ctx, "down", engine); err != nil {
			return err
		}
	}
	tables(os.Stdout, b.records)
	return nil
}

func (b *bench) write(r record) error {
	r.Time = time.Now().UTC()
	b.records = append(b.records, r)
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = b.out.Write(append(data, '\n'))
	return err
}

// subject is one project on one engine.
type subject struct {
	*bench
	engine, name string
}

var bothSides = []side{ours, peer}

func (b *bench) measure(ctx context.Context, engine, name string) error {
	s := &subject{b, engine, name}
	if err := b.wipeRegistry(ctx); err != nil {
		return err
	}
	if err := b.machine(s); err != nil {
		return err
	}
	if s.selected("cold") {
		if err := s.cold(ctx); err != nil {
			return err
		}
	} else if err := b.wipe(ctx, engine, ""); err != nil {
		return err
	}
	if s.selected("unchanged", "code", "version", "bump", "add", "epoch", "base", "runner", "index") {
		if err := s.warm(ctx); err != nil {
			return err
		}
	}
	for _, sc := range scenarios {
		if sc.change == nil || !s.selected(sc.name) {
			continue
		}
		if err := s.incremental(ctx, sc); err != nil {
			return err
		}
	}
	for _, step := range []struct {
		name string
		run  func(context.Context) error
	}{{"epoch", s.epoch}, {"base", s.base}} {
		if !s.selected(step.name) {
			continue
		}
		if err := step.run(ctx); err != nil {
			return err
		}
	}
	// A dockerd with a graph driver neither exports caches to a registry nor
	// builds for two platforms.
	if engine == "graph" {
		return nil
	}
	if s.selected("runner", "index") {
		if err := s.runner(ctx); err != nil {
			return err
		}
	}
	if s.selected("platforms") {
		return s.platforms(ctx)
	}
	return nil
}

func (s *subject) selected(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return slices.Contains(s.scenarios, n) })
}

// machine records what the numbers were measured on and the frontend's size.
func (b *bench) machine(s *subject) error {
	repository := b.repository(frontendName)
	layers, err := repository.layers("1")
	if err != nil {
		return err
	}
	if err := repository.recompress(layers); err != nil {
		return err
	}
	text := fmt.Sprintf("%d CPUs, %s", runtime.NumCPU(), runtime.GOARCH)
	return b.write(record{Engine: s.engine, Project: s.name, Scenario: "machine", Side: ours, Machine: text, Load: load(), Layers: layers})
}

func load() float64 {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	l, _ := strconv.ParseFloat(strings.Fields(string(data))[0], 64)
	return l
}

// options are those of a build of a side's working copy, which becomes what st
// says.
func (s *subject) options(sd side, st state, push bool) (buildOptions, error) {
	copyOf := sd
	if sd == trivial {
		copyOf = ours
	}
	p := project{s.name, filepath.Join(s.dir, "work", s.name, string(copyOf))}
	ref := strings.ToLower(fmt.Sprintf("bench/%s-%s", s.name, sd)) + ":latest"
	return buildOptions{side: sd, engine: s.engine, project: p, push: push, ref: ref}, p.write(st)
}

// timed runs and records one build.
func (s *subject) timed(ctx context.Context, scenario string, repetition int, o buildOptions) error {
	repository := s.repository(o.ref)
	before, err := repository.blobs()
	if err != nil {
		return err
	}
	r := record{Engine: s.engine, Project: s.name, Scenario: scenario, Side: o.side, Push: o.push, Repetition: repetition, Load: load()}
	out, err := s.build(ctx, o)
	if err != nil {
		return err
	}
	r.Seconds, r.CPU, r.Vertices, r.Cached = round(out.seconds), round(out.cpu), out.vertices, out.cached
	r.Operations, r.DependencyOperations = operations(out.vertices)
	if out.err != nil {
		r.Error = out.err.Error()
	} else if o.push {
		_, tag, _ := strings.Cut(o.ref, ":")
		if r.Pushed, err = repository.since(before, tag); err != nil {
			return err
		}
	}
	return s.report(r)
}

// report writes a record and shows it.
func (s *subject) report(r record) error {
	text := fmt.Sprintf("%-8s %-8s %-10s %-11s", r.Engine, r.Project, r.Scenario, r.Side)
	if r.Push {
		text += " push"
	} else {
		text += "     "
	}
	text += fmt.Sprintf(" %7.2fs %6.1f cpu  %3d operations (%d of dependencies)", r.Seconds, r.CPU, r.Operations, r.DependencyOperations)
	if r.Pushed != nil {
		text += fmt.Sprintf(", pushed %s (%s)", bytesText(r.Pushed.Bytes), bytesText(r.Pushed.DependencyBytes))
	}
	if r.Asked != nil {
		text += fmt.Sprintf(", asked %v", r.Asked)
	}
	if r.Error != "" {
		text += "\n    " + r.Error
	}
	fmt.Fprintln(os.Stderr, text)
	return s.write(r)
}

// prepare runs a build that is not measured and must not fail.
func (s *subject) prepare(ctx context.Context, o buildOptions) error {
	out, err := s.build(ctx, o)
	if err != nil {
		return err
	}
	if out.err != nil {
		return fmt.Errorf("%s: %w", o.side, out.err)
	}
	return nil
}

// cold builds on an engine without data, and pushes to an empty repository.
func (s *subject) cold(ctx context.Context) error {
	for n := range s.repetitions {
		for _, push := range []bool{false, true} {
			for _, sd := range bothSides {
				if err := s.wipe(ctx, s.engine, ""); err != nil {
					return err
				}
				o, err := s.options(sd, state{}, push)
				if err != nil {
					return err
				}
				o.ref = strings.TrimSuffix(o.ref, ":latest") + fmt.Sprintf("-cold%d:latest", n)
				if err := s.timed(ctx, "cold", n, o); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// warm has the engine build and push every side, and records the images.
func (s *subject) warm(ctx context.Context) error {
	for _, sd := range []side{trivial, ours, peer} {
		o, err := s.options(sd, state{}, true)
		if err != nil {
			return err
		}
		if err := s.prepare(ctx, o); err != nil {
			return err
		}
		// The first export of another kind writes what later ones find.
		o.push = false
		if err := s.prepare(ctx, o); err != nil {
			return err
		}
		repository := s.repository(o.ref)
		layers, err := repository.layers("latest")
		if err != nil {
			return err
		}
		if err := repository.measure(layers); err != nil {
			return err
		}
		if err := s.write(record{Engine: s.engine, Project: s.name, Scenario: "image", Side: sd, Layers: layers}); err != nil {
			return err
		}
	}
	return nil
}

// incremental builds with one change on a warm engine.
func (s *subject) incremental(ctx context.Context, sc scenario) error {
	sides := bothSides
	if sc.name == "unchanged" {
		sides = []side{ours, peer, trivial}
	}
	for n := range s.repetitions {
		for i, push := range []bool{false, true} {
			for _, sd := range sides {
				o, err := s.options(sd, sc.change(2*n+i+1), push)
				if err != nil {
					return err
				}
				if err := s.timed(ctx, sc.name, n, o); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// epoch edits the code and sets another SOURCE_DATE_EPOCH, as a CI does that
// takes it from the commit.
func (s *subject) epoch(ctx context.Context) error {
	for _, sd := range bothSides {
		o, err := s.options(sd, state{edit: 1000}, true)
		if err != nil {
			return err
		}
		o.args = []string{"--build-arg", "SOURCE_DATE_EPOCH=1700000000"}
		if err := s.prepare(ctx, o); err != nil {
			return err
		}
		if o, err = s.options(sd, state{edit: 1001}, true); err != nil {
			return err
		}
		o.args = []string{"--build-arg", "SOURCE_DATE_EPOCH=1700003600"}
		if err := s.timed(ctx, "epoch", 0, o); err != nil {
			return err
		}
	}
	return nil
}

// base builds on a new digest of the base image.
func (s *subject) base(ctx context.Context) error {
	if err := s.changeBase(ctx); err != nil {
		return err
	}
	for _, sd := range bothSides {
		o, err := s.options(sd, state{}, true)
		if err != nil {
			return err
		}
		o.pull = true
		if err := s.timed(ctx, "base", 0, o); err != nil {
			return err
		}
	}
	return s.restoreBase(ctx)
}

// runner builds on engines without data, from the cache that a first build
// left in the registry.
func (s *subject) runner(ctx context.Context) error {
	cache := func(sd side) string { return strings.ToLower(fmt.Sprintf("bench/%s-%s-cache:latest", s.name, sd)) }
	for _, sd := range bothSides {
		o, err := s.options(sd, state{}, false)
		if err != nil {
			return err
		}
		o.cacheTo = cache(sd)
		if err := s.prepare(ctx, o); err != nil {
			return err
		}
	}
	if s.selected("index") {
		for _, sd := range bothSides {
			if err := s.index(ctx, sd, cache(sd)); err != nil {
				return err
			}
		}
	}
	if !s.selected("runner") {
		return nil
	}
	for n := range s.repetitions {
		for i, push := range []bool{false, true} {
			for _, sd := range bothSides {
				if err := s.wipe(ctx, s.engine, ""); err != nil {
					return err
				}
				o, err := s.options(sd, state{edit: 2000 + 2*n + i}, push)
				if err != nil {
					return err
				}
				o.cacheFrom, o.cacheTo = cache(sd), cache(sd)
				if err := s.timed(ctx, "runner", n, o); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// index builds on an engine without data from the registry's cache, through a
// proxy: once without a change and without any other host, once with a code
// edit.
func (s *subject) index(ctx context.Context, sd side, cache string) error {
	for _, deny := range []bool{true, false} {
		p, err := startProxy(deny)
		if err != nil {
			return err
		}
		defer p.stop()
		if err := s.wipe(ctx, s.engine, p.url()); err != nil {
			return err
		}
		name, st := "index", state{}
		if !deny {
			name, st = "index-code", state{edit: 1999}
		}
		o, err := s.options(sd, st, false)
		if err != nil {
			return err
		}
		o.cacheFrom = cache
		o.args = []string{"--build-arg", "HTTP_PROXY=" + p.url(), "--build-arg", "HTTPS_PROXY=" + p.url(), "--build-arg", "NO_PROXY=127.0.0.1,localhost"}
		out, err := s.build(ctx, o)
		if err != nil {
			return err
		}
		r := record{Engine: s.engine, Project: s.name, Scenario: name, Side: sd, Seconds: round(out.seconds), CPU: round(out.cpu), Load: load(), Vertices: out.vertices, Cached: out.cached, Asked: p.asked()}
		r.Operations, r.DependencyOperations = operations(out.vertices)
		if out.err != nil {
			r.Error = out.err.Error()
		}
		if err := s.report(r); err != nil {
			return err
		}
	}
	return nil
}

// platforms builds for two platforms on an engine without data. The peer would
// need an emulator and is tried once.
func (s *subject) platforms(ctx context.Context) error {
	for n := range s.repetitions {
		for _, push := range []bool{false, true} {
			for _, sd := range bothSides {
				if sd == peer && (n > 0 || push) {
					continue
				}
				if err := s.wipe(ctx, s.engine, ""); err != nil {
					return err
				}
				o, err := s.options(sd, state{}, push)
				if err != nil {
					return err
				}
				o.ref = strings.TrimSuffix(o.ref, ":latest") + fmt.Sprintf("-platforms%d:latest", n)
				o.platforms = "linux/amd64,linux/arm64"
				if err := s.timed(ctx, "platforms", n, o); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
