package step

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// runResolve resolves requirements to a pylock.toml. It is the one command that
// needs a network, and it runs no code of the distributions it asks for.
func runResolve(fs *flag.FlagSet, args []string, s streams) error {
	var uv, python, input, output, index, newest, bundle string
	fs.StringVar(&uv, "uv", "", "the uv binary")
	fs.StringVar(&python, "python", "", "the interpreter to resolve for")
	fs.StringVar(&input, "input", "", "the requirements file")
	fs.StringVar(&output, "output", "", "the pylock.toml to write")
	fs.StringVar(&index, "index", "", "the index to ask instead of uv's default")
	fs.StringVar(&newest, "exclude-newer", "", "leave out what was uploaded after this date")
	fs.StringVar(&bundle, "ca-bundle", "", "certificate authorities to trust; the file may be missing")
	if err := parse(fs, args, "uv", "python", "input", "output"); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "resolve-")
	if err != nil {
		return fmt.Errorf("making a directory for uv: %w", err)
	}
	defer os.RemoveAll(work)
	argv := []string{
		"pip", "compile", "--quiet", "--universal", "--no-build", "--no-config", "--no-header", "--no-annotate",
		"--format", "pylock.toml", "--python", python, "--cache-dir", filepath.Join(work, "cache"), "--output-file", output,
	}
	if index != "" {
		argv = append(argv, "--default-index", index)
	}
	if newest != "" {
		argv = append(argv, "--exclude-newer", newest)
	}
	cmd := exec.Command(uv, append(argv, "--", input)...)
	cmd.Dir = work
	cmd.Env = []string{"HOME=" + work, "TMPDIR=" + work, "PATH=/usr/bin:/bin", "UV_PYTHON_DOWNLOADS=never"}
	for _, name := range proxyVariables {
		if value, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	if info, err := os.Stat(bundle); bundle != "" && err == nil && info.Size() > 0 {
		cmd.Env = append(cmd.Env, "SSL_CERT_FILE="+bundle)
	}
	cmd.Stdout, cmd.Stderr = s.out, s.err
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("resolving the requirements: %w", err)
	}
	return os.Chtimes(output, fixedTime, fixedTime)
}

// proxyVariables are handed to uv as BuildKit sets them.
var proxyVariables = []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"}
