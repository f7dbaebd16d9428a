package plan

import (
	"testing"
	"testing/fstest"
)

func file(data string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(data), Mode: 0o755} }

const glibc = "\x7fELF GNU C Library (Debian GLIBC 2.36-9+deb12u10) stable release version 2.36.\nCopyright"

func TestInspect(t *testing.T) {
	t.Parallel()
	official := fstest.MapFS{
		"usr/local/bin/python3.13":        file("\x7fELF"),
		"usr/local/bin/python3.13-config": file("#!/bin/sh"),
		"lib/x86_64-linux-gnu/libc.so.6":  file(glibc),
	}
	debian := fstest.MapFS{
		"usr/bin/python3.11":             file("\x7fELF\x00noise\x003.11.2\x00more"),
		"lib/x86_64-linux-gnu/libc.so.6": file(glibc),
	}
	shared := fstest.MapFS{
		"opt/python/bin/python3.12":              file("\x7fELF"),
		"opt/python/lib/libpython3.12.so.1.0":    file("x\x003.12.7rc1\x00"),
		"usr/lib/aarch64-linux-gnu/libc.so.6":    file(glibc),
		"opt/python/lib/python3.12/site.py":      file(""),
		"usr/lib/aarch64-linux-gnu/libm.so.6":    file(""),
		"opt/python/bin/python3.12-intel64.json": file(""),
	}
	alpine := fstest.MapFS{
		"usr/bin/python3.12":      file("\x7fELF\x003.12.3\x00"),
		"lib/ld-musl-x86_64.so.1": file("\x7fELF"),
		"lib/apk/db/installed":    file("C:Q1\nP:zlib\nV:1.3\n\nC:Q2\nP:musl\nV:1.2.5-r0\n"),
	}
	for _, tt := range []struct {
		name   string
		files  fstest.MapFS
		env    []string
		arch   string
		python string
		want   string
		err    string
	}{
		{"official", official, []string{"PATH=/usr/local/bin:/usr/bin", "PYTHON_VERSION=3.13.9"}, "amd64", "3.13", "/usr/local/bin/python3.13 3.13.9 {false 2 36}", ""},
		{"any version of it", official, []string{"PATH=/usr/local/bin", "PYTHON_VERSION=3.13.9"}, "amd64", "", "/usr/local/bin/python3.13 3.13.9 {false 2 36}", ""},
		{"distribution's", debian, nil, "amd64", "", "/usr/bin/python3.11 3.11.2 {false 2 36}", ""},
		{"a stale PYTHON_VERSION", debian, []string{"PYTHON_VERSION=3.13.1"}, "amd64", "3.11", "/usr/bin/python3.11 3.11.2 {false 2 36}", ""},
		{"shared library, foreign platform", shared, []string{"PATH=/opt/python/bin"}, "arm64", "3.12", "/opt/python/bin/python3.12 3.12.7rc1 {false 2 36}", ""},
		{"musl", alpine, nil, "amd64", "3.12", "/usr/bin/python3.12 3.12.3 {true 1 2}", ""},
		{"another version", debian, nil, "amd64", "3.13", "", "has Python 3.11, not Python 3.13"},
		{"no Python", fstest.MapFS{"bin/sh": file("")}, nil, "amd64", "", "", "has no `python3.X` on its PATH"},
		{"another platform's files", official, []string{"PATH=/usr/local/bin", "PYTHON_VERSION=3.13.9"}, "arm64", "3.13", "", "has no C library for arm64 whose version can be read"},
		{"no version", fstest.MapFS{"usr/bin/python3.11": file("\x7fELF")}, nil, "amd64", "", "", "has a Python at /usr/bin/python3.11 whose version cannot be read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, err := Inspect(tt.files, tt.env, tt.arch, tt.python)
			if err != nil {
				if err.Error() != tt.err {
					t.Errorf("error %q, want %q", err, tt.err)
				}
				return
			}
			if got := b.Interpreter + " " + b.Python.String() + " " + sprint(b.Libc); got != tt.want || tt.err != "" {
				t.Errorf("got %q, want %q (error %q)", got, tt.want, tt.err)
			}
		})
	}
}
