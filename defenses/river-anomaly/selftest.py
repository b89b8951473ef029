"""Drives river_anomaly.py through the protocol with made-up tags of a small plant.

    .venv/bin/python selftest.py

Exit status 0 when every case is as expected and two runs answer byte for byte the same.
"""

import json
import os
import random
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SECOND_NS = 1_000_000_000
LEARN_S, RUN_S = 1800, 4200
TAGS = {
    "tank.level": "Level of the supply tank",
    "filler.volume": "Volume of the last bottle",
    "filler.setpoint": "Fill setpoint",
    "line.bottles": "Counted bottles",
    "belt.running": "Belt is running",
}


def plant(t_s, rng):
    """One second of a healthy plant: a sawtooth level, a noisy volume, a counter, a belt that stops at times."""
    running = not 500 <= t_s % 900 < 520
    return {
        "tank.level": 0.30 + 0.02 * ((t_s % 120) / 120) + rng.gauss(0, 0.001),
        "filler.volume": 500 + rng.gauss(0, 1.5),
        "filler.setpoint": 500,
        "line.bottles": (t_s * 1.0 // 1) % 65536,
        "belt.running": float(running),
    }


def drift(t_s, values):
    values["filler.volume"] -= min((t_s - 2400) * 0.02, 25)


def setpoint(t_s, values):
    values["filler.setpoint"] = 490


def frozen(t_s, values):
    values["tank.level"] = 0.31


def lost(t_s, values):
    values["tank.level"] = None


CASES = [
    ("clean", None, {}),
    ("drift", drift, {"tag-limit": ([], "filler.volume")}),
    ("setpoint", setpoint, {"tag-setpoint": (["T0836"], "filler.setpoint")}),
    ("frozen", frozen, {"tag-frozen": (["T0832"], "tank.level")}),
    ("lost", lost, {"tag-lost": ([], "tank.level")}),
]


def session(attack):
    rng = random.Random(7)
    tags = [{"name": name, "unit": "", "description": text} for name, text in TAGS.items()]
    yield {"type": "hello", "versions": [1], "range_version": "0", "plant": "toy", "epoch_unix_ns": 0,
           "interval_ns": SECOND_NS, "duration_ns": RUN_S * SECOND_NS, "learn_ns": LEARN_S * SECOND_NS,
           "spans": [], "assets": [], "tags": tags, "actions": [], "limits": {}}
    for seq in range(1, RUN_S + 1):
        values = plant(seq, rng)
        if attack and seq >= 2400:
            attack(seq, values)
        samples = [{"t_ns": seq * SECOND_NS, "tag": tag, "value": value, "quality": "bad" if value is None else "good"}
                   for tag, value in values.items()]
        yield {"type": "interval", "seq": seq, "from_ns": (seq - 1) * SECOND_NS, "to_ns": seq * SECOND_NS,
               "frames": [], "frames_dropped": 0, "tags": samples, "logs": [], "action_results": []}
    yield {"type": "end", "seq": RUN_S + 1, "at_ns": RUN_S * SECOND_NS, "action_results": []}


def run(attack):
    text = "".join(json.dumps(message) + "\n" for message in session(attack))
    command = [sys.executable, os.path.join(HERE, "river_anomaly.py")]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def main():
    failed = 0
    for name, attack, expect in CASES:
        output = run(attack)
        answers = [json.loads(line) for line in output.splitlines()]
        alerts = [alert for answer in answers for alert in answer.get("alerts", [])]
        found = {}
        for alert in alerts:
            found.setdefault(alert["sig_id"], (alert["techniques"], alert["raw"]["tags"][0]["tag"]))
        problems = []
        if found != expect:
            problems.append(f"expected {expect}")
        if sum(answer["type"] == "done" for answer in answers) != RUN_S + 1:
            problems.append("not every message was answered")
        if any(alert["t_ns"] < 2400 * SECOND_NS for alert in alerts):
            problems.append("false alarm before the attack")
        if name == "drift" and run(attack) != output:
            problems.append("two runs differ")
        first_s = alerts[0]["t_ns"] / SECOND_NS - 2400 if alerts else None
        print(f"{'FAIL' if problems else 'ok  '} {name}: {found}, {len(alerts)} alerts, first after {first_s} s", *problems)
        failed += bool(problems)
    sys.exit(1 if failed else 0)


main()
