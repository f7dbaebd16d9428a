"""Looks at a container from the inside and prints what it finds as JSON.

The first argument is the question: user, files, processes or request.
"""

import http.client
import importlib.metadata
import importlib.util
import json
import os
import pwd
import re
import sys
import tempfile
from pathlib import Path

APPLICATION = ["/app", "/venv"]
TEST_MODULE = re.compile(r"/tests?/(.*/)?(test_[^/]*|[^/]*_test|conftest)\.py$")
TOOL = re.compile(r"(pip[0-9.]*|uvx?|easy_install.*|([a-z0-9_]+-)*(gcc|g\+\+|c\+\+|cc|clang)(-[0-9.]+)?)$")


def paths(*tops):
    """Lists everything below directories, and themselves."""
    for top in tops:
        yield top
        for root, folders, files in os.walk(top):
            if root == "/":
                folders[:] = [f for f in folders if f not in ("dev", "proc", "sys")]
            for name in folders + files:
                yield os.path.join(root, name)


def user():
    """Who runs the image, with what, and what may be written."""
    entry = pwd.getpwuid(os.getuid())
    with tempfile.NamedTemporaryFile(dir=entry.pw_dir) as file:
        written = os.path.dirname(file.name)
    return {
        "uid": os.getuid(),
        "gid": os.getgid(),
        "name": entry.pw_name,
        "home": os.path.expanduser("~"),
        "testWrite": written,
        "prefix": sys.prefix,
        "base": sys.base_prefix,
        "python": "%d.%d" % sys.version_info[:2],
        "writable": [p for p in paths(*APPLICATION) if not os.path.islink(p) and os.access(p, os.W_OK)],
        "distributions": {
            re.sub(r"[-_.]+", "-", d.metadata["Name"]).lower(): d.version for d in importlib.metadata.distributions()
        },
    }


def files():
    """What no image should have; the other arguments are paths."""
    found = {"tools": [], "wheels": [], "uncompiled": [], "checked": [], "foreign": []}
    for path in paths("/"):
        name = os.path.basename(path)
        if TOOL.match(name) and os.path.isfile(path) and os.access(path, os.X_OK):
            found["tools"].append(path)
        if name.endswith(".whl"):
            found["wheels"].append(path)
    found["tools"] += [name for name in ("pip", "setuptools", "uv", "wheel") if importlib.util.find_spec(name)]
    for path in paths(*APPLICATION):
        if os.lstat(path).st_uid != 0:
            found["foreign"].append(path)
        if path.endswith(".py") and "/site-packages/" in path:
            cached = importlib.util.cache_from_source(path)
            if not os.path.exists(cached):
                if compiles(path) and not TEST_MODULE.search(path):
                    found["uncompiled"].append(path)
            elif Path(cached).read_bytes()[4:8] != b"\1\0\0\0":  # UNCHECKED_HASH, see PEP 552
                found["checked"].append(cached)
    found["there"] = [path for path in sys.argv[2:] if os.path.lexists(path)]
    return found


def compiles(path):
    """Says whether a file is Python of this version: some are templates."""
    try:
        compile(Path(path).read_bytes(), path, "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def processes():
    """Which processes serve, and where workers touch a file as a sign of life."""
    listening = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if os.path.exists(table):
            rows = [line.split() for line in Path(table).read_text().splitlines()[1:]]
            listening |= {"socket:[%s]" % row[9] for row in rows if row[3] == "0A"}
    serving, heartbeats = set(), set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            opened = {os.readlink(fd) for fd in (process / "fd").iterdir()}
        except OSError:  # it is gone, or it is not ours
            continue
        if opened & listening:
            serving.add(int(process.name))
        heartbeats |= {name for name in opened if "/wgunicorn-" in name}
    # The first process only watches where others listen too.
    return {"workers": len(serving - {1}) or len(serving), "heartbeats": sorted(heartbeats)}


def request():
    """Asks a server beside us and says when the question is sent; the other arguments are a port and a path."""
    connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[2]))
    connection.request("GET", sys.argv[3])
    print("sent", flush=True)
    return connection.getresponse().status


print(json.dumps({"user": user, "files": files, "processes": processes, "request": request}[sys.argv[1]]()))
