package lock

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pyfrontend/pyfrontend/llbgen/packaging"
	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// Options say what of a pylock.toml is wanted. For uv's export they stay empty:
// uv has chosen already.
type Options struct {
	// Extras and Groups must be among Lock.Extras and Lock.Groups. The lock's
	// default groups are always taken.
	Extras, Groups []string
	// At is where the user asked for them.
	At spec.Place
}

// Select gives what a target installs, by normalised name and then version,
// with every file's name, address and hash checked. All mistakes are reported
// together; every error in it is a *spec.Error.
func (l *Lock) Select(t packaging.Target, o Options) ([]Distribution, error) {
	if err := l.fits(t, o); err != nil {
		return nil, err
	}
	s := &selection{lock: l, target: t, index: t.TagIndex()}
	chosen, errs := l.filter(t, o)
	distributions := make([]Distribution, 0, len(chosen))
	for _, p := range chosen {
		d, err := s.distribution(p)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		distributions = append(distributions, d)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return distributions, nil
}

// fits checks what holds for the lock as a whole.
func (l *Lock) fits(t packaging.Target, o Options) error {
	if !l.RequiresPython.Contains(t.Python) {
		e := spec.Errorf(l.At, "%s is for Python %s, and the target has %s", literal(l.File), literal(l.RequiresPython.String()), pythonName(t))
		e.Hint = "choose another `python`, or change `requires-python` and lock again"
		return e
	}
	environment := t.Environment()
	holds := func(m *packaging.Marker) bool { return m.Evaluate(environment) }
	if len(l.Environments) > 0 && !slices.ContainsFunc(l.Environments, holds) {
		e := spec.Errorf(l.At, "%s was not made for %s on %s", literal(l.File), pythonName(t), platformName(t))
		e.Hint = "none of its `environments` holds there: lock again with that platform among them"
		return e
	}
	at := o.At
	if at.File == "" {
		at = l.At
	}
	var errs []error
	for _, kind := range []struct {
		name        string
		want, offer []string
	}{{"extra", o.Extras, l.Extras}, {"dependency group", o.Groups, l.Groups}} {
		for _, want := range kind.want {
			if !slices.Contains(kind.offer, packaging.NormalizeName(want)) {
				e := spec.Errorf(at, "%s has no %s %s", literal(l.File), kind.name, literal(want))
				if len(kind.offer) > 0 {
					e.Hint = "it has " + listing(literals(kind.offer))
				}
				errs = append(errs, e)
			}
		}
	}
	return errors.Join(errs...)
}

func literals(words []string) []string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = literal(word)
	}
	return quoted
}

// filter gives the packages whose marker holds, in their final order.
func (l *Lock) filter(t packaging.Target, o Options) ([]*Package, []error) {
	environment := t.Environment()
	environment.Extras = o.Extras
	environment.DependencyGroups = slices.Concat(l.DefaultGroups, o.Groups)
	var chosen []*Package
	for i := range l.Packages {
		if p := &l.Packages[i]; p.Marker.Evaluate(environment) {
			chosen = append(chosen, p)
		}
	}
	slices.SortStableFunc(chosen, func(a, b *Package) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), a.version.Compare(b.version))
	})
	var errs []error
	for i, p := range chosen {
		if i > 0 && chosen[i-1].Name == p.Name {
			other := chosen[i-1]
			errs = append(errs, spec.Errorf(p.At, "%s is selected twice for %s on %s: %s and %s (line %d)", literal(p.Name),
				pythonName(t), platformName(t), versionName(p), versionName(other), other.At.Range.Start.Line))
		}
		if !p.RequiresPython.Contains(t.Python) {
			e := spec.Errorf(p.At, "%s needs Python %s, and the target has %s", title(p), literal(p.RequiresPython.String()), pythonName(t))
			e.Hint = "choose another `python`, or lock again"
			errs = append(errs, e)
		}
	}
	return chosen, errs
}

// title names a package in a message.
func title(p *Package) string {
	if p.Version == "" {
		return literal(p.Name)
	}
	return literal(p.Name) + " " + printable(p.Version)
}

func versionName(p *Package) string {
	if p.Version == "" {
		return "no version"
	}
	return printable(p.Version)
}

// pythonName is the target's Python in a message.
func pythonName(t packaging.Target) string {
	release := append(t.Python.Release(), 0, 0)
	name := fmt.Sprintf("CPython %d.%d", release[0], release[1])
	if t.FreeThreaded {
		name = "free-threaded " + name
	}
	return name
}

// platformName is the target's platform in a message.
func platformName(t packaging.Target) string {
	arch, ok := map[string]string{"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm/v7", "i686": "386"}[t.Arch]
	if !ok {
		arch = t.Arch
	}
	name := "linux/" + arch
	if t.Libc.Major > 0 {
		name += " (" + libcName(t.Libc) + ")"
	}
	return name
}

func libcName(l packaging.Libc) string {
	name := "glibc"
	if l.Musl {
		name = "musl"
	}
	return fmt.Sprintf("%s %d.%d", name, l.Major, l.Minor)
}

// selection chooses the files of one target.
type selection struct {
	lock   *Lock
	target packaging.Target
	index  packaging.TagIndex
	others []otherPython
}

func (s *selection) distribution(p *Package) (Distribution, error) {
	d := Distribution{Name: p.Name, Version: p.Version, At: p.At}
	wheels := p.Wheels
	switch {
	case p.Directory != nil:
		d.Directory = p.Directory
		return d, nil
	case p.VCS != nil:
		return d, needsBuild(p, "comes from a source repository")
	case p.Archive != nil && !strings.HasSuffix(p.Archive.File.Name, ".whl"):
		return d, needsBuild(p, "comes from a source archive")
	case p.Archive != nil:
		wheels = []File{p.Archive.File}
	}
	if err := checkWheelNames(p, wheels); err != nil {
		return d, err
	}
	best := s.best(wheels)
	if best == nil {
		return d, s.noWheel(p, wheels)
	}
	if err := s.lock.checkFile(best); err != nil {
		return d, err
	}
	d.File, d.Tags, d.Index = *best, best.wheel.Tags, p.Index
	if p.Version == "" {
		d.Version = best.wheel.Version.String()
	}
	return d, nil
}

func needsBuild(p *Package, why string) error {
	e := spec.Errorf(p.At, "%s %s, which this pyfrontend does not build yet", title(p), why)
	e.Hint = "depend on a release that has wheels, or on a wheel's URL"
	return e
}

// best is the wheel with the most preferred tag, then with the highest build
// tag, then the first; nil if none fits.
func (s *selection) best(wheels []File) *File {
	var best *File
	bestRank := 0
	for i := range wheels {
		w := &wheels[i]
		rank, ok := w.wheel.Rank(s.index)
		if !ok {
			continue
		}
		if best == nil || rank < bestRank || rank == bestRank && packaging.CompareBuild(w.wheel.Build, best.wheel.Build) > 0 {
			best, bestRank = w, rank
		}
	}
	return best
}

// checkWheelNames refuses names that are hostile, unreadable or of something
// else than the package.
func checkWheelNames(p *Package, wheels []File) error {
	var errs []error
	for i := range wheels {
		w := &wheels[i]
		switch {
		case !validFileName(w.Name):
			errs = append(errs, spec.Errorf(w.At, "%s is not an acceptable file name", literal(w.Name)))
		case w.wheelErr != nil || !strings.HasSuffix(w.Name, ".whl"):
			errs = append(errs, spec.Errorf(w.At, "%s is not the name of a wheel", literal(w.Name)))
		case w.wheel.Name != p.Name || p.Version != "" && w.wheel.Version.Compare(p.version) != 0:
			errs = append(errs, spec.Errorf(w.At, "the file %s is not of %s", literal(w.Name), title(p)))
		}
	}
	return errors.Join(errs...)
}

// checkFile refuses a file that cannot be fetched and verified.
func (l *Lock) checkFile(f *File) error {
	if f.SHA256 == "" {
		return noHash(f.At, f.Name, l.File, f.otherHashes)
	}
	if f.outside {
		return outside(f.At, literal(f.Name), f.Path)
	}
	if f.URL == "" && f.Path == "" {
		return spec.Errorf(f.At, "%s has neither a URL nor a path", literal(f.Name))
	}
	if f.URL != "" && !validURL(f.URL) {
		e := spec.Errorf(f.At, "%s is not an http or https address", literal(f.URL))
		e.Hint = "use an index that serves the file, or name a wheel of the project as `{ path = … }` in `[tool.uv.sources]`, and lock again"
		return e
	}
	return nil
}

// noHash says that a file of a lock has none of the hashes that count.
func noHash(at spec.Place, name, file, others string) error {
	e := spec.Errorf(at, "%s has no sha256 hash in %s", literal(name), literal(file))
	if others != "" {
		e.Message += ", only " + printable(others)
	}
	e.Hint = "lock again, from an index that states sha256 hashes"
	return e
}
