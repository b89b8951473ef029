#!/bin/sh
# run.sh EVIDENCE OUT: arpwatch over EVIDENCE/span-cell.pcapng, its alerts in OUT/alerts.log.
#
# The range calls it as defense.ron says; works as well by hand on any run folder:
#   sh run.sh runs/latest/evidence /tmp/out && cat /tmp/out/reports
set -eu

evidence=$(CDPATH='' cd -- "$1" && pwd)
mkdir -p "$2"
out=$(CDPATH='' cd -- "$2" && pwd)
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
capture=$evidence/span-cell.pcapng

if [ ! -s "$capture" ]; then
    echo "run.sh: there is no capture $capture" >&2
    exit 1
fi

# Where Debian has it.
PATH=$PATH:/usr/sbin

# arpwatch does not start without a database, which may be empty. It goes to a folder of its own, so that paths are
# absolute here.
: >"$out/arp.dat"
# It looks up the name of every address that it meets. Nobody outside needs to be asked about simulated ones, nor to
# answer: it gets a network with nothing in it where that can be had, and little patience where not.
export RES_OPTIONS="timeout:1 attempts:1"
alone=
if unshare --map-root-user --net true 2>/dev/null; then
    alone="unshare --map-root-user --net"
fi
# -d: reports to standard error and not by mail. -N: an address of another network is no event of its own.
# TZ: a report names the zone in numbers.
# shellcheck disable=SC2086 # Words, or none.
TZ=UTC $alone arpwatch -d -N -f "$out/arp.dat" -r "$capture" >"$out/reports" 2>&1
python3 "$here/reports.py" <"$out/reports" >"$out/alerts.log"
