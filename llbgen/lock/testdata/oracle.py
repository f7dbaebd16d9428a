"""Writes expected.json: what other tools choose from each pylock here.

Names and versions are what `uv pip install --dry-run` prints for the platform;
the file is the best of the package's wheels by PyPA packaging's own tag order.
Where the two disagree on the names this script fails, so that the expectation
is never one tool's opinion only.
"""

import json, os, pathlib, re, subprocess, sys, tomllib
from urllib.parse import unquote, urlsplit
from packaging import _manylinux, tags
from packaging.markers import Marker
from packaging.utils import canonicalize_name, parse_wheel_filename

PYTHONS = ["3.11", "3.12", "3.13"]
TARGETS = {  # ours: (arch, glibc, musl, uv's name for it)
    "x86_64-glibc-2.36": ("x86_64", (2, 36), None, "x86_64-manylinux_2_36"),
    "aarch64-glibc-2.36": ("aarch64", (2, 36), None, "aarch64-manylinux_2_36"),
    "x86_64-musl-1.2": ("x86_64", None, (1, 2), "x86_64-unknown-linux-musl"),
}


def platforms(arch, glibc, musl):
    if musl:
        return [f"linux_{arch}"] + [f"musllinux_1_{n}_{arch}" for n in range(musl[1], -1, -1)]
    _manylinux._get_glibc_version = lambda: _manylinux._GLibCVersion(*glibc)
    _manylinux._have_compatible_abi = lambda *_: True
    _manylinux._is_compatible = lambda a, v: v <= glibc
    return [f"linux_{arch}"] + list(_manylinux.platform_tags([arch]))


def order(python, plats):
    version = tuple(map(int, python.split(".")))
    tag = "cp%d%d" % version
    all_tags = list(tags.cpython_tags(version, [tag], plats)) + list(tags.compatible_tags(version, tag, plats))
    return {t: i for i, t in reversed(list(enumerate(all_tags)))}


def environment(python, arch):
    return {
        "implementation_name": "cpython", "implementation_version": python + ".7", "os_name": "posix",
        "platform_machine": arch, "platform_release": "", "platform_system": "Linux", "platform_version": "",
        "python_full_version": python + ".7", "platform_python_implementation": "CPython",
        "python_version": python, "sys_platform": "linux", "extra": "",
    }


def file_name(file):
    return file.get("name") or unquote(urlsplit(file.get("url") or file["path"]).path).rsplit("/", 1)[-1]


def choose(lock, python, arch, plats):
    rank, env, chosen = order(python, plats), environment(python, arch), {}
    for p in lock["packages"]:
        if "marker" in p and not Marker(p["marker"]).evaluate(env):
            continue
        name = canonicalize_name(p["name"])
        wheels = p.get("wheels", [])
        if "archive" in p and file_name(p["archive"]).endswith(".whl"):
            wheels = [p["archive"]]
        best = None
        for w in wheels:
            _, _, build, wheel_tags = parse_wheel_filename(file_name(w))
            ranks = [rank[t] for t in wheel_tags if t in rank]
            if ranks and (best is None or (-min(ranks), build) > best[0]):
                best = ((-min(ranks), build), file_name(w))
        kind = "directory" if "directory" in p else best[1] if best else "none"
        chosen[name] = [p.get("version", ""), kind]
    return chosen


def uv(path, python, platform):
    """The names and versions uv would install, or None where it has to build."""
    out = subprocess.run(
        [os.environ["UV"], "pip", "install", "--dry-run", "--no-config", "--no-build", "-r", path.name, "--preview",
         "--python-version", python + ".7", "--python-platform", platform, "--target", "/tmp/oracle-target"],
        capture_output=True, text=True, cwd=path.parent)
    if out.returncode:
        return None
    return dict(re.findall(r"^ \+ (\S+?)==(\S+)", out.stderr, re.M))


expected, unchecked = {}, []
for path in sorted(pathlib.Path(".").glob("*/pylock*.toml")):
    lock = tomllib.loads(path.read_text())
    for python in PYTHONS:
        for target, (arch, glibc, musl, platform) in TARGETS.items():
            chosen = choose(lock, python, arch, platforms(arch, glibc, musl))
            key = f"{path} {python} {target}"
            theirs = uv(path, python, platform)
            if theirs is None:
                unchecked.append(key)
            else:
                ours = {n: v for n, (v, _) in chosen.items()}
                theirs = {canonicalize_name(n): v for n, v in theirs.items()}
                if ours != theirs:
                    sys.exit(f"{key}: uv and packaging disagree: {set(ours.items()) ^ set(theirs.items())}")
            expected[key] = chosen
lines = ",\n".join(f"{json.dumps(k)}: {json.dumps(v, sort_keys=True)}" for k, v in expected.items())
pathlib.Path("expected.json").write_text("{\n" + lines + "\n}\n")
print(f"{len(expected)} selections, {len(unchecked)} of them without uv's word:", *unchecked, sep="\n  ")
