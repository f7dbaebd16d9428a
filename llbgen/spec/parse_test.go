package spec

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const pyproject = "pyproject.toml"

// parseOne parses a pyproject.toml that is the build file too.
func parseOne(text string) (*Spec, error) {
	f := File{pyproject, []byte(text)}
	return Parse(f, f)
}

func mustParse(t *testing.T, build, project File) *Spec {
	t.Helper()
	s, err := Parse(build, project)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const fullProject = `# syntax=org/pyfrontend:1
[project]
name = "Shop_App"
version = "1.4.0"
description = "A shop"
requires-python = ">=3.12"
readme = { file = "README.md", content-type = "text/markdown" }
license = { file = "COPYING" }
license-files = ["LICENSE*"]
authors = [{ name = "Ada", email = "ada@example.org" }, { name = "Bob" }, { email = "c@example.org" }]
dependencies = ["fastapi", "uvicorn[standard]"]
dynamic = ["classifiers"]
keywords = 3

[project.urls]
"Bug Tracker" = "https://example.org/bugs"
Home = "https://example.org"
Docs = "https://docs.example.org"

[project.scripts]
shop = "shop.cli:main"
admin = "shop.admin:main"

[project.optional-dependencies]
Post_Gres = ["psycopg"]
media = ["pillow"]

[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
backend-path = ["."]

[dependency-groups]
Test_Kit = ["pytest"]
dev = [{ include-group = "Test.Kit" }, "ruff"]

[tool.uv]
package = false
exclude-newer = 2026-11-01 10:00Z
workspace = { members = ["packages/*"], exclude = ["packages/old"] }

[tool.ruff]
anything = { goes = [1, 2.5, { x = true }] }

[tool.pyfrontend]
python = "3.13"
base = "debian"
lock = "locks/uv.lock"
package = "Api.Server"
extras = ["Post_Gres", "media"]
groups = ["Test.Kit"]
mode = "directory"
include = ["src", "templates/**"]
exclude = ["*.md"]
server = "shop.main:app"
port = 0x1F90
user = 0
workdir = "/srv"
env = { ZED = "1", ALPHA = "2" }
labels = { "org.example.x" = "1", b = "2" }
stop-signal = "SIGRTMIN+3"
smoke = ["shop", "shop.wörker"]
build-date = 2026-11-01

[tool.pyfrontend.commands]
worker = ["celery", "-A", "shop"]
migrate = ["alembic", "upgrade", "head"]
`

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := parseOne(fullProject)
	if err != nil {
		t.Fatal(err)
	}
	no := false
	want := &Spec{
		BuildFile:   pyproject,
		ProjectFile: pyproject,
		Tool: Tool{
			Python: "3.13", Base: "debian", Lock: "locks/uv.lock", Package: "api-server",
			Extras: []string{"post-gres", "media"}, Groups: []string{"test-kit"},
			Mode: "directory", Include: []string{"src", "templates/**"}, Exclude: []string{"*.md"},
			Server: "shop.main:app", Port: 8080, User: 0, Workdir: "/srv",
			Env:        []Pair{{"ZED", "1"}, {"ALPHA", "2"}},
			Labels:     []Pair{{"org.example.x", "1"}, {"b", "2"}},
			StopSignal: "SIGRTMIN+3", Smoke: Smoke{Modules: []string{"shop", "shop.wörker"}},
			BuildDate: "2026-11-01",
			Commands:  []Command{{"worker", []string{"celery", "-A", "shop"}}, {"migrate", []string{"alembic", "upgrade", "head"}}},
		},
		Project: Project{
			Defined: true, Name: "Shop_App", Version: "1.4.0", Description: "A shop", RequiresPython: ">=3.12",
			Readme: "README.md", LicenseFiles: []string{"LICENSE*", "COPYING"},
			Authors:      []string{"Ada <ada@example.org>", "Bob", "c@example.org"},
			URLs:         []Pair{{"Bug Tracker", "https://example.org/bugs"}, {"Home", "https://example.org"}, {"Docs", "https://docs.example.org"}},
			Dependencies: []string{"fastapi", "uvicorn[standard]"},
			Extras:       []Extra{{"post-gres", []string{"psycopg"}}, {"media", []string{"pillow"}}},
			Scripts:      []Pair{{"shop", "shop.cli:main"}, {"admin", "shop.admin:main"}},
			Dynamic:      []string{"classifiers"},
		},
		BuildSystem: BuildSystem{Defined: true, Requires: []string{"hatchling"}, Backend: "hatchling.build", BackendPath: []string{"."}},
		Groups: []Group{
			{Name: "test-kit", Requirements: []string{"pytest"}},
			{Name: "dev", Requirements: []string{"ruff"}, Include: []string{"test-kit"}},
		},
		UV: UV{
			Package: &no, ExcludeNewer: "2026-11-01T10:00:00Z", Workspace: true,
			Members: []string{"packages/*"}, WorkspaceExclude: []string{"packages/old"},
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Spec{})); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
}

func TestParseForms(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		want func(*Spec)
	}{
		"nothing":         {"", func(*Spec) {}},
		"smoke off":       {"tool.pyfrontend.smoke = false", func(s *Spec) { s.Tool.Smoke.Off = true }},
		"command":         {"[tool]\npyfrontend = { command = ['a', 'b c'] }", func(s *Spec) { s.Tool.Command = []string{"a", "b c"} }},
		"date string":     {"[tool.pyfrontend]\nbuild-date = '2026-11-01T00:00:00+01:00'", func(s *Spec) { s.Tool.BuildDate = "2026-11-01T00:00:00+01:00" }},
		"signal number":   {"[tool.pyfrontend]\nstop-signal = '15'", func(s *Spec) { s.Tool.StopSignal = "15" }},
		"image reference": {"[tool.pyfrontend]\nbase = 'ghcr.io/a/b:1@sha256:0'", func(s *Spec) { s.Tool.Base = "ghcr.io/a/b:1@sha256:0" }},
		"dotted object":   {"[tool.pyfrontend]\nserver = 'a:b.c'", func(s *Spec) { s.Tool.Server = "a:b.c" }},
		"dotted env":      {"[tool.pyfrontend]\nenv.B = '1'\nenv.A = '2'", func(s *Spec) { s.Tool.Env = []Pair{{"B", "1"}, {"A", "2"}} }},
		"byte order mark": {"\ufefftool.pyfrontend.port = 1", func(s *Spec) { s.Tool.Port = 1 }},
		"carriage return": {"[tool.pyfrontend]\r\nport = 1\r\n", func(s *Spec) { s.Tool.Port = 1 }},
		"readme string":   {"[project]\nname='a'\nreadme = 'R.md'\nlicense = 'MIT'", func(s *Spec) { s.Project = Project{Defined: true, Name: "a", Readme: "R.md", License: "MIT"} }},
		"readme text":     {"[project]\nname='a'\nreadme.text = 'x'\nlicense.text = 'MIT'", func(s *Spec) { s.Project = Project{Defined: true, Name: "a", License: "MIT"} }},
		"span":            {"[tool.uv]\nexclude-newer = '7 days'", func(*Spec) {}},
		"uv date":         {"[tool.uv]\nexclude-newer = '2026-11-01'\n[tool.uv.workspace]", func(s *Spec) { s.UV = UV{ExcludeNewer: "2026-11-01", Workspace: true} }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parseOne(test.text)
			if err != nil {
				t.Fatal(err)
			}
			want := &Spec{BuildFile: pyproject, ProjectFile: pyproject, Tool: Tool{
				Base: "debian", Port: 8000, User: 10001, Workdir: "/app", StopSignal: "SIGTERM",
			}}
			test.want(want)
			if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Spec{})); diff != "" {
				t.Errorf("spec (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseTwoFiles(t *testing.T) {
	t.Parallel()
	project := File{pyproject, []byte("[project]\nname = 'a'\n\n[tool.uv]\npackage = true\n")}
	for name, test := range map[string]struct {
		build, project string
		server         string
		at             Place
	}{
		"only the syntax line": {"# syntax=org/pyfrontend:1\n", "[tool.pyfrontend]\nserver='a:b'", "a:b", place(pyproject, 2, 1, 2, 13)},
		"empty":                {"", "tool.pyfrontend.server='a:b'", "a:b", place(pyproject, 1, 1, 1, 29)},
		"our table":            {"# syntax=x\n\n[tool.pyfrontend]\nserver = 'a:b'\n", string(project.Data), "a:b", place("Dockerfile", 4, 1, 4, 15)},
		"nothing stated":       {"# syntax=x\n", string(project.Data), "", place("Dockerfile", 1, 1, 1, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := mustParse(t, File{"Dockerfile", []byte(test.build)}, File{pyproject, []byte(test.project)})
			if s.Tool.Server != test.server || s.Tool.Port != 8000 {
				t.Errorf("server %q, port %d", s.Tool.Server, s.Tool.Port)
			}
			if diff := cmp.Diff(test.at, s.At("tool.pyfrontend.server")); diff != "" {
				t.Errorf("place (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDeterminism parses often: map order must reach neither values, places
// nor messages.
func TestDeterminism(t *testing.T) {
	t.Parallel()
	broken := strings.NewReplacer("shop.main:app", "shop", "8080", "'x'", "celery", "", "uv.lock", "../../x", "ZED", "2ZED").Replace(fullProject)
	first, err := parseOne(fullProject)
	if err != nil {
		t.Fatal(err)
	}
	_, firstErr := parseOne(broken)
	if n := len(Errors(firstErr)); n < 4 {
		t.Fatalf("%d mistakes, want more: %v", n, firstErr)
	}
	for range 100 {
		again, _ := parseOne(fullProject)
		if diff := cmp.Diff(first, again, cmp.AllowUnexported(Spec{})); diff != "" {
			t.Fatal(diff)
		}
		if _, err := parseOne(broken); err.Error() != firstErr.Error() {
			t.Fatalf("got:\n%v\nwant:\n%v", err, firstErr)
		}
	}
}
