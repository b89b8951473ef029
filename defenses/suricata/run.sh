#!/bin/sh
# Runs Suricata over the cell's capture: run.sh EVIDENCE OUT. Leaves OUT/eve.json with alerts only, and OUT/stats.json
# with Suricata's own counters, by which `twinrange wiring` tells what a silent Suricata saw.
#
# Called by the range as defense.ron says; works as well by hand on any run folder:
#   sh run.sh runs/latest/evidence /tmp/out && jq .alert.signature /tmp/out/eve.json
set -eu

evidence=$1
out=$2
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
capture=$evidence/span-cell.pcapng
config=$out/suricata.yaml

if [ ! -s "$capture" ]; then
    echo "run.sh: there is no capture $capture" >&2
    exit 1
fi
mkdir -p "$out/log"

# The groups of addresses are those of this plant. The configuration names its two side files by absolute paths; Suricata would look in its own folder.
python3 "$here/groups.py" "$evidence/assets.json" <"$here/range.yaml" >"$out/groups.yaml"
sed -e "s|^classification-file: .*|classification-file: $here/classification.config|" \
    -e "s|^reference-config-file: .*|reference-config-file: $here/reference.config|" \
    "$out/groups.yaml" >"$config"
rm "$out/groups.yaml"

# --init-errors-fatal: a rule that does not load would otherwise be skipped with exit status 0.
# --simulate-ips: an alert carries the time and number of the packet that it is about, not of a later one.
# --runmode single: one thread, so the same alerts in the same order each time.
suricata -c "$config" -S "$here/ics.rules" -r "$capture" -l "$out/log" -k all \
    --runmode single --simulate-ips --init-errors-fatal --set unix-command.enabled=no

# Keep alerts only, without the random flow_id, in the order of the capture. Counters come once, at the end.
touch "$out/log/eve.json"
python3 "$here/normalise.py" "$out/stats.json" <"$out/log/eve.json" >"$out/eve.json"
rm -f "$out/log/eve.json"
