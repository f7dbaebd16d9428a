// Command bench measures pyfrontend against the strongest Dockerfile for the
// same project, on the same engine and registry, and prints a table. It asserts
// nothing: a slow machine is no failure.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const usage = `usage:
  hack/bench [run] [FLAGS]   measure, then print the tables
  hack/bench table FILE...   print the tables of earlier results
  hack/bench profile FILE... print where the time went, vertex by vertex

Flags of run:
`

// config is what a run measures.
type config struct {
	root, dir   string
	engines     []string
	projects    []string
	scenarios   []string
	repetitions int
	out         string
	keep        bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "hack/bench:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	name := "run"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	switch name {
	case "run":
		c, err := flags(args)
		if err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil
			}
			return err
		}
		return run(ctx, c)
	case "table", "profile":
		if len(args) == 0 {
			return fmt.Errorf("%s needs a file of results", name)
		}
		records, err := readRecords(args)
		if err != nil {
			return err
		}
		if name == "table" {
			tables(os.Stdout, records)
		} else {
			profile(os.Stdout, records)
		}
		return nil
	}
	return fmt.Errorf("no such command: %s\n%s", name, usage)
}

func flags(args []string) (config, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return config{}, err
	}
	c := config{root: os.Getenv("BENCH_ROOT"), dir: filepath.Join(cache, "pyfrontend", "bench")}
	if c.root == "" {
		return config{}, errors.New("start it as hack/bench")
	}
	set := flag.NewFlagSet("hack/bench", flag.ContinueOnError)
	set.Usage = func() {
		fmt.Fprint(os.Stderr, usage)
		set.PrintDefaults()
	}
	engines := set.String("engines", "docker", "engines, of "+strings.Join(engineNames, ", "))
	projects := set.String("projects", strings.Join(projectNames, ","), "projects, of "+strings.Join(projectNames, ", "))
	scenarios := set.String("scenarios", strings.Join(scenarioNames(), ","), "scenarios, of "+strings.Join(scenarioNames(), ", "))
	repetitions := set.Int("n", 3, "repetitions of each measurement, at most 5")
	quick := set.Bool("quick", false, "one repetition on the small project, unless other flags say otherwise")
	out := set.String("o", "", "file that results are appended to (default: a new one in "+c.dir+")")
	set.BoolVar(&c.keep, "keep", false, "leave the benchmark's engines running")
	if err := set.Parse(args); err != nil {
		return config{}, err
	}
	if set.NArg() > 0 {
		return config{}, fmt.Errorf("unexpected argument %q", set.Arg(0))
	}
	given := map[string]bool{}
	set.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if *quick && !given["projects"] {
		*projects = "small"
	}
	if *quick && !given["n"] {
		*repetitions = 1
	}
	c.repetitions, c.out = *repetitions, *out
	if c.repetitions < 1 || c.repetitions > 5 {
		return config{}, errors.New("-n is from 1 to 5: each repetition needs dependency changes of its own")
	}
	if c.out == "" {
		c.out = filepath.Join(c.dir, time.Now().Format("results-20060102-150405.jsonl"))
	}
	for _, list := range []struct {
		text  string
		known []string
		to    *[]string
	}{
		{*engines, engineNames, &c.engines},
		{*projects, projectNames, &c.projects},
		{*scenarios, scenarioNames(), &c.scenarios},
	} {
		for name := range strings.SplitSeq(list.text, ",") {
			if !slices.Contains(list.known, name) {
				return config{}, fmt.Errorf("%q is none of %s", name, strings.Join(list.known, ", "))
			}
			*list.to = append(*list.to, name)
		}
	}
	return c, nil
}
