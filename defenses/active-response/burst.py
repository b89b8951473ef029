"""A rule of thumb as a detector: a host that writes to controllers more than twice in a minute is up to something.

    python3 burst.py [--writes 3] [--within-s 60]

It knows nobody, and an operator who clears a fault writes as often as an attacker does. What that costs depends on
the policy that respond.py has: see README.md.
"""

import argparse
from collections import defaultdict, deque

from twinrange import Defense, Interval, ip_text, mac_text, parse, run


class Burst(Defense):
    """Counts the Modbus writes of each hardware address in a sliding window of simulated time."""

    name = "burst"
    version = "0.1.0"

    def __init__(self, writes: int, within_s: int) -> None:
        self.writes = writes
        self.within_ns = within_s * 1_000_000_000
        self.seen: dict[bytes, deque[int]] = defaultdict(deque)

    def interval(self, seen: Interval) -> None:
        for frame in seen.frames:
            packet = parse(frame.data)
            if packet is None or packet.src_ip is None or packet.dst_ip is None:
                continue
            for message in packet.modbus():
                if not message.is_write:
                    continue
                times = self.seen[packet.src_mac]
                times.append(frame.t_ns)
                while times[0] <= frame.t_ns - self.within_ns:
                    times.popleft()
                if len(times) >= self.writes:
                    times.clear()
                    self.alert(
                        "write-burst",
                        frame=frame,
                        sig_name=f"{self.writes} writes within {self.within_ns // 1_000_000_000} s",
                        severity=7,
                        src={"ip": ip_text(packet.src_ip), "mac": mac_text(packet.src_mac)},
                        dst={"ip": ip_text(packet.dst_ip), "port": 502},
                        proto="modbus",
                        techniques=["T0806"],
                    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--writes", type=int, default=3)
    parser.add_argument("--within-s", type=int, default=60)
    arguments = parser.parse_args()
    run(Burst(arguments.writes, arguments.within_s))
