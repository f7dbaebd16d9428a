package enginetest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOdd builds a project with strange names, files and values.
func TestOdd(t *testing.T) {
	t.Parallel()
	dir := project(t, "odd", alpha)
	edit(t, filepath.Join(dir, "uv.lock"), "My.Odd_App", "my-odd-app")
	if err := os.Symlink("data/with space.txt", filepath.Join(dir, "src/my_odd_app/link.txt")); err != nil {
		t.Fatal(err)
	}
	for _, e := range []engine{docker, graph} {
		_, img := e.load(t, dir)
		got := strings.Split(e.run(t, img.ref), "\n")
		if want := "['.hidden', '__init__.py', 'build', 'build/__init__.py', 'data', 'data/!bang', 'data/[brackets]*.txt', 'data/with space.txt', " +
			"'data/ünïcode.txt', 'dist', 'dist/x.txt', 'env', 'env/__init__.py', 'key.pem', 'link.txt']"; got[0] != want {
			t.Errorf("%s: the files are %s", e.name, got[0])
		}
		if want := `{'QUOTED': 'a "b" $HOME ` + "`c`" + `', 'EMPTY': '', 'LINES': 'one\ntwo', 'PATH_LIKE': '/a:/b'}`; got[1] != want {
			t.Errorf("%s: the environment is %s", e.name, got[1])
		}
		if got := img.config.Config.Labels["com.example.text"]; got != "a=b, \"c\"\nd" {
			t.Errorf("%s: the label is %q", e.name, got)
		}
	}
}

// TestUsers runs as the users that an image may have.
func TestUsers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, settings, want string }{
		{"root", "user = 0", "0 root /root /app"},
		{"one of the base's", "user = 33", "33 www-data /var/www /app"},
		{"the root directory", `workdir = "/"`, "10001 app /home/app /"},
		{"a directory of the base's", `workdir = "/usr/local/lib"`, "10001 app /home/app /usr/local/lib"},
		{"a deep directory", `workdir = "/a/b/c"`, "10001 app /home/app /a/b/c"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := project(t, "shop", alpha, beta)
			edit(t, filepath.Join(dir, "pyproject.toml"), "python = \"3.13\"\n", "python = \"3.13\"\n"+c.settings+"\n")
			ref := docker.ref(t)
			docker.build(t, dir, "-t", ref).ok(t)
			got := docker.python(t, ref, `import os, pwd; p = pwd.getpwuid(os.getuid()); print(p.pw_uid, p.pw_name, os.environ["HOME"], os.getcwd())`)
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
