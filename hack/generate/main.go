// Command generate writes the reference pages that follow from the code. It
// runs in the root of the repository; with -check it writes nothing and fails
// where a committed page differs.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// page is one generated file, by its path from the root.
type page struct {
	path  string
	write func(root string) ([]byte, error)
}

var pages = []page{
	{"docs/reference/spec.md", specPage},
}

func main() {
	check := flag.Bool("check", false, "fail where a committed page differs, and write nothing")
	flag.Parse()
	if err := generate(".", *check); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func generate(root string, check bool) error {
	for _, p := range pages {
		want, err := p.write(root)
		if err != nil {
			return fmt.Errorf("generating %s: %w", p.path, err)
		}
		file := filepath.Join(root, filepath.FromSlash(p.path))
		if check {
			// A page that is missing differs too.
			if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
				return fmt.Errorf("%s is out of date: run `go run ./hack/generate`", p.path)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return fmt.Errorf("generating %s: %w", p.path, err)
		}
		if err := os.WriteFile(file, want, 0o644); err != nil {
			return fmt.Errorf("generating %s: %w", p.path, err)
		}
	}
	return nil
}
