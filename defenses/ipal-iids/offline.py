"""Runs detectors of IPAL's framework over the historian's tags: `python offline.py EVIDENCE OUT LEARN_S`.

1. `EVIDENCE/tags.parquet` becomes states of IPAL, one a second: the clean period to train on, the rest to watch. (For
   a run with labels beside the states there is `twinrange export RUN --format ipal`.)
2. `ipal-iids` learns and watches with one detector for each tag, so that an alarm names its tag: MinMax for what is
   measured, Steadytime for what has few values. Totals have neither: they leave every range that they had.
3. The alarms become `OUT/alerts.jsonl`: one when a detector's alarm has stood for a while, and again after ten minutes,
   then twenty, and so on.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict

SECOND_NS = 1_000_000_000
# As `discrete_threshold` of the framework: a tag with so many values or fewer is a state.
DISCRETE = 10
# An alarm that is over sooner is an ordinary stop of the line. From ordinary shifts.
STANDS_S = {"MinMax": 120, "Steadytime": 300}
HOLD_OFF_S = 600
SIGNATURES = {
    "MinMax": ("ipal-minmax", "outside the range of the clean period"),
    "Steadytime": ("ipal-steadytime", "stands still for longer or shorter than in the clean period"),
}


def states(evidence):
    """One state of all tags a second: (second, {tag: last value}); before its first sample a tag has that sample."""
    import polars

    table = polars.read_parquet(os.path.join(evidence, "tags.parquet"))
    table = table.with_columns(polars.col("tag").cast(polars.String)).filter(polars.col("value").is_not_null())
    table = table.sort("t_ns", "tag")
    first = table.group_by("tag").first().sort("tag")
    now = dict(zip(first["tag"].to_list(), first["value"].to_list()))
    second = 0
    for t_ns, tag, value in table.select("t_ns", "tag", "value").iter_rows():
        while t_ns >= (second + 1) * SECOND_NS:
            yield second, dict(now)
            second += 1
        now[tag] = value
    yield second, dict(now)


def write_states(path, rows):
    with open(path, "w", encoding="utf-8") as file:
        for second, state in rows:
            # The framework wants a label; there is none in the evidence.
            line = {"timestamp": second, "state": state, "malicious": False}
            file.write(json.dumps(line, separators=(",", ":")) + "\n")


def configuration(clean):
    """One detector for each tag, by what the clean period shows of it."""
    config = {}
    for tag in sorted(clean[0][1]):
        values = [state[tag] for _, state in clean]
        falls = any(b < a for a, b in zip(values, values[1:]))
        rises = any(b > a for a, b in zip(values, values[1:]))
        if rises and not falls:
            continue
        kind = "Steadytime" if len(set(values)) <= DISCRETE else "MinMax"
        config[f"{kind} {tag}"] = {
            "_type": "SteadyTime" if kind == "Steadytime" else "MinMax",
            "model-file": None,
            "features": [f"state;{tag}"],
            "threshold": 1.0,
            "discrete_threshold": DISCRETE,
            **({"adjust": False} if kind == "Steadytime" else {}),
        }
    return config


def alerts(lines):
    """Alerts from the annotated states."""
    since = {}
    held = defaultdict(lambda: (0, HOLD_OFF_S))
    for line in lines:
        state = json.loads(line)
        second = state["timestamp"]
        for name, alarm in state["alerts"].items():
            if not alarm:
                since.pop(name, None)
                continue
            kind, tag = name.split(" ", 1)
            begun = since.setdefault(name, second)
            until, pause = held[name]
            if second - begun < STANDS_S[kind] or second < until:
                continue
            held[name] = (second + pause, 2 * pause)
            sig_id, text = SIGNATURES[kind]
            yield {"t_ns": (second + 1) * SECOND_NS, "sig_id": sig_id, "sig_name": f"{tag} {text}", "severity": 5,
                   "raw": {"tag": tag, "value": state["state"][tag], "since_s": begun}}


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    evidence, out, learn_s = sys.argv[1], sys.argv[2], int(sys.argv[3])
    program = os.environ.get("IPAL_IIDS") or shutil.which("ipal-iids")
    if program is None:
        sys.exit("offline.py: there is no program ipal-iids in PATH; IPAL_IIDS may name it")
    rows = list(states(evidence))
    clean, rest = rows[:learn_s], rows[learn_s:]
    if len(clean) < 600 or not rest:
        sys.exit(f"offline.py: {len(clean)} s to learn from and {len(rest)} s to watch; it takes 600 s at least")
    at = {name: os.path.join(out, name) for name in ("train.state", "live.state", "ids.config", "output.state")}
    write_states(at["train.state"], clean)
    write_states(at["live.state"], rest)
    with open(at["ids.config"], "w", encoding="utf-8") as file:
        json.dump(configuration(clean), file, indent=2)
    command = [sys.executable, program, "--train.state", at["train.state"], "--live.state", at["live.state"],
               "--config", at["ids.config"], "--output", at["output.state"]]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        sys.exit(f"offline.py: ipal-iids ended with {done.returncode}")
    with open(at["output.state"], encoding="utf-8") as annotated, open(
        os.path.join(out, "alerts.jsonl"), "w", encoding="utf-8"
    ) as file:
        for alert in alerts(annotated):
            file.write(json.dumps(alert, separators=(",", ":")) + "\n")
    for name in ("train.state", "live.state", "output.state"):
        os.remove(at[name])


if __name__ == "__main__":
    main()
