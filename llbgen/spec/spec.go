// Package spec reads a build's declaration: the [tool.pyfrontend] table and
// what a pyproject.toml says of the project itself, each value with its place
// in the file. It knows TOML and the shape of these tables. It knows no lock
// file, no wheel, no image and no BuildKit, and it reads no files by itself.
package spec

import (
	"slices"
	"strings"
)

// File is one input text, named as the user knows it.
type File struct {
	Name string
	Data []byte
}

// Spec is everything a build declares. It is not changed after Parse.
type Spec struct {
	// BuildFile and ProjectFile are the names of the two inputs; they are equal
	// when pyproject.toml itself is the build file.
	BuildFile, ProjectFile string

	Tool        Tool
	Project     Project
	BuildSystem BuildSystem
	// Groups is [dependency-groups] (PEP 735), in file order, `include-group`
	// entries kept as Include.
	Groups []Group
	UV     UV

	places map[string]Place
}

// At tells where a key stands: "tool.pyfrontend.server",
// "project.dependencies[2]", "dependency-groups.dev[0]", "tool.uv.workspace.members".
// A key that no file states gives the place of its nearest stated parent, and
// in the end the first line of the build file.
func (s *Spec) At(key string) Place { return s.at(key) }

// Has tells whether a file states a key or table, or anything within it.
func (s *Spec) Has(key string) bool {
	for stated := range s.places {
		if rest, ok := strings.CutPrefix(stated, key); ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}

// For gives the declaration of a build of another project than the build file's
// own, a workspace member: what that project says of itself, with our own table
// and the workspace's settings and groups as they are.
func (s *Spec) For(project *Spec) *Spec {
	if project == nil || project == s {
		return s
	}
	c := *s
	c.ProjectFile, c.Project, c.BuildSystem = project.ProjectFile, project.Project, project.BuildSystem
	c.UV.Package = project.UV.Package
	c.Groups = slices.Clone(project.Groups)
	for _, group := range s.Groups {
		if !slices.ContainsFunc(c.Groups, func(g Group) bool { return g.Name == group.Name }) {
			c.Groups = append(c.Groups, group)
		}
	}
	c.places = map[string]Place{}
	for key, place := range project.places {
		if !strings.HasPrefix(key, "tool") {
			c.places[key] = place
		}
	}
	for key, place := range s.places {
		if strings.HasPrefix(key, "tool") || strings.HasPrefix(key, "dependency-groups") && !project.Has(key) {
			c.places[key] = place
		}
	}
	return &c
}

// Tool is the [tool.pyfrontend] table.
type Tool struct {
	// Python is the version X.Y to run, by default what `.python-version` says, else the newest that `requires-python` and every locked wheel allow.
	Python string `toml:"python"`
	// Base is the image to build on: `debian` (the official slim Python image) or any image reference that has Python.
	Base string `toml:"base"`
	// Lock is the lock file, by default the one that is found.
	Lock string `toml:"lock"`
	// Package is the workspace member to build.
	Package string `toml:"package"`
	// Extras are the project's optional dependencies to install.
	Extras []string `toml:"extras"`
	// Groups are the dependency groups to install; none by default.
	Groups []string `toml:"groups"`
	// Mode is `wheel`, where the project is built and installed, or `directory`, where its files are copied to `workdir`; by default `wheel` if there is a `[build-system]` table.
	Mode string `toml:"mode"`
	// Include lists the files and directories that `directory` mode copies, as patterns; everything by default.
	Include []string `toml:"include"`
	// Exclude lists patterns that are not copied, beside secrets, version control, caches and virtual environments, which never are.
	Exclude []string `toml:"exclude"`
	// Server is the ASGI or WSGI object `module:name` to serve with the server that is locked.
	Server string `toml:"server"`
	// Command is what the image runs, in exec form; by default the server, else the project's one script, else `python -m` of its one package that has a `__main__`.
	Command []string `toml:"command"`
	// Port is where the server listens and what the image exposes, 8000 by default.
	Port int `toml:"port"`
	// User is the numeric user the image runs as, 10001 by default.
	User int `toml:"user"`
	// Workdir is the working directory, `/app` by default.
	Workdir string `toml:"workdir"`
	// Env are environment variables of the image.
	Env []Pair `toml:"env"`
	// Labels are labels of the image, over those made from the project table.
	Labels []Pair `toml:"labels"`
	// StopSignal is the signal that stops the container, `SIGTERM` by default.
	StopSignal string `toml:"stop-signal"`
	// Smoke lists the modules that must import before an image is made, by default the project's own top-level packages; `false` turns the test off.
	Smoke Smoke `toml:"smoke"`
	// BuildDate resolves the requirements of `[build-system]` as of this date, by default `[tool.uv] exclude-newer`, else the newest upload time among the installed files.
	BuildDate string `toml:"build-date"`
	// Commands are further targets: the same image with another command.
	Commands []Command `toml:"commands"`
}

// Pair is a name and a string value, kept in file order.
type Pair struct{ Name, Value string }

// Command is one further target.
type Command struct {
	Name string
	Argv []string
}

// Smoke is the `smoke` key: modules, or nothing said, or off.
type Smoke struct {
	// Off is true for `smoke = false`.
	Off     bool
	Modules []string
}

// Project is the [project] table (PEP 621), as far as it is used here.
type Project struct {
	// Defined is false where the file has no [project] table.
	Defined        bool
	Name           string
	Version        string
	Description    string
	RequiresPython string
	// Readme is the file the long description is read from, if any.
	Readme string
	// License is the SPDX expression or the text of `license.text`.
	License string
	// LicenseFiles are the patterns of `license-files` and `license.file`.
	LicenseFiles []string
	Authors      []string
	URLs         []Pair
	Dependencies []string
	// Extras is [project.optional-dependencies], in file order.
	Extras []Extra
	// Scripts are [project.scripts], in file order.
	Scripts []Pair
	Dynamic []string
}

// Extra is one entry of [project.optional-dependencies], its name in the
// normalised form of PEP 685.
type Extra struct {
	Name         string
	Requirements []string
}

// Group is one dependency group. Its name and those it includes are in their
// normalised form.
type Group struct {
	Name         string
	Requirements []string
	// Include names the groups that this one includes.
	Include []string
}

// BuildSystem is the [build-system] table (PEP 518).
type BuildSystem struct {
	// Defined is false where the file has no [build-system] table.
	Defined     bool
	Requires    []string
	Backend     string
	BackendPath []string
}

// UV is what is read of [tool.uv].
type UV struct {
	// Package is the value of `package`; nil if it is not stated.
	Package *bool
	// ExcludeNewer is an RFC 3339 timestamp or a date. It is empty too where
	// the key holds a span (`7 days`), which depends on the day of the build.
	ExcludeNewer string
	// Members and WorkspaceExclude are the globs of [tool.uv.workspace];
	// Workspace is true if the table is there.
	Workspace                 bool
	Members, WorkspaceExclude []string
}
