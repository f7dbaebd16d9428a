package examples

import (
	"bufio"
	"context"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// testServer checks an image that serves: its answers, its processes, its logs
// and its end.
func testServer(t *testing.T, img image, w *wantServer) {
	c := start(t, img, w)
	for _, r := range w.Requests {
		status, body, err := c.get(r.Path)
		if err != nil || status != r.Status || r.Body != nil && body != *r.Body {
			t.Errorf("GET %s: %d %q, %v; want %d %q", r.Path, status, body, err, r.Status, deref(r.Body))
		}
	}
	testProcesses(c, w)
	testEnd(c, img, w)
	logs := c.logs()
	if !strings.Contains(logs.stdout, w.AccessLog) {
		t.Errorf("standard output does not have %q", w.AccessLog)
	}
	for _, bad := range []string{"Traceback", "ERROR", "Error:"} {
		if strings.Contains(logs.stdout+logs.stderr, bad) {
			t.Errorf("the logs have %q", bad)
		}
	}
	if t.Failed() {
		t.Log(logs)
	}
}

func deref(s *string) string {
	if s == nil {
		return "any body"
	}
	return *s
}

// testProcesses counts the processes that serve and looks for their files.
func testProcesses(c *container, w *wantServer) {
	var processes struct {
		Workers    int
		Heartbeats []string
	}
	// A worker may still be starting when the first one answers.
	for range 50 {
		decode(c.t, must(c.t, "exec", c.id, "python", "-c", probe, "processes"), &processes)
		if processes.Workers >= w.Workers {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if processes.Workers < w.Workers {
		c.t.Errorf("%d processes serve, want %d", processes.Workers, w.Workers)
	}
	if w.Heartbeat && len(processes.Heartbeats) == 0 {
		c.t.Error("there are no heartbeat files")
	}
	for _, file := range processes.Heartbeats {
		if !strings.HasPrefix(file, "/dev/shm/") {
			c.t.Errorf("the heartbeat file %s is not in memory", file)
		}
	}
}

// testEnd stops a container in the middle of a request: the answer has to come,
// and the server has to leave by itself before the engine kills it.
//
// The request comes from a container that shares the network: what the engine
// forwards from the host may be lost on the way when a container ends.
func testEnd(c *container, img image, w *wantServer) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "docker", "run", "--rm", "--network", "container:"+c.id, img.tag,
		"python", "-c", probe, "request", strconv.Itoa(w.Port), w.Slow)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	sent := lines.Scan()
	// A request that waits for a thread may be dropped; this one has to be
	// under way, and takes two seconds.
	time.Sleep(700 * time.Millisecond)
	begun := time.Now()
	c.stop()
	stopped := time.Since(begun)
	lines.Scan()
	if answer := lines.Text(); !sent || answer != "200" {
		c.t.Errorf("GET %s while the container stops: %q, want 200", w.Slow, answer)
	}
	if err := cmd.Wait(); err != nil {
		c.t.Errorf("GET %s while the container stops: %v", w.Slow, err)
	}
	testExit(c, stopped)
}

// testExit tells a container that left from one that was killed.
func testExit(c *container, took time.Duration) {
	c.t.Helper()
	// 143 is a server that dies of the signal once it is done.
	if s := c.state(); s.Running || s.ExitCode != 0 && s.ExitCode != 143 {
		c.t.Errorf("the container stopped with exit code %d after %s, want 0 or 143", s.ExitCode, took)
	}
}

// testAnyUser runs an image as a user that it does not know, as OpenShift does.
func testAnyUser(t *testing.T, img image, w *wantServer) {
	c := start(t, img, w, "--user", "4242")
	begun := time.Now()
	c.stop()
	testExit(c, time.Since(begun))
	if t.Failed() {
		t.Log(c.logs())
	}
}
