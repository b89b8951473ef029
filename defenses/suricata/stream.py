"""Suricata in lock-step: frames stream into it through a FIFO, its alerts come back at the end of each interval.

    python3 stream.py --rules ics.rules

The simulation stands still while Suricata works, so what it finds can be acted upon in simulated time (see
defenses/active-response). It is the Suricata of run.sh, with the same rules and configuration, and finds the same.

How one knows that Suricata is done with an interval, and not just slow: behind its frames comes one that no plant
sends, and for which a rule fires. Suricata has one thread and works through the stream in order, so the alert about that
frame comes behind all others.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import shutil
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any, BinaryIO

from groups import filled
from twinrange import Defense, DefenseFailed, End, Frame, Hello, Interval, ip_text, mac_text, parse, run

HERE = os.path.dirname(os.path.abspath(__file__))
MARK_SID = 9009999
# Addresses of TEST-NET-1, which are for documents (RFC 5737).
MARK_RULE = f'alert udp 192.0.2.1 any -> 192.0.2.2 9 (msg:"RANGE end of an interval"; sid:{MARK_SID}; rev:1;)\n'
# As the range reads Suricata's priorities from a file.
SEVERITY = {1: 9, 2: 6, 3: 3, 4: 1}
START_S = 60


class Suricata(Defense):
    """Suricata behind two FIFOs."""

    name = "suricata-stream"

    def __init__(self, rules: str) -> None:
        self.rules = rules
        self.marks = 0
        #: Frames in the stream so far, marks included: `pcap_cnt` counts them from 1.
        self.streamed = 0

    def start(self, hello: Hello) -> None:
        if shutil.which("suricata") is None:
            raise DefenseFailed("there is no program suricata in PATH")
        work = os.getcwd()
        rules = os.path.join(work, "stream.rules")
        with open(rules, "w", encoding="utf-8") as file:
            file.write(_text(self.rules) + MARK_RULE)
        config = os.path.join(work, "suricata.yaml")
        with open(config, "w", encoding="utf-8") as file:
            # It would look for its side files in its own folder.
            text = filled(_text("range.yaml"), ((asset.role, asset.ip) for asset in hello.assets))
            text = text.replace("\nclassification-file: ", f"\nclassification-file: {HERE}/")
            file.write(text.replace("\nreference-config-file: ", f"\nreference-config-file: {HERE}/"))
        feed, eve = os.path.join(work, "feed"), os.path.join(work, "eve.json")
        os.mkfifo(feed)
        os.mkfifo(eve)
        # Opened before Suricata wants to write there, and without waiting for it.
        says = os.open(eve, os.O_RDONLY | os.O_NONBLOCK)
        command = ["suricata", "-c", config, "-S", rules, "-r", feed, "-l", work, "-k", "all", "--runmode", "single",
                   "--simulate-ips", "--init-errors-fatal", "--set", "unix-command.enabled=no"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        self.feed = self._open(feed)
        os.set_blocking(says, True)
        # Read beside: a Suricata that nobody listens to would stop reading, and who writes to it would wait forever.
        self.said: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.reader = threading.Thread(target=self._listen, args=(says,), daemon=True)
        self.reader.start()
        # A pcap file with nanoseconds, of Ethernet.
        self.feed.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1))
        self.epoch_ns = hello.epoch_unix_ns
        # It has read rules and configuration once it has told of the first mark.
        for _ in self._records_until_mark(0):
            raise DefenseFailed("Suricata alerts on an empty network")

    def _open(self, feed: str) -> BinaryIO:
        """Suricata's end of the FIFO is open once it has read its rules, unless it ends before."""
        for _ in range(START_S * 20):
            if self.process.poll() is not None:
                break
            try:
                pipe = os.open(feed, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                time.sleep(0.05)
                continue
            os.set_blocking(pipe, True)
            return open(pipe, "wb", buffering=1 << 20)
        raise DefenseFailed("Suricata does not start; defense/tool.log has what it said")

    def _listen(self, says: int) -> None:
        with open(says, encoding="utf-8") as lines:
            for line in lines:
                self.said.put(line)
        self.said.put("")

    def interval(self, seen: Interval) -> None:
        first = self.streamed
        for frame in seen.frames:
            self._stream(frame.t_ns, frame.data)
        for record in self._records_until_mark(seen.to_ns):
            at = record.get("pcap_cnt", 0) - first - 1
            self._tell(record, seen.frames[at] if 0 <= at < len(seen.frames) else None)

    def end(self, end: End) -> None:
        self.feed.close()
        self.reader.join()
        while line := self.said.get():
            record = json.loads(line)
            if record["event_type"] == "alert":
                self._tell(record, None)
        if self.process.wait() != 0:
            raise DefenseFailed(f"Suricata ended with status {self.process.returncode}")

    def _stream(self, t_ns: int, data: bytes) -> None:
        seconds, fraction = divmod(self.epoch_ns + t_ns, 1_000_000_000)
        self.feed.write(struct.pack("<IIII", seconds, fraction, len(data), len(data)) + data)
        self.streamed += 1

    def _records_until_mark(self, t_ns: int) -> Iterator[dict[str, Any]]:
        """Ends an interval, and gives what Suricata says until it has seen the end."""
        self.marks += 1
        port = self.marks % 65536
        self._stream(t_ns, mark(port))
        self.feed.flush()
        while line := self.said.get():
            record = json.loads(line)
            if record["event_type"] != "alert":
                continue
            if record["alert"]["signature_id"] != MARK_SID:
                yield record
            elif record["src_port"] == port:
                return
        raise DefenseFailed("Suricata ended early; defense/tool.log has what it said")

    def _tell(self, record: dict[str, Any], frame: Frame | None) -> None:
        alert = record["alert"]
        self.alert(
            str(alert["signature_id"]),
            frame=frame,
            sig_name=alert["signature"],
            severity=SEVERITY.get(alert["severity"]),
            src=_source(record, frame),
            dst={"ip": record["dest_ip"], "port": record.get("dest_port", 0)},
            proto=record.get("app_proto", record["proto"]).lower(),
            techniques=alert.get("metadata", {}).get("mitre_technique_id", ()),
        )


def _source(record: dict[str, Any], frame: Frame | None) -> dict[str, Any]:
    """Whom an alert accuses. Suricata knows no hardware addresses; the frame has the one that it was really sent from,
    where the alert is about its sender and not about who answers."""
    source = {"ip": record["src_ip"], "port": record.get("src_port", 0)}
    packet = parse(frame.data) if frame is not None else None
    if packet is not None and packet.src_ip is not None and ip_text(packet.src_ip) == record["src_ip"]:
        source["mac"] = mac_text(packet.src_mac)
    return source


def _text(name: str) -> str:
    """A file beside this one."""
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        return file.read()


def mark(port: int) -> bytes:
    """A UDP datagram without checksum from TEST-NET-1, to the discard service."""
    udp = struct.pack(">HHHH", port, 9, 8, 0)
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28, 0, 0, 64, 17, 0, bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2)))
    total = sum(struct.unpack(">10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    head = head[:10] + struct.pack(">H", ~total & 0xFFFF) + head[12:]
    return bytes(12) + b"\x08\x00" + head + udp


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", default="ics.rules", help="a file of rules in this folder")
    run(Suricata(parser.parse_args().rules))
