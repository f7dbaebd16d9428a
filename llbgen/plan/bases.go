package plan

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pyfrontend/pyfrontend/llbgen/packaging"
	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// Base is what is known of a base image on one platform.
type Base struct {
	// Ref is the reference as the user knows it; Pinned carries the digest.
	Ref, Pinned, Digest string
	// Interpreter is the absolute path of the Python executable, named with
	// its version.
	Interpreter string
	Python      packaging.Version
	Libc        packaging.Libc
	// Trim tells that the base's own installers are to be removed; it is false
	// for a base that the user named.
	Trim bool
}

// Minor gives the Python version as X.Y.
func (b Base) Minor() string { return minor(b.Python) }

func minor(v packaging.Version) string {
	return fmt.Sprintf("%d.%d", v.Release()[0], v.Release()[1])
}

// bases are the names that `base` knows beside image references; %s is the
// Python version.
var bases = map[string]string{
	"debian": "docker.io/library/python:%s-slim",
}

// BaseRef gives the image reference of the `base` key for a Python version,
// and whether it is one of the table, which may be trimmed.
func BaseRef(s *spec.Spec, python string) (ref string, known bool) {
	if format, ok := bases[s.Tool.Base]; ok {
		return fmt.Sprintf(format, python), true
	}
	return s.Tool.Base, false
}

// machine is what is special to one processor architecture: the kernel's name
// for it and where its C library lies.
type machine struct {
	name string
	libc []string
	musl string
}

// machines are by GOARCH, as in OCI platforms.
var machines = map[string]machine{
	"amd64":   {"x86_64", []string{"lib/x86_64-linux-gnu/libc.so.6", "usr/lib/x86_64-linux-gnu/libc.so.6", "lib64/libc.so.6", "usr/lib64/libc.so.6"}, "lib/ld-musl-x86_64.so.1"},
	"arm64":   {"aarch64", []string{"lib/aarch64-linux-gnu/libc.so.6", "usr/lib/aarch64-linux-gnu/libc.so.6", "lib64/libc.so.6", "usr/lib64/libc.so.6"}, "lib/ld-musl-aarch64.so.1"},
	"386":     {"i686", []string{"lib/i386-linux-gnu/libc.so.6", "usr/lib/i386-linux-gnu/libc.so.6"}, "lib/ld-musl-i386.so.1"},
	"arm":     {"armv7l", []string{"lib/arm-linux-gnueabihf/libc.so.6", "usr/lib/arm-linux-gnueabihf/libc.so.6"}, "lib/ld-musl-armhf.so.1"},
	"ppc64le": {"ppc64le", []string{"lib/powerpc64le-linux-gnu/libc.so.6", "usr/lib/powerpc64le-linux-gnu/libc.so.6"}, "lib/ld-musl-powerpc64le.so.1"},
	"s390x":   {"s390x", []string{"lib/s390x-linux-gnu/libc.so.6", "usr/lib/s390x-linux-gnu/libc.so.6"}, "lib/ld-musl-s390x.so.1"},
	"riscv64": {"riscv64", []string{"lib/riscv64-linux-gnu/libc.so.6", "usr/lib/riscv64-linux-gnu/libc.so.6"}, "lib/ld-musl-riscv64.so.1"},
}

// Machine gives the kernel's name of a GOARCH, as wheel tags and ELF files use
// it; empty for one that has no wheels.
func Machine(arch string) string { return machines[arch].name }

// Inspect reads an image's files: which Python it has and where, and which C
// library. env is the image's environment, arch the GOARCH of its platform,
// python the wanted X.Y or "" for the image's own. It works for an image that
// cannot run here.
func Inspect(fsys fs.FS, env []string, arch, python string) (Base, error) {
	var b Base
	if err := b.findPython(fsys, env, python); err != nil {
		return b, err
	}
	if err := b.findLibc(fsys, arch); err != nil {
		return b, err
	}
	return b, nil
}

var interpreterName = regexp.MustCompile(`^python3\.(\d+)$`)

func (b *Base) findPython(fsys fs.FS, env []string, python string) error {
	var minors []string
	for _, dir := range strings.Split(lookup(env, "PATH", "/usr/local/bin:/usr/bin:/bin"), ":") {
		entries, err := fs.ReadDir(fsys, rel(dir))
		if err != nil {
			continue
		}
		for _, entry := range entries {
			if m := interpreterName.FindStringSubmatch(entry.Name()); m != nil {
				if !slices.Contains(minors, "3."+m[1]) {
					minors = append(minors, "3."+m[1])
				}
				if python == "" || python == "3."+m[1] {
					b.Interpreter = path.Join(dir, entry.Name())
					return b.findPythonVersion(fsys, env, "3."+m[1])
				}
			}
		}
	}
	if len(minors) > 0 {
		return fmt.Errorf("has Python %s, not Python %s", strings.Join(minors, ", "), python)
	}
	return fmt.Errorf("has no `python3.X` on its PATH")
}

// findPythonVersion finds the full version: the official images state it in
// PYTHON_VERSION; else CPython's own version string is in the interpreter or
// its shared library.
func (b *Base) findPythonVersion(fsys fs.FS, env []string, minor string) error {
	if v, err := packaging.ParseVersion(lookup(env, "PYTHON_VERSION", "")); err == nil && strings.HasPrefix(v.String(), minor+".") {
		b.Python = v
		return nil
	}
	prefix := path.Dir(path.Dir(b.Interpreter))
	pattern := regexp.MustCompile(`\x00(` + regexp.QuoteMeta(minor) + `\.\d+(?:(?:a|b|rc)\d+)?)\+?\x00`)
	for _, name := range []string{
		path.Join(prefix, "lib", "libpython"+minor+".so.1.0"),
		path.Join(prefix, "lib64", "libpython"+minor+".so.1.0"),
		b.Interpreter,
	} {
		data, err := fs.ReadFile(fsys, rel(name))
		if err != nil {
			continue
		}
		if m := pattern.FindSubmatch(data); m != nil {
			b.Python, err = packaging.ParseVersion(string(m[1]))
			return err
		}
	}
	return fmt.Errorf("has a Python at %s whose version cannot be read", b.Interpreter)
}

var (
	glibcVersion = regexp.MustCompile(`GNU C Library [^\n]* release version (\d+)\.(\d+)`)
	muslVersion  = regexp.MustCompile(`(?m)^P:musl\nV:(\d+)\.(\d+)`)
)

func (b *Base) findLibc(fsys fs.FS, arch string) error {
	m, ok := machines[arch]
	if !ok {
		return fmt.Errorf("is for %s, which has no wheels", arch)
	}
	for _, name := range m.libc {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			continue
		}
		if v := glibcVersion.FindSubmatch(data); v != nil {
			b.Libc = packaging.Libc{Major: atoi(v[1]), Minor: atoi(v[2])}
			return nil
		}
	}
	if _, err := fs.Stat(fsys, m.musl); err == nil {
		data, err := fs.ReadFile(fsys, "lib/apk/db/installed")
		if v := muslVersion.FindSubmatch(data); err == nil && v != nil {
			b.Libc = packaging.Libc{Musl: true, Major: atoi(v[1]), Minor: atoi(v[2])}
			return nil
		}
	}
	return fmt.Errorf("has no C library for %s whose version can be read", arch)
}

func lookup(env []string, name, fallback string) string {
	for _, e := range env {
		if value, ok := strings.CutPrefix(e, name+"="); ok {
			return value
		}
	}
	return fallback
}

// rel gives an absolute path in the form of fs.FS.
func rel(p string) string {
	p = strings.TrimPrefix(path.Clean("/"+p), "/")
	if p == "" {
		return "."
	}
	return p
}

func atoi(b []byte) int {
	n, _ := strconv.Atoi(string(b))
	return n
}
