"""How many simulated minutes a Python tool that reads every frame gets through in a wall minute: by either feed, and with
a verdict on every frame of the controllers.

    python clients/python/benches/feeds.py [SCENARIO] [ROUNDS]

The tool decodes Ethernet, ARP, IPv4, TCP and Modbus of every frame and alerts on the first write of each host. Both
feeds take turns with a run without any defense, and must leave the same digest and the same alerts. A third tool stands
in the cables of the controllers and decodes and passes what comes there, which must leave the same digest, too. The
unattacked twins, which would keep the other processors busy, are left out. `TWINRANGE` names the program, which should be a release
build. On a busy machine CPU time is the better figure: of the range with the tool, and of the tool alone.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

from twinrange import PASS, Defense, End, InlineFrame, Interval, Run, Verdict, mac_text, parse, run  # noqa: E402
from twinrange.session import find_range  # noqa: E402


class Reader(Defense):
    name = "reader"

    def __init__(self, binary: bool) -> None:
        self.binary_frames = binary
        self.writers: set[bytes] = set()
        self.counts = dict.fromkeys(["frames", "arp", "tcp", "modbus", "writes"], 0)

    def interval(self, seen: Interval) -> None:
        counts = self.counts
        for frame in seen.frames:
            counts["frames"] += 1
            packet = parse(frame.data)
            if packet is None:
                continue
            counts["arp"] += packet.arp_operation is not None
            counts["tcp"] += packet.tcp_flags is not None
            for modbus in packet.modbus():
                counts["modbus"] += 1
                if modbus.is_write:
                    counts["writes"] += 1
                    if packet.src_mac not in self.writers:
                        self.writers.add(packet.src_mac)
                        self.alert("first-write", frame=frame, src={"mac": mac_text(packet.src_mac)})

    def end(self, end: End) -> None:
        self.alert("counts", raw=self.counts, kind="log")
        print(f"cpu_s {time.process_time():.2f}")


class Judge(Defense):
    name = "judge"
    wants = ("logs",)

    def __init__(self) -> None:
        self.counts = dict.fromkeys(["frames", "modbus"], 0)

    def judge(self, frame: InlineFrame) -> Verdict:
        self.counts["frames"] += 1
        packet = parse(frame.data)
        if packet is not None:
            self.counts["modbus"] += len(list(packet.modbus()))
        return PASS

    def interval(self, seen: Interval) -> None:
        pass

    def end(self, end: End) -> None:
        self.alert("counts", raw=self.counts, kind="log")
        print(f"cpu_s {time.process_time():.2f}")


#: Where the judge stands: the controllers of `bottling`.
CABLES = ["plc-conveyor", "plc-filler", "plc-packaging", "sis-filler"]


def tool(folder: Path, feed: str) -> Path:
    inline = f", inline: Inline(hosts: {json.dumps(CABLES)})" if feed == "judge" else ""
    words = json.dumps([str(Path(__file__).absolute()), "--tool", feed])
    path = folder / f"{feed}.ron"
    path.write_text(
        f'Defense(name: "reader-{feed}", version: "1", description: "Reads all frames", install: "It is here.", may_be_silent: true,\n'
        f"    kind: LockStep(command: {json.dumps(sys.executable)}, args: {words}{inline}),\n"
        f"    may_read: [{json.dumps(str(Path(__file__).absolute().parent.parent))}])\n"
    )
    return path


def children_s() -> float:
    """CPU time of all processes that have ended below this one."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(scenario: str = "bottling/overflow", rounds: str = "3") -> None:
    program = find_range()
    with tempfile.TemporaryDirectory(prefix="twinrange-feeds-") as scratch:
        folder = Path(scratch)
        tools = {"none": None} | {feed: tool(folder, feed) for feed in ["json", "binary", "judge"]}
        rates: dict[str, list[float]] = {feed: [] for feed in tools}
        cpu_s: dict[str, list[float]] = {feed: [] for feed in tools}
        all_cpu_s: dict[str, list[float]] = {feed: [] for feed in tools}
        seen = {}
        for _ in range(int(rounds)):
            for feed, file in tools.items():
                out = folder / feed
                command = [program, "run", scenario, "--out", str(out), "--json", "--no-twin"]
                command += [] if file is None else ["--defense", str(file)]
                before_s = children_s()
                facts = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
                rates[feed].append(facts["real_time_factor"])
                all_cpu_s[feed].append(children_s() - before_s)
                if file is not None:
                    said = (out / "defense/tool.log").read_text()
                    cpu_s[feed].append(float(said.split("cpu_s ")[1]))
                seen[feed] = (facts["trace_digest"], Run(out).alerts())
        assert seen["json"] == seen["binary"], "the feeds differ"
        assert len({digest for digest, _ in seen.values()}) == 1, "a tool that changes nothing changed the plant"
        counts = {feed: alerts[-1]["raw"] for feed, (_, alerts) in seen.items() if feed in ("json", "judge")}
        print(f"{scenario}: {facts['simulated_ns'] / 60e9:.0f} simulated minutes, {counts}, digest {seen['json'][0][:16]}")
        print(f"load average at the end on {os.cpu_count()} processors: {os.getloadavg()}")
        for feed, found in rates.items():
            each = ", ".join(f"{rate:.0f}" for rate in found)
            print(f"{feed:7} {median(found):5.0f} simulated minutes per wall minute (each: {each})", end="")
            print(f", CPU {median(all_cpu_s[feed]):.2f} s", end="")
            print(f", of which the tool {median(cpu_s[feed]):.2f} s" if cpu_s[feed] else "")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--tool"]:
        run(Judge() if sys.argv[2] == "judge" else Reader(sys.argv[2] == "binary"))
    else:
        main(*sys.argv[1:])
