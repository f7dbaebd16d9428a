// Package enginetest builds projects with the frontend's image on real engines:
// a dockerd with the containerd image store, one with a graph driver, and a
// buildkitd, as hack/stack runs them.
//
//	eval "$(hack/stack env)" && hack/frontend && go test ./frontend/enginetest
//
// The image under test is org/pyfrontend:1; PYFRONTEND_IMAGE names another.
// The tests make their own wheels and serve them; PyPI is asked for a build
// backend only. On the PATH are docker, buildctl, crane, git and gcc.
package enginetest

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// frontendImage is the image under test.
var frontendImage = cmp.Or(os.Getenv("PYFRONTEND_IMAGE"), "org/pyfrontend:1")

// caBundle is the secret for what speaks to PyPI.
var caBundle = "id=ca-bundle,src=" + cmp.Or(os.Getenv("SSL_CERT_FILE"), "/etc/ssl/certs/ca-certificates.crt")

// registry is where images and caches are pushed.
var registry = os.Getenv("PYFRONTEND_REGISTRY")

// engine is one way to reach a BuildKit through buildx.
type engine struct {
	name string
	// host is the variable that has the engine's address.
	host string
	// builder is the name of a buildx builder; "default" is the dockerd itself.
	builder string
}

var (
	docker   = engine{"docker", "DOCKER_HOST", "default"}
	graph    = engine{"graph", "PYFRONTEND_DOCKER_GRAPH", "default"}
	buildkit = engine{"buildkit", "BUILDKIT_HOST", "enginetest"}
)

func TestMain(m *testing.M) {
	// A build mostly waits, for the engine and for what another one does.
	flag.Parse()
	if parallel := flag.Lookup("test.parallel"); parallel.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = parallel.Value.Set("4")
	}
	dir, err := os.MkdirTemp("", "enginetest-")
	if err != nil {
		panic(err)
	}
	os.Setenv("BUILDX_CONFIG", dir)
	os.Setenv("BUILDX_NO_DEFAULT_ATTESTATIONS", "1")
	if address := os.Getenv("BUILDKIT_HOST"); address != "" {
		out, err := exec.Command("docker", "buildx", "create", "--name", buildkit.builder, "--driver", "remote", address).CombinedOutput()
		if err != nil {
			fmt.Fprintf(os.Stderr, "docker buildx create: %v\n%s", err, out)
			os.Exit(1)
		}
	}
	wheels.start()
	code := m.Run()
	wheels.stop()
	os.RemoveAll(dir)
	os.Exit(code)
}

// command is a docker command for the engine; an engine that is not there is a
// failure.
func (e engine) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	address := os.Getenv(e.host)
	if address == "" || registry == "" {
		t.Fatalf("there is no %s engine or no registry: eval \"$(hack/stack env)\"", e.name)
	}
	cmd := exec.CommandContext(t.Context(), "docker", args...)
	cmd.Env = os.Environ()
	if e != buildkit {
		cmd.Env = append(cmd.Env, "DOCKER_HOST="+address)
	}
	return cmd
}

// docker runs a docker command and gives what it prints.
func (e engine) docker(t *testing.T, args ...string) string {
	t.Helper()
	cmd := e.command(t, args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// run runs an image's command without network.
func (e engine) run(t *testing.T, image string, args ...string) string {
	t.Helper()
	return e.docker(t, append([]string{"run", "--rm", "--network", "none", image}, args...)...)
}

// python runs Python code in an image.
func (e engine) python(t *testing.T, image, code string) string {
	t.Helper()
	return strings.TrimSpace(e.run(t, image, "python", "-c", code))
}
