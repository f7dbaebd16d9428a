package frontend

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"

	"github.com/pyfrontend/pyfrontend/llbgen/lock"
	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// checkFiles verifies the locked files that lie in the context: BuildKit knows
// the hashes of downloads only.
func (b *build) checkFiles(ctx context.Context) error {
	var files []lock.File
	var paths []string
	for _, bucket := range b.plan.Buckets {
		for _, d := range bucket.Distributions {
			if d.File.URL == "" {
				files, paths = append(files, d.File), append(paths, d.File.Path)
			}
		}
	}
	if len(files) == 0 {
		return nil
	}
	fsys, err := b.readContext(ctx, "locked files", paths)
	if err != nil {
		return err
	}
	var errs []error
	for _, f := range files {
		data, err := readOptional(fsys, f.Path)
		if err != nil {
			return err
		}
		if data == nil {
			errs = append(errs, &spec.Error{
				At: f.At, Message: fmt.Sprintf("the locked file `%s` is not in the build context", f.Path),
				Hint: "build with a context that holds it, and see that `.dockerignore` does not exclude it",
			})
		} else if sum := fmt.Sprintf("%x", sha256.Sum256(data)); sum != f.SHA256 {
			errs = append(errs, &spec.Error{
				At: f.At, Message: fmt.Sprintf("the file `%s` has the hash sha256:%s, but the lock says sha256:%s", f.Path, sum, f.SHA256),
				Hint: "the file was replaced; if the new one is right, lock again",
			})
		}
	}
	return errors.Join(errs...)
}

// contextPaths makes the addresses of files below the directory that uv ran in,
// as it writes those of an index that is a directory, paths of the context.
func contextPaths(pylock []byte, dir string) []byte {
	address := url.URL{Scheme: "file", Path: dir}
	return bytes.ReplaceAll(pylock, []byte(`url = "`+address.String()+`/`), []byte(`path = "`))
}
