#!/usr/bin/env python3
"""The programs of the bench `scan`, compiled to C by MATIEC and timed scan by scan.

    matiec.py MATIEC [--ours PROGRAM] [--work FOLDER]

MATIEC is a built checkout of https://github.com/beremiz/matiec (autoreconf -i && ./configure &&
make), with `iec2c` and `lib/` in it. MATIEC is GPL, so nothing of it and nothing that it writes is
kept in this repository: all files go to FOLDER, /tmp/matiec-bench where it is not named.

PROGRAM is the example `scans` of sim-st, built in release; with it the outputs after the same scans
are compared, and with valgrind on the path the instructions of a scan are counted for both sides.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys

PROGRAMS = pathlib.Path(__file__).resolve().parent.parent / "tests" / "programs"

# MATIEC reserves STEP, and its library has blocks named PID and INTEGRAL.
RENAMED = {"PID": "PidLoop", "integral": "integral_sum", "step": "step_number"}

CONFIGURATION = """
CONFIGURATION Bench
    RESOURCE Res ON PLC
        TASK Cyclic(INTERVAL := T#10ms, PRIORITY := 0);
        PROGRAM Instance WITH Cyclic : {program};
    END_RESOURCE
END_CONFIGURATION
"""

# What the bench writes to the image before the first scan.
INPUTS = {"IX0_0": 1, "IX0_1": 0, "IX0_2": 1, "IX0_3": 1, "IX0_4": 1, "IW0": 12000, "IW1": 9000}

MAIN = """
#include "iec_std_lib.h"
#include <stdio.h>
TIME __CURRENT_TIME;
BOOL __DEBUG;
#define __LOCATED_VAR(type, name, ...) type __##name; type *name = &__##name;
#include "LOCATED_VARIABLES.h"
#undef __LOCATED_VAR
void config_init__(void);
void config_run__(unsigned long tick);

int main(int argc, char **argv) {
    unsigned long scans = strtoul(argv[1], NULL, 10), tick;
    struct timespec before, after;
    (void)argc;
    config_init__();
    @INPUTS@
    clock_gettime(CLOCK_MONOTONIC, &before);
    for (tick = 0; tick < scans; tick++) {
        __CURRENT_TIME.tv_nsec += 10000000;
        if (__CURRENT_TIME.tv_nsec >= 1000000000) {
            __CURRENT_TIME.tv_nsec -= 1000000000;
            __CURRENT_TIME.tv_sec++;
        }
        config_run__(tick);
    }
    clock_gettime(CLOCK_MONOTONIC, &after);
    @OUTPUTS@
    fprintf(stderr, "%.3f\\n",
        ((after.tv_sec - before.tv_sec) * 1e9 + after.tv_nsec - before.tv_nsec) / scans);
    return 0;
}
"""


def generated(lines=2000):
    """The same text as `generated` in scan.rs."""
    text = (
        "PROGRAM Generated\nVAR\n    a : ARRAY[0..99] OF INT;\n    n, m : INT := 7;\n"
        "    x, y : REAL := 1.5;\n    p, q : BOOL;\nEND_VAR\n"
    )
    for line in range(lines):
        text += (
            f"    n := m + {line % 100};\n",
            "    y := x * 0.5 + y;\n",
            "    p := (n > m) AND NOT q;\n",
            f"    a[{line % 100}] := n;\n",
        )[line % 4]
    return text + "END_PROGRAM\n"


def build(matiec, folder, source, program):
    """The folder's binary `scans`, from one text of Structured Text."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, other in RENAMED.items():
        source = re.sub(rf"\b{name}\b", other, source)
    (folder / "program.st").write_text(source + CONFIGURATION.format(program=program))
    lib = matiec / "lib"
    subprocess.run(
        [matiec / "iec2c", "-I", lib, "-T", folder, folder / "program.st"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    located = re.findall(
        r"__LOCATED_VAR\((\w+),__(\w+),", (folder / "LOCATED_VARIABLES.h").read_text()
    )
    inputs = " ".join(f"*__{name} = {INPUTS[name]};" for _, name in located if name in INPUTS)
    outputs = " ".join(
        f'if (*__{name}) printf("%%{name.replace("_", ".")} = %d\\n", (int)*__{name});'
        for _, name in sorted(located, key=lambda entry: entry[1])
        if name[0] == "Q"
    )
    (folder / "main.c").write_text(MAIN.replace("@INPUTS@", inputs).replace("@OUTPUTS@", outputs))
    units = [folder / name for name in ("main.c", "Bench.c", "Res.c")]
    subprocess.run(
        ["gcc", "-O2", "-w", "-I", lib / "C", *units, "-o", folder / "scans", "-lm"], check=True
    )
    return folder / "scans"


def run(command):
    """The outputs printed, and the ns of a scan."""
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout, float(done.stderr)


def instructions(command, scans):
    """Instructions of one scan, as the slope between `scans` and twice as many."""

    def count(number):
        log = subprocess.run(
            ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command, str(number)],
            check=True,
            capture_output=True,
            text=True,
        ).stderr
        return int(re.search(r"Collected : (\d+)", log)[1])

    return (count(2 * scans) - count(scans)) / scans


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("matiec", type=pathlib.Path)
    parser.add_argument("--ours", type=pathlib.Path)
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("/tmp/matiec-bench"))
    parser.add_argument("--repeats", type=int, default=20)
    options = parser.parse_args()
    cases = [
        ("pid_ton_latch", "Main", (PROGRAMS / "pid_ton_latch.st").read_text(), 1_000_000),
        ("filler", "Filler", (PROGRAMS / "filler.st").read_text(), 300_000),
        ("generated", "Generated", generated(), 30_000),
    ]
    for name, program, source, scans in cases:
        folder = options.work / name
        sides = {"C by MATIEC": [build(options.matiec.resolve(), folder, source, program)]}
        if options.ours:
            (folder / "ours.st").write_text(source)
            sides["ours"] = [options.ours.resolve(), folder / "ours.st"]
        outputs, fastest = {}, dict.fromkeys(sides, float("inf"))
        # The sides take turns, so that a load on the machine falls on both.
        for _ in range(options.repeats):
            for side, command in sides.items():
                outputs[side], ns = run([*command, str(scans)])
                fastest[side] = min(fastest[side], ns)
        for side, command in sides.items():
            line = f"{name:14} {side:12} {fastest[side]:10.1f} ns a scan"
            if shutil.which("valgrind"):
                line += f" {instructions(command, scans // 100):10.0f} instructions a scan"
            print(line, flush=True)
        if len(set(outputs.values())) > 1:
            sys.exit(f"{name}: the outputs differ: {outputs}")


main()
