package plan

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pyfrontend/pyfrontend/llbgen/packaging"
	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// neverCopied are patterns of what no image and no wheel wants, in the form of
// a .dockerignore: secrets, version control, caches, environments, results.
var neverCopied = []string{
	"**/.git", "**/.hg", "**/.svn", "**/.jj",
	"**/.venv", "**/.tox", "**/.nox", "**/node_modules",
	"**/__pycache__", "**/*.pyc", "**/*.pyo", "**/.pytest_cache", "**/.mypy_cache", "**/.ruff_cache", "**/.hypothesis", "**/.ipynb_checkpoints",
	"**/.coverage", "**/.coverage.*", "**/htmlcov", "**/.DS_Store", "**/.idea", "**/.vscode",
	"**/*.egg-info",
	"**/.env", "**/.env.*", "**/.envrc", "**/.netrc", "**/_netrc", "**/.pypirc", "**/.git-credentials", "**/.npmrc",
	"**/.aws", "**/.azure", "**/.config/gcloud", "**/.kube", "**/.docker", "**/.ssh", "**/.gnupg",
	"**/id_rsa", "**/id_dsa", "**/id_ecdsa", "**/id_ed25519",
}

// keyFiles are patterns of files that may hold keys and may be public. What a
// wheel is made of the build backend decides, so there they stay.
var keyFiles = []string{"**/*.pem", "**/*.p12", "**/*.pfx", "**/*.jks", "**/*.keystore"}

// neverCopiedTop are such patterns that hold in a project's own directory only,
// because deeper down the names are used for what an application needs.
var neverCopiedTop = []string{"dist", "build", "venv", "env"}

// excludes joins the patterns that hold for a project's directory.
func excludes(dir string, more ...string) []string {
	patterns := slices.Clone(neverCopied)
	for _, name := range slices.Concat(neverCopiedTop, more) {
		patterns = append(patterns, path.Join(dir, name))
	}
	return patterns
}

// backend is a build backend whose choice of files is known, so that a wheel
// is rebuilt for those alone.
type backend struct {
	// module is the `build-backend`.
	module string
	// tables are the tables of pyproject.toml that change what is built; where
	// one is there, every file of the project is taken.
	tables []string
}

var backends = []backend{
	{"hatchling.build", []string{"tool.hatch.build", "tool.hatch.metadata", "tool.hatch.version"}},
	{"uv_build", []string{"tool.uv.build-backend"}},
	{"flit_core.buildapi", []string{"tool.flit"}},
	{"pdm.backend", []string{"tool.pdm.build", "tool.pdm.version"}},
	{"poetry.core.masonry.api", []string{"tool.poetry"}},
}

// metadataFiles are what backends read beside the modules, by default.
var metadataFiles = []string{"pyproject.toml", "setup.py", "setup.cfg", "MANIFEST.in", "hatch_build.py", "LICEN[CS]E*", "COPYING*", "NOTICE*", "AUTHORS*"}

// sources gives the patterns of the files that a project's wheel is made of.
func sources(s *spec.Spec, dir string, files fs.FS) (include, exclude []string) {
	exclude = excludes(dir)
	modules, ok := defaultModules(s, files)
	if !ok {
		if dir == "." {
			return nil, exclude
		}
		return []string{dir}, exclude
	}
	include = append(include, metadataFiles...)
	if s.Project.Readme != "" {
		include = append(include, s.Project.Readme)
	}
	include = append(include, s.Project.LicenseFiles...)
	include = append(include, s.BuildSystem.BackendPath...)
	include = append(include, modules...)
	for i, pattern := range include {
		include[i] = path.Join(dir, pattern)
	}
	return include, exclude
}

// defaultModules finds the package or module that a backend takes when nothing
// else is configured: the one named as the distribution, in src/ or beside
// pyproject.toml.
func defaultModules(s *spec.Spec, files fs.FS) ([]string, bool) {
	row := slices.IndexFunc(backends, func(b backend) bool { return b.module == s.BuildSystem.Backend })
	if row < 0 || slices.ContainsFunc(backends[row].tables, s.Has) || len(s.Project.Dynamic) > 0 {
		return nil, false
	}
	name := strings.ReplaceAll(packaging.NormalizeName(s.Project.Name), "-", "_")
	for _, candidate := range []string{"src/" + name, name} {
		if _, err := fs.Stat(files, candidate+"/__init__.py"); err == nil {
			return []string{candidate}, true
		}
	}
	if _, err := fs.Stat(files, name+".py"); err == nil {
		return []string{name + ".py"}, true
	}
	return nil, false
}

// uvBuild matches a requirement that the frontend's own uv fulfils: it holds
// this backend.
var uvBuild = regexp.MustCompile(`^uv[-_.]build$`)

// needsResolve tells whether build requirements have to be resolved and
// fetched before a wheel can be built.
func needsResolve(requires []string) bool {
	if len(requires) != 1 {
		return true
	}
	r, err := packaging.ParseRequirement(requires[0])
	if err != nil || !uvBuild.MatchString(strings.ToLower(r.Name)) {
		return true
	}
	version, err := packaging.ParseVersion(UVVersion)
	return err != nil || !r.Specifiers.Contains(version)
}

// buildRequires gives the requirements of [build-system], or those that PEP 517
// states for a project without one.
func buildRequires(s *spec.Spec) []string {
	if s.BuildSystem.Defined && len(s.BuildSystem.Requires) > 0 {
		return s.BuildSystem.Requires
	}
	return []string{"setuptools>=40.8.0"}
}
