# shellcheck shell=bash disable=SC2154 # variables of hack/stack
# Base images made from Debian packages and the machine's own CPythons, for
# machines that reach package registries but no image registry.
#
# An image is a stack of layers, a layer is one function below. A layer is made
# again when the text of its function or one of its parents changes.

readonly suite=bookworm
readonly python_minors=(3.13 3.12 3.11)

# What the official slim Python image has beyond debian:bookworm-slim, by the
# libraries that the extension modules of CPython link to.
readonly python_packages=(
    ca-certificates netbase tzdata libbz2-1.0 libdb5.3 libexpat1 libffi8
    libgdbm6 liblzma5 libncursesw6 libnsl2 libreadline8 libsqlite3-0 libssl3
    libtirpc3 libuuid1 zlib1g
)

declare -A layer_dir layer_key

# layer NAME FUNCTION [ARG]... [-- PARENT...]
#
# FUNCTION gets the directory to fill, then its arguments. With parents the
# directory is an overlay over them, of which only the difference is kept.
layer() {
    local name=$1 function=$2 args=() parents=() parent lower='' key dir
    shift 2
    while [[ $# -gt 0 && $1 != -- ]]; do args+=("$1"); shift; done
    [[ $# -gt 0 ]] && shift
    parents=("$@")
    key=$(
        {
            recipe "$function"
            echo "${args[*]}" "${python_packages[*]}"
            for parent in "${parents[@]}"; do echo "${layer_key[$parent]}"; done
        } | sha256sum | cut -c1-12
    )
    dir=$cache/layers/$name-$key
    layer_key[$name]=$key
    layer_dir[$name]=$dir
    images_key+=$key
    [[ -f $dir/layer.tar.gz ]] && return
    for parent in "${parents[@]}"; do lower=${layer_dir[$parent]}/fs${lower:+:$lower}; done

    begin "layer $name"
    rm -rf "$cache/layers/$name-"*
    mkdir -p "$dir"/{fs,work,merged}
    # A mount namespace of its own: whatever happens, no mount is left behind.
    # shellcheck disable=SC2016
    lower=$lower unshare --mount --propagation private \
        bash -euo pipefail -c '
            . "$1"; dir=$2; shift 2
            root=$dir/fs
            if [[ -n $lower ]]; then
                root=$dir/merged
                mount -t overlay overlay \
                    -o "lowerdir=$lower,upperdir=$dir/fs,workdir=$dir/work" "$root"
            fi
            function=$1; shift
            "$function" "$root" "$@"
        ' layer "${BASH_SOURCE[0]}" "$dir" "$function" "${args[@]}" </dev/null >"$dir/log" 2>&1 ||
        fail "$dir/log"
    rm -rf "$dir"/{work,merged}
    "$bin/image" layer -o "$dir/layer.tar.gz" "$dir/fs"
    done_step
}

# recipe FUNCTION prints it and the helpers that it calls.
recipe() {
    local text helper
    text=$(declare -f "$1")
    echo "$text"
    for helper in in_root debian_settings install_packages unpack_foreign fetch_foreign python_tree; do
        [[ $1 == "$helper" || $text != *"$helper "* ]] || recipe "$helper"
    done
}

# in_root DIR COMMAND...
in_root() {
    local root=$1
    shift
    mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
    mountpoint -q "$root/dev" || mount --bind /dev "$root/dev"
    mountpoint -q "$root/etc/resolv.conf" || mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8 HOME=/root chroot "$root" "$@"
}

debian_settings() {
    local root=$1 section archive
    rm -f "$root/etc/apt/sources.list"
    for section in debian debian-security; do
        archive="$suite $suite-updates"
        [[ $section == debian ]] || archive=$suite-security
        printf 'Types: deb\nURIs: http://deb.debian.org/%s\nSuites: %s\nComponents: main\nSigned-By: %s\n\n' \
            "$section" "$archive" /usr/share/keyrings/debian-archive-keyring.gpg
    done >"$root/etc/apt/sources.list.d/debian.sources"
    # As in debian:bookworm-slim: caches, languages and documentation stay out
    # of every layer that a build puts on top.
    echo 'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };' \
        >"$root/etc/apt/apt.conf.d/docker-clean"
    echo 'Acquire::Languages "none";' >"$root/etc/apt/apt.conf.d/docker-no-languages"
    echo 'Apt::AutoRemove::SuggestsImportant "false";' >"$root/etc/apt/apt.conf.d/docker-autoremove-suggests"
    cat >"$root/etc/dpkg/dpkg.cfg.d/docker" <<'END'
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/groff/*
path-exclude /usr/share/info/*
path-exclude /usr/share/linda/*
path-exclude /usr/share/lintian/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/man/*
END
    find "$root/usr/share/doc" -type f ! -name copyright -delete
    find "$root/usr/share/doc" -type l ! -name copyright -delete
    find "$root/usr/share/doc" -type d -empty -delete
    rm -rf "$root"/usr/share/{groff,info,linda,lintian,locale,man}/*
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/cache/apt/*.bin "$root"/var/lib/apt/lists/*
    # shellcheck disable=SC2115
    rm -rf "$root"/dev/* "$root"/debootstrap "$root"/var/log/*.log "$root"/var/cache/ldconfig \
        "$root"/etc/machine-id
    # debootstrap copies these two from the machine.
    : >"$root/etc/resolv.conf"
    rm -f "$root/etc/hostname"
}

debian_native() {
    debootstrap --variant=minbase "$suite" "$1"
    printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d"
    chmod 755 "$1/usr/sbin/policy-rc.d"
    debian_settings "$1"
}

install_packages() {
    local root=$1
    shift
    in_root "$root" apt-get update -q
    in_root "$root" apt-get install -q -y --no-install-recommends "$@"
    rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/log/* \
        "$root"/var/cache/ldconfig "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old
}

# unpack_foreign ROOT DEB... unpacks packages of another architecture, of which
# no script can be run, and writes the dpkg records that scanners read.
unpack_foreign() {
    local root=$1 deb package
    shift
    for deb in "$@"; do
        # /lib and others are links into /usr that the archives know as directories.
        dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --keep-directory-symlink
        package=$(dpkg-deb -f "$deb" Package)
        [[ $(dpkg-deb -f "$deb" Multi-Arch) == same ]] && package+=:$(dpkg-deb -f "$deb" Architecture)
        dpkg-deb -f "$deb" | sed '1a Status: install ok installed' >>"$root/var/lib/dpkg/status"
        echo >>"$root/var/lib/dpkg/status"
        dpkg-deb --fsys-tarfile "$deb" | tar -t | sed 's,^\./,/,; s,/$,,; s,^$,/.,' \
            >"$root/var/lib/dpkg/info/$package.list"
    done
}

# fetch_foreign ROOT DIR ARCH PACKAGE... downloads what is missing in ROOT.
fetch_foreign() {
    local root=$1 dir=$2 arch=$3
    shift 3
    mkdir -p "$dir"/{lists,archives}/partial
    local options=(
        -q -o "APT::Architecture=$arch" -o "APT::Architectures=$arch" -o APT::Sandbox::User=root
        -o "Dir::Etc::sourcelist=/dev/null" -o "Dir::Etc::sourceparts=$root/etc/apt/sources.list.d"
        -o "Dir::State=$dir" -o "Dir::State::lists=$dir/lists" -o "Dir::State::status=$root/var/lib/dpkg/status"
        -o "Dir::Cache=$dir" -o "Dir::Cache::archives=$dir/archives"
    )
    apt-get "${options[@]}" update
    apt-get "${options[@]}" install -y --no-install-recommends --download-only "$@"
}

debian_foreign() {
    local root=$1 arch=$2 native=$3 file
    debootstrap --foreign --arch="$arch" --variant=minbase "$suite" "$root"
    : >"$root/var/lib/dpkg/status"
    unpack_foreign "$root" "$root"/var/cache/apt/archives/*.deb
    # What maintainer scripts would have written.
    for file in passwd group shadow gshadow; do cp -a "$native/etc/$file" "$root/etc/"; done
    ln -sf mawk "$root/usr/bin/awk"
    # debootstrap leaves a link to the machine's.
    rm -f "$root/proc"
    mkdir -m 555 "$root/proc"
    debian_settings "$root"
}

packages_foreign() {
    local root=$1 arch=$2 native=$3 debs
    shift 3
    debs=$(mktemp -d)
    fetch_foreign "$root" "$debs" "$arch" "$@"
    unpack_foreign "$root" "$debs"/archives/*.deb
    cp -a "$native/etc/ssl/certs" "$root/etc/ssl/"
    rm -rf "$debs" "$root"/usr/share/{groff,info,lintian,locale,man}/*
}

# interpreter_foreign fetches Debian's interpreter: an ELF file of the right
# architecture and glibc stands in for each CPython that cannot be run here.
interpreter_foreign() {
    local out=$1 root=$2 arch=$3 debs deb
    debs=$(mktemp -d)
    fetch_foreign "$root" "$debs" "$arch" python3.11-minimal libpython3.11-stdlib
    for deb in "$debs"/archives/{python3.11-minimal,libpython3.11-minimal,libpython3.11-stdlib}_*.deb; do
        dpkg-deb -x "$deb" "$out"
    done
    rm -rf "$debs"
}

python_tree() {
    local root=$1 prefix=$2 minor=$3 lib
    lib=$root/usr/local/lib/python$minor
    # The machine's site-packages are its owner's; pip comes from ensurepip.
    # What is not CPython's own in bin is the owner's too.
    (cd "$prefix" && find include lib/libpython* "lib/python$minor" lib/pkgconfig \
        bin/python{,3,"$minor"} bin/python{,3,"$minor"}-config bin/pydoc{,3,"$minor"} -maxdepth 0 -print0) |
        tar -c -C "$prefix" --exclude=__pycache__ --exclude='lib/*/site-packages/*' --exclude='*.a' \
            --exclude='lib/*/test' --exclude='lib/*/tests' --exclude='lib/*/idlelib' --null --files-from=- |
        tar -x -C "$root/usr/local" --no-same-owner
    grep -rlIF "$prefix" "$root/usr/local" | xargs -r sed -i "s,$prefix,/usr/local,g"
    find "$root/usr/local/bin" "$root/usr/local/lib" -name '*.so*' -type f -exec strip --strip-unneeded {} +
    strip --strip-unneeded "$root/usr/local/bin/python$minor"
    find "$root/usr/local/bin" "$root/usr/local/lib" -maxdepth 1 -type f -exec patchelf --remove-rpath {} \; 2>/dev/null || true
    find "$lib/lib-dynload" -name '*.so' -exec patchelf --remove-rpath {} +
    rm -f "$lib"/lib-dynload/{_test*,_tkinter*,_ctypes_test*,xxlimited*}.so
}

python_native() {
    local root=$1 prefix=$2 minor=$3
    python_tree "$root" "$prefix" "$minor"
    in_root "$root" ldconfig
    in_root "$root" env PIP_NO_COMPILE=1 PIP_ROOT_USER_ACTION=ignore PYTHONDONTWRITEBYTECODE=1 \
        "/usr/local/bin/python$minor" -m ensurepip --default-pip
    ln -sf "pip$minor" "$root/usr/local/bin/pip"
    find "$root/usr/local" -name __pycache__ -prune -exec rm -rf {} +
    rm -rf "$root"/{root/.cache,var/cache/ldconfig}
    in_root "$root" python3 -B -c '
import bz2, ctypes, curses, decimal, lzma, pip, readline, sqlite3, ssl, sys, uuid, zlib
assert sys.prefix == "/usr/local", sys.prefix
assert ssl.create_default_context().cert_store_stats()["x509_ca"] > 0'
}

python_foreign() {
    local root=$1 native=$2 minor=$3 interpreter=$4 triplet=$5 module name
    cp -a "$native/usr/local" "$root/usr/"
    rm -f "$root"/usr/local/lib/libpython*
    find "$root/usr/local" -name '*.so' -delete
    cp "$interpreter/usr/bin/python3.11" "$root/usr/local/bin/python$minor"
    mkdir -p "$root/usr/local/lib/python$minor/lib-dynload"
    for module in "$interpreter"/usr/lib/python3.11/lib-dynload/*.so; do
        name=$(basename "$module")
        cp "$module" "$root/usr/local/lib/python$minor/lib-dynload/${name/-311-/-${minor/./}-}"
    done
    grep -rlI x86_64-linux-gnu "$root/usr/local/lib/python$minor"/{_sysconfig*,config-*} |
        xargs -r sed -i "s,x86_64-linux-gnu,$triplet,g"
    find "$root/usr/local" -depth -name '*x86_64-linux-gnu*' |
        while read -r name; do mv "$name" "${name/x86_64-linux-gnu/$triplet}"; done
}

golang_native() {
    local root=$1 goroot=$2
    install_packages "$root" ca-certificates git
    mkdir -p "$root/usr/local/go" "$root/go/src" "$root/go/bin"
    tar -c -C "$goroot" --exclude=./test --exclude=./api --exclude=./doc --exclude=testdata . |
        tar -x -C "$root/usr/local/go" --no-same-owner
    chmod -R 1777 "$root/go"
}

dockerfile_frontend() { install -D "$2" "$1/bin/dockerfile-frontend"; }

# make_images brings the layout up to date, which `up registry` then pushes.
make_images() {
    local minor prefix patch python=() stamp images_key='' path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    layer debian-amd64 debian_native
    layer debian-arm64 debian_foreign arm64 "${layer_dir[debian-amd64]}/fs"
    layer pylibs-amd64 install_packages "${python_packages[@]}" -- debian-amd64
    layer pylibs-arm64 packages_foreign arm64 "${layer_dir[pylibs-amd64]}/fs" "${python_packages[@]}" -- debian-arm64
    layer interpreter-arm64 interpreter_foreign "${layer_dir[debian-arm64]}/fs" arm64
    for minor in "${python_minors[@]}"; do
        prefix=$(newest_python "$minor")
        layer "python$minor-amd64" python_native "$prefix" "$minor" -- debian-amd64 pylibs-amd64
        layer "python$minor-arm64" python_foreign "${layer_dir[python$minor-amd64]}/fs" "$minor" \
            "${layer_dir[interpreter-arm64]}/fs" aarch64-linux-gnu -- debian-arm64 pylibs-arm64
    done
    layer golang-amd64 golang_native "$(go env GOROOT)" -- debian-amd64

    layer dockerfile-amd64 dockerfile_frontend "$bin/dockerfile-frontend" "$(cat "$bin/.dockerfile-frontend")"

    stamp=$cache/images.$({ declare -f make_images add_image; echo "$images_key"; cat "$bin/.image"; } | sha256sum | cut -c1-12)
    [[ -f $stamp ]] && return
    begin 'image layout'
    rm -rf "$cache"/images.* "$cache/layout"
    add_image "library/debian:$suite-slim" debian -env "PATH=$path" -cmd bash
    for minor in "${python_minors[@]}"; do
        patch=$(basename "$(newest_python "$minor")")
        add_image "library/python:$minor-slim" "debian pylibs python$minor" -env "PATH=/usr/local/bin:$path" \
            -env LANG=C.UTF-8 -env "PYTHON_VERSION=$patch" -cmd python3
    done
    patch=$(go env GOVERSION | sed s/^go//)
    add_image "library/golang:${patch%.*}-$suite" 'debian golang' -env "PATH=/go/bin:/usr/local/go/bin:$path" \
        -env "GOLANG_VERSION=$patch" -env GOTOOLCHAIN=local -env GOPATH=/go -workdir /go -cmd bash
    # The Dockerfiles of peers name it in their first line.
    add_image docker/dockerfile:1 dockerfile -entrypoint /bin/dockerfile-frontend -env "PATH=$path" \
        -label moby.buildkit.frontend.network.none=true \
        -label moby.buildkit.frontend.caps=moby.buildkit.frontend.inputs,moby.buildkit.frontend.subrequests,moby.buildkit.frontend.contexts
    touch "$stamp"
    done_step
}

# add_image NAME 'LAYER...' FLAG...
add_image() {
    local name=$1 layers=$2 arch layer flags
    shift 2
    flags=("$@")
    for arch in amd64 arm64; do
        [[ -n ${layer_dir[${layers##* }-$arch]:-} ]] || continue
        # As the public images name it.
        [[ $arch == arm64 ]] && flags+=(-platform linux/arm64/v8) || flags+=(-platform "linux/$arch")
        for layer in $layers; do flags+=(-layer "${layer_dir[$layer-$arch]}/layer.tar.gz"); done
    done
    "$bin/image" add "$cache/layout" "$name" "${flags[@]}"
}

newest_python() {
    local found
    # shellcheck disable=SC2012
    found=$(ls -d "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".* 2>/dev/null | sort -V | tail -1)
    [[ -n $found ]] || die "no CPython $1 under ${PYENV_ROOT:-$HOME/.pyenv}: pyenv install $1"
    echo "$found"
}
