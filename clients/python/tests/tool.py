"""The defenses of the tests, by their first argument."""

import os
import sys

from twinrange import Defense, End, Interval, parse, run


class Reader(Defense):
    """Reads every frame, and says at the end what it saw; alerts on the first Modbus write of each host."""

    name = "reader"
    wants = ("frames", "tags", "logs")

    def __init__(self, feed: str) -> None:
        self.binary_frames = feed == "binary"
        self.writers: set[bytes] = set()
        self.frames = 0
        self.bytes = 0

    def interval(self, seen: Interval) -> None:
        print("whatever a tool prints")
        os.write(1, b"whatever a library prints\n")
        for frame in seen.frames:
            self.frames += 1
            assert frame.n == self.frames and seen.from_ns <= frame.t_ns <= seen.to_ns
            self.bytes += len(frame.data)
            packet = parse(frame.data)
            assert packet is not None
            for modbus in packet.modbus():
                if modbus.is_write and packet.src_mac not in self.writers:
                    self.writers.add(packet.src_mac)
                    self.alert("first-write", frame=frame, src={"mac": packet.src_mac.hex(":")}, proto="modbus")
        if seen.seq == 3:
            self.alert("a-state", severity=2.5, techniques=["T0836"])

    def end(self, end: End) -> None:
        self.alert("counts", kind="log", raw=[self.frames, self.bytes])


class Breaks(Defense):
    def interval(self, seen: Interval) -> None:
        if seen.seq == 2:
            raise RuntimeError("out of cheese")


class Acts(Defense):
    name = "acts"

    def interval(self, seen: Interval) -> None:
        if seen.seq == 1:
            self.act("contain", {"host": "vendor-laptop"}, duration_s=60)
            self.act("contain", {"host": "nobody"})
        for result in seen.action_results:
            self.alert(f"result-{result.accepted}", raw=result.reason)


if __name__ == "__main__":
    which = sys.argv[1]
    run({"breaks": Breaks, "acts": Acts}[which]() if which in ("breaks", "acts") else Reader(which))
