# Sourced by the commands beside it: decides which engines are used.
#
#   engines docker graph …    brings up what is named and sets the environment
#
# Where Docker is there it is used; where not, hack/stack starts real engines
# by itself. PYFRONTEND_STACK=1 asks for those of hack/stack in any case. What
# was started here is stopped at the end, unless PYFRONTEND_KEEP=1.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")

say() { printf '\n== %s\n' "$*"; }

# have_docker tells whether the user's own engine answers.
have_docker() { [[ ${PYFRONTEND_STACK:-} != 1 ]] && timeout 20 docker info >/dev/null 2>&1; }

engines() {
    local own=0 host=${DOCKER_HOST:-} config=${DOCKER_CONFIG:-} service wanted=() running
    have_docker && own=1
    eval "$("$here/stack" env)"
    if ((own)); then
        # The user's engine stands in for the stack's.
        unset DOCKER_HOST DOCKER_CONFIG
        [[ -z $host ]] || export DOCKER_HOST=$host
        [[ -z $config ]] || export DOCKER_CONFIG=$config
    fi
    running=$("$here/stack" status | awk '$2 == "pid" { print $1 }')
    started=()
    for service; do
        [[ $service == docker && $own == 1 ]] && continue
        wanted+=("$service")
        grep -qx "$service" <<<"$running" || started+=("$service")
    done
    if [[ ${PYFRONTEND_KEEP:-} != 1 ]]; then
        trap stop_engines EXIT
    fi
    "$here/stack" up "${wanted[@]}"
}

stop_engines() {
    local status=$? i
    for ((i = ${#started[@]} - 1; i >= 0; i--)); do
        "$here/stack" down "${started[i]}" >/dev/null 2>&1 || true
    done
    exit "$status"
}

# ca_flags are the build flags for a machine whose connections go through a
# proxy with a certificate of its own.
ca_flags=()
if [[ -n ${SSL_CERT_FILE:-} ]]; then
    ca_flags=(--secret "id=ca-bundle,src=$SSL_CERT_FILE")
fi
