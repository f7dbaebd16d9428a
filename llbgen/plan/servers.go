package plan

import (
	"fmt"
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
	env    []spec.Pair
}

// gracePeriod is how long, in seconds, a server lets requests finish after
// SIGTERM: shorter than the ten seconds after which `docker stop` kills.
const gracePeriod = "8"

var servers = []server{
	{
		name: "gunicorn with uvicorn workers", needs: []string{"gunicorn", "uvicorn", "uvicorn-worker"}, serves: []string{"asgi"},
		argv: gunicorn("--worker-class", "uvicorn_worker.UvicornWorker"),
		env:  []spec.Pair{{Name: "WEB_CONCURRENCY", Value: "2"}},
	},
	{
		name: "gunicorn with uvicorn workers", needs: []string{"gunicorn", "uvicorn"}, serves: []string{"asgi"},
		argv: gunicorn("--worker-class", "uvicorn.workers.UvicornWorker"),
		env:  []spec.Pair{{Name: "WEB_CONCURRENCY", Value: "2"}},
	},
	{
		name: "gunicorn", needs: []string{"gunicorn"}, serves: []string{"wsgi"},
		argv: gunicorn("--worker-class", "gthread", "--threads", "4"),
		env:  []spec.Pair{{Name: "WEB_CONCURRENCY", Value: "2"}},
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
			return []string{"hypercorn", "--bind", address(port), "--workers", "2", "--graceful-timeout", gracePeriod,
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
		env: []spec.Pair{{Name: "GRANIAN_WORKERS", Value: "2"}},
	},
	{
		name: "waitress", needs: []string{"waitress"}, serves: []string{"wsgi"},
		argv: func(object, _ string, port int) []string {
			return []string{"waitress-serve", "--listen", address(port), "--threads", "8", object}
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

// frameworks tell the interface of an object whose name does not.
var frameworks = map[string][]string{
	"asgi": {"fastapi", "starlette", "litestar", "quart", "blacksheep", "sanic", "robyn", "aiohttp-asgi", "channels", "fastmcp"},
	"wsgi": {"flask", "django", "bottle", "pyramid", "falcon", "cherrypy", "web-py"},
}

// serve chooses the server for the `server` key among the locked distributions.
func serve(s *spec.Spec, locked map[string]bool) (server, string, error) {
	object := s.Tool.Server
	at := s.At("tool.pyfrontend.server")
	iface, sure := interfaceOf(s, object, locked)
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
// frameworks that are locked. sure is false for a guess.
func interfaceOf(s *spec.Spec, object string, locked map[string]bool) (iface string, sure bool) {
	for _, name := range []string{"asgi", "wsgi"} {
		if strings.Contains(strings.ToLower(object), name) {
			return name, true
		}
	}
	direct := directDependencies(s)
	for _, set := range []map[string]bool{direct, locked} {
		asgi, wsgi := anyOf(frameworks["asgi"], set), anyOf(frameworks["wsgi"], set)
		if asgi != wsgi {
			if asgi {
				return "asgi", true
			}
			return "wsgi", true
		}
	}
	if locked["uvicorn"] && !locked["gunicorn"] {
		return "asgi", false
	}
	return "wsgi", false
}

// preferDirect keeps, of several servers, those that the project itself asks
// for, if there are any.
func preferDirect(s *spec.Spec, rows []server) []server {
	direct := directDependencies(s)
	var kept []server
	for _, row := range rows {
		if direct[row.needs[0]] {
			kept = append(kept, row)
		}
	}
	if len(kept) > 0 {
		return kept
	}
	return rows
}

func directDependencies(s *spec.Spec) map[string]bool {
	direct := map[string]bool{}
	add := func(requirements []string) {
		for _, text := range requirements {
			if r, err := packaging.ParseRequirement(text); err == nil {
				direct[packaging.NormalizeName(r.Name)] = true
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

func all(names []string, set map[string]bool) bool {
	for _, name := range names {
		if !set[name] {
			return false
		}
	}
	return true
}

func anyOf(names []string, set map[string]bool) bool {
	return slices.ContainsFunc(names, func(name string) bool { return set[name] })
}
