# shellcheck shell=bash disable=SC2154 # variables of hack/stack
# Starting and stopping the engines. Each service NAME has a function
# start_NAME that calls spawn, and healthy_NAME.

readonly services=(registry buildkit docker graph)

known_services() {
    local service
    for service; do
        [[ " ${services[*]} " == *" $service "* ]] || die "no such service: $service (${services[*]})"
    done
}

# identity is the start time of a process: a pid alone may have been reused.
identity() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

running() {
    local pid started
    read -r pid started 2>/dev/null <"$run/$1/pid" || return 1
    [[ -n $pid && $(identity "$pid") == "$started" ]]
}

# spawn SERVICE COMMAND... starts a daemon that outlives this script.
spawn() {
    local service=$1 pid
    shift
    # The daemon must not inherit the lock, or nobody else would ever get it.
    PATH=$bin:$PATH setsid "$@" </dev/null >>"$run/$service/log" 2>&1 {lock_fd}>&- &
    pid=$!
    disown
    echo "$pid $(identity "$pid")" >"$run/$service/pid"
}

up() {
    local service=$1 i
    if running "$service" && "healthy_$service"; then
        [[ $service != registry ]] || sync_images
        return
    fi
    begin "up $service"
    running "$service" && down "$service"
    mkdir -p "$run/$service" "$data/$service"
    "start_$service"
    for ((i = 0; i < 300; i++)); do
        running "$service" || break
        if "healthy_$service"; then
            if [[ $service == registry ]]; then sync_images; fi
            done_step
            return
        fi
        sleep 0.1
    done
    fail "$run/$service/log"
}

down() {
    local service=$1 pid i
    # What another stack with another run directory started stays as it is.
    [[ -d $run/$service ]] || return 0
    if running "$service"; then
        begin "down $service"
        read -r pid _ <"$run/$service/pid"
        local containerd
        containerd=$(cat "$run/$service/exec/containerd/containerd.pid" 2>/dev/null || true)
        kill "$pid"
        # Containers get ten seconds from dockerd before it ends.
        for ((i = 0; i < 200; i++)); do
            running "$service" || break
            sleep 0.1
        done
        running "$service" && kill -KILL "$pid"
        # A dockerd that was killed leaves the containerd that it had started,
        # and one that ends does not wait for it: the next would find its
        # database locked.
        for ((i = 0; i < 200; i++)); do
            [[ -n $containerd ]] && grep -qF "$run/$service/" "/proc/$containerd/cmdline" 2>/dev/null || break
            ((i != 50)) || kill "$containerd" 2>/dev/null || true
            ((i != 150)) || kill -KILL "$containerd" 2>/dev/null || true
            sleep 0.1
        done
        done_step
    fi
    unmount_below "$run/$service"
    unmount_below "$data/$service"
    [[ $(type -t "stopped_$service") != function ]] || "stopped_$service"
    rm -rf "${run:?}/$service"
    rmdir "$run" 2>/dev/null || true
}

reset() {
    local service=$1 again=
    running "$service" && again=1
    down "$service"
    begin "reset $service"
    rm -rf "${data:?}/$service"
    done_step
    [[ -z $again ]] || up "$service"
}

status() {
    local pid
    if running "$1"; then
        read -r pid _ <"$run/$1/pid"
        printf '%-10s pid %-8s log %s\n' "$1" "$pid" "$run/$1/log"
    else
        printf '%-10s -\n' "$1"
    fi
}

unmount_below() {
    local target
    # Innermost first.
    awk -v dir="$1/" 'index($5 "/", dir) == 1 { print $5 }' /proc/self/mountinfo | sort -r |
        while read -r target; do umount -l "$target" || true; done
}

sync_images() { "$bin/image" sync "$cache/layout" "$registry"; }

healthy_registry() { curl -fsS -o /dev/null "http://$registry/v2/" 2>/dev/null; }

start_registry() {
    cat >"$run/registry/config.yml" <<END
version: 0.1
log: { level: warn, accesslog: { disabled: true } }
storage:
  filesystem: { rootdirectory: $data/registry, maxthreads: 50 }
  cache: { blobdescriptor: inmemory }
  delete: { enabled: true }
http: { addr: $registry }
END
    OTEL_TRACES_EXPORTER=none spawn registry "$bin/docker-registry" serve "$run/registry/config.yml"
}

healthy_buildkit() { "$bin/buildctl" --addr "unix://$run/buildkit/buildkitd.sock" debug workers >/dev/null 2>&1; }

start_buildkit() {
    cat >"$run/buildkit/buildkitd.toml" <<END
root = "$data/buildkit"
insecure-entitlements = ["network.host"]

[grpc]
address = ["unix://$run/buildkit/buildkitd.sock"]

[worker.containerd]
enabled = false

# Without CNI plugins an exec gets the network of the machine.
[worker.oci]
enabled = true
snapshotter = "overlayfs"
binary = "$bin/runc"
# The default keeps a fifth of the disk free, and so drops a benchmark's cache
# because of what others store.
gc = true
reservedSpace = "10GB"
maxUsedSpace = "40GB"
minFreeSpace = "3GB"

[registry."docker.io"]
mirrors = ["$registry"]

[registry."$registry"]
http = true
END
    spawn buildkit "$bin/buildkitd" --config "$run/buildkit/buildkitd.toml"
}

healthy_docker() { docker_ping docker; }
healthy_graph() { docker_ping graph; }
docker_ping() { [[ $(curl -fsS --unix-socket "$run/$1/docker.sock" http://docker/_ping 2>/dev/null) == OK ]]; }

# A second stack, told apart by its registry's port, has bridges and address
# ranges of its own.
if [[ $port == 5010 ]]; then
    bridge_suffix='' docker_net=172.29 graph_net=172.30
else
    bridge_suffix=$port docker_net=10.$((64 + port * 2 % 128)) graph_net=10.$((65 + port * 2 % 128))
fi
readonly bridge_suffix docker_net graph_net

start_docker() { start_dockerd docker true "$docker_net"; }
start_graph() { start_dockerd graph false "$graph_net"; }
stopped_docker() { remove_network docker "$docker_net"; }
stopped_graph() { remove_network graph "$graph_net"; }

# Two dockerds, and perhaps the user's third, must not share docker0 nor the
# DOCKER chains that each of them flushes when it starts. So each gets a bridge
# and an address range of ours, no rights over iptables, and the few rules that
# outgoing traffic needs; published ports go through docker-proxy. With that,
# the default network, -p, networks of one's own with names, --network host and
# none were all found to work, in `docker run` as in builds. The clamp is for
# machines whose uplink has a smaller MTU than a bridge.
start_dockerd() {
    local service=$1 containerd_store=$2 net=$3
    add_network "$service" "$net"
    cat >"$run/$service/daemon.json" <<END
{
  "hosts": ["unix://$run/$service/docker.sock"],
  "data-root": "$data/$service",
  "exec-root": "$run/$service/exec",
  "pidfile": "$run/$service/docker.pid",
  "features": { "containerd-snapshotter": $containerd_store },
  "registry-mirrors": ["http://$registry"],
  "insecure-registries": ["$registry"],
  "bridge": "pyf-$service$bridge_suffix",
  "iptables": false,
  "ip6tables": false,
  "ip-masq": false,
  "builder": { "gc": {
    "enabled": true,
    "defaultReservedSpace": "10GB",
    "defaultMaxUsedSpace": "40GB",
    "defaultMinFreeSpace": "3GB"
  } },
  "init-path": "$bin/docker-init",
  "userland-proxy-path": "$bin/docker-proxy",
  "default-address-pools": [{ "base": "$net.128.0/17", "size": 24 }]
}
END
    spawn "$service" "$bin/dockerd" --config-file "$run/$service/daemon.json"
}

rules() {
    local change=$1 net=$2
    iptables -w -t nat "$change" POSTROUTING -s "$net.0.0/16" ! -d "$net.0.0/16" -j MASQUERADE &&
        iptables -w -t mangle "$change" FORWARD -s "$net.0.0/16" -p tcp --tcp-flags SYN,RST SYN \
            -j TCPMSS --clamp-mss-to-pmtu &&
        iptables -w "$change" FORWARD -s "$net.0.0/16" -j ACCEPT &&
        iptables -w "$change" FORWARD -d "$net.0.0/16" -j ACCEPT
}

add_network() {
    remove_network "$@"
    ip link add "pyf-$1$bridge_suffix" type bridge
    ip addr add "$2.0.1/17" dev "pyf-$1$bridge_suffix"
    ip link set "pyf-$1$bridge_suffix" up
    sysctl -q -w net.ipv4.ip_forward=1
    rules -I "$2"
}

remove_network() {
    rules -D "$2" 2>/dev/null || true
    ip link del "pyf-$1$bridge_suffix" 2>/dev/null || true
}
