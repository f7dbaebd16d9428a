package frontend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/pyfrontend/pyfrontend/llbgen/lock"
	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// uvBinary is uv in the frontend's image.
const uvBinary = "/uv"

// nobody is the user that uv runs as: BuildKit starts every frontend as root,
// and what uv reads is a stranger's.
const nobody = 65534

// export has uv flatten a uv.lock, which is the format's owner: it handles
// conflicts, extras, groups and workspaces. It needs the manifests, by path,
// no Python and no network.
func export(ctx context.Context, s *spec.Spec, member string, u *lock.UVLock, manifests map[string][]byte) (*lock.Lock, error) {
	dir, err := os.MkdirTemp("", "uv-")
	if err != nil {
		return nil, fmt.Errorf("making a directory for uv: %w", err)
	}
	defer os.RemoveAll(dir)
	project := filepath.Join(dir, "project")
	for name, data := range manifests {
		if !filepath.IsLocal(name) {
			return nil, fmt.Errorf("manifest %q is outside the project", name)
		}
		file := filepath.Join(project, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return nil, err
		}
	}
	argv := []string{"export", "--frozen", "--format", "pylock.toml", "--no-header", "--no-config", "--no-default-groups",
		"--no-progress", "--no-python-downloads", "--offline"}
	if member != "" {
		argv = append(argv, "--package", member)
	}
	for _, extra := range s.Tool.Extras {
		argv = append(argv, "--extra="+extra)
	}
	for _, group := range s.Tool.Groups {
		argv = append(argv, "--group="+group)
	}
	out, err := runUV(ctx, project, argv)
	if err != nil {
		return nil, exportError(s, u, err)
	}
	return lock.ParsePylock(contextPaths(out, project), u.Places())
}

// runUV runs uv with an empty environment, in a private directory and, where
// the process may choose, as nobody.
func runUV(ctx context.Context, dir string, argv []string) ([]byte, error) {
	home := filepath.Join(filepath.Dir(dir), "home")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, uvBinary, argv...)
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + home, "TMPDIR=" + home, "XDG_CACHE_HOME=" + home, "NO_COLOR=1"}
	if os.Geteuid() == 0 {
		for _, p := range []string{filepath.Dir(dir), home} {
			if err := os.Chown(p, nobody, nobody); err != nil {
				return nil, err
			}
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return nil, &uvError{strings.ReplaceAll(stderr.String(), dir+"/", "")}
		}
		return nil, fmt.Errorf("running uv: %w", err)
	}
	return stdout.Bytes(), nil
}

// uvError is what uv said when it failed.
type uvError struct{ stderr string }

func (e *uvError) Error() string { return e.stderr }

// lockPosition finds in uv's words where it could not read a lock, and what
// it says of that in the end.
var lockPosition = regexp.MustCompile(`(?s)TOML parse error at line (\d+), column (\d+)\n.*\n\s*([^\n]+)$`)

func exportError(s *spec.Spec, u *lock.UVLock, err error) error {
	var failed *uvError
	if !errors.As(err, &failed) {
		return err
	}
	text := strings.TrimPrefix(strings.TrimSpace(failed.stderr), "error: ")
	if strings.Contains(strings.ToLower(text), "hash") {
		// uv would compute what is missing; that is not what a lock is for.
		if err := u.Unhashed(); err != nil {
			return err
		}
	}
	if message, _, ok := strings.Cut(text, " are incompatible with the declared conflicts"); ok {
		key := "tool.pyfrontend.extras"
		if !s.Has(key) || strings.HasPrefix(message, "Groups") {
			key = "tool.pyfrontend.groups"
		}
		return &spec.Error{
			At: s.At(key), Message: strings.ToLower(message[:1]) + message[1:] + " conflict with each other, as `[tool.uv] conflicts` says",
			Hint: "keep one of them",
		}
	}
	at := spec.Position{Line: 1, Column: 1}
	if m := lockPosition.FindStringSubmatch(text); m != nil {
		at.Line, _ = strconv.Atoi(m[1])
		at.Column, _ = strconv.Atoi(m[2])
		text = m[3]
	}
	return &spec.Error{
		At:      spec.Place{File: path.Clean(lockName(s)), Range: spec.Range{Start: at, End: at}},
		Message: "uv cannot read the lock: " + text,
		Hint:    "see that `uv export --frozen` works in the project",
	}
}
