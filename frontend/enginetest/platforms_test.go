package enginetest

import (
	"bytes"
	"debug/elf"
	"path/filepath"
	"slices"
	"testing"
)

const bothPlatforms = "--platform=linux/amd64,linux/arm64"

// machineOf reads which machine an ELF file of an image is for.
func machineOf(t *testing.T, img *image, name string) elf.Machine {
	t.Helper()
	e := img.find(name)
	if e == nil {
		t.Fatalf("%s for %s has no %s", img.ref, img.platform, name)
	}
	f, err := elf.NewFile(bytes.NewReader(e.data))
	if err != nil {
		t.Fatal(err)
	}
	return f.Machine
}

// TestPlatforms builds for two machines, one of which cannot run here.
func TestPlatforms(t *testing.T) {
	t.Parallel()
	module := sharedLibrary(t, "libc.so.6")
	pure := fresh("alpha")[0]
	intel := taggedWheel("speed", "1.0", native, "speed.cpython-313-x86_64-linux-gnu.so", module, "speed_data/__init__.py", unique())
	arm := taggedWheel("speed", "1.0", "cp313-cp313-manylinux_2_17_aarch64", "speed.cpython-313-aarch64-linux-gnu.so", withMachine(module, byte(elf.EM_AARCH64)), "speed_data/__init__.py", unique())
	dir := project(t, "gate", pure, intel, arm, uvicorn)
	ref := docker.ref(t)
	o := docker.build(t, dir, bothPlatforms, "-t", ref, "--push").ok(t)
	if n := wheels.count(pure); n != 1 {
		t.Errorf("the common wheel was downloaded %d times", n)
	}
	if a, b := wheels.count(intel), wheels.count(arm); a != 1 || b != 1 {
		t.Errorf("the wheels for one platform were downloaded %d and %d times", a, b)
	}
	const site = "venv/lib/python3.13/site-packages/"
	amd64, arm64 := pull(t, ref, "linux/amd64"), pull(t, ref, "linux/arm64")
	if m := machineOf(t, amd64, site+"speed.cpython-313-x86_64-linux-gnu.so"); m != elf.EM_X86_64 {
		t.Errorf("amd64 has a module for %s", m)
	}
	if m := machineOf(t, arm64, site+"speed.cpython-313-aarch64-linux-gnu.so"); m != elf.EM_AARCH64 {
		t.Errorf("arm64 has a module for %s", m)
	}
	if arm64.config.Architecture != "arm64" || arm64.find(site+"alpha/__pycache__/__init__.cpython-313.pyc") == nil {
		t.Errorf("arm64 is for %s, or has no bytecode", arm64.config.Architecture)
	}
	want := "linux/arm64 cannot run on this builder: the smoke test was skipped, the extension modules' machine was checked"
	if !slices.Contains(o.warnings, want) {
		t.Errorf("the warnings are %q", o.warnings)
	}
	if a, b := amd64.layer(t, "install gate"), arm64.layer(t, "install gate"); a.digest != b.digest {
		t.Error("the project, which is pure, differs between the platforms")
	}
	// Alone each is the same image.
	docker.build(t, dir, "--platform=linux/arm64", "-t", ref+":alone", "--push").ok(t)
	compare(t, arm64, pull(t, ref+":alone", "linux/arm64"))
}

// TestWrongMachine has a wheel for arm64 whose module is not.
func TestWrongMachine(t *testing.T) {
	t.Parallel()
	module := sharedLibrary(t, "libc.so.6")
	intel := taggedWheel("speed", "1.0", native, "speed.cpython-313-x86_64-linux-gnu.so", module)
	arm := taggedWheel("speed", "1.0", "cp313-cp313-manylinux_2_17_aarch64", "speed.cpython-313-aarch64-linux-gnu.so", module)
	dir := project(t, "gate", alpha, intel, arm, uvicorn)
	ref := docker.ref(t)
	docker.build(t, dir, bothPlatforms, "-t", ref, "--push").fails(t,
		"pyproject.toml:14:1: `speed.cpython-313-aarch64-linux-gnu.so` of `speed` is made for x86_64, but the image is for aarch64\n"+
			"hint: lock a release whose wheel for this platform is right, or build for the platform that the file is for")
}

// TestMissingPlatform has no wheel for one of the platforms.
func TestMissingPlatform(t *testing.T) {
	t.Parallel()
	intel := taggedWheel("speed", "1.0", native, "speed.py", "")
	dir := project(t, "gate", alpha, intel, uvicorn)
	docker.build(t, dir, bothPlatforms).fails(t,
		"uv.lock:14:1: `speed` 1.0 has no wheel for CPython 3.13 on linux/arm64 (glibc 2.36); wheels exist for: CPython 3.13 on linux x86-64\n"+
			"hint: choose another version of `speed`")
	const start = "pyproject.toml:12:1: pyfrontend makes no images for the platform "
	docker.build(t, dir, "--platform=windows/amd64").fails(t, start+"windows/amd64")
	docker.build(t, dir, "--platform=linux/mips64le").fails(t, start+"linux/mips64le")
	docker.build(t, dir, "--platform=linux/s390x").fails(t,
		"pyproject.toml:13:1: there is no base image for Python 3.13 on linux/s390x: `python:3.13-slim` was not found\n"+
			"hint: choose another version with `python`, or an image with `base`, in `[tool.pyfrontend]`")
}

// TestPythonOfWheels takes the newest Python that every wheel is for.
func TestPythonOfWheels(t *testing.T) {
	t.Parallel()
	only := taggedWheel("speed", "1.0", "cp312-cp312-manylinux_2_17_x86_64", "speed.py", "")
	dir := project(t, "gate", alpha, only, uvicorn)
	edit(t, filepath.Join(dir, "pyproject.toml"), "python = \"3.13\"\n", "")
	_, img := docker.push(t, dir)
	if img.find("venv/lib/python3.12/site-packages/speed.py") == nil {
		t.Errorf("the image has another Python: %q", img.history())
	}
}
