package examples

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// frontendImage is the frontend under test.
const frontendImage = "org/pyfrontend:1"

// output is what a command left.
type output struct {
	stdout, stderr string
	code           int
}

// docker runs the Docker client. An exit code is an output like the others; any
// other failure ends the test.
func docker(t *testing.T, ctx context.Context, args ...string) output {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "docker", args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), errors.Join(err, ctx.Err()), stderr.String())
	}
	return output{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// must runs the Docker client and gives its standard output.
func must(t *testing.T, args ...string) string {
	t.Helper()
	out := docker(t, t.Context(), args...)
	if out.code != 0 {
		t.Fatalf("docker %s: exit code %d\n%s%s", strings.Join(args, " "), out.code, out.stdout, out.stderr)
	}
	return strings.TrimSpace(out.stdout)
}

// requireDocker fails where there is no engine: a test that is skipped proves
// nothing.
func requireDocker(t *testing.T) {
	t.Helper()
	const hint = "the examples need a Docker engine: run hack/test, or `hack/stack up` and `eval \"$(hack/stack env)\"`"
	if _, err := exec.LookPath("docker"); err != nil {
		t.Fatalf("%v; %s", err, hint)
	}
	if out := docker(t, t.Context(), "version", "--format", "{{.Server.Version}}"); out.code != 0 {
		t.Fatalf("no engine answers at DOCKER_HOST=%q; %s\n%s", os.Getenv("DOCKER_HOST"), hint, out.stderr)
	}
}

// image is a built example.
type image struct{ dir, tag string }

func build(t *testing.T, dir, target string, w *want) image {
	t.Helper()
	img := image{dir, fmt.Sprintf("pyfrontend-example-%s%s:%d", dir, target, os.Getpid())}
	args := []string{"build", "--progress=plain", "--tag", img.tag}
	if w.Way == "pyproject.toml" {
		args = append(args, "--file", dir+"/pyproject.toml")
	}
	override := os.Getenv("PYFRONTEND_IMAGE")
	if w.Way == "BUILDKIT_SYNTAX" || override != "" {
		args = append(args, "--build-arg", "BUILDKIT_SYNTAX="+cmp.Or(override, frontendImage))
	}
	for name, value := range w.BuildArgs {
		args = append(args, "--build-arg", name+"="+value)
	}
	if target != "" {
		args = append(args, "--target", target)
	}
	if bundle := os.Getenv("SSL_CERT_FILE"); bundle != "" {
		args = append(args, "--secret", "id=ca-bundle,src="+bundle)
	}
	out := docker(t, t.Context(), append(args, dir)...)
	if out.code != 0 {
		t.Fatalf("docker %s: exit code %d\n%s%s", strings.Join(append(args, dir), " "), out.code, out.stdout, out.stderr)
	}
	t.Cleanup(func() { docker(t, context.Background(), "image", "rm", "--force", img.tag) })
	return img
}

// hardened is how a careful operator runs an image.
var hardened = []string{"--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"}

// container is a running image.
type container struct {
	t    *testing.T
	id   string
	base string // the address of its port
}

// start runs an image that serves and waits until it is well.
func start(t *testing.T, img image, w *wantServer, options ...string) *container {
	t.Helper()
	args := append([]string{"run", "--detach", "--publish", fmt.Sprintf("127.0.0.1::%d", w.Port)}, hardened...)
	c := &container{t: t, id: must(t, append(append(args, options...), img.tag)...)}
	t.Cleanup(func() { docker(t, context.Background(), "rm", "--force", c.id) })
	address, _, _ := strings.Cut(must(t, "port", c.id, strconv.Itoa(w.Port)+"/tcp"), "\n")
	c.base = "http://" + address
	const patience = 60 * time.Second
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if status, _, err := c.get(w.Health); err == nil && status == http.StatusOK {
			return c
		}
		if state := c.state(); !state.Running {
			t.Fatalf("the container exited with %d before it was well\n%s", state.ExitCode, c.logs())
		}
	}
	t.Fatalf("%s did not answer within %s\n%s", w.Health, patience, c.logs())
	return nil
}

// client keeps no connections: an idle one would delay the server's end.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}

func (c *container) get(path string) (status int, body string, err error) {
	resp, err := client.Get(c.base + path)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, strings.TrimSpace(string(data)), err
}

// state is what the engine says of a container.
type state struct {
	Running  bool
	ExitCode int
}

func (c *container) state() state {
	c.t.Helper()
	var s state
	if err := json.Unmarshal([]byte(must(c.t, "inspect", "--format", "{{json .State}}", c.id)), &s); err != nil {
		c.t.Fatal(err)
	}
	return s
}

// logs are both streams of a container.
func (c *container) logs() output {
	c.t.Helper()
	return docker(c.t, c.t.Context(), "logs", c.id)
}

func (o output) String() string {
	return "standard output:\n" + o.stdout + "standard error:\n" + o.stderr
}

// stop stops a container as `docker stop` does by default.
func (c *container) stop() {
	c.t.Helper()
	must(c.t, "stop", c.id)
}
