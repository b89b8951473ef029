#!/bin/sh
# run.sh EVIDENCE OUT: Zeek over EVIDENCE/span-cell.pcapng, its notices in OUT/notice.log.
#
# The range calls it as defense.ron says; works as well by hand on any run folder:
#   sh run.sh runs/latest/evidence /tmp/out && cat /tmp/out/notice.log
set -eu

evidence=$(CDPATH='' cd -- "$1" && pwd)
mkdir -p "$2"
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd "$2"
# Zeek writes its logs where it is. Reading a capture, its clock is that of the packets.
zeek -r "$evidence/span-cell.pcapng" "$here/local.zeek"
# Without a notice there is no file, and a silent tool is not a failed one.
touch notice.log
