package step

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// machineID is what tells one machine's files from another's.
type machineID struct {
	machine elf.Machine
	class   elf.Class
	data    elf.Data
}

// machines are the ones that wheels are made for, as platform tags name them.
var machines = map[string]machineID{
	"x86_64":  {elf.EM_X86_64, elf.ELFCLASS64, elf.ELFDATA2LSB},
	"aarch64": {elf.EM_AARCH64, elf.ELFCLASS64, elf.ELFDATA2LSB},
	"armv7l":  {elf.EM_ARM, elf.ELFCLASS32, elf.ELFDATA2LSB},
	"i686":    {elf.EM_386, elf.ELFCLASS32, elf.ELFDATA2LSB},
	"ppc64le": {elf.EM_PPC64, elf.ELFCLASS64, elf.ELFDATA2LSB},
	"s390x":   {elf.EM_S390, elf.ELFCLASS64, elf.ELFDATA2MSB},
	"riscv64": {elf.EM_RISCV, elf.ELFCLASS64, elf.ELFDATA2LSB},
	"loong64": {elf.EM_LOONGARCH, elf.ELFCLASS64, elf.ELFDATA2LSB},
}

// machineName is the inverse of machines.
func machineName(id machineID) string {
	for name, known := range machines {
		if known == id {
			return name
		}
	}
	return strings.ToLower(strings.TrimPrefix(id.machine.String(), "EM_"))
}

// libraryName matches x.so and x.so.1.2, the files a loader opens.
var libraryName = regexp.MustCompile(`\.so(\.[0-9]+)*$`)

// extensionName matches modules that only an import can use.
var extensionName = regexp.MustCompile(`\.(cpython-[^/]*|abi3)\.so$`)

// readMachine reads the first bytes of an ELF file; ok is false for others.
func readMachine(path string) (id machineID, ok bool, err error) {
	file, err := os.Open(path)
	if err != nil {
		return id, false, err
	}
	defer file.Close()
	var head [20]byte
	if _, err := io.ReadFull(file, head[:]); err == io.EOF || err == io.ErrUnexpectedEOF {
		return id, false, nil
	} else if err != nil {
		return id, false, err
	}
	if string(head[:4]) != elf.ELFMAG {
		return id, false, nil
	}
	id.class, id.data = elf.Class(head[elf.EI_CLASS]), elf.Data(head[elf.EI_DATA])
	var order binary.ByteOrder = binary.LittleEndian
	if id.data == elf.ELFDATA2MSB {
		order = binary.BigEndian
	}
	id.machine = elf.Machine(order.Uint16(head[18:]))
	return id, true, nil
}

// libraries lists the shared objects in site-packages and the further paths.
func (t *smokeTest) libraries() ([]string, error) {
	var found []string
	for _, root := range append([]string{t.site}, t.paths...) {
		if root == "" {
			continue
		}
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if !d.IsDir() && libraryName.MatchString(d.Name()) {
				found = append(found, path)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("searching shared libraries: %w", err)
		}
	}
	return found, nil
}

// foreignGroup is the files for other machines of one distribution, or of one
// directory where there is no distribution.
type foreignGroup struct {
	owner, machine string
	files          []string
	native         bool // holds a file for the right machine too
	extension      bool // holds an extension module for the wrong one
}

// checkMachines finds what cannot be loaded on the machine. Packages that
// ship one helper per machine are left alone; a wheel for any platform that
// has none for this one is only odd.
func (t *smokeTest) checkMachines() error {
	if t.machine == "" {
		return nil
	}
	paths, err := t.libraries()
	if err != nil {
		return err
	}
	groups := map[string]*foreignGroup{}
	var order []*foreignGroup
	for _, path := range paths {
		id, ok, err := readMachine(path)
		if err != nil {
			return fmt.Errorf("reading a shared library: %w", err)
		}
		if !ok {
			continue
		}
		owner := t.ownerOf(path)
		key := owner
		if owner == "" {
			key = filepath.Dir(path)
		}
		g := groups[key]
		if g == nil {
			g = &foreignGroup{owner: owner}
			groups[key], order = g, append(order, g)
		}
		if id == machines[t.machine] {
			g.native = true
			continue
		}
		if len(g.files) == 0 {
			g.machine = machineName(id)
		}
		g.files = append(g.files, t.shown(path))
		g.extension = g.extension || extensionName.MatchString(path)
	}
	for _, g := range order {
		t.judge(g)
	}
	return nil
}

func (t *smokeTest) judge(g *foreignGroup) {
	switch {
	case g.native || len(g.files) == 0:
	case g.extension || !t.isForAny(g.owner):
		detail := fmt.Sprintf("%s is for %s, the image is for %s", g.files[0], g.machine, t.machine)
		if n := len(g.files) - 1; n > 0 {
			detail += fmt.Sprintf(" (and %d more)", n)
		}
		t.fail(Failure{Kind: KindWrongArchitecture, Name: g.files[0], Detail: detail, Machine: g.machine, Distribution: g.owner})
	default:
		t.report.Warnings = append(t.report.Warnings, Warning{
			Kind: KindForeignFile, Path: g.files[0], Files: len(g.files), Machine: g.machine, Distributions: []string{g.owner},
		})
	}
}

// isForAny says whether the distribution's wheel claims to fit any platform.
func (t *smokeTest) isForAny(owner string) bool {
	i := slices.IndexFunc(t.all, func(d distribution) bool { return d.name == owner })
	if i < 0 {
		return false
	}
	data, err := os.ReadFile(filepath.Join(t.all[i].dir, "WHEEL"))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(data)) {
		if tag, ok := strings.CutPrefix(line, "Tag:"); ok && strings.HasSuffix(strings.TrimSpace(tag), "-any") {
			return true
		}
	}
	return false
}

// needing finds the file that needs a library: preferred if it does, else the
// first one in order.
func (t *smokeTest) needing(library, preferred string) string {
	paths, err := t.libraries()
	if err != nil {
		return ""
	}
	slices.Sort(paths)
	if preferred != "" {
		paths = append([]string{preferred}, paths...)
	}
	for _, path := range paths {
		file, err := elf.Open(path)
		if err != nil {
			continue
		}
		needed, err := file.ImportedLibraries()
		file.Close()
		if err == nil && slices.Contains(needed, library) {
			return path
		}
	}
	return ""
}
