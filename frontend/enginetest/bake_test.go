package enginetest

import (
	"path/filepath"
	"testing"
)

// TestBake builds through a bake file, with the image under test.
func TestBake(t *testing.T) {
	t.Parallel()
	dir := project(t, "shop", alpha, beta)
	ref := docker.ref(t)
	put(t, filepath.Join(dir, "docker-bake.hcl"), `
target "default" {
  dockerfile = "pyproject.toml"
  tags = ["`+ref+`"]
  args = { SOURCE_DATE_EPOCH = "1700000000" }
  labels = { "baked" = "yes" }
}

target "argument" {
  inherits = ["default"]
  args = { BUILDKIT_SYNTAX = "`+frontendImage+`" }
}
`)
	for _, target := range []string{"default", "argument"} {
		bake(t, dir, target).ok(t)
		if got := docker.run(t, ref); got != shopSays {
			t.Errorf("the image says %q", got)
		}
	}
	if got := docker.saved(t, ref).config.Config.Labels["baked"]; got != "yes" {
		t.Errorf("the label is %q", got)
	}
}

// TestBakeFrontend builds the frontend from this repository and uses it in the
// same run, without it ever being an image in a registry.
func TestBakeFrontend(t *testing.T) {
	t.Parallel()
	dir := project(t, "shop", alpha, beta)
	edit(t, filepath.Join(dir, "pyproject.toml"), "# syntax="+frontendImage+"\n", "")
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	ref := docker.ref(t)
	put(t, filepath.Join(dir, "docker-bake.hcl"), `
target "frontend" {
  context = "`+root+`"
  secret = ["`+caBundle+`"]
}

target "default" {
  dockerfile = "pyproject.toml"
  contexts = { fe = "target:frontend" }
  args = { BUILDKIT_SYNTAX = "fe" }
  tags = ["`+ref+`"]
}
`)
	bake(t, dir, "default", "--allow", "fs.read="+root, "--allow", "fs.read=/etc/ssl").ok(t)
	if got := docker.run(t, ref); got != shopSays {
		t.Errorf("the image says %q", got)
	}
}

func bake(t *testing.T, dir, target string, args ...string) *outcome {
	t.Helper()
	cmd := docker.command(t, append([]string{"buildx", "bake", "--progress=rawjson", "--load"}, append(args, target)...)...)
	cmd.Dir = dir
	return progress(cmd)
}
