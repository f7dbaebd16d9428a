package plan

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/pyfrontend/pyfrontend/llbgen/lock"
	"github.com/pyfrontend/pyfrontend/llbgen/packaging"
	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// Input is what a Plan is made from.
type Input struct {
	Spec *spec.Spec
	Lock *lock.Lock
	// Context holds the files that Inputs names, for every project.
	Context fs.FS
	// Dir is the directory of the project that is built, in the context.
	Dir string
	// Members are the declarations of the projects that the lock takes from
	// the context, by directory.
	Members map[string]*spec.Spec
	Base    Base
	// Arch is the GOARCH of the platform, Platform its name for messages.
	Arch, Platform string
	// Target is the build target; "" is the image itself.
	Target string
	// Source and Revision are what the client says of the context's version
	// control; both may be empty.
	Source, Revision string
}

// New decides a platform's image. It reports all mistakes that it finds.
func New(in Input) (*Plan, error) {
	s := in.Spec
	target := packaging.Target{Python: in.Base.Python, Arch: Machine(in.Arch), Libc: in.Base.Libc}
	distributions, err := in.Lock.Select(target, lock.Options{})
	if err != nil {
		// Without it nothing is locked, and all else would be blamed for that.
		return nil, err
	}
	var wheels, directories []lock.Distribution
	locked := map[string]string{}
	for _, d := range distributions {
		locked[d.Name] = d.Version
		if d.Directory == nil {
			wheels = append(wheels, d)
		} else if installed(s, in.Dir, d) {
			directories = append(directories, d)
		}
	}
	projects, projectErr := in.projects(directories)
	p := &Plan{Base: in.Base, Target: target, Buckets: buckets(wheels), Projects: projects}
	if DirectoryMode(s) {
		p.Files = in.files()
	}
	dir, err := fs.Sub(in.Context, in.Dir)
	if err != nil {
		return nil, err
	}
	st, startErr := command(s, in.Target, dir, p.Files == nil, locked)
	if err := errors.Join(projectErr, startErr); err != nil {
		return nil, err
	}
	p.Setup = setup(in.Base, s)
	p.Smoke = in.smoke(p, st)
	p.Image = in.image(p, st)
	return p, nil
}

// DirectoryMode tells whether the application is copied as files rather than
// installed: when the user says so, or when uv would not install it either.
func DirectoryMode(s *spec.Spec) bool {
	if s.Tool.Mode != "" {
		return s.Tool.Mode == "directory"
	}
	if s.UV.Package != nil {
		return !*s.UV.Package
	}
	return !s.BuildSystem.Defined
}

// installed tells whether a directory of the lock becomes a wheel: every one
// but the project itself in directory mode.
func installed(s *spec.Spec, dir string, d lock.Distribution) bool {
	return !DirectoryMode(s) || path.Clean(d.Directory.Path) != path.Clean(dir)
}

func (in Input) projects(directories []lock.Distribution) ([]Project, error) {
	var projects []Project
	var errs []error
	for _, d := range directories {
		dir := path.Clean(d.Directory.Path)
		s := in.Members[dir]
		if s == nil {
			errs = append(errs, &spec.Error{
				At:      d.At,
				Message: fmt.Sprintf("`%s` is locked as the directory `%s`, which has no `pyproject.toml` in the build context", d.Name, dir),
				Hint:    "build with a context that holds it, and see that `.dockerignore` does not exclude it",
			})
			continue
		}
		files, err := fs.Sub(in.Context, dir)
		if err != nil {
			return nil, err
		}
		include, exclude := sources(s, dir, files)
		for other := range in.Members {
			if dir == "." && other != "." {
				exclude = append(exclude, other)
			}
		}
		slices.Sort(exclude)
		requires := buildRequires(s)
		at := s.At("build-system")
		projects = append(projects, Project{
			Name: d.Name, Dir: dir, Include: include, Exclude: exclude,
			Requires: requires, Resolve: needsResolve(requires), At: at,
		})
	}
	slices.SortFunc(projects, func(a, b Project) int { return cmp.Compare(a.Name, b.Name) })
	return projects, errors.Join(errs...)
}

func (in Input) files() *Files {
	s := in.Spec
	f := &Files{Dir: in.Dir, Target: s.Tool.Workdir, At: s.At("tool.pyfrontend.include")}
	for _, pattern := range s.Tool.Include {
		f.Include = append(f.Include, path.Join(in.Dir, pattern))
	}
	build := path.Base(s.BuildFile)
	f.Exclude = excludes(in.Dir, ".dockerignore", build+".dockerignore", "Dockerfile", ".gitignore", ".gitattributes", ".github")
	f.Exclude = append(f.Exclude, keyFiles...)
	for _, pattern := range s.Tool.Exclude {
		f.Exclude = append(f.Exclude, path.Join(in.Dir, pattern))
	}
	return f
}

// NewestUpload gives the newest upload time among the files of a plan, as a
// timestamp of RFC 3339; empty when a lock states none.
func (p *Plan) NewestUpload() string {
	var newest string
	for _, b := range p.Buckets {
		for _, d := range b.Distributions {
			if !d.File.UploadTime.IsZero() {
				newest = max(newest, d.File.UploadTime.UTC().Format("2006-01-02T15:04:05Z"))
			}
		}
	}
	return newest
}

// BuildDate gives the date as of which build requirements are resolved; empty
// for none.
func (p *Plan) BuildDate(s *spec.Spec) string {
	return cmp.Or(s.Tool.BuildDate, s.UV.ExcludeNewer, p.NewestUpload())
}

// Index gives the package index that most of the locked files come from, for
// what no lock holds; empty for PyPI.
func (p *Plan) Index() string {
	count := map[string]int{}
	best := ""
	for _, b := range p.Buckets {
		for _, d := range b.Distributions {
			if d.Index == "" {
				continue
			}
			count[d.Index]++
			if best == "" || count[d.Index] > count[best] || count[d.Index] == count[best] && d.Index < best {
				best = d.Index
			}
		}
	}
	return best
}
