// Package examples builds and runs every folder beside it with a real Docker
// engine: an example is a test. A folder is a project as a user has it, and its
// want.toml says how the image is built and what it has to do. What every image
// has to be is here: see image_test.go and server_test.go.
package examples

import (
	"os"
	"testing"
)

func TestExamples(t *testing.T) {
	requireDocker(t)
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		t.Run(entry.Name(), func(t *testing.T) {
			t.Parallel()
			testExample(t, entry.Name())
		})
	}
}

func testExample(t *testing.T, dir string) {
	w := readWant(t, dir)
	img := build(t, dir, "", w)
	// Each part waits for containers most of the time. They are not parallel
	// tests, which would wait for all builds.
	t.Run("config", func(t *testing.T) { testConfig(t, img, w) })
	t.Run("files", func(t *testing.T) { testFiles(t, img, w) })
	if w.Server != nil {
		t.Run("server", func(t *testing.T) { testServer(t, img, w.Server) })
		t.Run("any user", func(t *testing.T) { testAnyUser(t, img, w.Server) })
	}
	for _, run := range w.Runs {
		t.Run(run.name(), func(t *testing.T) {
			img := img
			if run.Target != "" {
				img = build(t, dir, run.Target, w)
			}
			testRun(t, img, run)
		})
	}
}
