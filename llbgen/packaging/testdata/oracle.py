"""Answers questions about PyPA's packaging library.

A question is a line of JSON, {"ask": NAME, "items": [...]}, and so is its
answer, a list with one entry for each item; null is "the library refuses".
"""

import json
import sys
import sysconfig
import warnings

from packaging import _manylinux, _musllinux, tags
from packaging._parser import Value, Variable
from packaging.markers import (
    MARKERS_ALLOWING_SET,
    MARKERS_REQUIRING_VERSION,
    InvalidMarker,
    Marker,
    UndefinedComparison,
)
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

warnings.simplefilter("ignore")


def name(item):
    return canonicalize_name(item)


def version(item):
    try:
        v = Version(item)
    except InvalidVersion:
        return None
    return {
        "str": str(v),
        "prerelease": v.is_prerelease,
        "release": [str(n) for n in v.release],
        "local": v.local or "",
    }


def compare(item):
    a, b = map(Version, item)
    return (a > b) - (a < b)


def normal(spec):
    """A clause with its version normalised, which str() leaves alone."""
    op, v = spec.operator, spec.version
    if op == "===":
        return op + v
    if v.endswith(".*"):
        return f"{op}{Version(v[:-2])}.*"
    return f"{op}{Version(v)}"


def specifier_text(s):
    ordered = sorted(map(normal, s))
    return ",".join(map(str, dict.fromkeys(map(Specifier, ordered))))


def specifiers(item):
    try:
        s = SpecifierSet(item["text"])
    except InvalidSpecifier:
        return None
    holds = [s.contains(Version(v), prereleases=True) for v in item["versions"]]
    return {"str": specifier_text(s), "contains": holds}


def senseless(markers):
    """Whether a comparison is one that cannot be evaluated or means nothing."""
    for m in markers:
        if isinstance(m, list) and senseless(m):
            return True
        if not isinstance(m, tuple):
            continue
        left, op, right = m
        if isinstance(left, Variable) == isinstance(right, Variable):
            return True
        key = left.value if isinstance(left, Variable) else right.value
        if isinstance(left, Variable) and key in MARKERS_ALLOWING_SET:
            return True
        if op.value in ("~=", "==="):
            if key not in MARKERS_REQUIRING_VERSION:
                return True
            if isinstance(right, Value):
                try:
                    Specifier(op.value + right.value)
                except InvalidSpecifier:
                    return True
    return False


def evaluate(m, environment):
    for key in MARKERS_ALLOWING_SET:
        environment[key] = set(environment[key])
    try:
        return m.evaluate(environment, context="lock_file")
    except UndefinedComparison:
        return None


def marker(item):
    try:
        m = Marker(item["text"])
    except InvalidMarker:
        return None
    if senseless(m._markers):
        return None
    return {"str": str(m), "holds": [evaluate(m, dict(e)) for e in item["environments"]]}


def requirement(item):
    try:
        r = Requirement(item)
    except InvalidRequirement:
        return None
    if r.marker and senseless(r.marker._markers):
        return None
    return {
        "name": r.name,
        "extras": sorted({canonicalize_name(e) for e in r.extras}),
        "specifiers": specifier_text(r.specifier),
        "url": r.url or "",
        "marker": str(r.marker or ""),
    }


def wheel(item):
    try:
        n, v, build, t = parse_wheel_filename(item)
    except InvalidWheelFilename:
        return None
    return {
        "name": n,
        "version": str(v),
        "build": [str(b) for b in build],
        "tags": sorted(map(str, t)),
    }


def sdist(item):
    try:
        n, v = parse_sdist_filename(item)
    except InvalidSdistFilename:
        return None
    return {"name": n, "version": str(v)}


def build(item):
    a, b = (parse_wheel_filename(f"a-1{x and '-' + x}-py3-none-any.whl")[2] for x in item)
    return (a > b) - (a < b)


def target_tags(item):
    """What sys_tags() gives in that interpreter."""
    python = tuple(item["python"])
    nodot = "".join(map(str, python))
    config = {
        "Py_DEBUG": 0,
        "Py_GIL_DISABLED": int(item["threaded"]),
        "WITH_PYMALLOC": 1,
        "Py_UNICODE_SIZE": 4,
        "py_version_nodot": nodot,
    }
    tags._get_config_var = lambda key, warn=False: config[key]
    tags.platform.system = lambda: "Linux"
    sysconfig.get_platform = lambda: "linux-" + item["arch"]
    arch_ok = _manylinux._ALLOWED_ARCHS | {"armv7l", "i686"}
    _manylinux._have_compatible_abi = lambda _, archs: bool(arch_ok & set(archs))
    glibc = item["glibc"] or [-1, -1]
    _manylinux._get_glibc_version = lambda: _manylinux._GLibCVersion(*glibc)
    _manylinux._get_manylinux_module = lambda: None
    musl = item["musl"] and _musllinux._MuslVersion(*item["musl"])
    _musllinux._get_musl_version = lambda _: musl
    found = list(tags.cpython_tags(python))
    found += tags.compatible_tags(python, interpreter="cp" + nodot)
    return list(map(str, found))


ANSWERS = {
    "name": name,
    "version": version,
    "compare": compare,
    "specifiers": specifiers,
    "marker": marker,
    "requirement": requirement,
    "wheel": wheel,
    "sdist": sdist,
    "build": build,
    "tags": target_tags,
}

for line in sys.stdin:
    question = json.loads(line)
    answer = ANSWERS[question["ask"]]
    print(json.dumps([answer(item) for item in question["items"]]), flush=True)
