package plan

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pyfrontend/pyfrontend/llbgen/packaging"
	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// server is one row of the table of application servers: which distributions
// must be locked for it, what it can serve, and how it is started in a
// container. The number of processes is an environment variable wherever the
// server reads one, so that it can be set where the container is started.
type server struct {
	name string
	// needs are the distributions that must be locked, the first being the
	// server itself.
	needs []string
	// serves are the interfaces; one row is chosen by the object's interface.
	serves []string
	argv   func(object, iface string, port int) []string
	// later are arguments that only newer releases of the server know; they
	// come first.
	later []laterArgs
	env   []spec.Pair
}

// laterArgs are arguments that a server has since a release.
type laterArgs struct {
	since string
	args  []string
}

// gracePeriod is how long, in seconds, a server lets requests finish after
// SIGTERM: shorter than the ten seconds after which `docker stop` kills.
const gracePeriod = "8"

// noControlSocket keeps gunicorn from opening a socket for its command line tool
// below $HOME, which a read-only container logs as an error.
var noControlSocket = []laterArgs{{"25.1", []string{"--no-control-socket"}}}

var servers = []server{
	{
		name: "gunicorn with uvicorn workers", needs: []string{"gunicorn", "uvicorn", "uvicorn-worker"}, serves: []string{"asgi"},
		argv:  gunicorn("--worker-class", "uvicorn_worker.UvicornWorker"),
		later: noControlSocket,
		env:   []spec.Pair{{Name: "WEB_CONCURRENCY", Value: "2"}},
	},
	{
		name: "gunicorn with uvicorn workers", needs: []string{"gunicorn", "uvicorn"}, serves: []string{"asgi"},
		argv:  gunicorn("--worker-class", "uvicorn.workers.UvicornWorker"),
		later: noControlSocket,
		env:   []spec.Pair{{Name: "WEB_CONCURRENCY", Value: "2"}},
	},
	{
		name: "gunicorn", needs: []string{"gunicorn"}, serves: []string{"wsgi"},
		argv:  gunicorn("--worker-class", "gthread", "--threads", "4"),
		later: noControlSocket,
		env:   []spec.Pair{{Name: "WEB_CONCURRENCY", Value: "2"}},
	},
	{
		name: "uvicorn", needs: []string{"uvicorn"}, serves: []string{"asgi"},
		argv: func(object, _ string, port int) []string {
			return []string{"uvicorn", "--host", "0.0.0.0", "--port", strconv.Itoa(port), "--timeout-graceful-shutdown", gracePeriod, object}
		},
		env: []spec.Pair{{Name: "WEB_CONCURRENCY", Value: "2"}},
	},
	{
		name: "hypercorn", needs: []string{"hypercorn"}, serves: []string{"asgi", "wsgi"},
		argv: func(object, iface string, port int) []string {
			return []string{"python", "-c", hypercorn, "--bind", address(port), "--workers", "2", "--graceful-timeout", gracePeriod,
				"--access-logfile", "-", "--error-logfile", "-", iface + ":" + object}
		},
	},
	{
		name: "granian", needs: []string{"granian"}, serves: []string{"asgi", "wsgi"},
		argv: func(object, iface string, port int) []string {
			argv := []string{"granian", "--interface", iface, "--host", "0.0.0.0", "--port", strconv.Itoa(port), "--access-log"}
			if iface == "wsgi" {
				argv = append(argv, "--blocking-threads", "4")
			}
			return append(argv, object)
		},
		env: []spec.Pair{{Name: "GRANIAN_WORKERS", Value: "2"}, {Name: "GRANIAN_WORKERS_KILL_TIMEOUT", Value: gracePeriod}},
	},
	{
		name: "waitress", needs: []string{"waitress"}, serves: []string{"wsgi"},
		argv: func(object, _ string, port int) []string {
			return []string{"python", "-c", waitress, "--listen", address(port), "--threads", "8", object}
		},
	},
}

// gunicorn keeps the workers' heartbeat files in memory: on a disk that blocks,
// a healthy worker would be killed.
func gunicorn(worker ...string) func(object, iface string, port int) []string {
	return func(object, _ string, port int) []string {
		argv := []string{"gunicorn", "--bind", address(port), "--worker-tmp-dir", "/dev/shm"}
		argv = append(argv, worker...)
		return append(argv, "--graceful-timeout", gracePeriod, "--access-logfile", "-", "--error-logfile", "-", object)
	}
}

func address(port int) string { return "0.0.0.0:" + strconv.Itoa(port) }

// hypercorn starts hypercorn so that it gives all workers the time to finish: by
// itself it kills the others, in the middle of their requests, when the first one
// is done.
const hypercorn = "import sys; from multiprocessing.process import BaseProcess; from hypercorn.__main__ import main; " +
	"BaseProcess.terminate = lambda worker: worker.join(" + gracePeriod + ") or worker.kill(); sys.exit(main())"

// waitress starts waitress-serve with a handler for SIGTERM: it has none, and the
// kernel ignores what the first process of a container does not handle.
const waitress = "import signal, sys; from waitress.runner import run; signal.signal(signal.SIGTERM, signal.default_int_handler); sys.exit(run())"

// frameworks tell the interface of an object whose name does not.
var frameworks = map[string][]string{
	"asgi": {"fastapi", "starlette", "litestar", "quart", "blacksheep", "sanic", "robyn", "aiohttp-asgi", "channels", "fastmcp"},
	"wsgi": {"flask", "django", "bottle", "pyramid", "falcon", "cherrypy", "web-py"},
}

// command gives the arguments that start the release of the server that is
// locked.
func (r server) command(object, iface string, port int, locked map[string]string) []string {
	argv := r.argv(object, iface, port)
	version, err := packaging.ParseVersion(locked[r.needs[0]])
	if err != nil {
		return argv
	}
	for _, l := range r.later {
		if since, err := packaging.ParseVersion(l.since); err == nil && version.Compare(since) >= 0 {
			argv = slices.Insert(argv, 1, l.args...)
		}
	}
	return argv
}

// serve chooses the server for the `server` key among the locked distributions,
// which are versions by name.
func serve(s *spec.Spec, files fs.FS, locked map[string]string) (server, string, error) {
	object := s.Tool.Server
	at := s.At("tool.pyfrontend.server")
	iface, sure := interfaceOf(s, object, files, locked)
	var fit, other []server
	taken := map[string]bool{}
	for _, row := range servers {
		if !all(row.needs, locked) {
			continue
		}
		switch {
		case taken[row.needs[0]]:
		case slices.Contains(row.serves, iface):
			fit = append(fit, row)
			for _, need := range row.needs {
				taken[need] = true
			}
		default:
			other = append(other, row)
		}
	}
	if len(fit) == 0 && !sure && len(other) > 0 {
		// Only a server for the other interface is locked: that tells it.
		fit, iface = other[:1], other[0].serves[0]
	}
	fit = preferDirect(s, fit)
	switch len(fit) {
	case 1:
		return fit[0], iface, nil
	case 0:
		return server{}, "", &spec.Error{
			At:      at,
			Message: fmt.Sprintf("no server for `%s` is locked", object),
			Hint:    "add one of " + serverNames(iface) + " to the dependencies and lock again, or set `command`",
		}
	}
	var names []string
	for _, row := range fit {
		names = append(names, "`"+row.needs[0]+"`")
	}
	return server{}, "", &spec.Error{
		At:      at,
		Message: fmt.Sprintf("several servers for `%s` are locked: %s", object, strings.Join(names, ", ")),
		Hint:    "keep one of them in the dependencies, or set `command`",
	}
}

// interfaceOf tells whether an object is ASGI or WSGI: by its name, else by the
// frameworks that its module imports, that the project asks for, that are
// locked. sure is false for a guess.
func interfaceOf(s *spec.Spec, object string, files fs.FS, locked map[string]string) (iface string, sure bool) {
	for _, name := range []string{"asgi", "wsgi"} {
		if strings.Contains(strings.ToLower(object), name) {
			return name, true
		}
	}
	for _, set := range []map[string]string{serverImports(object, files), directDependencies(s), locked} {
		asgi, wsgi := anyOf(frameworks["asgi"], set), anyOf(frameworks["wsgi"], set)
		if asgi != wsgi {
			if asgi {
				return "asgi", true
			}
			return "wsgi", true
		}
	}
	if has(locked, "uvicorn") && !has(locked, "gunicorn") {
		return "asgi", false
	}
	return "wsgi", false
}

// ServerFiles lists where the module of a server object may lie in a project.
func ServerFiles(object string) []string {
	module, _, _ := strings.Cut(object, ":")
	if module == "" {
		return nil
	}
	name := strings.ReplaceAll(module, ".", "/")
	return []string{name + ".py", name + "/__init__.py", "src/" + name + ".py", "src/" + name + "/__init__.py"}
}

var importLine = regexp.MustCompile(`(?m)^(?:import|from)[ \t]+([A-Za-z_][A-Za-z0-9_]*)`)

// serverImports gives what the module of the server object imports at its top,
// as names of distributions.
func serverImports(object string, files fs.FS) map[string]string {
	names := map[string]string{}
	for _, name := range ServerFiles(object) {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			continue
		}
		for _, m := range importLine.FindAllSubmatch(data, -1) {
			names[packaging.NormalizeName(string(m[1]))] = ""
		}
	}
	return names
}

// preferDirect keeps, of several servers, those that the project itself asks
// for, if there are any.
func preferDirect(s *spec.Spec, rows []server) []server {
	direct := directDependencies(s)
	var kept []server
	for _, row := range rows {
		if has(direct, row.needs[0]) {
			kept = append(kept, row)
		}
	}
	if len(kept) > 0 {
		return kept
	}
	return rows
}

// directDependencies are the specifiers of what the project itself asks for, by
// name.
func directDependencies(s *spec.Spec) map[string]string {
	direct := map[string]string{}
	add := func(requirements []string) {
		for _, text := range requirements {
			if r, err := packaging.ParseRequirement(text); err == nil {
				direct[packaging.NormalizeName(r.Name)] = r.Specifiers.String()
			}
		}
	}
	add(s.Project.Dependencies)
	for _, extra := range s.Project.Extras {
		if slices.Contains(s.Tool.Extras, packaging.NormalizeName(extra.Name)) {
			add(extra.Requirements)
		}
	}
	for _, group := range s.Groups {
		if slices.Contains(s.Tool.Groups, packaging.NormalizeName(group.Name)) {
			add(group.Requirements)
		}
	}
	return direct
}

func serverNames(iface string) string {
	var names []string
	for _, row := range servers {
		if slices.Contains(row.serves, iface) && len(row.needs) == 1 {
			names = append(names, "`"+row.needs[0]+"`")
		}
	}
	return strings.Join(names, ", ")
}

func has(set map[string]string, name string) bool {
	_, ok := set[name]
	return ok
}

func all(names []string, set map[string]string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return !has(set, name) })
}

func anyOf(names []string, set map[string]string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return has(set, name) })
}
