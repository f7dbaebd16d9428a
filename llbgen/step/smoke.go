package step

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

type smokeOptions struct {
	venv, output               string
	workdir                    string
	uid, gid                   uint
	projects, modules, paths   list
	parts                      list
	server, interfaceWanted    string
	machine                    string
	foreign                    bool
	serverModule, serverObject string
	timeout                    time.Duration
}

// Report is what a smoke test writes. It holds no times and no temporary
// paths, so that the same environment gives the same bytes.
type Report struct {
	OK       bool      `json:"ok"`
	Modules  []string  `json:"modules"`
	Failures []Failure `json:"failures"`
	Warnings []Warning `json:"warnings"`
}

// Failure is one reason why the image must not be made.
type Failure struct {
	Kind         string   `json:"kind"`
	Module       string   `json:"module,omitempty"`       // whose import was asked for
	Name         string   `json:"name,omitempty"`         // what is missing: import name, library, path, object
	Detail       string   `json:"detail"`                 // one line
	Machine      string   `json:"machine,omitempty"`      // of the file
	Distribution string   `json:"distribution,omitempty"` // owner of the file
	Similar      []string `json:"similar,omitempty"`      // names that exist
}

// Warning is something odd that does not stop the build.
type Warning struct {
	Kind          string   `json:"kind"`
	Path          string   `json:"path"` // as RECORD spells it, the first of several
	Files         int      `json:"files"`
	Distributions []string `json:"distributions"`
	Winner        string   `json:"winner,omitempty"`
	Machine       string   `json:"machine,omitempty"`
}

// Kinds of Failure.
const (
	KindMissingDistribution = "missing-distribution"
	KindMissingLibrary      = "missing-library"
	KindWrongArchitecture   = "wrong-architecture"
	KindMissingModule       = "missing-module"
	KindMissingObject       = "missing-object"
	KindNotCallable         = "not-callable"
	KindWrongInterface      = "wrong-interface"
	KindImportError         = "import-error"
	KindCrash               = "crash"
)

// Kinds of Warning.
const (
	KindDuplicateFile = "duplicate-file"
	KindForeignFile   = "foreign-file"
)

func runSmoke(fs *flag.FlagSet, args []string, s streams) error {
	var o smokeOptions
	fs.StringVar(&o.venv, "venv", "", "the environment")
	fs.StringVar(&o.output, "output", "", "where the report is written")
	fs.StringVar(&o.workdir, "workdir", "/", "working directory of the imports")
	fs.UintVar(&o.uid, "uid", 0, "user of the imports")
	fs.UintVar(&o.gid, "gid", 0, "group of the imports")
	fs.Var(&o.projects, "project", "distribution whose top-level modules are imported, repeatable")
	fs.Var(&o.modules, "module", "module to import instead of the projects', repeatable")
	fs.StringVar(&o.server, "server", "", "module:object that a server will serve")
	fs.StringVar(&o.interfaceWanted, "interface", "", "what the object must be: asgi or wsgi")
	fs.StringVar(&o.machine, "machine", "", "machine that the files must be for, such as x86_64")
	fs.BoolVar(&o.foreign, "foreign", false, "the machine is not this one: run nothing")
	fs.Var(&o.parts, "part", "directory that is part of the environment, repeatable; a later one wins")
	fs.Var(&o.paths, "path", "further directory to look for binaries, repeatable")
	fs.DurationVar(&o.timeout, "timeout", 5*time.Minute, "how long all imports together may take")
	if err := parse(fs, args, "venv", "output"); err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return err
	}
	return smoke(o, s)
}

// check refuses what cannot be meant.
func (o *smokeOptions) check() error {
	if err := absolute(&o.venv, &o.output, &o.workdir); err != nil {
		return err
	}
	if !slices.Contains([]string{"", "asgi", "wsgi"}, o.interfaceWanted) {
		return usageError{fmt.Sprintf("--interface %q is neither asgi nor wsgi", o.interfaceWanted)}
	}
	if _, known := machines[o.machine]; o.machine != "" && !known {
		return usageError{fmt.Sprintf("--machine %q is not known", o.machine)}
	}
	if o.server == "" {
		return nil
	}
	var ok bool
	o.serverModule, o.serverObject, ok = strings.Cut(o.server, ":")
	if !ok || o.serverModule == "" || o.serverObject == "" {
		return usageError{fmt.Sprintf("--server %q is not module:object", o.server)}
	}
	return nil
}

// smoke tests the file system and writes the report.
func smoke(o smokeOptions, s streams) error {
	if err := assemble(o.venv, o.parts); err != nil {
		return err
	}
	site, err := findSite(o.venv)
	if err != nil {
		return err
	}
	t, err := newSmokeTest(o, site, s)
	if err != nil {
		return err
	}
	if err := t.checkMachines(); err != nil {
		return err
	}
	if err := t.checkDuplicates(); err != nil {
		return err
	}
	if !o.foreign {
		if err := t.importAll(t.plan()); err != nil {
			return err
		}
	}
	return t.write()
}

// smokeTest is what the parts of one smoke test share.
type smokeTest struct {
	smokeOptions
	streams
	site   string
	all    []distribution
	owners map[string]string // RECORD path → distribution
	report Report
}

func newSmokeTest(o smokeOptions, site string, s streams) (*smokeTest, error) {
	t := &smokeTest{smokeOptions: o, streams: s, site: site, owners: map[string]string{}}
	t.report = Report{Modules: []string{}, Failures: []Failure{}, Warnings: []Warning{}}
	if site == "" {
		return t, nil
	}
	var err error
	if t.all, err = distributions(site); err != nil {
		return nil, err
	}
	for _, d := range t.all {
		for _, row := range d.rows {
			t.owners[row[0]] = d.name
		}
	}
	return t, nil
}

func (t *smokeTest) fail(f Failure) { t.report.Failures = append(t.report.Failures, f) }

// ownerOf names the distribution that installed the file at path.
func (t *smokeTest) ownerOf(path string) string {
	rel, err := filepath.Rel(t.site, path)
	if t.site == "" || err != nil {
		return ""
	}
	return t.owners[filepath.ToSlash(rel)]
}

// shown spells path relative to where it was found.
func (t *smokeTest) shown(path string) string {
	for _, root := range append([]string{t.site}, t.paths...) {
		if rest, ok := strings.CutPrefix(path, root+"/"); ok && root != "" {
			return rest
		}
	}
	return path
}

// write puts the report where the caller looks. It becomes part of the image, so
// its times are fixed.
func (t *smokeTest) write() error {
	t.report.OK = len(t.report.Failures) == 0
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(t.report); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	dir := filepath.Dir(t.output)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if err := os.WriteFile(t.output, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	for _, name := range []string{t.output, dir} {
		if err := os.Chtimes(name, fixedTime, fixedTime); err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
	}
	return nil
}
