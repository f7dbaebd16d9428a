package step

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

type setupOptions struct {
	root, python, version, venv, name, home, workdir string
	uid                                              int
	trim                                             bool
}

// runSetup prepares a base image's files: a user with a home, the working
// directory and the skeleton of the virtual environment; and it removes the
// image's own installers. It is an exec and not a file operation so that the
// times of the directories it changes stay what they were, which makes the
// layer the same wherever it is built.
func runSetup(flags *flag.FlagSet, args []string, _ streams) error {
	var o setupOptions
	flags.StringVar(&o.root, "root", "", "where the image's files are mounted")
	flags.StringVar(&o.python, "python", "", "the interpreter, as a path in the image")
	flags.StringVar(&o.version, "python-version", "", "its full version")
	flags.StringVar(&o.venv, "venv", "", "the virtual environment, as a path in the image")
	flags.StringVar(&o.name, "name", "app", "the user's name, unless the number has one")
	flags.IntVar(&o.uid, "uid", 0, "the user's and group's number")
	flags.StringVar(&o.home, "home", "", "the user's home directory")
	flags.StringVar(&o.workdir, "workdir", "", "the working directory")
	flags.BoolVar(&o.trim, "trim", false, "remove pip and its like from the image's own Python")
	if err := parse(flags, args, "root", "python", "python-version", "venv", "workdir"); err != nil {
		return err
	}
	root, err := os.OpenRoot(o.root)
	if err != nil {
		return err
	}
	defer root.Close()
	t := &tree{root: root, times: map[string]time.Time{}}
	if err := t.prepare(o); err != nil {
		return err
	}
	return t.restore()
}

// tree changes an image's files and remembers what the times of the
// directories were. Paths are relative to the image's root, which no symbolic
// link in the image can lead out of.
type tree struct {
	root  *os.Root
	times map[string]time.Time
}

func (t *tree) prepare(o setupOptions) error {
	if o.trim {
		if err := t.removeInstallers(o.python); err != nil {
			return err
		}
	}
	if o.uid != 0 {
		if err := t.addUser(o); err != nil {
			return err
		}
	}
	if err := t.mkdir(o.workdir, 0); err != nil {
		return err
	}
	return t.venv(o)
}

func (t *tree) venv(o setupOptions) error {
	minor := strings.Join(strings.SplitN(o.version, ".", 3)[:2], ".")
	bin := path.Join(o.venv, "bin")
	for _, dir := range []string{bin, path.Join(o.venv, "lib", "python"+minor, "site-packages")} {
		if err := t.mkdir(dir, 0); err != nil {
			return err
		}
	}
	config := fmt.Sprintf("home = %s\ninclude-system-site-packages = false\nversion = %s\n", path.Dir(o.python), o.version)
	if err := t.write(path.Join(o.venv, "pyvenv.cfg"), []byte(config), 0o644); err != nil {
		return err
	}
	for _, name := range []string{"python", "python3", "python" + minor} {
		link := rel(path.Join(bin, name))
		if err := t.root.Symlink(o.python, link); err != nil {
			return err
		}
		if err := settleLink(filepath.Join(t.root.Name(), link), fixedTime); err != nil {
			return err
		}
	}
	return nil
}

// mkdir makes a directory and those above it.
func (t *tree) mkdir(dir string, owner int) error {
	name := rel(dir)
	for i, c := range name + "/" {
		if c != '/' {
			continue
		}
		part := name[:i]
		if _, err := t.root.Stat(part); err == nil {
			continue
		}
		t.keep(path.Dir(part))
		if err := t.root.Mkdir(part, 0o755); err != nil {
			return err
		}
		if part == name && owner != 0 {
			if err := t.root.Chown(part, owner, owner); err != nil {
				return err
			}
		}
		t.times[part] = fixedTime
	}
	return nil
}

func (t *tree) write(file string, data []byte, mode fs.FileMode) error {
	name := rel(file)
	t.keep(path.Dir(name))
	if err := t.root.WriteFile(name, data, mode); err != nil {
		return err
	}
	return t.root.Chtimes(name, fixedTime, fixedTime)
}

// addUser adds the user to the databases, unless the number is there.
func (t *tree) addUser(o setupOptions) error {
	id := strconv.Itoa(o.uid)
	added, err := t.addEntry("etc/passwd", id, fmt.Sprintf("%s:x:%s:%s::%s:/usr/sbin/nologin", o.name, id, id, o.home))
	if err != nil {
		return err
	}
	if _, err := t.addEntry("etc/group", id, fmt.Sprintf("%s:x:%s:", o.name, id)); err != nil {
		return err
	}
	if !added || o.home == "" {
		return nil
	}
	return t.mkdir(o.home, o.uid)
}

func (t *tree) addEntry(file, id, line string) (added bool, err error) {
	data, err := t.root.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		return false, err
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		if fields := strings.Split(lines.Text(), ":"); len(fields) > 2 && fields[2] == id {
			return false, nil
		}
	}
	if err := t.mkdir("etc", 0); err != nil {
		return false, err
	}
	if len(data) > 0 && data[len(data)-1] != '\n' {
		data = append(data, '\n')
	}
	return true, t.write(file, append(data, line+"\n"...), 0o644)
}

// What a Python image carries to install packages with.
var (
	installerFiles   = regexp.MustCompile(`^(pip|setuptools|wheel)(-.*\.(dist|egg)-info)?$|^(pkg_resources|_distutils_hack|distutils-precedence\.pth)$`)
	installerScripts = regexp.MustCompile(`^(pip[0-9.]*|easy_install.*|wheel)$`)
	installerBundle  = regexp.MustCompile(`^_bundled$`)
)

func (t *tree) removeInstallers(python string) error {
	prefix := path.Dir(path.Dir(python))
	lib := path.Join(prefix, "lib", path.Base(python))
	for dir, pattern := range map[string]*regexp.Regexp{
		path.Join(lib, "site-packages"): installerFiles,
		path.Join(prefix, "bin"):        installerScripts,
		path.Join(lib, "ensurepip"):     installerBundle,
	} {
		entries, err := fs.ReadDir(t.root.FS(), rel(dir))
		if err != nil {
			continue
		}
		for _, entry := range entries {
			if !pattern.MatchString(entry.Name()) {
				continue
			}
			t.keep(rel(dir))
			if err := t.root.RemoveAll(path.Join(rel(dir), entry.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// keep remembers a directory's time before something in it changes.
func (t *tree) keep(dir string) {
	if _, known := t.times[dir]; known {
		return
	}
	if info, err := t.root.Stat(dir); err == nil {
		t.times[dir] = info.ModTime()
	}
}

// restore gives every directory its time back, the deepest first.
func (t *tree) restore() error {
	var dirs []string
	for dir := range t.times {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	slices.Reverse(dirs)
	for _, dir := range dirs {
		if err := t.root.Chtimes(dir, t.times[dir], t.times[dir]); err != nil {
			return err
		}
	}
	return nil
}

// rel gives an absolute path of the image in the form of fs.FS.
func rel(p string) string {
	if p = strings.TrimPrefix(path.Clean("/"+p), "/"); p != "" {
		return p
	}
	return "."
}

var fixedTime = time.Unix(Epoch, 0)

// settleLink sets the time of a symbolic link itself.
func settleLink(link string, at time.Time) error {
	name, err := syscall.BytePtrFromString(link)
	if err != nil {
		return err
	}
	const (
		atFdcwd           = -100
		atSymlinkNofollow = 0x100
	)
	cwd := atFdcwd
	times := [2]syscall.Timespec{{Sec: at.Unix()}, {Sec: at.Unix()}}
	if _, _, errno := syscall.Syscall6(syscall.SYS_UTIMENSAT, uintptr(cwd), uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(&times)), atSymlinkNofollow, 0, 0); errno != 0 {
		return fmt.Errorf("changing the time of %s: %w", link, errno)
	}
	return nil
}
