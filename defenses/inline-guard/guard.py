"""A Modbus firewall as a bump in the wire: judges every frame on its way to a controller.

    python3 guard.py --policy policy.json

It stands in the cables of the controllers (`inline` in the RON file) and drops requests of hosts that the policy does not let do
that: what is read, and everything else, which counts as writing. A host is who the inventory says, by hardware address and IP
address together, so that a borrowed IP address alone helps nobody. README.md has what that costs.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass

from twinrange import (
    DROP,
    PASS,
    Defense,
    DefenseFailed,
    Hello,
    InlineFrame,
    Interval,
    Packet,
    Verdict,
    ip_text,
    mac_text,
    parse,
    run,
)
from twinrange.packets import MODBUS_PORT

#: Functions that only read: coils, inputs, registers, exception status, event counter and log, identity, FIFO, device identification.
READS = frozenset((1, 2, 3, 4, 7, 11, 12, 17, 20, 24, 43))
#: Simulated time for which the same thing is not told again: a sender repeats what gets no answer.
HOLD_OFF_NS = 60 * 1_000_000_000


@dataclass(frozen=True)
class Policy:
    """Names of the assets that may read and write; for reading, ``None`` is everybody."""

    write: frozenset[str]
    read: frozenset[str] | None

    @classmethod
    def of(cls, path: str) -> Policy:
        """Raises DefenseFailed for a file that is no policy."""
        try:
            with open(path, encoding="utf-8") as file:
                fields = json.load(file)
            write, read = fields.pop("write"), fields.pop("read", None)
            if fields:
                raise ValueError(f"unknown: {', '.join(sorted(fields))}")
            for names in (write, read or []):
                if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
                    raise ValueError("`write` and `read` are lists of names")
            return cls(frozenset(write), None if read is None else frozenset(read))
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise DefenseFailed(f"{path}: {error}") from error

    def objects(self, sender: str | None, packet: Packet) -> str | None:
        """What a request does that its sender may not, or ``None``."""
        judged = 0
        for message in packet.modbus():
            judged += 8 + len(message.body)
            if message.function in READS:
                if self.read is not None and sender not in self.read:
                    return "read"
            elif sender not in self.write:
                return "write"
        # Half a request could be anything, so only who may do anything sends those.
        if judged < len(packet.payload) and sender not in self.write:
            return "fragment"
        return None


class Guard(Defense):
    """Drops what the policy does not allow, and tells of it."""

    name = "inline-guard"
    version = "0.1.0"

    def __init__(self, policy: str) -> None:
        self.file = policy
        self.told: dict[tuple[bytes, str, str], int] = {}
        self.dropped = 0

    def start(self, hello: Hello) -> None:
        if hello.inline is None:
            raise DefenseFailed("it stands in no cable: `inline` is missing in the RON file")
        self.policy = Policy.of(self.file)
        self.names = {(asset.mac, asset.ip): asset.name for asset in hello.assets}
        unknown = (self.policy.write | (self.policy.read or frozenset())) - set(self.names.values())
        if unknown:
            raise DefenseFailed(f"{self.file}: not in the inventory: {', '.join(sorted(unknown))}")

    def judge(self, frame: InlineFrame) -> Verdict:
        packet = parse(frame.data) if frame.towards == "host" else None
        if packet is None or packet.dst_port != MODBUS_PORT or packet.src_ip is None:
            return PASS
        src = {"ip": ip_text(packet.src_ip), "mac": mac_text(packet.src_mac)}
        what = self.policy.objects(self.names.get((src["mac"], src["ip"])), packet)
        if what is None:
            return PASS
        self.dropped += 1
        key = (packet.src_mac, frame.host, what)
        if frame.t_ns - self.told.get(key, -HOLD_OFF_NS) >= HOLD_OFF_NS:
            self.told[key] = frame.t_ns
            self.alert(
                f"{what}-blocked",
                frame=frame,
                sig_name=f"a {what} to {frame.host} that its sender may not do",
                severity=7 if what == "write" else 4,
                src=src,
                dst={"asset": frame.host, "port": MODBUS_PORT},
                proto="modbus",
                techniques=["T1692.001"] if what == "write" else [],
                action="blocked",
            )
        return DROP

    def interval(self, seen: Interval) -> None:
        """It looks at cables alone."""


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--policy", required=True, help="JSON file")
    run(Guard(arguments.parse_args().policy))
