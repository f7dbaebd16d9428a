package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/klauspost/compress/gzip"
)

// epoch is the time of every entry: the same files must give the same digest
// on every machine, or each rebuild of the stack would invalidate every cache.
var epoch = time.Unix(315532800, 0)

func layerCommand(args []string) error {
	if len(args) < 3 || args[0] != "-o" {
		return fmt.Errorf("layer needs -o FILE and at least one directory\n%s", usage)
	}
	out, dirs := args[1], args[2:]
	file, err := os.CreateTemp(filepath.Dir(out), ".layer-")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	if err := writeLayer(file, dirs); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), out)
}

// layerBytes is writeLayer for layers small enough to live in memory.
func layerBytes(dirs []string) ([]byte, error) {
	var buf bytes.Buffer
	if err := writeLayer(&buf, dirs); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

func writeLayer(w io.Writer, dirs []string) error {
	// The fastest level: these bytes travel over loopback only.
	zw, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	tw := tar.NewWriter(zw)
	hardlinks := map[[2]uint64]string{}
	for _, dir := range dirs {
		root, prefix, _ := strings.Cut(dir, ":")
		if err := writeTree(tw, root, strings.Trim(prefix, "/"), hardlinks); err != nil {
			return err
		}
	}
	if err := tw.Close(); err != nil {
		return err
	}
	return zw.Close()
}

func writeTree(tw *tar.Writer, root, prefix string, hardlinks map[[2]uint64]string) error {
	// filepath.WalkDir goes in lexical order, which keeps the digest stable.
	return filepath.WalkDir(root, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		name := path.Join(prefix, filepath.ToSlash(rel))
		if name == "." {
			return nil
		}
		return writeEntry(tw, p, name, hardlinks)
	})
}

func writeEntry(tw *tar.Writer, file, name string, hardlinks map[[2]uint64]string) error {
	info, err := os.Lstat(file)
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSocket != 0 {
		return nil
	}
	stat := info.Sys().(*syscall.Stat_t)

	// An overlay's upper directory marks a deleted file with a 0/0 device.
	if info.Mode()&fs.ModeCharDevice != 0 && stat.Rdev == 0 {
		return tw.WriteHeader(&tar.Header{
			Typeflag: tar.TypeReg,
			Name:     path.Join(path.Dir(name), ".wh."+path.Base(name)),
			ModTime:  epoch,
		})
	}

	var target string
	if info.Mode()&fs.ModeSymlink != 0 {
		if target, err = os.Readlink(file); err != nil {
			return err
		}
	}
	header, err := tar.FileInfoHeader(info, target)
	if err != nil {
		return err
	}
	header.Name = name
	if info.IsDir() {
		header.Name += "/"
	}
	header.ModTime = epoch
	header.AccessTime, header.ChangeTime = time.Time{}, time.Time{}
	header.Uname, header.Gname = "", ""
	header.Format = tar.FormatPAX

	if info.Mode().IsRegular() && stat.Nlink > 1 {
		inode := [2]uint64{stat.Dev, stat.Ino}
		if first, ok := hardlinks[inode]; ok {
			header.Typeflag, header.Linkname, header.Size = tar.TypeLink, first, 0
			return tw.WriteHeader(header)
		}
		hardlinks[inode] = name
	}
	if err := tw.WriteHeader(header); err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return nil
	}
	content, err := os.Open(file)
	if err != nil {
		return err
	}
	defer content.Close()
	_, err = io.Copy(tw, content)
	return err
}
