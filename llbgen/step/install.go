package step

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

type installOptions struct {
	uv, python, venv, wheels, target string
	noCompile                        bool
}

func runInstall(fs *flag.FlagSet, args []string, s streams) error {
	var o installOptions
	fs.StringVar(&o.uv, "uv", "", "the uv binary")
	fs.StringVar(&o.python, "python", "", "the interpreter to install for")
	fs.StringVar(&o.venv, "venv", "", "the environment; what is installed is all that it holds afterwards")
	fs.StringVar(&o.wheels, "wheels", "", "directory of wheels, flat or one per sub-directory")
	fs.StringVar(&o.target, "target-platform", "", "platform of the wheels when it is not this machine's, such as aarch64-manylinux_2_36")
	fs.BoolVar(&o.noCompile, "no-compile", false, "write no bytecode")
	if err := parse(fs, args, "uv", "python", "venv", "wheels"); err != nil {
		return err
	}
	if err := absolute(&o.uv, &o.python, &o.venv, &o.wheels); err != nil {
		return err
	}
	return install(o, s)
}

// install leaves in the environment what the wheels hold and nothing else.
func install(o installOptions, s streams) error {
	wheels, err := findWheels(o.wheels)
	if err != nil {
		return err
	}
	env, err := newSkeleton(o.venv, o.python)
	if err != nil {
		return err
	}
	if err := unpack(o, env, wheels, s); err != nil {
		return err
	}
	if err := env.strip(); err != nil {
		return err
	}
	site, err := env.sitePackages()
	if err != nil {
		return err
	}
	if !o.noCompile && site != "" {
		if err := compileAll(env.python, site, "/", s); err != nil {
			return err
		}
		if err := refreshRecords(site, wheels); err != nil {
			return err
		}
	}
	return tidy(o.venv)
}

// unpack has uv install the wheels, in as many rounds as overlaps need.
func unpack(o installOptions, env *skeleton, wheels []*wheel, s streams) error {
	paths, err := wheelPaths(o, env, wheels)
	if err != nil {
		return err
	}
	order, warnings := rounds(wheels, func(place string) string { return showPlace(place, env.libName()) })
	for _, line := range warnings {
		fmt.Fprintln(s.err, line)
	}
	for _, round := range order {
		args := []string{
			"pip", "install", "--quiet", "--offline", "--no-index", "--no-deps", "--no-config",
			"--no-progress", "--link-mode", "hardlink", "--cache-dir", filepath.Join(env.work, "cache"),
			"--python", env.interpreter(), "--",
		}
		for _, w := range round {
			args = append(args, paths[w])
		}
		if err := uv(o.uv, env.home(), args, []string{"UV_NO_INSTALLER_METADATA=1"}, s); err != nil {
			return fmt.Errorf("installing %s: %w", count(len(round), "wheel"), err)
		}
	}
	return nil
}

// wheelPaths gives the path under which uv gets each wheel.
func wheelPaths(o installOptions, env *skeleton, wheels []*wheel) (map[*wheel]string, error) {
	paths := make(map[*wheel]string, len(wheels))
	host := ""
	dir := filepath.Join(env.work, "renamed")
	if o.target != "" {
		var err error
		if host, err = hostMachine(); err != nil {
			return nil, err
		}
		if err := os.Mkdir(dir, 0o755); err != nil {
			return nil, fmt.Errorf("preparing foreign wheels: %w", err)
		}
	}
	for _, w := range wheels {
		paths[w] = w.path
		if o.target == "" {
			continue
		}
		path, err := w.forAnyPlatform(dir, o.target, host)
		if err != nil {
			return nil, err
		}
		paths[w] = path
	}
	return paths, nil
}

// hostMachine is the machine as platform tags spell it. It is only the name
// under which uv is given foreign wheels and never reaches the result.
func hostMachine() (string, error) {
	var name syscall.Utsname
	if err := syscall.Uname(&name); err != nil {
		return "", fmt.Errorf("asking for the machine's name: %w", err)
	}
	var b strings.Builder
	for _, c := range name.Machine {
		if c == 0 {
			break
		}
		b.WriteByte(byte(c))
	}
	return b.String(), nil
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
