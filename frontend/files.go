package frontend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	fstypes "github.com/tonistiigi/fsutil/types"
)

// readContext gives the files of the build context that the patterns name (a *
// for one path element) as a file system. name tells the transfers apart: two
// sets of files under one name would push each other out of the daemon.
func (r *request) readContext(ctx context.Context, name string, patterns []string) (fs.FS, error) {
	st, err := r.bc.MainContext(ctx,
		llb.FollowPaths(patterns),
		llb.SharedKeyHint("pyfrontend-"+name),
		llb.Differ(llb.DiffNone, false),
		dockerui.WithInternalName("load "+name),
	)
	if err != nil {
		return nil, err
	}
	return r.readState(ctx, *st)
}

// readState solves a state and gives its files.
func (r *request) readState(ctx context.Context, st llb.State) (fs.FS, error) {
	ref, err := r.solve(ctx, st)
	if err != nil {
		return nil, err
	}
	return &refFS{ctx: ctx, ref: ref, dirs: map[string]*dir{}}, nil
}

// refFS is a solved reference as a file system. It lists each directory once.
type refFS struct {
	ctx context.Context
	ref client.Reference

	mu   sync.Mutex
	dirs map[string]*dir
}

type dir struct {
	once    sync.Once
	entries []fs.DirEntry
	err     error
}

var (
	_ fs.ReadFileFS = (*refFS)(nil)
	_ fs.ReadDirFS  = (*refFS)(nil)
	_ fs.StatFS     = (*refFS)(nil)
)

// Open implements fs.FS for whole files.
func (f *refFS) Open(name string) (fs.File, error) {
	info, err := f.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return &openFile{info: info, Reader: strings.NewReader("")}, nil
	}
	data, err := f.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return &openFile{info: info, Reader: strings.NewReader(string(data))}, nil
}

// ReadFile implements fs.ReadFileFS. Files beyond BuildKit's message size are
// read in parts.
func (f *refFS) ReadFile(name string) ([]byte, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid}
	}
	const part = 8 << 20
	data := []byte{}
	for {
		more, err := f.ref.ReadFile(f.ctx, client.ReadRequest{Filename: "/" + name, Range: &client.FileRange{Offset: len(data), Length: part}})
		if err != nil {
			return nil, f.pathError("read", name, err)
		}
		data = append(data, more...)
		if len(more) < part {
			return data, nil
		}
	}
}

// ReadDir implements fs.ReadDirFS.
func (f *refFS) ReadDir(name string) ([]fs.DirEntry, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrInvalid}
	}
	f.mu.Lock()
	d, ok := f.dirs[name]
	if !ok {
		d = &dir{}
		f.dirs[name] = d
	}
	f.mu.Unlock()
	d.once.Do(func() {
		stats, err := f.ref.ReadDir(f.ctx, client.ReadDirRequest{Path: "/" + name})
		if err != nil {
			d.err = f.pathError("readdir", name, err)
			return
		}
		for _, st := range stats {
			d.entries = append(d.entries, fs.FileInfoToDirEntry(fileInfo{st}))
		}
	})
	return d.entries, d.err
}

// Stat implements fs.StatFS. It looks at the directory's list first, which
// saves a call for each file that is not there.
func (f *refFS) Stat(name string) (fs.FileInfo, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrInvalid}
	}
	if name != "." {
		entries, err := f.ReadDir(path.Dir(name))
		if err != nil {
			return nil, &fs.PathError{Op: "stat", Path: name, Err: errors.Unwrap(err)}
		}
		i := slices.IndexFunc(entries, func(e fs.DirEntry) bool { return e.Name() == path.Base(name) })
		if i < 0 {
			return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
		}
		if entries[i].Type()&fs.ModeSymlink == 0 {
			return entries[i].Info()
		}
	}
	st, err := f.ref.StatFile(f.ctx, client.StatRequest{Path: "/" + name})
	if err != nil {
		return nil, f.pathError("stat", name, err)
	}
	return fileInfo{st}, nil
}

// pathError makes the daemon's "not found", which loses its type on the way,
// fs.ErrNotExist again.
func (f *refFS) pathError(op, name string, err error) error {
	if strings.Contains(err.Error(), "no such file or directory") || strings.Contains(err.Error(), "not a directory") {
		err = fmt.Errorf("%w (%s)", fs.ErrNotExist, err)
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// readOptional reads a file that need not be there.
func readOptional(fsys fs.FS, name string) ([]byte, error) {
	if _, err := fs.Stat(fsys, name); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	data, err := fs.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

type fileInfo struct{ st *fstypes.Stat }

func (i fileInfo) Name() string       { return path.Base(i.st.Path) }
func (i fileInfo) Size() int64        { return i.st.Size }
func (i fileInfo) Mode() fs.FileMode  { return fs.FileMode(i.st.Mode) }
func (i fileInfo) ModTime() time.Time { return time.Unix(0, i.st.ModTime) }
func (i fileInfo) IsDir() bool        { return i.Mode().IsDir() }
func (i fileInfo) Sys() any           { return i.st }

type openFile struct {
	io.Reader
	info fs.FileInfo
}

func (o *openFile) Stat() (fs.FileInfo, error) { return o.info, nil }
func (o *openFile) Close() error               { return nil }
