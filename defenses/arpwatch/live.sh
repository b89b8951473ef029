#!/usr/bin/env bash
# arpwatch at the mirror port of a live plant, in the namespaces of docs/live-network:
#
#   docs/live-network SCENARIO RUN defenses/arpwatch/live.sh OUT COMMAND…
#
# arpwatch reads the SPAN port (`span0`), and COMMAND is on the plant's network. OUT/alerts.log has the alerts, with the
# times of the wall clock: `twinrange score RUN --alerts OUT/alerts.log --format syslog --clock wall`. The exit status is
# that of COMMAND.
set -euo pipefail

if [ $# -lt 2 ]; then
    sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
fi
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PATH=$PATH:/usr/sbin
# It looks up the name of every address that it meets, and there is nobody here to ask.
export RES_OPTIONS="timeout:1 attempts:1"

: >"$out/arp.dat"
sockets=$(wc -l </proc/net/packet)
# -a: the interface has no address, so that every address is one of another network.
TZ=UTC arpwatch -d -N -a -i span0 -f "$out/arp.dat" >"$out/reports" 2>&1 &
tool=$!
# At Ctrl-C too, which may have ended it already: what it has reported until then becomes alerts.
finish() {
    kill -TERM "$tool" 2>/dev/null || true
    wait "$tool" 2>/dev/null || true
    python3 "$here/reports.py" <"$out/reports" >"$out/alerts.log"
}
trap finish EXIT
# It says nothing when it listens, but its socket is there then; a mistake ends it before.
until [ "$(wc -l </proc/net/packet)" -gt "$sockets" ]; do
    kill -0 "$tool" 2>/dev/null || { cat "$out/reports" >&2; exit 3; }
    sleep 0.1
done
status=0
"$@" || status=$?
exit "$status"
