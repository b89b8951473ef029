"""Makes two Suricata runs over one capture byte-identical: standard input to standard output.

Keeps the alerts of an eve.json, drops `flow_id` (random) and sorts by frame number and signature.
"""

import json
import sys


def main():
    alerts = []
    for number, line in enumerate(sys.stdin, start=1):
        try:
            record = json.loads(line)
        except ValueError as error:
            sys.exit(f"normalise.py: line {number} is not JSON: {error}")
        if record.get("event_type") == "alert":
            record.pop("flow_id", None)
            alerts.append(record)
    alerts.sort(key=lambda r: (r.get("pcap_cnt") or sys.maxsize, r["timestamp"], r["alert"]["signature_id"]))
    for alert in alerts:
        print(json.dumps(alert, separators=(",", ":")))


main()
