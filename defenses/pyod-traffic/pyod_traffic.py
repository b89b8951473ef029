"""Anomaly detection on how much of what is on the network, with PyOD.

Every ten simulated seconds it counts what the mirror port showed: frames, ARP, connections, Modbus requests by kind,
hosts, pairs. In the clean period it learns such rows with a k-nearest-neighbours detector; at its end it sets the
threshold by rows that it has not learned from. Afterwards a row that is too far from its nearest clean rows, twice in a
row, is an alert.

No address and no register is in a row, and nothing is known of the plant. Nothing is learned after the clean period.
The answer depends on the messages alone: the detector draws no random numbers, and all times are simulated.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter

import numpy as np
from numpy.typing import NDArray
from pyod.models.knn import KNN

from twinrange import Defense, Frame, Hello, Interval, Packet, parse, run

SECOND_NS = 1_000_000_000
WINDOW_NS = 10 * SECOND_NS
NEIGHBOURS = 5
#: Shares of the clean rows: to learn from, and, of the rest, to set the threshold by.
LEARN_SHARE = 2 / 3
#: How much farther than the farthest of those rows is too far.
MARGIN = 1.5
#: A column whose clean rows hardly differ would make any change infinitely far.
LEAST_SPREAD = 0.1
PERSIST_WINDOWS = 2
MIN_ROWS = 60
HOLD_OFF_NS = 600 * SECOND_NS
COLUMNS = (
    "frames", "bytes", "hosts", "pairs", "arp requests", "arp replies", "arp targets", "addresses of a host",
    "hosts of an address", "connections", "resets", "connection targets", "modbus reads", "modbus writes",
    "modbus other", "modbus exceptions",
)


class Window:
    """What was seen in one window."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.bindings: set[tuple[bytes, bytes]] = set()
        self.sets: dict[str, set[object]] = {"hosts": set(), "pairs": set(), "arp targets": set(),
                                             "connection targets": set()}

    def add(self, frame: Frame) -> None:
        packet = parse(frame.data)
        self.counts["frames"] += 1
        self.counts["bytes"] += len(frame.data)
        if packet is None:
            return
        self.sets["hosts"].add(packet.src_mac)
        self.sets["pairs"].add((packet.src_mac, packet.dst_mac))
        if packet.src_ip is not None:
            self.bindings.add((packet.src_mac, packet.src_ip))
        if packet.arp_operation is not None:
            self.counts["arp requests" if packet.arp_operation == 1 else "arp replies"] += 1
            self.sets["arp targets"].add(packet.dst_ip)
        elif packet.tcp_flags is not None:
            self._tcp(packet, packet.tcp_flags)

    def _tcp(self, packet: Packet, flags: int) -> None:
        if flags & 0x12 == 0x02:
            self.counts["connections"] += 1
            self.sets["connection targets"].add((packet.dst_ip, packet.dst_port))
        self.counts["resets"] += bool(flags & 0x04)
        for message in packet.modbus():
            if message.is_exception:
                self.counts["modbus exceptions"] += 1
            elif message.is_request:
                kind = "writes" if message.is_write else "reads" if message.function in (1, 2, 3, 4) else "other"
                self.counts[f"modbus {kind}"] += 1

    def row(self) -> list[float]:
        """A value for each column. Logarithms: twice as much is as far from much as from little."""
        bindings = self.bindings
        values = {name: len(members) for name, members in self.sets.items()} | self.counts
        values["addresses of a host"] = max(Counter(mac for mac, _ in bindings).values(), default=0)
        values["hosts of an address"] = max(Counter(ip for _, ip in bindings).values(), default=0)
        return [math.log1p(values.get(column, 0)) for column in COLUMNS]


class Traffic(Defense):
    """Rows in, alerts out."""

    name = "pyod-traffic"
    version = "0.1.0"

    def __init__(self, learn_s: int | None) -> None:
        self.learn_s = learn_s
        self.window = Window()
        self.window_end_ns = WINDOW_NS
        self.clean: list[list[float]] = []
        self.model: KNN | None = None
        self.far_windows = 0
        self.quiet_until_ns = 0
        self.pause_ns = HOLD_OFF_NS

    def start(self, hello: Hello) -> None:
        self.learn_ns = hello.learn_ns if self.learn_s is None else self.learn_s * SECOND_NS

    def interval(self, seen: Interval) -> None:
        for frame in seen.frames:
            self._close_until(frame.t_ns)
            self.window.add(frame)
        self._close_until(seen.to_ns)

    def _close_until(self, t_ns: int) -> None:
        while t_ns >= self.window_end_ns:
            row, end_ns = self.window.row(), self.window_end_ns
            self.window, self.window_end_ns = Window(), end_ns + WINDOW_NS
            if end_ns <= self.learn_ns:
                self.clean.append(row)
            else:
                self._judge(np.array(row), end_ns)

    def _fit(self) -> None:
        rows = np.array(self.clean)
        if len(rows) < MIN_ROWS:
            return
        self.middle = np.median(rows, axis=0)
        self.spread = np.maximum(1.4826 * np.median(np.abs(rows - self.middle), axis=0), LEAST_SPREAD)
        scaled = (rows - self.middle) / self.spread
        split = int(len(rows) * LEARN_SHARE)
        self.model = KNN(n_neighbors=NEIGHBOURS, method="largest", n_jobs=1)
        self.model.fit(scaled[:split])
        self.threshold = MARGIN * float(self.model.decision_function(scaled[split:]).max())

    def _judge(self, row: NDArray[np.float64], end_ns: int) -> None:
        if self.model is None and self.clean:
            self._fit()
            self.clean = []
        if self.model is None:
            return
        scaled = (row - self.middle) / self.spread
        distance = float(self.model.decision_function(scaled.reshape(1, -1))[0])
        if distance <= self.threshold:
            self.far_windows = 0
            return
        self.far_windows += 1
        if self.far_windows < PERSIST_WINDOWS or end_ns < self.quiet_until_ns:
            return
        # The same state told again and again is no news: each pause is twice as long as the one before.
        self.quiet_until_ns = end_ns + self.pause_ns
        self.pause_ns *= 2
        worst = np.argsort(-np.abs(scaled), kind="stable")[:3]
        said = ", ".join(f"{COLUMNS[at]} {math.expm1(row[at]):.0f}" for at in worst)
        self.alert(
            "traffic-unusual",
            t_ns=end_ns - 1,
            sig_name=f"unusual traffic: {said}",
            severity=5,
            raw={"distance": round(distance, 3), "threshold": round(self.threshold, 3),
                 "columns": {COLUMNS[at]: round(float(scaled[at]), 1) for at in worst}},
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learn-s", type=int, help="clean period; that of the scenario if left out")
    run(Traffic(parser.parse_args().learn_s))
