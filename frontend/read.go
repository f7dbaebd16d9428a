package frontend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"

	"github.com/pyfrontend/pyfrontend/llbgen/lock"
	"github.com/pyfrontend/pyfrontend/llbgen/plan"
	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

const manifest = "pyproject.toml"

// readSpec reads the build file and the project's pyproject.toml, which may be
// one, and the other files that planning looks at.
func (r *request) readSpec(ctx context.Context) error {
	build, err := r.readBuildFile(ctx)
	if err != nil {
		return err
	}
	patterns := plan.Inputs(".")
	if path.Base(build.Name) == manifest {
		// One transfer is enough when the workspace is known already.
		if s, err := spec.Parse(build, build); err == nil {
			patterns = append(patterns, morePatterns(s, s)...)
		}
	}
	if r.context, err = r.readContext(ctx, "python project", patterns); err != nil {
		return err
	}
	data, err := readOptional(r.context, manifest)
	if err != nil {
		return err
	}
	root := spec.File{Name: manifest, Data: data}
	project := root
	if path.Base(build.Name) == manifest {
		// The file that was named is the project, wherever it lies: it may be
		// a member's, in a context that is the whole workspace.
		project = build
	}
	r.addSource(project)
	if r.spec, err = spec.Parse(build, project); err != nil {
		return err
	}
	r.project = project.Data
	workspace := r.spec
	if data != nil && !bytes.Equal(data, project.Data) {
		if workspace, err = spec.Parse(root, root); err != nil {
			return err
		}
	}
	if more := morePatterns(r.spec, workspace); !subset(more, patterns) {
		if r.context, err = r.readContext(ctx, "python workspace", append(patterns, more...)); err != nil {
			return err
		}
	}
	if r.pin, err = readOptional(r.context, ".python-version"); err != nil {
		return err
	}
	r.addSource(spec.File{Name: ".python-version", Data: r.pin})
	return plan.CheckTarget(r.spec, r.target())
}

// readBuildFile reads the file that the request names; without one it is
// pyproject.toml.
func (r *request) readBuildFile(ctx context.Context) (spec.File, error) {
	src, err := r.bc.ReadEntrypoint(ctx, "TOML")
	if err == nil {
		r.source = src
		r.sources[src.Filename] = src.SourceMap
		return spec.File{Name: src.Filename, Data: src.Data}, nil
	}
	if r.bc.BuildOpts().Opts["filename"] != "" && path.Base(r.bc.BuildOpts().Opts["filename"]) != dockerui.DefaultDockerfileName {
		return spec.File{}, err
	}
	files, fallback := r.readContext(ctx, "build definition from "+manifest, []string{manifest})
	if fallback != nil {
		return spec.File{}, err
	}
	data, fallback := fs.ReadFile(files, manifest)
	if errors.Is(fallback, fs.ErrNotExist) {
		return spec.File{}, &spec.Error{
			Message: "there is no `" + manifest + "` in the build context, and no `Dockerfile`",
			Hint:    "create one, for example with `uv init --bare`, or build another directory",
		}
	}
	if fallback != nil {
		return spec.File{}, err
	}
	file := spec.File{Name: manifest, Data: data}
	r.addSource(file)
	return file, nil
}

// morePatterns lists what planning looks at beside the project's own directory:
// the lock and the server's module that the user names, and the manifests of a
// workspace.
func morePatterns(s, workspace *spec.Spec) []string {
	var patterns []string
	if s.Tool.Lock != "" {
		patterns = append(patterns, path.Clean(s.Tool.Lock))
	}
	patterns = append(patterns, plan.ServerFiles(s.Tool.Server)...)
	for _, member := range workspace.UV.Members {
		patterns = append(patterns, plan.Inputs(path.Clean(member))...)
		for _, file := range plan.ServerFiles(s.Tool.Server) {
			patterns = append(patterns, path.Join(member, file))
		}
	}
	return patterns
}

func subset(some, all []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

// addSource makes a file of the user's known, so that vertices and errors can
// point into it.
func (r *request) addSource(f spec.File) {
	if _, ok := r.sources[f.Name]; ok || f.Data == nil {
		return
	}
	r.sources[f.Name] = llb.NewSourceMap(nil, f.Name, "TOML", f.Data)
}

// target is the build target, "" for the image itself.
func (r *request) target() string {
	if r.bc.Target == plan.DefaultTarget {
		return ""
	}
	return r.bc.Target
}

// readLock reads the lock file and what it names in the context, checks that it
// fits the project and has uv flatten it.
func (r *request) readLock(ctx context.Context) error {
	name, err := plan.FindLock(r.spec, r.context)
	if err != nil {
		return err
	}
	data, err := fs.ReadFile(r.context, name)
	if err != nil {
		return fmt.Errorf("reading the lock: %w", err)
	}
	r.addSource(spec.File{Name: name, Data: data})
	u, err := lock.ParseUVLock(name, data)
	if err != nil {
		return err
	}
	members, err := u.Members()
	if err != nil {
		return err
	}
	if err := r.readMembers(ctx, members); err != nil {
		return err
	}
	if r.dir, r.member, err = plan.FindProject(r.spec, members); err != nil {
		return err
	}
	r.spec = r.spec.For(r.members[r.dir])
	if err := plan.CheckSelection(r.spec); err != nil {
		return err
	}
	if err := u.Stale(plan.Manifests(r.members), r.spec.Tool.Groups); err != nil {
		return err
	}
	manifests := map[string][]byte{name: data}
	for dir := range r.members {
		file := path.Join(dir, manifest)
		manifests[file], _ = readOptional(r.context, file)
	}
	if root, _ := readOptional(r.context, manifest); root != nil {
		manifests[manifest] = root
	}
	r.lock, err = export(ctx, r.spec, r.member, u, manifests)
	r.spec = r.spec.For(r.members[r.dir])
	return err
}

// readMembers reads the manifests of the projects that the lock takes from the
// context.
func (r *request) readMembers(ctx context.Context, members []lock.Member) error {
	r.members = map[string]*spec.Spec{}
	var missing []string
	for _, m := range members {
		if _, err := fs.Stat(r.context, path.Join(m.Path, manifest)); err != nil && m.Kind != lock.LocalFile {
			missing = append(missing, plan.Inputs(m.Path)...)
		}
	}
	if len(missing) > 0 {
		more, err := r.readContext(ctx, "path dependencies", append(append(plan.Inputs("."), morePatterns(r.spec, r.spec)...), missing...))
		if err != nil {
			return err
		}
		r.context = more
	}
	for _, m := range members {
		if m.Kind == lock.LocalFile {
			continue
		}
		file := path.Join(m.Path, manifest)
		data, err := readOptional(r.context, file)
		if err != nil {
			return err
		}
		if data == nil {
			continue
		}
		if bytes.Equal(data, r.project) {
			r.members[m.Path] = r.spec
			continue
		}
		f := spec.File{Name: file, Data: data}
		r.addSource(f)
		member, err := spec.Parse(f, f)
		if err != nil {
			return err
		}
		r.members[m.Path] = member
	}
	return nil
}

// projectFiles gives the function that loads files of the context into the
// graph; each set has a name of its own.
func (r *request) projectFiles(ctx context.Context) func(name string, include, exclude []string) (llb.State, error) {
	return func(name string, include, exclude []string) (llb.State, error) {
		ignored, err := r.bc.DockerIgnorePatterns(ctx)
		if err != nil {
			return llb.State{}, err
		}
		opts := []llb.LocalOption{
			llb.SharedKeyHint("pyfrontend-files-" + name),
			llb.ExcludePatterns(append(slices.Clone(ignored), exclude...)),
			dockerui.WithInternalName("load the files of " + name),
		}
		if len(include) > 0 {
			opts = append(opts, llb.IncludePatterns(include))
		}
		st, err := r.bc.MainContext(ctx, opts...)
		if err != nil {
			return llb.State{}, err
		}
		return *st, nil
	}
}

func lockName(s *spec.Spec) string {
	if s.Tool.Lock != "" {
		return s.Tool.Lock
	}
	return "uv.lock"
}

func isNotFound(err error) bool {
	text := err.Error()
	return strings.Contains(text, "not found") || strings.Contains(text, "manifest unknown") || strings.Contains(text, "does not exist")
}
