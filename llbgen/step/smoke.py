"""Imports modules one by one and reports each as a JSON line on descriptor 3.

The only argument is a JSON object: modules, and server with module, object and
interface. What goes wrong is printed as a traceback; what it means is decided
by the reader of the lines.
"""
import sys

WHERE = sys.path.pop(0)  # what -c puts there; back once our own imports are done
import importlib
import json
import os
import traceback

REPORT = 3


def report(**line):
    """Sends one line."""
    os.write(REPORT, (json.dumps(line) + "\n").encode())


OURS = (report.__code__.co_filename, importlib.__file__, "<frozen importlib")


def exists(name):
    """Says whether a top-level module of that name can be found."""
    import importlib.machinery

    try:
        return name in sys.modules or importlib.machinery.PathFinder.find_spec(name) is not None
    except Exception:
        return False


def similar(name):
    """Lists modules that exist and are spelled nearly like name."""
    import difflib
    import pkgutil

    parent, _, last = name.rpartition(".")
    path = None
    if parent:
        if not hasattr(sys.modules.get(parent), "__path__"):
            return similar(parent)
        path = sys.modules[parent].__path__
    names = sorted({module.name for module in pkgutil.iter_modules(path)})
    close = difflib.get_close_matches(last, names, n=3)
    return [parent + "." + match if parent else match for match in close]


def links(error):
    """Follows what an exception was raised from. The context of an ImportError
    counts too: packages wrap the error of their extension module."""
    seen = []
    while error is not None and not any(error is other for other in seen):
        seen.append(error)
        context = None if error.__suppress_context__ else error.__context__
        bare = isinstance(error, ImportError) and not isinstance(error, ModuleNotFoundError)
        error = error.__cause__ or (context if bare else None)
    return seen


def describe(error):
    """Makes one exception a JSON value."""
    name = getattr(error, "name", None) if isinstance(error, ImportError) else None
    top = (name or "").split(".")[0]
    return {
        "type": type(error).__name__,
        "message": str(error),
        "notFound": isinstance(error, ModuleNotFoundError),
        "linking": isinstance(error, (ImportError, OSError)),
        "name": name or "",
        "path": getattr(error, "path", None) or "" if name else "",
        "exists": bool(top) and exists(top),
        "stdlib": top in getattr(sys, "stdlib_module_names", ()),
        "similar": similar(name) if isinstance(error, ModuleNotFoundError) and name else [],
    }


def attempt(module):
    """Imports a module and returns it, or None after reporting why not."""
    report(event="start", module=module)
    try:
        result = importlib.import_module(module)
    except BaseException as error:
        # The first frames are this function's and importlib's.
        trace = error.__traceback__
        while trace and trace.tb_frame.f_code.co_filename.startswith(OURS):
            trace = trace.tb_next
        traceback.print_exception(type(error), error, trace)
        chain = [describe(link) for link in links(error)]
        report(event="failed", module=module, chain=chain)
        return None
    report(event="imported", module=module)
    return result


def interface_of(value):
    """Guesses asgi or wsgi; "" when it could be either."""
    import functools
    import inspect

    if isinstance(value, functools.partial) or inspect.isclass(value):
        return ""
    call = value if inspect.isroutine(value) else getattr(type(value), "__call__", None)
    if inspect.iscoroutinefunction(call):
        return "asgi"
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return ""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if any(p.kind == p.VAR_POSITIONAL for p in parameters):
        return ""
    required = [p for p in parameters if p.kind in kinds and p.default is p.empty]
    return {2: "wsgi", 3: "asgi"}.get(len(required), "")


def look_up(module, name, path):
    """Follows a dotted path and reports what is at its end."""
    import difflib

    value, factory = module, path.endswith("()")
    for part in path.removesuffix("()").split(".") if factory else path.split("."):
        try:
            value = getattr(value, part)
        except AttributeError:
            close = difflib.get_close_matches(part, sorted(vars(module)), n=3) if value is module else []
            report(event="no-object", module=name, similar=close)
            return
    report(
        event="object", module=name, callable=callable(value),
        type=type(value).__name__, interface="" if factory else interface_of(value),
    )


def main(plan):
    """Imports what the plan names."""
    imported = {}
    for module in plan["modules"]:
        imported[module] = attempt(module)
    server = plan.get("server")
    if server and imported.get(server["module"]) is not None:
        report(event="server", module=server["module"])
        try:
            look_up(imported[server["module"]], server["module"], server["object"])
        except BaseException as error:
            traceback.print_exception(type(error), error, error.__traceback__)
            report(event="failed", module=server["module"], chain=[describe(link) for link in links(error)])
    report(event="end")


PLAN = json.loads(sys.argv.pop(1))
sys.path.insert(0, WHERE)
os.set_inheritable(REPORT, False)
main(PLAN)
for stream in (sys.stdout, sys.stderr):
    try:
        stream.flush()
    except Exception:
        pass
os._exit(0)  # threads and exit hooks of the application are not under test
