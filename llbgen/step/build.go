package step

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

type buildOptions struct {
	uv, python, source, environment, out string
	epoch                                int64
	env                                  list
}

// defaultPath is used where the image states none.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// logFiles are what native build systems leave behind and say nothing about;
// logTail is how many of their lines are worth printing.
var logFiles = []string{"config.log", "meson-log.txt", "CMakeError.log", "CMakeConfigureLog.yaml"}

const logTail = 100

func runBuild(fs *flag.FlagSet, args []string, s streams) error {
	var o buildOptions
	fs.StringVar(&o.uv, "uv", "", "the uv binary")
	fs.StringVar(&o.python, "python", "", "the interpreter to build with")
	fs.StringVar(&o.source, "source", "", "the project, writable")
	fs.StringVar(&o.environment, "environment", "", "where the build requirements are installed, writable; none for a backend that uv holds")
	fs.StringVar(&o.out, "out", "", "where the wheel is put; must be empty")
	fs.Int64Var(&o.epoch, "epoch", Epoch, "SOURCE_DATE_EPOCH of the build")
	fs.Var(&o.env, "env", "NAME=VALUE for the build, repeatable")
	if err := parse(fs, args, "uv", "python", "source", "out"); err != nil {
		return err
	}
	for _, pair := range o.env {
		if name, _, ok := strings.Cut(pair, "="); !ok || name == "" {
			return usageError{fmt.Sprintf("--env %q is not NAME=VALUE", pair)}
		}
	}
	if err := absolute(&o.uv, &o.python, &o.source, &o.environment, &o.out); err != nil {
		return err
	}
	return build(o, s)
}

// build puts the wheel of the project into out.
func build(o buildOptions, s streams) error {
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return fmt.Errorf("preparing the output: %w", err)
	}
	if entries, err := os.ReadDir(o.out); err != nil || len(entries) > 0 {
		return fmt.Errorf("%s must be an empty directory", o.out)
	}
	work, err := os.MkdirTemp("", "pyfrontend-step-")
	if err != nil {
		return fmt.Errorf("preparing the build: %w", err)
	}
	defer os.RemoveAll(work)
	home := filepath.Join(work, "home")
	args, err := buildArgs(o, work)
	if err != nil {
		return err
	}
	if err := os.Mkdir(home, 0o755); err != nil {
		return fmt.Errorf("preparing the build: %w", err)
	}
	started, err := os.Stat(home)
	if err != nil {
		return fmt.Errorf("preparing the build: %w", err)
	}
	if err := uv(o.uv, home, args, buildEnv(o), s); err != nil {
		for _, dir := range []string{o.source, work} {
			printLogs(dir, started.ModTime(), s)
		}
		return fmt.Errorf("building the wheel of %s: %w", o.source, err)
	}
	return checkOutput(o.out)
}

// buildArgs has uv build in the environment that holds the requirements, or, if
// there is none, with the backend that uv itself holds.
func buildArgs(o buildOptions, work string) ([]string, error) {
	args := []string{
		"build", "--wheel", "--offline", "--no-index", "--no-config", "--no-sources", "--no-progress",
		"--no-create-gitignore", "--cache-dir", filepath.Join(work, "cache"), "--out-dir", o.out,
	}
	if o.environment == "" {
		return append(args, "--python", o.python, "--", o.source), nil
	}
	python, err := addInterpreter(o.environment, o.python)
	if err != nil {
		return nil, err
	}
	// uv would build for uv_build by itself, whatever version the project asks
	// for; the environment has the one that was resolved.
	return append(args, "--no-build-isolation", "--force-pep517", "--python", python, "--", o.source), nil
}

// buildEnv is all that a build backend sees.
func buildEnv(o buildOptions) []string {
	path := os.Getenv("PATH")
	if path == "" {
		path = defaultPath
	}
	return append([]string{
		"PATH=" + path,
		"SOURCE_DATE_EPOCH=" + strconv.FormatInt(o.epoch, 10),
		"PYTHONHASHSEED=0",
		"PYTHONDONTWRITEBYTECODE=1",
		"TZ=UTC",
	}, o.env...)
}

// checkOutput makes sure that there is one wheel, and settles it.
func checkOutput(out string) error {
	entries, err := os.ReadDir(out)
	if err != nil {
		return fmt.Errorf("reading the output: %w", err)
	}
	if len(entries) != 1 || !strings.HasSuffix(entries[0].Name(), ".whl") {
		return fmt.Errorf("the build left %s where one wheel was expected", count(len(entries), "file"))
	}
	return tidy(out)
}

// printLogs prints the end of build logs in dir that were written since then.
func printLogs(dir string, since time.Time, s streams) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !slices.Contains(logFiles, d.Name()) {
			return nil
		}
		info, err := d.Info()
		if err != nil || info.ModTime().Before(since) {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
		lines = lines[max(0, len(lines)-logTail):]
		fmt.Fprintf(s.err, "--- end of %s\n%s\n---\n", path, strings.Join(lines, "\n"))
		return nil
	})
}
