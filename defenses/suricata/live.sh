#!/usr/bin/env bash
# Suricata beside a live plant, in the namespaces of docs/live-network:
#
#   docs/live-network SCENARIO RUN defenses/suricata/live.sh sniff OUT COMMAND…
#   docs/live-network SCENARIO RUN defenses/suricata/live.sh inline OUT COMMAND…
#
# sniff: Suricata reads the SPAN port (`span0`) with ics.rules, and COMMAND is on the plant's network.
# inline: Suricata is a bump in the wire between COMMAND and the plant (AF_PACKET copy mode). inline.rules drop what
# writes to a controller from a host that may not; reads go on.
#
# OUT/eve.json has the alerts. Their times are those of the wall clock; `twinrange score RUN --alerts OUT/eve.json
# --clock wall` counts them in the plant's time. The exit status is that of COMMAND.
set -euo pipefail

if [ $# -lt 3 ]; then
    sed -n '2,14s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
fi
mode=$1
out=$2
shift 2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$out"
# Suricata appends, and what it said before is not what it says now.
rm -f "$out/eve.json"
: >"$out/suricata.out"
sed -e "s|^classification-file: .*|classification-file: $here/classification.config|" \
    -e "s|^reference-config-file: .*|reference-config-file: $here/reference.config|" \
    "$here/range.yaml" >"$out/suricata.yaml"

# interfaces PAIR…: an af-packet section; each PAIR is an interface, or two that are copied into each other.
interfaces() {
    echo "af-packet:"
    local pair from to id=90
    for pair in "$@"; do
        from=${pair%=*} to=${pair#*=}
        id=$((id + 1))
        printf '  - interface: %s\n    threads: 1\n    cluster-id: %s\n    cluster-type: cluster_flow\n' "$from" "$id"
        # A kernel leaves checksums to a card that a veth pair does not have.
        printf '    defrag: no\n    use-mmap: yes\n    checksum-checks: no\n'
        [ "$from" = "$to" ] || printf '    copy-mode: ips\n    copy-iface: %s\n' "$to"
    done
}

case $mode in
sniff)
    rules=$here/ics.rules
    interfaces span0 >>"$out/suricata.yaml"
    ;;
inline)
    rules=$here/inline.rules
    # The plant's end of the wire loses its address to a new pair behind Suricata.
    address=$(ip -oneline -4 address show dev plant0 | awk '{print $4}')
    ip address flush dev plant0
    ip link add client0 type veth peer name client1
    # What the kernel would leave to a card, Suricata would copy as it is.
    ethtool --offload client0 tx off >/dev/null
    ip address add "$address" dev client0
    ip link set client0 up
    ip link set client1 up
    interfaces plant0=client1 client1=plant0 >>"$out/suricata.yaml"
    ;;
*)
    sed -n '2,14s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac

suricata -c "$out/suricata.yaml" -S "$rules" -l "$out" --af-packet -k none --runmode workers --init-errors-fatal \
    --set unix-command.enabled=no --pidfile "$out/suricata.pid" >"$out/suricata.out" 2>&1 &
tool=$!
# At Ctrl-C too, which may have ended it already. What it has seen and not told yet comes out at its end.
finish() {
    kill -INT "$tool" 2>/dev/null || true
    wait "$tool" 2>/dev/null || true
}
trap finish EXIT
# It is at work when it says so; a mistake in rules or interfaces ends it before.
until grep -q 'Engine started' "$out/suricata.out"; do
    kill -0 "$tool" 2>/dev/null || { cat "$out/suricata.out" >&2; exit 3; }
    sleep 0.1
done
status=0
"$@" || status=$?
exit "$status"
