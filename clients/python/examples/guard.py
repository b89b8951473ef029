"""The policy of guard_agent.py as a lock-step defense, so that an ordinary, confined run can judge it.

    twinrange run bottling/overflow --defense clients/python/examples/guard.ron
"""

from twinrange import Defense, Interval, parse, run


class Guard(Defense):
    """Contains a host of the inventory that was silent in the clean period and is not any more."""

    name = "guard"
    version = "0.1.0"

    def __init__(self) -> None:
        self.talked: set[bytes] = set()
        self.contained: set[bytes] = set()

    def interval(self, seen: Interval) -> None:
        for frame in seen.frames:
            packet = parse(frame.data)
            if packet is None:
                continue
            if frame.t_ns < self.hello.learn_ns:
                self.talked.add(packet.src_mac)
            elif packet.src_mac not in self.talked | self.contained:
                self.contained.add(packet.src_mac)
                for asset in self.hello.assets:
                    if asset.mac == packet.src_mac.hex(":"):
                        self.alert("silent-host-talks", frame=frame, src={"asset": asset.name}, severity=7)
                        self.act("contain", {"host": asset.name})


run(Guard())
