#!/usr/bin/env python3
"""Lets tshark judge the captures of runs: captures.py TWINRANGE [SCENARIO ...] [--keep DIR].

Runs each scenario (default: the four of the bottling line, in full) and reads its capture once with tshark,
with checksum validation on. It exits with 1 and says why when

- a frame is malformed, or has a bad or unchecked IP or TCP checksum, or time goes backwards;
- tshark sees a retransmission, a segment out of order, a repeated ACK or the like in a plant frame that no
  frame of the attack explains;
- a Modbus payload is not dissected, or a connection has not one response for each request, unless the attack
  reached into that connection or the capture ends in between;
- a successful adversary in the middle (T0830) does not show as a duplicate address, or one shows without it.

A frame belongs to the attack when truth/frames.parquet says so. Where the Python package pyarrow is missing,
it belongs to the attack when the attacker's hardware address sent or received it; that is the same set of frames,
since the attacker acts only by sending frames, and with pyarrow this is checked. A plant frame is explained by the
attack when an attack frame touched its connection, that is bore its addresses and ports, within 5 s before.

Exit codes: 0 all well, 1 a capture is bad, 2 a tool or a run is missing or failed.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

try:
    import pyarrow.parquet as parquet
except ImportError:
    parquet = None

SCENARIOS = [
    "bottling/calm", "bottling/overflow", "bottling/underfill", "bottling/jam", "bottling/logic", "bottling/logicbomb",
    "bottling/forces",
]
MODBUS_PORT = "502"
# An attack on a connection explains what its two ends do for so long: beyond the slowest retransmission timer
# of a first retry.
EXPLAINS_S = 5.0
# A request so close to the end of the capture may lack its response.
END_S = 1.0
GOOD = "1"  # tshark's checksum status.
ERROR_SEVERITY = 8388608
EXAMPLES = 5

ANALYSIS = [
    "retransmission", "fast_retransmission", "spurious_retransmission", "rto", "out_of_order", "lost_segment",
    "ack_lost_segment", "duplicate_ack", "zero_window", "zero_window_probe", "window_full", "keep_alive",
    "reused_ports",
]
FIELDS = [
    "frame.number", "frame.time_epoch", "eth.src", "eth.dst", "ip.src", "ip.dst", "tcp.srcport", "tcp.dstport",
    "tcp.len", "ip.checksum.status", "tcp.checksum.status", "_ws.malformed", "_ws.expert.severity",
    "arp.duplicate-address-detected", "tcp.flags.reset", "modbus.func_code", "modbus.exception_code",
] + [f"tcp.analysis.{name}" for name in ANALYSIS]


class ToolFailure(Exception):
    """Something that this script needs is missing or failed."""


class Frame:
    """One frame as tshark sees it. `flags` holds the names of its TCP analysis flags."""

    __slots__ = ("number", "t_s", "src_mac", "dst_mac", "connection", "to_server", "payload", "bad", "flags",
                 "duplicate_address", "is_reset", "pdus")

    def __init__(self, line):
        values = dict(zip(FIELDS, line.split("\t")))
        self.number = int(values["frame.number"])
        self.t_s = float(values["frame.time_epoch"])
        self.src_mac, self.dst_mac = values["eth.src"], values["eth.dst"]
        src = (values["ip.src"], values["tcp.srcport"])
        dst = (values["ip.dst"], values["tcp.dstport"])
        is_tcp = bool(values["tcp.srcport"])
        self.connection = tuple(sorted((src, dst))) if is_tcp else None
        self.to_server = values["tcp.dstport"] == MODBUS_PORT
        self.payload = int(values["tcp.len"] or 0) if is_tcp and MODBUS_PORT in (src[1], dst[1]) else 0
        self.flags = [name for name in ANALYSIS if values[f"tcp.analysis.{name}"]]
        self.duplicate_address = bool(values["arp.duplicate-address-detected"])
        self.is_reset = values["tcp.flags.reset"] in ("1", "True")
        self.pdus = len(values["modbus.func_code"].split(",")) if values["modbus.func_code"] else 0
        self.bad = []
        if values["_ws.malformed"]:
            self.bad.append("malformed")
        if values["ip.src"] and values["ip.checksum.status"] != GOOD:
            self.bad.append("IP checksum")
        if is_tcp and values["tcp.checksum.status"] != GOOD:
            self.bad.append("TCP checksum")
        severities = [int(number) for number in values["_ws.expert.severity"].split(",") if number]
        if not self.bad and any(number >= ERROR_SEVERITY for number in severities):
            self.bad.append("expert error")


def call(arguments, **options):
    try:
        return subprocess.run(arguments, check=True, text=True, **options)
    except FileNotFoundError:
        raise ToolFailure(f"'{arguments[0]}' is not here") from None
    except subprocess.CalledProcessError as error:
        raise ToolFailure(f"'{' '.join(map(str, arguments[:3]))} …' ended with {error.returncode}") from None


def dissect(capture):
    """All frames of a capture, in order, as a generator."""
    command = ["tshark", "-n", "-r", str(capture), "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"]
    command += ["-T", "fields", "-E", "separator=/t", "-E", "occurrence=a", "-E", "aggregator=,"]
    for field in FIELDS:
        command += ["-e", field]
    # Only a warning about running as root is expected on standard error; a failure shows in the status.
    try:
        tshark = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except FileNotFoundError:
        raise ToolFailure("'tshark' is not here; on Debian: apt-get install tshark") from None
    for line in tshark.stdout:
        yield Frame(line.rstrip("\n"))
    if tshark.wait() != 0:
        raise ToolFailure(f"tshark ended with {tshark.returncode} for {capture}")


def attacker_mac(folder):
    """The attacker's hardware address, from the scenario in run.json and the inventory; None without one."""
    bundle = json.loads((folder / "run.json").read_text())["scenario"]["bundle"]
    found = re.search(r'^\s*attacker:\s*"([^"]+)"', bundle["files"][bundle["root"]], re.MULTILINE)
    if not found:
        return None
    assets = json.loads((folder / "evidence/assets.json").read_text())
    return next(asset["mac"].lower() for asset in assets if asset["name"] == found.group(1))


def truth_labels(folder):
    """Numbers of the frames that the truth gives to the attack; None without pyarrow."""
    if parquet is None:
        return None
    table = parquet.read_table(folder / "truth/frames.parquet", columns=["frame", "relation"])
    rows = zip(table.column("frame").to_pylist(), table.column("relation").to_pylist())
    return {frame for frame, relation in rows if relation != "benign"}


class Verdict:
    """What was counted in one capture, and what is wrong with it."""

    def __init__(self):
        self.counts = Counter()
        self.problems = Counter()
        self.examples = {}

    def problem(self, kind, detail):
        self.problems[kind] += 1
        self.examples.setdefault(kind, []).append(detail)


def judge(folder):
    verdict = Verdict()
    mac, labels = attacker_mac(folder), truth_labels(folder)
    touched = {}  # Connection: when a frame of the attack last bore its addresses and ports.
    requests, responses, last_request_s = Counter(), Counter(), {}
    t_s = 0.0
    for frame in dissect(folder / "evidence/span-cell.pcapng"):
        of_attacker = mac is not None and mac in (frame.src_mac, frame.dst_mac)
        is_attack = frame.number in labels if labels is not None else of_attacker
        if is_attack != of_attacker:
            verdict.problem("label differs from the attacker's address", f"frame {frame.number}")
        count(verdict, frame, is_attack)
        for what in frame.bad:
            verdict.problem(what, f"frame {frame.number}")
        if frame.t_s < t_s:
            verdict.problem("time goes backwards", f"frame {frame.number}")
        t_s = frame.t_s
        if frame.connection is None:
            continue
        if is_attack:
            touched[frame.connection] = frame.t_s
        elif frame.flags:
            if frame.t_s - touched.get(frame.connection, -EXPLAINS_S) < EXPLAINS_S:
                verdict.counts["explained"] += 1
            else:
                verdict.problem("unexplained " + " ".join(frame.flags), f"frame {frame.number}")
        if frame.payload and not frame.pdus and not frame.flags:
            verdict.problem("payload that is not dissected", f"frame {frame.number}")
        if frame.pdus:
            (requests if frame.to_server else responses)[frame.connection] += frame.pdus
            if frame.to_server:
                last_request_s[frame.connection] = frame.t_s
    verdict.counts["requests"], verdict.counts["responses"] = requests.total(), responses.total()
    for connection in sorted(requests.keys() | responses.keys()):
        lacking = requests[connection] - responses[connection]
        at_end = lacking == 1 and t_s - last_request_s.get(connection, 0.0) < END_S
        if lacking and connection in touched:
            verdict.counts["unanswered, attacked"] += abs(lacking)
        elif lacking and not at_end:
            verdict.problem("requests and responses differ", f"{connection}: {lacking}")
    judge_spoofing(folder, verdict)
    return verdict


def count(verdict, frame, is_attack):
    counts = verdict.counts
    counts["frames"] += 1
    counts["attack"] += is_attack
    counts["flagged, attack"] += is_attack and bool(frame.flags)
    counts["resets, plant"] += frame.is_reset and not is_attack
    counts["resets, attack"] += frame.is_reset and is_attack
    counts["duplicate address"] += frame.duplicate_address
    if frame.duplicate_address and not is_attack:
        verdict.problem("duplicate address in a plant frame", f"frame {frame.number}")


def judge_spoofing(folder, verdict):
    steps = [json.loads(line) for line in (folder / "truth/attack.jsonl").read_text().splitlines()]
    spoofing = [step["id"] for step in steps if "T0830" in step["techniques"] and step["outcome"] == "succeeded"]
    if spoofing and not verdict.counts["duplicate address"]:
        verdict.problem("ARP spoofing that does not show", ", ".join(spoofing))
    if not steps and verdict.counts["resets, plant"]:
        verdict.problem("connection reset without an attack", str(verdict.counts["resets, plant"]))


COLUMNS = [
    "frames", "attack", "requests", "responses", "unanswered, attacked", "flagged, attack", "explained",
    "resets, plant", "resets, attack", "duplicate address",
]


def table(verdicts):
    rows = [["", *verdicts], *([name, *(str(v.counts[name]) for v in verdicts.values())] for name in COLUMNS)]
    rows.append(["problems", *(str(v.problems.total()) for v in verdicts.values())])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print(row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:])), sep="  ")


def main():
    parser = argparse.ArgumentParser(description="Lets tshark judge the captures of runs.")
    parser.add_argument("twinrange", help="the twinrange program")
    parser.add_argument("scenarios", nargs="*", default=SCENARIOS, metavar="SCENARIO")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave the run folders here")
    arguments = parser.parse_args()
    twinrange = os.path.abspath(arguments.twinrange)
    verdicts = {}
    with tempfile.TemporaryDirectory() as scratch:
        for scenario in arguments.scenarios:
            folder = (arguments.keep or Path(scratch)) / Path(scenario).stem
            call([twinrange, "run", scenario, "--no-twin", "--out", str(folder)], stdout=subprocess.DEVNULL)
            verdicts[scenario] = judge(folder)
    print("labels from", "truth/frames.parquet" if parquet else "the attacker's hardware address (no pyarrow)")
    table(verdicts)
    for scenario, verdict in verdicts.items():
        for kind, number in sorted(verdict.problems.items()):
            print(f"{scenario}: {number} x {kind}: {'; '.join(verdict.examples[kind][:EXAMPLES])}")
    return 1 if any(verdict.problems for verdict in verdicts.values()) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ToolFailure, OSError) as failure:
        print(f"captures.py: {failure}", file=sys.stderr)
        sys.exit(2)
