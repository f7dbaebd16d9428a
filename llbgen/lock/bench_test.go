package lock

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/pyfrontend/pyfrontend/llbgen/packaging"
)

// manyPackages is a lock of three times the large one's packages, renamed.
func manyPackages(t testing.TB) []byte {
	data := read(t, "large/uv.lock")
	i := bytes.Index(data, []byte("[[package]]"))
	all := bytes.Clone(data)
	for copies := range 2 {
		all = append(all, bytes.ReplaceAll(data[i:], []byte("\nname = \""), fmt.Appendf(nil, "\nname = \"copy%d-", copies))...)
	}
	return all
}

func BenchmarkParseUVLock(b *testing.B) {
	for name, data := range map[string][]byte{"500": read(b, "large/uv.lock"), "1500": manyPackages(b)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				u, err := ParseUVLock("uv.lock", data)
				if err != nil {
					b.Fatal(err)
				}
				u.Places()
			}
		})
	}
}

func BenchmarkParsePylock(b *testing.B) {
	data, places := read(b, "large/pylock.toml"), uvLock(b, "large").Places()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := ParsePylock(data, places); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSelect(b *testing.B) {
	l, t := exported(b, "large/pylock.toml"), target(b, "3.13.2", "x86_64", bookworm)
	for b.Loop() {
		if _, err := l.Select(t, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPythons(b *testing.B) {
	l := exported(b, "large/pylock.toml")
	platforms := []packaging.Target{target(b, "3.13", "x86_64", bookworm), target(b, "3.13", "aarch64", bookworm)}
	for b.Loop() {
		l.Pythons([]string{"3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15"}, platforms, Options{})
	}
}

func BenchmarkStale(b *testing.B) {
	all, u := projects(b, "large"), uvLock(b, "large")
	for b.Loop() {
		if err := u.Stale(all, nil); err != nil {
			b.Fatal(err)
		}
	}
}
