#!/bin/sh
# Makes every lock, export and expectation under this folder again. Needs uv
# (UV=path), a CPython 3.13 (PYTHON=path), the network, and git. The index is
# looked at as of one date, so that a run repeats the last one.
#
#   UV=/path/to/uv PYTHON=/path/to/python3.13 ./regenerate.sh
set -eu
cd "$(dirname "$0")"
: "${UV:=uv}" "${PYTHON:=python3.13}"
export UV_PYTHON="$PYTHON" UV_PYTHON_DOWNLOADS=never UV_EXCLUDE_NEWER=2026-11-15T00:00:00Z

# The git dependency of `direct`: one commit, the same each time.
rm -rf /tmp/gitdep
mkdir -p /tmp/gitdep/src/gitdep
(
    cd /tmp/gitdep
    git init -q -b main
    printf '[project]\nname="gitdep"\nversion="1.5"\n[build-system]\nrequires=["uv_build>=0.9"]\nbuild-backend="uv_build"\n' >pyproject.toml
    touch src/gitdep/__init__.py
    git add -A
    GIT_COMMITTER_DATE=2026-01-01T00:00:00Z git -c user.name=a -c user.email=a@b commit -q -m x --date 2026-01-01T00:00:00Z
    git tag v1.5
)

# lock NAME [lock option…], then export NAME OUTPUT [export option…]
lock() (
    cd "$1"
    shift
    "$UV" lock -q "$@"
)
export_() (
    cd "$1"
    out=$2
    shift 2
    "$UV" export -q --frozen --no-header --format pylock.toml "$@" >"$out"
)

for name in conflicts direct django dynamic fastapi forks groups large science sources tricky workspace; do
    lock $name
    export_ $name pylock.toml --no-default-groups
done
rm -rf dynamic/dyn.egg-info # setuptools leaves it behind
for name in nometadata trickybare; do # uv's preview leaves [package.metadata] out
    lock $name --preview
    export_ $name pylock.toml --no-default-groups
done
export_ fastapi pylock.extras.toml --no-default-groups --all-extras
export_ groups pylock.telemetry.toml --no-default-groups --group telemetry
export_ conflicts pylock.old.toml --no-default-groups --extra old --group legacy
export_ conflicts pylock.new.toml --no-default-groups --extra new --group modern
export_ workspace pylock.api.toml --no-default-groups --package api --extra extra

tools=$(mktemp -d)
"$UV" pip install -q --target "$tools" packaging==26.3
PYTHONPATH="$tools" UV="$UV" "$PYTHON" oracle.py
rm -r "$tools"
