package step

import (
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// runApplication copies an application's files to where they lie in the image,
// and compiles them. The output holds the image's root, so that the times of
// all directories on the way are those that were asked for.
func runApplication(flags *flag.FlagSet, args []string, s streams) error {
	var source, out, target, python string
	var epoch int64
	flags.StringVar(&source, "source", "", "the application's files")
	flags.StringVar(&out, "out", "", "a directory that stands for the image's root")
	flags.StringVar(&target, "target", "", "where the files go, as a path in the image")
	flags.StringVar(&python, "python", "", "the interpreter to compile for")
	flags.Int64Var(&epoch, "epoch", Epoch, "the time of what is written, in Unix seconds")
	if err := parse(flags, args, "source", "out", "target", "python"); err != nil {
		return err
	}
	if err := absolute(&source, &out); err != nil {
		return err
	}
	top := filepath.Join(out, filepath.FromSlash(rel(target)))
	if err := os.MkdirAll(top, 0o755); err != nil {
		return err
	}
	if err := copyTree(source, top); err != nil {
		return fmt.Errorf("copying the application: %w", err)
	}
	if err := compileAll(python, top, out, s); err != nil {
		return err
	}
	return setTimes(out, time.Unix(epoch, 0))
}

// copyTree copies files, directories and links; what else there is cannot be
// part of an application.
func copyTree(source, target string) error {
	return filepath.WalkDir(source, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == source {
			return err
		}
		inside, err := filepath.Rel(source, path)
		if err != nil {
			return err
		}
		to := filepath.Join(target, inside)
		switch {
		case d.IsDir():
			return os.Mkdir(to, 0o755)
		case d.Type()&fs.ModeSymlink != 0:
			link, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(link, to)
		case d.Type().IsRegular():
			return copyFile(path, to)
		}
		return fmt.Errorf("%s is neither a file, a directory nor a link", inside)
	})
}

func copyFile(source, target string) error {
	in, err := os.Open(source)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if info.Mode()&0o100 != 0 {
		mode = 0o755
	}
	out, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// setTimes gives everything below root one time, directories last.
func setTimes(root string, at time.Time) error {
	var dirs []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			dirs = append(dirs, path)
			return nil
		case d.Type()&fs.ModeSymlink != 0:
			return settleLink(path, at)
		}
		return os.Chtimes(path, at, at)
	})
	if err != nil {
		return err
	}
	for _, dir := range slices.Backward(dirs) {
		if err := os.Chtimes(dir, at, at); err != nil {
			return err
		}
	}
	return nil
}
