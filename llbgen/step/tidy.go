package step

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

// tidy removes empty directories below root and gives everything that is left
// one time, one owner and one of two modes.
func tidy(root string) error {
	var paths []string
	var infos []fs.FileInfo
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if !info.IsDir() && !info.Mode().IsRegular() {
			return fmt.Errorf("%s is neither a file nor a directory", path)
		}
		paths, infos = append(paths, path), append(infos, info)
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading what was installed: %w", err)
	}
	// In reverse a directory comes after all that it holds.
	slices.Reverse(paths)
	slices.Reverse(infos)
	kept := 0
	for i, path := range paths {
		if infos[i].IsDir() && path != root && removeEmpty(path) {
			continue
		}
		paths[kept], infos[kept] = path, infos[i]
		kept++
	}
	return inParallel(kept, func(i int) error { return settle(paths[i], infos[i]) })
}

func removeEmpty(dir string) bool { return syscall.Rmdir(dir) == nil }

// settle makes the metadata of one path what it is in every build.
func settle(path string, info fs.FileInfo) error {
	mode := fs.FileMode(0o644)
	if info.IsDir() || info.Mode()&0o100 != 0 {
		mode = 0o755
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 && (stat.Uid != 0 || stat.Gid != 0) {
		if err := os.Lchown(path, 0, 0); err != nil {
			return fmt.Errorf("changing the owner: %w", err)
		}
	}
	if info.Mode() != mode|info.Mode()&fs.ModeDir {
		if err := os.Chmod(path, mode); err != nil {
			return fmt.Errorf("changing the mode: %w", err)
		}
	}
	fixed := time.Unix(Epoch, 0)
	if err := os.Chtimes(path, fixed, fixed); err != nil {
		return fmt.Errorf("changing the time: %w", err)
	}
	return nil
}

// inParallel calls do for 0 … n-1, spread over the processors.
func inParallel(n int, do func(i int) error) error {
	workers := runtime.GOMAXPROCS(0)
	faults := make([]error, workers)
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for i := w; i < n && faults[w] == nil; i += workers {
				faults[w] = do(i)
			}
		})
	}
	group.Wait()
	return errors.Join(faults...)
}
