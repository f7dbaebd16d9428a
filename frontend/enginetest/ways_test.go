package enginetest

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var (
	alpha = newWheel("alpha", "1.0")
	beta  = newWheel("beta", "2.0")
)

const shopSays = "shop 1.0 2.0\n"

// TestWaysIn builds one project through every door of docker build.
func TestWaysIn(t *testing.T) {
	const syntax = "# syntax=org/pyfrontend:1\n"
	argument := []string{"--build-arg", "BUILDKIT_SYNTAX=" + frontendImage}
	cases := []struct {
		name       string
		dockerfile string
		noSyntax   bool
		args       []string
	}{
		{"pyproject", "", false, []string{"-f", "pyproject.toml"}},
		{"Dockerfile with the syntax line alone", syntax, false, nil},
		{"Dockerfile with the syntax line and no newline", strings.TrimSpace(syntax), false, nil},
		{"Dockerfile with a table", syntax + "\n[tool.pyfrontend]\ncommand = [\"shop\"]\n", true, nil},
		{"argument without Dockerfile", "", true, argument},
		{"argument and pyproject", "", true, append([]string{"-f", "pyproject.toml"}, argument...)},
		{"argument and an empty Dockerfile", "# nothing\n", true, argument},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := project(t, "shop", alpha, beta)
			manifest := filepath.Join(dir, "pyproject.toml")
			if c.noSyntax {
				edit(t, manifest, "# syntax="+frontendImage+"\n", "")
			}
			if strings.Contains(c.dockerfile, "[tool.") {
				edit(t, manifest, "\n[tool.pyfrontend]\npython = \"3.13\"\n", "")
			}
			if c.dockerfile != "" {
				put(t, filepath.Join(dir, "Dockerfile"), strings.ReplaceAll(c.dockerfile, "org/pyfrontend:1", frontendImage))
			}
			ref := docker.ref(t)
			args := append([]string{"-t", ref}, c.args...)
			for i, a := range args {
				if a == "pyproject.toml" {
					args[i] = manifest
				}
			}
			docker.buildAs(t, dir, args...).ok(t)
			if got := docker.run(t, ref); got != shopSays {
				t.Errorf("the image says %q", got)
			}
		})
	}
}

// TestDockerfileInstructions asserts what a real Dockerfile gets.
func TestDockerfileInstructions(t *testing.T) {
	t.Parallel()
	dir := project(t, "shop", alpha, beta)
	put(t, filepath.Join(dir, "Dockerfile"), "# syntax="+frontendImage+"\n\nFROM python:3.13-slim\nRUN pip install shop\n")
	want := "Dockerfile:3:1: `Dockerfile` holds Dockerfile instructions, not a pyfrontend build\n" +
		"hint: pass `-f pyproject.toml`, or leave only the `# syntax=` line in this file"
	docker.buildAs(t, dir).fails(t, want)
	edit(t, filepath.Join(dir, "Dockerfile"), "# syntax="+frontendImage+"\n\n", "")
	docker.buildAs(t, dir, "--build-arg", "BUILDKIT_SYNTAX="+frontendImage).fails(t, strings.Replace(want, ":3:", ":1:", 1))
}

// TestNothing builds a directory that holds nothing.
func TestNothing(t *testing.T) {
	t.Parallel()
	const hint = "\nhint: create one, for example with `uv init --bare`, or build another directory"
	dir := t.TempDir()
	docker.buildAs(t, dir, "--build-arg", "BUILDKIT_SYNTAX="+frontendImage).fails(t,
		"there is no `pyproject.toml` in the build context, and no `Dockerfile`"+hint)
	put(t, filepath.Join(dir, "Dockerfile"), "# syntax="+frontendImage+"\n")
	docker.buildAs(t, dir).fails(t, "Dockerfile:1:1: there is no `pyproject.toml` beside the build file"+hint)
	put(t, filepath.Join(dir, "pyproject.toml"), "[project]\nname = \"x\"\n\n[tool.pyfrontend]\nport = 1\n")
	put(t, filepath.Join(dir, "Dockerfile"), "# syntax="+frontendImage+"\n[tool.pyfrontend]\nport = 2\n")
	docker.buildAs(t, dir).fails(t, "Dockerfile:2:1: `[tool.pyfrontend]` stands in this file and in `pyproject.toml`, line 4\nhint: keep one of the two")
}

// TestStandardInput sends the context as an archive.
func TestStandardInput(t *testing.T) {
	t.Parallel()
	dir := project(t, "shop", alpha, beta)
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.AddFS(os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	ref := docker.ref(t)
	cmd := docker.command(t, "buildx", "build", "--progress=rawjson", "-t", ref, "-f", "pyproject.toml", "-")
	cmd.Stdin = &b
	progress(cmd).ok(t)
	if got := docker.run(t, ref); got != shopSays {
		t.Errorf("the image says %q", got)
	}
}

// TestBuildctl uses the gateway without any client of docker's.
func TestBuildctl(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, filename string }{{"named", "pyproject.toml"}, {"not named", ""}} {
		t.Run(c.name, func(t *testing.T) {
			dir := project(t, "shop", alpha, beta)
			ref := buildkit.ref(t)
			args := []string{"--frontend", "gateway.v0", "--opt", "source=" + frontendImage, "--local", "context=" + dir,
				"--local", "dockerfile=" + dir, "--output", "type=image,push=true,name=" + ref}
			if c.filename != "" {
				args = append(args, "--opt", "filename="+c.filename)
			}
			buildctl(t.Context(), args...).ok(t)
			if img := pull(t, ref, "linux/amd64"); img.find("venv/bin/shop") == nil {
				t.Error("the image has no shop")
			}
		})
	}
}

// TestGitContext builds from the address of a repository.
func TestGitContext(t *testing.T) {
	t.Parallel()
	dir := project(t, "shop", alpha, beta)
	bare := commit(t, dir)
	gitIn(t, bare, "update-server-info")
	ref := docker.ref(t)
	docker.buildAs(t, serveFiles(t, bare)+"/shop.git#main", "-t", ref, "-f", "pyproject.toml", "--build-arg", "SOURCE_DATE_EPOCH=context").ok(t)
	img := docker.saved(t, ref)
	if entry := img.find("venv/lib/python3.13/site-packages/shop/data.txt"); entry == nil {
		t.Error("the image lacks a file of the project")
	}
	if created := img.config.Created; created == nil || created.Unix() != commitTime.Unix() {
		t.Errorf("the image was created at %v, the commit at %v", created, commitTime)
	}
}
