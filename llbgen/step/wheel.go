package step

import (
	"archive/zip"
	"bufio"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// wheel is one wheel file and the places it claims.
type wheel struct {
	path     string // where the file lies
	file     string // its name
	name     string // normalised distribution name
	version  string
	tags     [3]string         // python, ABI and platform, as the name spells them
	claims   map[string]string // place in the environment → what is put there
	compiled bool              // ships .pyc files of its own
}

// Places that claims are relative to; the real ones depend on the interpreter.
const (
	sitePlace    = "site-packages/"
	headersPlace = "include/"
	binPlace     = "bin/"
)

// File types of the Unix mode in a zip entry, whatever system wrote it.
const (
	typeMask = 0o170000
	typeDir  = 0o040000
	typeFile = 0o100000
	typeLink = 0o120000
)

// findWheels reads every wheel in dir and its direct sub-directories, sorted
// by normalised name, then version.
func findWheels(dir string) ([]*wheel, error) {
	var paths []string
	for _, pattern := range []string{"*.whl", "*/*.whl"} {
		found, err := filepath.Glob(filepath.Join(escapeGlob(dir), pattern))
		if err != nil {
			return nil, fmt.Errorf("searching %s: %w", dir, err)
		}
		paths = append(paths, found...)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("no wheels in %s", dir)
	}
	wheels := make([]*wheel, len(paths))
	for i, p := range paths {
		w, err := readWheel(p)
		if err != nil {
			return nil, err
		}
		wheels[i] = w
	}
	slices.SortFunc(wheels, func(a, b *wheel) int {
		return strings.Compare(a.name+"\x00"+a.version+"\x00"+a.path, b.name+"\x00"+b.version+"\x00"+b.path)
	})
	for i := 1; i < len(wheels); i++ {
		if wheels[i].name == wheels[i-1].name {
			return nil, fmt.Errorf("two wheels of %s: %s and %s", wheels[i].name, wheels[i-1].file, wheels[i].file)
		}
	}
	return wheels, nil
}

func escapeGlob(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// readWheel takes the file name apart and inspects the zip directory.
func readWheel(file string) (*wheel, error) {
	w := &wheel{path: file, file: filepath.Base(file), claims: map[string]string{}}
	parts := strings.Split(strings.TrimSuffix(w.file, ".whl"), "-")
	if len(parts) != 5 && len(parts) != 6 {
		return nil, fmt.Errorf("%s is not the name of a wheel", w.file)
	}
	w.name, w.version = normalise(parts[0]), parts[1]
	copy(w.tags[:], parts[len(parts)-3:])
	archive, err := zip.OpenReader(file)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", w.file, err)
	}
	defer archive.Close()
	if err := w.inspect(archive.File); err != nil {
		return nil, fmt.Errorf("refusing %s: %w", w.file, err)
	}
	return w, nil
}

// normalise spells a distribution name as PEP 503 does.
func normalise(name string) string {
	fields := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return r == '-' || r == '_' || r == '.'
	})
	return strings.Join(fields, "-")
}

// inspect refuses entries that could leave the environment or whose result
// would depend on the installer, and notes what the others claim.
func (w *wheel) inspect(entries []*zip.File) error {
	seen := make(map[string]bool, len(entries))
	for _, e := range entries {
		if err := checkEntry(e); err != nil {
			return err
		}
		if strings.HasSuffix(e.Name, "/") {
			continue
		}
		name := path.Clean(e.Name)
		if seen[name] {
			return fmt.Errorf("it holds %q twice", name)
		}
		seen[name] = true
		if err := w.claimEntry(name, e); err != nil {
			return err
		}
	}
	for name := range seen {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if seen[dir] {
				return fmt.Errorf("%q is a file and a directory", dir)
			}
		}
	}
	return nil
}

// checkEntry refuses what pip refuses and uv lets pass.
func checkEntry(e *zip.File) error {
	name := e.Name
	switch {
	case name == "" || strings.ContainsRune(name, 0):
		return fmt.Errorf("entry with the unusable name %q", name)
	case strings.HasPrefix(name, "/"):
		return fmt.Errorf("entry with the absolute path %q", name)
	case slices.Contains(strings.Split(name, "/"), ".."):
		return fmt.Errorf("entry %q leads out of the environment", name)
	}
	switch kind := e.ExternalAttrs >> 16 & typeMask; kind {
	case 0, typeFile, typeDir:
		return nil
	case typeLink:
		return fmt.Errorf("entry %q is a symbolic link", name)
	default:
		return fmt.Errorf("entry %q is neither a file nor a directory", name)
	}
}

// claimEntry notes where an entry ends up.
func (w *wheel) claimEntry(name string, e *zip.File) error {
	w.compiled = w.compiled || strings.HasSuffix(name, ".pyc")
	content := fmt.Sprintf("%08x %d %t", e.CRC32, e.UncompressedSize64, e.ExternalAttrs>>16&0o111 != 0)
	top, rest, nested := strings.Cut(name, "/")
	if nested && strings.HasSuffix(top, ".dist-info") && rest == "entry_points.txt" {
		if err := w.claimScripts(e); err != nil {
			return err
		}
	}
	scheme, inside, isData := strings.Cut(rest, "/")
	if !nested || !isData || !strings.HasSuffix(top, ".data") {
		return w.claim(sitePlace+name, content)
	}
	switch scheme {
	case "purelib", "platlib":
		return w.claim(sitePlace+inside, content)
	case "scripts":
		return w.claim(binPlace+inside, content)
	case "headers":
		return w.claim(headersPlace+w.name+"/"+inside, content)
	case "data":
		return w.claim(sitePackagesOf(inside), content)
	}
	return fmt.Errorf("entry %q is of no known scheme", name)
}

// sitePackagesOf maps lib/pythonX.Y/site-packages/… to where other wheels
// claim the same place.
func sitePackagesOf(name string) string {
	parts := strings.SplitN(name, "/", 4)
	if len(parts) == 4 && strings.HasPrefix(parts[0], "lib") && strings.HasPrefix(parts[1], "python") && parts[2] == "site-packages" {
		return sitePlace + parts[3]
	}
	return name
}

// claim refuses the places that make an environment one; another layer holds
// them.
func (w *wheel) claim(place, content string) error {
	first, _, _ := strings.Cut(strings.TrimPrefix(place, binPlace), "/")
	reserved := place == "pyvenv.cfg" || place == ".lock" || strings.HasPrefix(place, workName+"/") || place == workName
	if strings.HasPrefix(place, binPlace) {
		reserved = isInterpreter(first)
	}
	if reserved {
		return fmt.Errorf("it overwrites %s of the environment", place)
	}
	w.claims[place] = content
	return nil
}

// isInterpreter matches python, python3 and python3.13, not python-config.
func isInterpreter(name string) bool {
	rest, ok := strings.CutPrefix(name, "python")
	return ok && strings.Trim(rest, "0123456789.") == ""
}

// claimScripts notes the scripts that the installer writes for entry points.
func (w *wheel) claimScripts(e *zip.File) error {
	file, err := e.Open()
	if err != nil {
		return fmt.Errorf("reading %s: %w", e.Name, err)
	}
	defer file.Close()
	section := ""
	lines := bufio.NewScanner(io.LimitReader(file, 16<<20))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[] ")
			continue
		}
		name, target, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") || section != "console_scripts" && section != "gui_scripts" {
			continue
		}
		name = strings.TrimSpace(name)
		if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
			return fmt.Errorf("a script cannot be called %q", name)
		}
		if err := w.claim(binPlace+name, "script "+strings.TrimSpace(target)); err != nil {
			return err
		}
	}
	return lines.Err()
}

// forAnyPlatform links the wheel into dir under a name that this machine
// accepts. uv knows a closed list of foreign platforms; the frontend has
// chosen the file by its tags, so only the platform is renamed and uv still
// checks the Python version and the ABI.
func (w *wheel) forAnyPlatform(dir, target, host string) (string, error) {
	if w.tags[2] == "any" {
		return w.path, nil
	}
	machine, _, _ := strings.Cut(target, "-")
	if !slices.ContainsFunc(strings.Split(w.tags[2], "."), func(tag string) bool {
		return tag == "any" || strings.HasSuffix(tag, "_"+machine)
	}) {
		return "", fmt.Errorf("%s is not for %s", w.file, machine)
	}
	parts := strings.Split(w.file, "-")
	parts[len(parts)-1] = "linux_" + host + ".whl"
	link := filepath.Join(dir, strings.Join(parts, "-"))
	if err := os.Symlink(w.path, link); err != nil {
		return "", fmt.Errorf("renaming %s: %w", w.file, err)
	}
	return link, nil
}
