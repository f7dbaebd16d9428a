package lock

import (
	"bytes"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// projects are the manifests of a case: its root and its workspace members.
func projects(t testing.TB, name string) []Manifest {
	t.Helper()
	all := []Manifest{manifest(t, "pyproject.toml", read(t, name+"/pyproject.toml"))}
	members, err := uvLock(t, name).Members()
	if err != nil {
		t.Fatal(err)
	}
	for _, member := range members {
		file := path.Join(member.Path, "pyproject.toml")
		if matches, _ := filepath.Glob(filepath.Join("testdata", name, file)); member.Path != "." && len(matches) == 1 {
			all = append(all, manifest(t, file, read(t, name+"/"+file)))
		}
	}
	return all
}

func TestRealLocksAreNotStale(t *testing.T) {
	t.Parallel()
	for _, name := range cases(t) {
		all := projects(t, name)
		if err := uvLock(t, name).Stale(all, groupNames(all)); err != nil {
			t.Errorf("%s:\n%s", name, lines(t, err))
		}
	}
}

const bare = `version = 1
revision = 3
requires-python = ">=3.11"
`

func TestWhatIsNotStale(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"fastapi", "nometadata"} {
		for _, test := range []struct{ name, old, new string }{
			{"version", `version = "1.4.0"`, `version = "2.0.0"`},
			{"description", `description = "A shop"`, `description = "The shop"`},
			{"another table", "[dependency-groups]", "[tool.ruff]\nline-length = 100\n\n[dependency-groups]"},
			{"order", "    \"Typing.Extensions >= 4.1\",\n", ""},
			{"spelling", `"fastapi[standard]>=0.115"`, `"FastAPI [Standard] >= 0.115.0"`},
			{"marker, said otherwise", `"uvloop>=0.19; sys_platform != 'win32' and python_version >= '3.9'"`, `"uvloop>=0.19; platform_system != 'Windows'"`},
			{"requires-python, said otherwise", `">=3.11"`, `">3.10.99999,>=3.11.0"`},
			{"twice", `"httpx"]`, `"httpx", "httpx"]`},
		} {
			t.Run(name+" "+test.name, func(t *testing.T) {
				t.Parallel()
				text := string(read(t, name+"/pyproject.toml"))
				if !strings.Contains(text, test.old) {
					t.Fatalf("%q is not in it", test.old)
				}
				text = strings.Replace(text, test.old, test.new, 1)
				if test.name == "order" {
					text = strings.Replace(text, "dependencies = [\n", "dependencies = [\n"+test.old, 1)
				}
				m := manifest(t, "pyproject.toml", []byte(text))
				if err := uvLock(t, name).Stale([]Manifest{m}, []string{"dev", "test"}); err != nil {
					t.Error(lines(t, err))
				}
			})
		}
	}
}

func TestWhatIsStale(t *testing.T) {
	t.Parallel()
	type row struct{ name, project, groups, old, new, want, bare string }
	for _, test := range []row{
		{name: "specifier", project: "fastapi", old: `fastapi[standard]>=0.115"`, new: `fastapi[standard]>=99"`,
			want: "pyproject.toml:7:5: `pyproject.toml` requires `fastapi[standard]>=99`, but `uv.lock` was made for `fastapi[standard]>=0.115`",
			bare: "pyproject.toml:7:5: `pyproject.toml` requires `fastapi[standard]>=99`, but `uv.lock` has `fastapi 0.163.0`"},
		{name: "added", project: "fastapi", old: `    "Typing`, new: "    \"rich>=1\",\n    \"Typing",
			want: "pyproject.toml:9:5: `pyproject.toml` requires `rich>=1`, which `uv.lock` was not made for"},
		{name: "no requirement", project: "fastapi", old: `    "Typing`, new: "    \"rich\\u001b>=1\",\n    \"Typing",
			want: "pyproject.toml:9:5: `rich\\x1b>=1` is not a requirement\n  hint: write a name and a range of versions, for example `httpx>=0.27`, and run `uv lock`"},
		{name: "removed", project: "fastapi", old: "    \"Typing.Extensions >= 4.1\",\n", new: "",
			want: "uv.lock:1669:5: `uv.lock` was made for `typing-extensions>=4.1`, which `pyproject.toml` no longer requires",
			bare: "uv.lock:62:5: `uv.lock` was made for `typing-extensions`, which `pyproject.toml` no longer requires"},
		{name: "extra of a package", project: "fastapi", old: `fastapi[standard]>`, new: `fastapi[all]>`,
			want: "pyproject.toml:7:5: `pyproject.toml` requires `fastapi[all]>=0.115`, but `uv.lock` was made for `fastapi[standard]>=0.115`",
			bare: "pyproject.toml:7:5: `pyproject.toml` requires `fastapi[all]>=0.115`, but `uv.lock` has `fastapi` without an extra of it"},
		{name: "marker", project: "fastapi", old: `uvloop>=0.19; sys_platform != 'win32'`, new: `uvloop>=0.19; sys_platform == 'linux'`,
			want: "pyproject.toml:10:5: `pyproject.toml` requires `uvloop>=0.19; sys_platform == 'linux' and python_version >= '3.9'`, but `uv.lock` was made for " +
				"`uvloop>=0.19; python_full_version >= '3.9' and sys_platform != 'win32'`",
			bare: "pyproject.toml:10:5: `pyproject.toml` requires `uvloop>=0.19; sys_platform == 'linux' and python_version >= '3.9'`, in other environments than `uv.lock` was made for"},
		{name: "extra's requirement", project: "fastapi", old: `boto3>=1.35,<2`, new: `boto3>=1.36,<2`,
			want: "pyproject.toml:16:7: `pyproject.toml` requires `boto3>=1.36,<2`, but `uv.lock` was made for `boto3>=1.35,<2`"},
		{name: "moved to another extra", project: "fastapi", old: `, "sqlalchemy~=2.0"]`, new: "]\norm = [\"sqlalchemy~=2.0\"]",
			want: "pyproject.toml:16:8: `pyproject.toml` requires `sqlalchemy~=2.0 (extra orm)`, but `uv.lock` was made for `sqlalchemy~=2.0; extra == 'postgres'`"},
		{name: "empty extra", project: "fastapi", old: "s3 = [", new: "nothing = []\ns3 = [",
			want: "pyproject.toml:16:1: `pyproject.toml` has the extra `nothing`, which `uv.lock` does not have"},
		{name: "group asked for", project: "groups", groups: "telemetry", old: `"opentelemetry-api"`, new: `"opentelemetry-api>=1"`,
			want: "pyproject.toml:9:14: `pyproject.toml` requires `opentelemetry-api>=1`, but `uv.lock` was made for `opentelemetry-api`"},
		{name: "included group", project: "groups", groups: "dev", old: `mypy>=1.10`, new: `mypy>=1.11`,
			want: "pyproject.toml:8:10: `pyproject.toml` requires `mypy>=1.11`, but `uv.lock` was made for `mypy>=1.10`"},
		{name: "group not asked for", project: "groups", old: `mypy>=1.10`, new: `mypy>=1.11`},
		{name: "constraint", project: "groups", old: `urllib3<3`, new: `urllib3<2`,
			want: "pyproject.toml:13:28: `pyproject.toml` requires `urllib3<2`, but `uv.lock` was made for `urllib3<3`"},
		{name: "override", project: "groups", old: `override-dependencies = ["certifi>=2024"]`, new: "",
			want: "uv.lock:14:14: `uv.lock` was made for `certifi>=2024`, which `pyproject.toml` no longer requires"},
		{name: "requires-python", project: "groups", old: `">=3.12"`, new: `">=3.12,<3.15"`,
			want: "pyproject.toml:4:1: `pyproject.toml` has `requires-python` `>=3.12,<3.15`, but `uv.lock` was made for `>=3.12`"},
		{name: "name", project: "groups", old: `name = "grouped"`, new: `name = "renamed"`,
			want: "pyproject.toml:2:1: the project `renamed` is not in `uv.lock`"},
		{name: "git reference", project: "sources", old: "gitdep@v1.5", new: "gitdep@v1.6",
			want: "pyproject.toml:6:5: `pyproject.toml` requires `gitdep @ git+file:///tmp/gitdep@v1.6`, but `uv.lock` was made for `gitdep @ file:///tmp/gitdep?rev=v1.5`"},
		{name: "URL dropped", project: "sources", old: "gitdep @ git+file:///tmp/gitdep@v1.5", new: "six", want: "pyproject.toml:6:5: `pyproject.toml` requires `six`, which `uv.lock` was not made for\n" +
			"uv.lock:239:5: `uv.lock` was made for `gitdep @ file:///tmp/gitdep?rev=v1.5`, which `pyproject.toml` no longer requires"},
		{name: "fork", project: "forks", old: "numpy<2; python_version < '3.12'", new: "numpy<2; python_version < '3.11'",
			want: "pyproject.toml:6:5: `pyproject.toml` requires `numpy<2; python_version < '3.11'`, but `uv.lock` was made for `numpy<2; python_full_version < '3.12'`"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			check := func(project, want string) {
				text := string(read(t, project+"/pyproject.toml"))
				if !strings.Contains(text, test.old) {
					t.Fatalf("%q is not in it", test.old)
				}
				m := manifest(t, "pyproject.toml", []byte(strings.Replace(text, test.old, test.new, 1)))
				got := lines(t, uvLock(t, project).Stale([]Manifest{m}, strings.Fields(test.groups)))
				if diff := cmp.Diff(want, strings.ReplaceAll(got, "\n  hint: run `uv lock`", "")); diff != "" {
					t.Errorf("%s (-want +got):\n%s", project, diff)
				}
			}
			check(test.project, test.want)
			if test.bare != "" {
				check("nometadata", test.bare)
			}
		})
	}
}

func TestStaleMember(t *testing.T) {
	t.Parallel()
	u := uvLock(t, "workspace")
	m := manifest(t, "packages/api/pyproject.toml", bytes.Replace(read(t, "workspace/packages/api/pyproject.toml"), []byte(`"starlette"`), []byte(`"starlette<1"`), 1))
	want := "packages/api/pyproject.toml:5:25: `packages/api/pyproject.toml` requires `starlette<1`, but `uv.lock` was made for `starlette`\n  hint: run `uv lock`"
	if diff := cmp.Diff(want, lines(t, u.Stale([]Manifest{m}, nil))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWorkspaceRootWithoutProject(t *testing.T) {
	t.Parallel()
	u, err := ParseUVLock("uv.lock", []byte(bare+"[manifest]\nmembers = [\"a\", \"b\"]\n[manifest.dependency-groups]\ndev = [{ name = \"ruff\", specifier = \">=0.5\" }]\n"))
	if err != nil {
		t.Fatal(err)
	}
	m := manifest(t, "pyproject.toml", []byte("[dependency-groups]\ndev = [\"ruff>=0.5\", \"mypy\"]\n"))
	want := "pyproject.toml:2:21: `pyproject.toml` requires `mypy`, which `uv.lock` was not made for\n  hint: run `uv lock`"
	if diff := cmp.Diff(want, lines(t, u.Stale([]Manifest{m}, []string{"dev"}))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDynamicDependenciesAreNotCompared(t *testing.T) {
	t.Parallel()
	m := manifest(t, "pyproject.toml", read(t, "dynamic/pyproject.toml"))
	m.Dependencies = []Req{{Text: "anything"}}
	if err := uvLock(t, "dynamic").Stale([]Manifest{m}, nil); err != nil {
		t.Error(lines(t, err))
	}
}

func TestOverridesOfALockWithoutMetadata(t *testing.T) {
	t.Parallel()
	u, err := ParseUVLock("uv.lock", []byte(bare+`[[package]]
name = "a"
version = "1"
source = { virtual = "." }
dependencies = [{ name = "x" }, { name = "y" }]
[[package]]
name = "x"
version = "2"
source = { registry = "https://h.example/simple" }
[[package]]
name = "y"
version = "2"
source = { registry = "https://h.example/simple" }
`))
	if err != nil {
		t.Fatal(err)
	}
	m := manifest(t, "pyproject.toml", []byte("[project]\nname = \"a\"\ndependencies = [\"x<2\", \"y<2\"]\n[tool.uv]\noverride-dependencies = [\"x>=2\"]\nconstraint-dependencies = [\"z\"]\n"))
	want := "pyproject.toml:3:24: `pyproject.toml` requires `y<2`, but `uv.lock` has `y 2`\n  hint: run `uv lock`"
	if diff := cmp.Diff(want, lines(t, u.Stale([]Manifest{m}, nil))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
