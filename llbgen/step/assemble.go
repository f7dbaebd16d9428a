package step

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// assemble makes an environment out of its parts: real directories with a
// symbolic link for each file, so that tens of thousands of files cost half a
// second and no disk. Where two parts have one file the later wins, as it does
// in the image. Directories are real because the path `..` of a link would lead
// into its part, and libraries find each other by such paths.
func assemble(venv string, parts []string) error {
	for _, part := range parts {
		err := filepath.WalkDir(part, func(path string, d fs.DirEntry, err error) error {
			if err != nil || path == part {
				return err
			}
			inside, err := filepath.Rel(part, path)
			if err != nil {
				return err
			}
			return place(path, filepath.Join(venv, inside), d)
		})
		if err != nil {
			return fmt.Errorf("assembling the environment: %w", err)
		}
	}
	return nil
}

// place puts one entry of a part at its path in the environment.
func place(source, target string, d fs.DirEntry) error {
	there, err := os.Lstat(target)
	switch {
	case err != nil:
	case there.IsDir() && d.IsDir():
		return nil
	default:
		if err := os.RemoveAll(target); err != nil {
			return err
		}
	}
	if d.IsDir() {
		return os.Mkdir(target, 0o755)
	}
	if d.Type()&fs.ModeSymlink != 0 {
		if source, err = os.Readlink(source); err != nil {
			return err
		}
	}
	return os.Symlink(source, target)
}
