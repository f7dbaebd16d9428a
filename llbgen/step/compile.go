package step

import (
	"bytes"
	_ "embed"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

//go:embed compile.py
var compileScript string

// chunkSize is how many bytes of source are compiled in one process. Smaller
// chunks cost forks, larger ones leave a core idle at the end; changing it
// changes bytes of .pyc files.
const chunkSize = 1 << 20

// source is a file to compile.
type source struct {
	path string
	size int64
}

// compileAll writes the bytecode of all Python files in site, with CPython's
// own compiler. root is cut off the names that the bytecode holds: it is where
// the image's root is, if that is not here.
func compileAll(python, site, root string, s streams) error {
	files, err := sources(site)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return nil
	}
	cmd := exec.Command(python, "-S", "-s", "-B", "-W", "ignore", "-c", compileScript, strings.TrimSuffix(root, "/"))
	cmd.Dir = "/"
	cmd.Env = []string{"PYTHONHASHSEED=0", "PYTHONUTF8=1", "LC_ALL=C", "TZ=UTC"}
	cmd.Stdin = encodeChunks(chunks(site, files))
	cmd.Stderr = s.err
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("compiling %s: %w", count(len(files), "file"), err)
	}
	return nil
}

// sources lists the Python files below site that are compiled, sorted.
func sources(site string) ([]source, error) {
	var files []source
	err := filepath.WalkDir(site, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "__pycache__":
			return fs.SkipDir
		case !d.Type().IsRegular() || !strings.HasSuffix(d.Name(), ".py"), testModule.MatchString(path):
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		files = append(files, source{path, info.Size()})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing Python files: %w", err)
	}
	slices.SortFunc(files, func(a, b source) int { return strings.Compare(a.path, b.path) })
	return files, nil
}

// testModule matches the modules of a package's own test suite, which nothing
// imports in production. They are half of the source of the large scientific
// packages, and compiling is what a cold build takes most of its time for.
var testModule = regexp.MustCompile(`/tests?/(.*/)?(test_[^/]*|[^/]*_test|conftest)\.py$`)

// chunks groups files. A chunk never spans two entries of site-packages, so
// the bytecode of a package does not depend on what else is in its bucket.
func chunks(site string, files []source) [][]string {
	var result [][]string
	var size int64
	last := ""
	for _, f := range files {
		top, _, _ := strings.Cut(strings.TrimPrefix(f.path, site+"/"), "/")
		if top != last || size >= chunkSize {
			result = append(result, nil)
			size, last = 0, top
		}
		result[len(result)-1] = append(result[len(result)-1], f.path)
		size += f.size
	}
	return result
}

// encodeChunks writes what compile.py reads.
func encodeChunks(chunks [][]string) *bytes.Buffer {
	var b bytes.Buffer
	for _, chunk := range chunks {
		for _, path := range chunk {
			b.WriteString(path)
			b.WriteByte(0)
		}
		b.WriteByte(0)
	}
	return &b
}
