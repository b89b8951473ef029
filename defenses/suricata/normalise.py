"""Makes two Suricata runs over one capture byte-identical: standard input to standard output.

Keeps the alerts of an eve.json, drops `flow_id` (random) and sorts by frame number and signature. With the name of a
file, the counters of its last `stats` record go there that say what Suricata saw; memory and uptime do not.
"""

import json
import sys

# Counters that are the same every time: packets, checksums, protocols, rules.
COUNTERS = {
    "decoder": ["pkts", "bytes", "invalid"],
    "tcp": ["sessions", "invalid_checksum"],
    "app_layer": ["flow"],
    "detect": ["alert"],
}
RULES = ["id", "rules_loaded", "rules_failed"]


def counters(record):
    stats = record["stats"]
    kept = {
        part: {name: stats[part][name] for name in names if name in stats.get(part, {})}
        for part, names in COUNTERS.items()
    }
    engines = stats.get("detect", {}).get("engines", [])
    kept["detect"]["engines"] = [{name: engine.get(name) for name in RULES} for engine in engines]
    return {"event_type": "stats", "stats": kept}


def main():
    alerts, stats = [], None
    for number, line in enumerate(sys.stdin, start=1):
        try:
            record = json.loads(line)
        except ValueError as error:
            sys.exit(f"normalise.py: line {number} is not JSON: {error}")
        if record.get("event_type") == "alert":
            record.pop("flow_id", None)
            alerts.append(record)
        elif record.get("event_type") == "stats":
            stats = record
    alerts.sort(key=lambda r: (r.get("pcap_cnt") or sys.maxsize, r["timestamp"], r["alert"]["signature_id"]))
    for alert in alerts:
        print(json.dumps(alert, separators=(",", ":")))
    if len(sys.argv) > 1 and stats is not None:
        with open(sys.argv[1], "w", encoding="utf-8") as file:
            print(json.dumps(counters(stats), separators=(",", ":")), file=file)


main()
