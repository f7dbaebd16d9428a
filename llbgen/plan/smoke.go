package plan

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// smoke decides what must import before there is an image.
func (in Input) smoke(p *Plan, st start) *Smoke {
	s := in.Spec
	if s.Tool.Smoke.Off {
		return nil
	}
	smoke := &Smoke{Modules: s.Tool.Smoke.Modules, At: s.At("tool.pyfrontend.smoke")}
	if s.Tool.Server != "" {
		smoke.Server, smoke.Interface = s.Tool.Server, st.iface
		smoke.At = s.At("tool.pyfrontend.server")
	}
	if len(smoke.Modules) == 0 {
		for _, project := range p.Projects {
			smoke.Projects = append(smoke.Projects, project.Name)
		}
		if p.Files != nil {
			smoke.Modules = topPackages(in.Context, in.Dir)
		}
	}
	return smoke
}

// topPackages lists the packages of an application directory, without its
// tests.
func topPackages(context fs.FS, dir string) []string {
	var names []string
	found, _ := fs.Glob(context, path.Join(dir, "*/__init__.py"))
	for _, file := range found {
		name := path.Base(path.Dir(file))
		if name != "tests" && name != "test" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// SmokeResult is what the smoke test found out, as it writes it.
type SmokeResult struct {
	OK       bool      `json:"ok"`
	Modules  []string  `json:"modules"`
	Failures []Failure `json:"failures"`
	Warnings []Finding `json:"warnings"`
}

// Failure is one import that did not work.
type Failure struct {
	Kind         string   `json:"kind"`
	Module       string   `json:"module"`
	Name         string   `json:"name"`
	Detail       string   `json:"detail"`
	Machine      string   `json:"machine"`
	Distribution string   `json:"distribution"`
	Similar      []string `json:"similar"`
}

// Finding is what the smoke test saw and does not fail for.
type Finding struct {
	Kind          string   `json:"kind"`
	Path          string   `json:"path"`
	Distributions []string `json:"distributions"`
	Winner        string   `json:"winner"`
	Machine       string   `json:"machine"`
}

// Err gives the failures as mistakes at the place of the declaration.
func (r SmokeResult) Err(s *spec.Spec, p *Plan) error {
	var errs []error
	for _, f := range r.Failures {
		at := p.Smoke.At
		for i, module := range s.Tool.Smoke.Modules {
			if module == f.Module {
				at = s.At(fmt.Sprintf("tool.pyfrontend.smoke[%d]", i))
			}
		}
		if s.Tool.Server != "" && (f.Module == s.Tool.Server || f.Module == strings.Split(s.Tool.Server, ":")[0]) {
			at = s.At("tool.pyfrontend.server")
		}
		message, hint := f.text(p)
		errs = append(errs, &spec.Error{At: at, Message: message, Hint: hint})
	}
	return errors.Join(errs...)
}

// text says what went wrong, by the kind of failure.
func (f Failure) text(p *Plan) (message, hint string) {
	switch f.Kind {
	case "missing-distribution":
		return fmt.Sprintf("importing `%s` fails: there is no module `%s` in the image", f.Module, f.Name),
			fmt.Sprintf("add the distribution that has `%s` to the dependencies and lock again; groups such as dev are not installed", f.Name)
	case "missing-library":
		where := ""
		if f.Distribution != "" {
			where = fmt.Sprintf(" of `%s`", f.Distribution)
		}
		if deb, ok := debianPackage(f.Name); ok {
			return fmt.Sprintf("importing `%s` fails: the shared library `%s`%s is not in the image", f.Module, f.Name, where),
				fmt.Sprintf("the Debian package `%s` has it: use a `base` image with it installed", deb)
		}
		return fmt.Sprintf("importing `%s` fails: the shared library `%s`%s is not in the image", f.Module, f.Name, where),
			fmt.Sprintf("find the package that has it with `apt-file search %s` and use a `base` image with it installed", f.Name)
	case "wrong-architecture":
		return fmt.Sprintf("`%s` of `%s` is made for %s, but the image is for %s", f.Name, f.Distribution, f.Machine, p.Target.Arch),
			"lock a release whose wheel for this platform is right, or build for the platform that the file is for"
	case "missing-module":
		hint = "name a module of the project or of a locked distribution"
		if len(f.Similar) > 0 {
			hint = fmt.Sprintf("did you mean `%s`?", f.Similar[0])
		}
		return fmt.Sprintf("there is no module `%s` in the image", f.Module), hint
	case "missing-object":
		hint = "write `server = \"module:object\"` with the name of the application object"
		if len(f.Similar) > 0 {
			hint = fmt.Sprintf("did you mean `%s`?", f.Similar[0])
		}
		_, object, _ := strings.Cut(f.Name, ":")
		return fmt.Sprintf("the module `%s` has no `%s`", f.Module, object), hint
	case "not-callable":
		return fmt.Sprintf("`%s` is not an application: %s", f.Module, f.Detail), "name the ASGI or WSGI object in `server`"
	case "wrong-interface":
		return fmt.Sprintf("`%s` does not fit the server that is locked: %s", f.Module, f.Detail),
			"lock a server for that kind of application, or set `command`"
	case "crash":
		return fmt.Sprintf("importing `%s` ends the interpreter: %s", f.Module, f.Detail), "the build log has what Python printed before"
	}
	return fmt.Sprintf("importing `%s` fails: %s", f.Module, f.Detail), "the build log has the traceback; set `smoke` to the modules that can be imported without a running environment"
}

// Text says what a finding means.
func (f Finding) Text() string {
	owners := "`" + strings.Join(f.Distributions, "` and `") + "`"
	if f.Kind == "foreign-file" {
		return fmt.Sprintf("%s brings `%s` for %s and no such file for the image's machine", owners, f.Path, f.Machine)
	}
	return fmt.Sprintf("%s both install `%s`; the image has that of `%s`", owners, f.Path, f.Winner)
}

// debianPackages tells which Debian package has a shared library that wheels
// are known to leave out, by the library's name without its version.
var debianPackages = map[string]string{
	"libGL.so.1":               "libgl1",
	"libEGL.so.1":              "libegl1",
	"libglib-2.0.so.0":         "libglib2.0-0",
	"libgthread-2.0.so.0":      "libglib2.0-0",
	"libgobject-2.0.so.0":      "libglib2.0-0",
	"libgomp.so.1":             "libgomp1",
	"libSM.so.6":               "libsm6",
	"libICE.so.6":              "libice6",
	"libXext.so.6":             "libxext6",
	"libXrender.so.1":          "libxrender1",
	"libX11.so.6":              "libx11-6",
	"libxcb.so.1":              "libxcb1",
	"libmagic.so.1":            "libmagic1",
	"libpq.so.5":               "libpq5",
	"libmariadb.so.3":          "libmariadb3",
	"libmysqlclient.so.21":     "libmysqlclient21",
	"libodbc.so.2":             "unixodbc",
	"libxml2.so.2":             "libxml2",
	"libxslt.so.1":             "libxslt1.1",
	"libxmlsec1.so.1":          "libxmlsec1",
	"libxmlsec1-openssl.so.1":  "libxmlsec1-openssl",
	"libldap-2.5.so.0":         "libldap-2.5-0",
	"liblber-2.5.so.0":         "libldap-2.5-0",
	"libsasl2.so.2":            "libsasl2-2",
	"libcairo.so.2":            "libcairo2",
	"libpango-1.0.so.0":        "libpango-1.0-0",
	"libpangocairo-1.0.so.0":   "libpangocairo-1.0-0",
	"libgdk_pixbuf-2.0.so.0":   "libgdk-pixbuf-2.0-0",
	"libsndfile.so.1":          "libsndfile1",
	"libportaudio.so.2":        "libportaudio2",
	"libpulse.so.0":            "libpulse0",
	"libasound.so.2":           "libasound2",
	"libusb-1.0.so.0":          "libusb-1.0-0",
	"libzbar.so.0":             "libzbar0",
	"libgeos_c.so.1":           "libgeos-c1v5",
	"libspatialindex.so.6":     "libspatialindex6",
	"libtbb.so.12":             "libtbb12",
	"libnuma.so.1":             "libnuma1",
	"libOpenCL.so.1":           "ocl-icd-libopencl1",
	"libopenblas.so.0":         "libopenblas0",
	"libgfortran.so.5":         "libgfortran5",
	"libatomic.so.1":           "libatomic1",
	"libstdc++.so.6":           "libstdc++6",
	"libgssapi_krb5.so.2":      "libgssapi-krb5-2",
	"libkrb5.so.3":             "libkrb5-3",
	"libsodium.so.23":          "libsodium23",
	"libsnappy.so.1":           "libsnappy1v5",
	"liblz4.so.1":              "liblz4-1",
	"libyaml-0.so.2":           "libyaml-0-2",
	"libffi.so.8":              "libffi8",
	"libgirepository-1.0.so.1": "libgirepository-1.0-1",
	"libdbus-1.so.3":           "libdbus-1-3",
	"libnspr4.so":              "libnspr4",
	"libnss3.so":               "libnss3",
}

func debianPackage(soname string) (string, bool) {
	deb, ok := debianPackages[soname]
	return deb, ok
}
