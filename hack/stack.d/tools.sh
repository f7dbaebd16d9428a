# shellcheck shell=bash disable=SC2154 # variables of hack/stack
# Binaries of the stack, each from a Go module of its own under hack/tools: the
# versions that one project was released with are not those of another.

# A tool is made again when its module or this table changes.
#
# Engines are told their version, which otherwise reads v0.0.0+unknown and
# defeats whoever asks `docker version` what it can do.
#
# module   package below its module                cgo tags variable of the version
tool_table() {
    cat <<'END'
buildkit   github.com/moby/buildkit                 cmd/buildkitd              0 -       version.Version
buildkit   github.com/moby/buildkit                 cmd/buildctl               0 -       version.Version
buildkit   github.com/moby/buildkit                 frontend/dockerfile/cmd/dockerfile-frontend 0 - version.Version
runc       github.com/opencontainers/runc           .                          1 seccomp main.version
image      pyfrontend/hack/tools/image              .                          0 -       -
image      github.com/google/go-containerregistry   cmd/crane                  0 -       cmd/crane/cmd.Version
containerd github.com/containerd/containerd/v2      cmd/containerd             0 -       version.Version
containerd github.com/containerd/containerd/v2      cmd/containerd-shim-runc-v2 0 -      version.Version
moby       github.com/moby/moby/v2                  cmd/dockerd                0 -       dockerversion.Version
moby       github.com/moby/moby/v2                  cmd/docker-proxy           0 -       -
buildx     github.com/docker/buildx                 cmd/buildx                 0 -       version.Version
END
}

make_packages() {
    local packages=(debootstrap iptables iproute2 libseccomp-dev patchelf pkg-config binutils curl) programs
    # Not installed but unpacked: a package with a daemon would start it.
    local unpacked=(docker-registry tini)
    # dpkg-query is too slow to ask it every time.
    local stamp
    stamp=$cache/packages.$(echo "${packages[*]} ${unpacked[*]}" | sha256sum | cut -c1-12)
    programs=("$bin"/{docker-registry,docker-init} debootstrap iptables ip patchelf pkg-config strip curl)
    [[ -f $stamp ]] && [[ $(type -P "${programs[@]}" | wc -l) == "${#programs[@]}" ]] && return
    begin 'apt packages'
    mkdir -p "$bin" "$cache/apt"
    {
        apt-get update -q
        DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${packages[@]}"
        rm -rf "$cache/apt/"*
        (cd "$cache/apt" && apt-get -o APT::Sandbox::User=root download "${unpacked[@]}")
        unpack docker-registry usr/bin/docker-registry docker-registry
        unpack tini usr/bin/tini-static docker-init
    } >"$cache/apt.log" 2>&1 || fail "$cache/apt.log"
    touch "$stamp"
    done_step
}

# unpack PACKAGE FILE NAME
unpack() {
    dpkg-deb --fsys-tarfile "$cache/apt/$1"_*.deb | tar -x -O "./$2" >"$bin/.$3.new"
    chmod 755 "$bin/.$3.new"
    mv "$bin/.$3.new" "$bin/$3"
}

make_tools() {
    local module path package cgo tags variable name version key flags log=$cache/tools.log
    mkdir -p "$bin"
    while read -r module path package cgo tags variable; do
        [[ $package == . ]] && name=$(basename "$path") || name=$(basename "$package")
        key=$(cat "$here/tools/$module"/* | sha256sum - | cut -c1-12)-$path/$package-$cgo-$tags-$variable
        [[ -x $bin/$name && $(cat "$bin/.$name" 2>/dev/null) == "$key" ]] && continue
        begin "tool $name"
        [[ $package != . ]] || package=
        flags='-s -w'
        if [[ $variable != - ]]; then
            version=$(awk -v path="$path" '$1 == path { print $2 }' "$here/tools/$module/go.mod")
            [[ $variable == main.* ]] || variable=$path/$variable
            # Docker's own tools print it without the v, BuildKit's with it.
            case $path in */moby/v2 | */runc) version=${version#v} ;; esac
            flags+=" -X $variable=$version"
        fi
        # A rename, because a running daemon keeps its file busy.
        (
            cd "$here/tools/$module"
            CGO_ENABLED=$cgo go build -tags "${tags#-}" -ldflags "$flags" -o "$bin/.$name.new" "$path${package:+/$package}"
        ) >"$log" 2>&1 || fail "$log"
        mv "$bin/.$name.new" "$bin/$name"
        echo "$key" >"$bin/.$name"
        done_step
    done < <(tool_table)

    # The CLI finds buildx in a configuration of our own, never the user's.
    mkdir -p "$cache/docker/cli-plugins"
    ln -sf ../../bin/buildx "$cache/docker/cli-plugins/docker-buildx"
    [[ -f $cache/docker/config.json ]] || echo '{}' >"$cache/docker/config.json"
}
