package enginetest

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// gitIn runs git in a directory.
func gitIn(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com",
		"GIT_AUTHOR_DATE="+commitTime.Format(time.RFC3339), "GIT_COMMITTER_DATE="+commitTime.Format(time.RFC3339))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// commitTime is the time of all commits.
var commitTime = time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)

// commit makes a directory a repository with one commit and gives a bare clone
// named shop.git.
func commit(t *testing.T, dir string) string {
	t.Helper()
	gitIn(t, dir, "init", "-q", "-b", "main")
	gitIn(t, dir, "add", "-A")
	gitIn(t, dir, "commit", "-q", "-m", "first")
	bare := filepath.Join(t.TempDir(), "shop.git")
	gitIn(t, dir, "clone", "-q", "--bare", dir, bare)
	return bare
}

// serveFiles serves the parent of a directory over HTTP.
func serveFiles(t *testing.T, dir string) string {
	t.Helper()
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(dir))))
	t.Cleanup(server.Close)
	return server.URL
}

// copyImage gives an image of the registry a name in another repository.
func copyImage(t *testing.T, from, tag, to string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "crane", "copy", "--insecure", registry+"/"+from+":"+tag, to).CombinedOutput()
	if err != nil {
		t.Fatalf("crane copy: %v\n%s", err, out)
	}
}
