package plan

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

func sprint(v any) string { return fmt.Sprint(v) }

func parse(t *testing.T, text string) *spec.Spec {
	t.Helper()
	f := spec.File{Name: "pyproject.toml", Data: []byte(text)}
	s, err := spec.Parse(f, f)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const project = "[project]\nname = \"shop\"\nversion = \"1\"\n"

// Every server of the table has a case here: the last test checks it.
var commandCases = []struct {
	name, toml, locked, files string
	target                    string
	want, err                 string
}{
	{name: "gunicorn with uvicorn-worker", toml: "[tool.pyfrontend]\nserver = \"shop.asgi:app\"\n", locked: "gunicorn uvicorn uvicorn-worker",
		want: "gunicorn --bind 0.0.0.0:8000 --worker-tmp-dir /dev/shm --worker-class uvicorn_worker.UvicornWorker --graceful-timeout 8 --access-logfile - --error-logfile - shop.asgi:app"},
	{name: "gunicorn, WSGI by framework", toml: "[tool.pyfrontend]\nserver = \"shop:app\"\n", locked: "gunicorn flask",
		want: "gunicorn --bind 0.0.0.0:8000 --worker-tmp-dir /dev/shm --worker-class gthread --threads 4 --graceful-timeout 8 --access-logfile - --error-logfile - shop:app"},
	{name: "gunicorn with a control socket", toml: "[tool.pyfrontend]\nserver = \"shop:app\"\n", locked: "gunicorn==25.1.0 flask",
		want: "gunicorn --no-control-socket --bind 0.0.0.0:8000"},
	{name: "gunicorn before it had one", toml: "[tool.pyfrontend]\nserver = \"shop:app\"\n", locked: "gunicorn==25.0.3 flask",
		want: "gunicorn --bind 0.0.0.0:8000"},
	{name: "uvicorn", toml: "[tool.pyfrontend]\nserver = \"shop:app\"\nport = 9000\n", locked: "uvicorn fastapi starlette",
		want: "uvicorn --host 0.0.0.0 --port 9000 --timeout-graceful-shutdown 8 shop:app"},
	{name: "gunicorn beside uvicorn for WSGI", toml: "[tool.pyfrontend]\nserver = \"shop.wsgi:application\"\n", locked: "gunicorn uvicorn django",
		want: "gunicorn --bind 0.0.0.0:8000 --worker-tmp-dir /dev/shm --worker-class gthread --threads 4 --graceful-timeout 8 --access-logfile - --error-logfile - shop.wsgi:application"},
	{name: "hypercorn", toml: "[tool.pyfrontend]\nserver = \"shop:app\"\n", locked: "hypercorn quart",
		want: "python -c " + hypercorn + " --bind 0.0.0.0:8000 --workers 2"},
	{name: "granian", toml: "[tool.pyfrontend]\nserver = \"shop:app\"\n", locked: "granian litestar",
		want: "granian --interface asgi --host 0.0.0.0 --port 8000"},
	{name: "waitress", toml: "[tool.pyfrontend]\nserver = \"shop:app\"\n", locked: "waitress bottle",
		want: "python -c " + waitress + " --listen 0.0.0.0:8000 --threads 8 shop:app"},
	{name: "two servers", toml: "[tool.pyfrontend]\nserver = \"shop:app\"\n", locked: "hypercorn uvicorn fastapi",
		err: "pyproject.toml:5:1: several servers for `shop:app` are locked: `uvicorn`, `hypercorn`"},
	{name: "two servers, one asked for", toml: "dependencies = [\"hypercorn>=0.17\", \"fastapi\"]\n[tool.pyfrontend]\nserver = \"shop:app\"\n", locked: "hypercorn uvicorn fastapi",
		want: "python -c " + hypercorn},
	{name: "by what the module imports", toml: "[tool.pyfrontend]\nserver = \"shop.main:app\"\n", locked: "gunicorn uvicorn uvicorn-worker flask fastapi", files: "src/shop/main.py=from fastapi import FastAPI",
		want: "gunicorn --bind 0.0.0.0:8000 --worker-tmp-dir /dev/shm --worker-class uvicorn_worker.UvicornWorker"},
	{name: "no server", toml: "[tool.pyfrontend]\nserver = \"shop:app\"\n", locked: "flask",
		err: "pyproject.toml:5:1: no server for `shop:app` is locked"},
	{name: "command", toml: "[tool.pyfrontend]\ncommand = [\"shop\", \"serve\"]\n", want: "shop serve"},
	{name: "target", toml: "[tool.pyfrontend]\ncommand = [\"shop\"]\n[tool.pyfrontend.commands]\nmigrate = [\"alembic\", \"upgrade\", \"head\"]\n", target: "migrate", want: "alembic upgrade head"},
	{name: "one script", toml: "[project.scripts]\nshop = \"shop:main\"\n", want: "shop"},
	{name: "two scripts", toml: "[project.scripts]\nshop = \"shop:main\"\nadmin = \"shop:admin\"\n",
		err: "pyproject.toml:4:1: several scripts could be the image's command: `shop`, `admin`"},
	{name: "__main__", files: "src/shop/__main__.py", want: "python -m shop"},
	{name: "two __main__", files: "src/shop/__main__.py;src/other/__main__.py",
		err: "several packages have a `__main__`: `other`, `shop`"},
	{name: "main.py", files: "main.py", want: "python main.py"},
	{name: "nothing", err: "nothing says what the image runs"},
}

func TestCommand(t *testing.T) {
	t.Parallel()
	for _, tt := range commandCases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := parse(t, project+tt.toml)
			locked := map[string]string{}
			for _, field := range strings.Fields(tt.locked) {
				name, version, _ := strings.Cut(field, "==")
				locked[name] = version
			}
			files := fstest.MapFS{}
			for name := range strings.SplitSeq(tt.files, ";") {
				name, data, _ := strings.Cut(name, "=")
				files[name] = file(data)
			}
			st, err := command(s, tt.target, files, true, locked)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want %q", err, tt.err)
				}
				return
			}
			if got := strings.Join(st.argv, " "); err != nil || !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestEveryServerHasACase(t *testing.T) {
	t.Parallel()
	for _, row := range servers {
		found := false
		for _, tt := range commandCases {
			locked := strings.Fields(tt.locked)
			has := true
			for _, need := range row.needs {
				has = has && strings.Contains(" "+strings.Join(locked, " ")+" ", " "+need+" ")
			}
			found = found || has
		}
		if !found {
			t.Errorf("server %s has no case", row.name)
		}
	}
}
