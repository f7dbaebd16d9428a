package step

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// judgeEvent turns what smoke.py saw into failures.
func (t *smokeTest) judgeEvent(e event) {
	switch e.Event {
	case "failed":
		t.failImport(e.Module, e.Chain)
	case "no-object":
		t.fail(Failure{
			Kind: KindMissingObject, Module: e.Module, Name: t.server, Similar: e.Similar,
			Detail: fmt.Sprintf("%s has no %s", e.Module, t.serverObject),
		})
	case "object":
		t.judgeObject(e)
	}
}

func (t *smokeTest) judgeObject(e event) {
	switch {
	case !e.Callable:
		t.fail(Failure{
			Kind: KindNotCallable, Module: e.Module, Name: t.server,
			Detail: fmt.Sprintf("%s is not callable: it is of type %s", t.server, e.Type),
		})
	case e.Interface != "" && t.interfaceWanted != "" && e.Interface != t.interfaceWanted:
		t.fail(Failure{
			Kind: KindWrongInterface, Module: e.Module, Name: t.server,
			Detail: fmt.Sprintf("%s looks like %s, the server speaks %s", t.server, strings.ToUpper(e.Interface), strings.ToUpper(t.interfaceWanted)),
		})
	}
}

// causes are the reasons that more is known about than a line of text; the
// first exception of a chain that fits one is the reason.
var causes = []func(t *smokeTest, module string, l link) (Failure, bool){
	(*smokeTest).wrongArchitecture,
	(*smokeTest).missingLibrary,
	(*smokeTest).notFound,
}

// failImport finds out why an import failed.
func (t *smokeTest) failImport(module string, chain []link) {
	for _, l := range chain {
		for _, cause := range causes {
			if f, ok := cause(t, module, l); ok {
				f.Module = module
				t.failOnce(f)
				return
			}
		}
	}
	f := Failure{Kind: KindImportError, Module: module}
	if len(chain) > 0 {
		f.Detail = oneLine(chain[0])
	}
	t.fail(f)
}

// failOnce merges the failed import of a file with what the walk over all
// files has said about its distribution.
func (t *smokeTest) failOnce(f Failure) {
	if f.Kind == KindWrongArchitecture {
		i := slices.IndexFunc(t.report.Failures, func(other Failure) bool {
			same := other.Distribution == f.Distribution && f.Distribution != "" || other.Name == f.Name
			return other.Kind == f.Kind && same && other.Module == ""
		})
		if i >= 0 {
			t.report.Failures[i].Module = f.Module
			return
		}
	}
	t.fail(f)
}

// What loaders say about a library that they do not find: glibc, then musl.
var loaderMessages = []*regexp.Regexp{
	regexp.MustCompile(`^(.+?): cannot open shared object file`),
	regexp.MustCompile(`^Error loading shared library ([^:]+):`),
	regexp.MustCompile(`^(.+?): (?:wrong ELF class|invalid ELF header|ELF file data encoding)`),
}

// libraryOf takes the library out of a loader's message.
func libraryOf(l link) (string, bool) {
	if !l.Linking {
		return "", false
	}
	for _, message := range loaderMessages {
		if m := message.FindStringSubmatch(l.Message); m != nil {
			return m[1], true
		}
	}
	return "", false
}

// wrongArchitecture looks behind the loader's message: glibc says of a file
// for another machine that it does not exist.
func (t *smokeTest) wrongArchitecture(_ string, l link) (Failure, bool) {
	want, ok := machines[t.machine]
	if !ok {
		if want, ok, _ = readMachine(t.interpreter()); !ok {
			return Failure{}, false
		}
	}
	for _, path := range t.suspects(l) {
		id, isELF, err := readMachine(path)
		if err != nil || !isELF || id == want {
			continue
		}
		return Failure{
			Kind: KindWrongArchitecture, Name: t.shown(path), Machine: machineName(id), Distribution: t.ownerOf(path),
			Detail: fmt.Sprintf("%s is for %s, the image is for %s", t.shown(path), machineName(id), machineName(want)),
		}, true
	}
	return Failure{}, false
}

// suspects are the files that an exception can be about.
func (t *smokeTest) suspects(l link) []string {
	if library, ok := libraryOf(l); ok {
		if filepath.IsAbs(library) {
			return []string{library}
		}
		return []string{l.Path}
	}
	if l.NotFound && l.Exists {
		return t.builds(l.Name)
	}
	return nil
}

// builds lists the files of an extension module, whatever they are built for.
func (t *smokeTest) builds(module string) []string {
	stem := filepath.Join(append([]string{t.site}, strings.Split(module, ".")...)...)
	found, err := filepath.Glob(escapeGlob(stem) + ".*so")
	if err != nil || t.site == "" {
		return nil
	}
	return found
}

func (t *smokeTest) missingLibrary(_ string, l link) (Failure, bool) {
	library, ok := libraryOf(l)
	if !ok {
		return Failure{}, false
	}
	f := Failure{Kind: KindMissingLibrary, Name: filepath.Base(library), Detail: filepath.Base(library) + " is missing"}
	if path := t.needing(f.Name, l.Path); path != "" {
		f.Distribution = t.ownerOf(path)
		f.Detail += fmt.Sprintf("; %s needs it", t.shown(path))
	}
	return f, true
}

// notFound tells the module that was asked for from what it imports.
func (t *smokeTest) notFound(module string, l link) (Failure, bool) {
	if !l.NotFound || l.Name == "" {
		return Failure{}, false
	}
	f := Failure{Kind: KindMissingModule, Name: l.Name, Similar: l.Similar, Detail: fmt.Sprintf("there is no module %s", l.Name)}
	switch builds := t.builds(l.Name); {
	case module == l.Name || strings.HasPrefix(module, l.Name+"."):
	case l.Stdlib:
		f.Similar = nil
		f.Detail = fmt.Sprintf("this Python was built without %s of the standard library", l.Name)
	case len(builds) > 0:
		f.Detail = fmt.Sprintf("%s is built for another Python", t.shown(builds[0]))
		f.Distribution = t.ownerOf(builds[0])
	case !l.Exists:
		f.Kind, f.Similar = KindMissingDistribution, nil
		f.Detail = fmt.Sprintf("%s imports %s, which is not installed", module, l.Name)
	}
	return f, true
}

// address matches what differs from run to run in a message.
var address = regexp.MustCompile(`0x[0-9a-f]{6,}`)

// oneLine is an exception as a traceback ends, cut to a readable length.
func oneLine(l link) string {
	first, _, _ := strings.Cut(strings.TrimSpace(l.Message), "\n")
	text := []rune(strings.TrimSuffix(l.Type+": "+address.ReplaceAllString(first, "0x…"), ": "))
	if len(text) > 300 {
		text = append(text[:299], '…')
	}
	return string(text)
}
