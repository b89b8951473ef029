"""Turns the reports of arpwatch (`-d`, or its mails) into messages of syslog: standard input to standard output.

    python3 reports.py < reports > alerts.log

arpwatch logs to syslog itself, but with the clock of the machine; its reports have the time of the packets, over a
recorded capture too. The messages are RFC 5424 with the fields that the range reads.
"""

import re
import sys
from datetime import datetime

SUBJECT = re.compile(r"Subject: (?P<what>[a-z ]+?) \(")
FIELD = re.compile(r" *(?P<key>[a-z ]+): (?P<value>.*)")
NOTICE, ALERT = 13 * 8 + 5, 13 * 8 + 1
# What a report means: priority (facility 13, severity), technique. A station that is new may be anybody; an address
# that changes hands is what an adversary in the middle needs, and what a replaced network card looks like.
REPORTS = {
    "new station": (NOTICE, None),
    "new activity": (NOTICE, None),
    "changed ethernet address": (ALERT, "T0830"),
    "flip flop": (ALERT, "T0830"),
    "reused old ethernet address": (ALERT, "T0830"),
}


def reports(lines):
    """Each report as its subject and its fields."""
    subject, fields = None, {}
    for line in lines:
        begin = SUBJECT.match(line)
        if begin:
            if subject:
                yield subject, fields
            subject, fields = begin["what"], {}
        elif subject:
            field = FIELD.fullmatch(line.rstrip("\n"))
            if field:
                fields[field["key"].strip()] = field["value"].strip()
    if subject:
        yield subject, fields


def message(subject, fields):
    """A message of syslog. KeyError for a subject that arpwatch does not have, and for a report that is cut."""
    priority, technique = REPORTS[subject]
    # A report has whole seconds. The end of the second is taken: an alert is never dated before its frame.
    when = datetime.strptime(fields["timestamp"], "%A, %B %d, %Y %H:%M:%S %z").replace(microsecond=999_999)
    ip = fields["ip address"]
    # arpwatch leaves out leading zeros.
    mac = ":".join(f"{int(part, 16):02x}" for part in fields["ethernet address"].split(":"))
    data = f'sig="{subject.replace(" ", "-")}" src="{ip}" smac="{mac}" proto="arp"'
    if technique:
        data += f' technique="{technique}"'
    old = fields.get("old ethernet address")
    text = f"{subject} {ip} {mac}" + (f" ({old})" if old else "")
    return f"<{priority}>1 {when.isoformat()} arpwatch arpwatch - ALERT [alert@32473 {data}] {text}"


def main():
    for subject, fields in reports(sys.stdin):
        try:
            print(message(subject, fields))
        except (KeyError, ValueError) as error:
            sys.exit(f"reports.py: a report '{subject}' that cannot be read: {error!r}")


main()
