// Package step is what runs inside the execs of a build: it installs wheels,
// builds the project's wheel and smoke-tests the finished file system.
//
// It knows uv's command line, the layout of a virtual environment, wheels and
// the traits of CPython's bytecode that decide whether a layer comes out the
// same twice. It does not know BuildKit, the plan or TOML: all it
// is told is in its arguments, and all it finds out is in files and exit codes.
package step

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Epoch is the modification time of everything that is installed (1980-01-01,
// the oldest a zip file can state); never the user's SOURCE_DATE_EPOCH.
const Epoch = 315532800

// Exit codes of Main.
const (
	exitOK     = 0
	exitFailed = 1 // what was asked for could not be done
	exitUsage  = 2 // the arguments make no sense
)

// command is one sub-command: it reads its flags and does its work.
type command struct {
	name, use string
	run       func(fs *flag.FlagSet, args []string, s streams) error
}

// streams are the two places a command may write to besides its files.
type streams struct {
	out, err io.Writer
}

var commands = []command{
	{"setup", "prepare the files of a base image", runSetup},
	{"install", "unpack wheels into a virtual environment and compile them", runInstall},
	{"application", "copy and compile an application's files", runApplication},
	{"build", "build the wheel of a project", runBuild},
	{"resolve", "resolve the requirements of a build", runResolve},
	{"smoke", "import the project in the finished file system", runSmoke},
}

// usageError is a mistake in the arguments, not in what they point at.
type usageError struct{ msg string }

func (e usageError) Error() string { return e.msg }

// Main runs the sub-command that args name and returns the exit code.
func Main(args []string, stdout, stderr io.Writer) int {
	syscall.Umask(0o022)
	if len(args) == 0 {
		usage(stderr)
		return exitUsage
	}
	for _, c := range commands {
		if c.name != args[0] {
			continue
		}
		fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
		fs.SetOutput(stderr)
		err := c.run(fs, args[1:], streams{stdout, stderr})
		return exitCode(c.name, err, stderr)
	}
	fmt.Fprintf(stderr, "pyfrontend-step: unknown command %q\n", args[0])
	usage(stderr)
	return exitUsage
}

// exitCode reports err, if any, as the last line of output.
func exitCode(name string, err error, stderr io.Writer) int {
	var mistake usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, flag.ErrHelp):
		return exitUsage
	}
	fmt.Fprintf(stderr, "pyfrontend-step %s: %s\n", name, err)
	if errors.As(err, &mistake) {
		return exitUsage
	}
	return exitFailed
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "usage: pyfrontend-step COMMAND [flags]")
	for _, c := range commands {
		fmt.Fprintf(w, "  %-8s %s\n", c.name, c.use)
	}
}

// parse reads flags, refuses anything left over and names missing flags.
func parse(fs *flag.FlagSet, args []string, required ...string) error {
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return usageError{err.Error()}
	}
	if fs.NArg() > 0 {
		return usageError{fmt.Sprintf("unexpected argument %q", fs.Arg(0))}
	}
	for _, name := range required {
		if fs.Lookup(name).Value.String() == "" {
			return usageError{fmt.Sprintf("--%s is required", name)}
		}
	}
	return nil
}

// absolute makes flag values absolute paths, in place.
func absolute(paths ...*string) error {
	for _, p := range paths {
		if *p == "" {
			continue
		}
		abs, err := filepath.Abs(*p)
		if err != nil {
			return fmt.Errorf("resolving %s: %w", *p, err)
		}
		*p = abs
	}
	return nil
}

// list is a flag that can be given several times.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

func (l *list) Set(value string) error {
	*l = append(*l, value)
	return nil
}

// exists says whether something is at path, be it a dangling link.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
