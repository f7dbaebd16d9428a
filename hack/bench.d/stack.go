package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// engineNames are services of hack/stack: buildkitd, dockerd with the
// containerd image store, dockerd with a graph driver.
var engineNames = []string{"buildkit", "docker", "graph"}

// port is the registry's, and with it what tells this stack from a developer's.
const port = "5030"

// Names of images in the benchmark's registry.
const (
	frontendName = "org/pyfrontend:1"
	baseName     = "library/python:3.13-slim"
	peerBaseName = "bench/python:3.13-slim"
	uvName       = "bench/uv:latest"
)

// stack is a set of engines of the benchmark's own, whose data it wipes.
type stack struct {
	config
	env       []string
	data, run string
	bin       string
	registry  string
	ca        string
}

func newStack(c config) (*stack, error) {
	s := &stack{
		config: c, data: filepath.Join(c.dir, "data"), run: "/run/pyfrontend-bench",
		bin: filepath.Join(filepath.Dir(c.dir), "bin"), registry: "127.0.0.1:" + port, ca: os.Getenv("SSL_CERT_FILE"),
	}
	if s.ca == "" {
		s.ca = "/etc/ssl/certs/ca-certificates.crt"
	}
	s.env = append(os.Environ(),
		"PYFRONTEND_STACK_DATA="+s.data, "PYFRONTEND_STACK_RUN="+s.run, "PYFRONTEND_STACK_PORT="+port,
		"DOCKER_CONFIG="+filepath.Join(filepath.Dir(c.dir), "docker"), "BUILDX_CONFIG="+filepath.Join(c.dir, "buildx"),
		"PATH="+s.bin+":"+os.Getenv("PATH"))
	return s, os.MkdirAll(s.data, 0o755)
}

// do runs a command of the repository or the stack; its output is only shown
// when it fails.
func (s *stack) do(ctx context.Context, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = s.root
	cmd.Env = append(append([]string{}, s.env...), env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	// A daemon that the command leaves running may hold the pipe.
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return nil
}

// service runs hack/stack on the services of the benchmark.
func (s *stack) service(ctx context.Context, args ...string) error {
	return s.do(ctx, nil, filepath.Join(s.root, "hack", "stack"), args...)
}

// wipe gives an engine without any data. With a proxy all that the engine
// fetches goes through it.
func (s *stack) wipe(ctx context.Context, engine, proxy string) error {
	if err := s.service(ctx, "down", engine); err != nil {
		return err
	}
	if err := s.service(ctx, "reset", engine); err != nil {
		return err
	}
	var env []string
	if proxy != "" {
		env = []string{"HTTP_PROXY=" + proxy, "HTTPS_PROXY=" + proxy, "NO_PROXY=127.0.0.1,localhost"}
	}
	if err := s.do(ctx, env, filepath.Join(s.root, "hack", "stack"), "up", engine); err != nil {
		return err
	}
	syscall.Sync()
	return nil
}

// wipeRegistry gives a registry that holds what the builds start from and
// nothing else.
func (s *stack) wipeRegistry(ctx context.Context) error {
	for _, args := range [][]string{{"down", "registry"}, {"reset", "registry"}, {"up", "registry"}} {
		if err := s.service(ctx, args...); err != nil {
			return err
		}
	}
	if err := s.do(ctx, nil, filepath.Join(s.root, "hack", "frontend")); err != nil {
		return err
	}
	if err := s.pushUV(ctx); err != nil {
		return err
	}
	return s.pushPeerBase(ctx)
}

func (s *stack) down() {
	if s.keep {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := s.service(ctx, "down"); err != nil {
		fmt.Fprintln(os.Stderr, "hack/bench:", err)
	}
}

// builder gives the environment and arguments by which buildx reaches an engine.
func (s *stack) builder(ctx context.Context, engine string) (env, args []string, err error) {
	if engine != "buildkit" {
		return []string{"DOCKER_HOST=unix://" + s.run + "/" + engine + "/docker.sock"}, []string{"--builder", "default"}, nil
	}
	const name = "pyfrontend-bench"
	if s.do(ctx, nil, "docker", "buildx", "inspect", name) != nil {
		err = s.do(ctx, nil, "docker", "buildx", "create", "--name", name, "--driver", "remote", "unix://"+s.run+"/buildkit/buildkitd.sock")
	}
	return nil, []string{"--builder", name}, err
}

var uvWheel = regexp.MustCompile(`AS uv-amd64\nADD --checksum=sha256:([0-9a-f]{64}) \S*/uv-([0-9.]+)-`)

// pushUV pushes an image like uv's own, from the wheel that the frontend's
// image has its uv from.
func (s *stack) pushUV(ctx context.Context) error {
	dockerfile, err := os.ReadFile(filepath.Join(s.root, "Dockerfile"))
	if err != nil {
		return err
	}
	m := uvWheel.FindSubmatch(dockerfile)
	if m == nil {
		return errors.New("the Dockerfile does not say which wheel uv is from")
	}
	archive, err := zip.OpenReader(filepath.Join(filepath.Dir(s.dir), "uv", string(m[1])+".whl"))
	if err != nil {
		return err
	}
	defer archive.Close()
	dir := filepath.Join(s.dir, "uv-image")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, f := range archive.File {
		name := filepath.Base(f.Name)
		if (name != "uv" && name != "uvx") || !strings.Contains(f.Name, ".data/scripts/") {
			continue
		}
		in, err := f.Open()
		if err != nil {
			return err
		}
		data, err := io.ReadAll(in)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o755); err != nil {
			return err
		}
	}
	return s.service(ctx, "image", uvName, "-platform", "linux/amd64", "-layer", dir, "-platform", "linux/arm64", "-layer", dir)
}

// pushPeerBase pushes the base image with this machine's CA certificates in it.
func (s *stack) pushPeerBase(ctx context.Context) error {
	ca, err := os.ReadFile(s.ca)
	if err != nil {
		return err
	}
	return s.addToImage(ctx, baseName, peerBaseName, "etc/ssl/certs/bench.pem", ca, "SSL_CERT_FILE=/etc/ssl/certs/bench.pem")
}

// changeBase pushes a base image with other bytes under the same name.
func (s *stack) changeBase(ctx context.Context) error {
	err := s.addToImage(ctx, baseName, baseName, "etc/bench-base", []byte(time.Now().String()), "BENCH_BASE=changed")
	if err != nil {
		return err
	}
	return s.pushPeerBase(ctx)
}

// restoreBase pushes the original base image again.
func (s *stack) restoreBase(ctx context.Context) error {
	if err := s.service(ctx, "up", "registry"); err != nil {
		return err
	}
	return s.pushPeerBase(ctx)
}

// addToImage pushes an image with one more file and environment variable.
func (s *stack) addToImage(ctx context.Context, from, to, file string, content []byte, variable string) error {
	layer := filepath.Join(s.dir, "layer.tar")
	out, err := os.Create(layer)
	if err != nil {
		return err
	}
	defer out.Close()
	w := tar.NewWriter(out)
	if err := w.WriteHeader(&tar.Header{Name: file, Mode: 0o644, Size: int64(len(content)), ModTime: time.Unix(0, 0)}); err != nil {
		return err
	}
	if _, err := w.Write(content); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	crane := filepath.Join(s.bin, "crane")
	index := []string{"index", "append", "--insecure", "-t", s.registry + "/" + to}
	for _, arch := range []string{"amd64", "arm64"} {
		platform := "linux/" + arch
		if arch == "arm64" {
			platform += "/v8"
		}
		temporary := s.registry + "/bench/temporary:" + arch
		if err := s.do(ctx, nil, crane, "append", "--insecure", "--platform", platform, "-b", s.registry+"/"+from, "-f", layer, "-t", temporary); err != nil {
			return err
		}
		if err := s.do(ctx, nil, crane, "mutate", "--insecure", temporary, "--env", variable, "-t", temporary); err != nil {
			return err
		}
		index = append(index, "-m", temporary)
	}
	return s.do(ctx, nil, crane, index...)
}

// cpu gives the processor seconds that the processes of an engine and their
// children have used.
func (s *stack) cpu(engine string) float64 {
	var ticks float64
	for _, name := range []string{"pid", "exec/containerd/containerd.pid"} {
		data, err := os.ReadFile(filepath.Join(s.run, engine, name))
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(filepath.Join("/proc", strings.Fields(string(data))[0], "stat"))
		if err != nil {
			continue
		}
		// After the name in parentheses: user and system time of the process,
		// then of the children that it waited for.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		for _, f := range fields[11:15] {
			n, _ := strconv.ParseFloat(f, 64)
			ticks += n
		}
	}
	return ticks / 100
}
