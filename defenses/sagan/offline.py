"""Runs Sagan over a recorded syslog: `python3 offline.py EVIDENCE OUT` leaves `OUT/eve.json`.

Reads `EVIDENCE/syslog.log` (RFC 5424) and `EVIDENCE/assets.json`. Sagan was made for a log that is being written; three
things have to be put right for one that is read back:

- it reads lines of its own form, which is that of a template of rsyslog;
- it stamps alerts with the clock of the machine: each gets the time of its log line back;
- a line that finds no worker free is lost without a word: lines are handed over in parts smaller than there are
  workers, and a rule that fires for every line is counted.
"""

import json
import os
import pwd
import re
import shutil
import subprocess
import sys
from base64 import b64decode

HERE = os.path.dirname(os.path.abspath(__file__))
# Fewer lines at a time than `max-threads` of sagan.yaml.
PART = 90
EVERY_LINE = 9109999
RFC5424 = re.compile(r"<(\d{1,3})>1 (\S+)T(\d\d:\d\d:\d\d)(\S*) (\S+) (\S+) \S+ (\S+) (?:-|(?:\[[^\]]*\])+) ?(.*)")
FACILITIES = ("kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp security console solaris-cron "
              "local0 local1 local2 local3 local4 local5 local6 local7").split()
# Where Debian has Sagan; it is not in the PATH of an ordinary user.
os.environ["PATH"] = os.environ.get("PATH", os.defpath) + os.pathsep + "/usr/sbin"
SEVERITIES = "emerg alert crit err warning notice info debug".split()


def parse(path):
    """The messages of a log: (time stamp, host, whom its text names first, line for Sagan without the host)."""
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file):
            match = RFC5424.fullmatch(line.rstrip("\n"))
            if match is None:
                sys.exit(f"offline.py: {path}, line {number + 1} is no message of RFC 5424: {line[:80]!r}")
            priority, day, time, rest, host, program, msgid, text = match.groups()
            facility, severity = divmod(int(priority), 8)
            level = SEVERITIES[severity]
            # The bar is Sagan's separator. The number finds the line again.
            message = f"{msgid}: {text} line={number}".replace("|", "/")
            fields = [FACILITIES[facility], level, level, program, day, time, program, message]
            yield f"{day}T{time}{rest}", host, text.partition(" ")[0], "|".join(fields)


def sagan(config, lines, out):
    """One part of the log through Sagan; its EVE records."""
    feed, eve = os.path.join(out, "feed"), os.path.join(out, "eve.raw")
    with open(feed, "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in lines)
    if os.path.exists(eve):
        os.remove(eve)
    # It would become the user `sagan`, who may not write here.
    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        sys.exit(f"offline.py: user {os.geteuid()} has no name in /etc/passwd, and sagan asks for one")
    command = ["sagan", "-f", config, "-F", feed, "-l", os.path.join(out, "sagan.log"), "-u", user, "-Q"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
    except OSError as error:
        sys.exit(f"offline.py: sagan does not start: {error}")
    if done.returncode != 0:
        sys.exit(f"offline.py: sagan ended with {done.returncode}; see sagan.log")
    if not os.path.exists(eve):
        return []
    with open(eve, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def filled(name, out, **places):
    """A file beside this one with its `@PLACES@` filled in, in OUT; its new path."""
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        text = file.read()
    for place, value in places.items():
        text = text.replace(f"@{place}@", value)
    path = os.path.join(out, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def line_of(record):
    """The number of the log line that a record is about."""
    try:
        text = b64decode(record["payload"]).decode()
    except ValueError as error:
        sys.exit(f"offline.py: a record of Sagan has a payload that cannot be read: {error}")
    match = re.search(r"line=(\d+)$", text.rstrip())
    if match is None:
        sys.exit(f"offline.py: a record of Sagan has no number of a line; its text was cut: {text[-80:]!r}")
    return int(match[1])


def alerts_of(messages, addresses, config, out):
    """The alerts about all messages, in their order."""
    alerts, seen = [], set()
    lines = [f"{addresses.get(host) or host}|{line}" for _, host, _, line in messages]
    for start in range(0, len(lines), PART):
        for record in sagan(config, lines[start:start + PART], out):
            number = line_of(record)
            if record["alert"]["signature_id"] == EVERY_LINE:
                seen.add(number)
                continue
            stamp, host, named, _ = messages[number]
            # It is about whom it names, else about who logged it; Sagan has its `default-host` there.
            about = addresses.get(named) or addresses.get(host) or record["dest_ip"]
            record.update(timestamp=stamp, dest_ip=about)
            del record["flow_id"]
            alerts.append((number, record))
    if len(seen) != len(messages):
        sys.exit(f"offline.py: Sagan saw {len(seen)} of {len(messages)} messages")
    alerts.sort(key=lambda alert: (alert[0], alert[1]["alert"]["signature_id"]))
    return [record for _, record in alerts]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    evidence, out = sys.argv[1], os.path.abspath(sys.argv[2])
    with open(os.path.join(evidence, "assets.json"), encoding="utf-8") as file:
        assets = json.load(file)
    addresses = {asset["name"]: asset.get("ip") for asset in assets}
    messages = list(parse(os.path.join(evidence, "syslog.log")))
    os.makedirs(out, exist_ok=True)
    # A run that was stopped may have left it.
    state = os.path.join(out, "ipc")
    shutil.rmtree(state, ignore_errors=True)
    try:
        os.makedirs(state)
        config = filled("sagan.yaml", out, HERE=HERE, OUT=out)
        workstations = [asset["ip"] for asset in assets if asset["role"] == "engineering-workstation" and asset.get("ip")]
        filled("ot.rules", out, NOT_FROM_WORKSTATIONS=" ".join(f'content:!"(from {ip})";' for ip in workstations))
        alerts = alerts_of(messages, addresses, config, out)
        with open(os.path.join(out, "eve.json"), "w", encoding="utf-8") as file:
            for record in alerts:
                file.write(json.dumps(record, separators=(",", ":")) + "\n")
    finally:
        # What thresholds count: hundreds of megabytes, mostly holes.
        shutil.rmtree(state, ignore_errors=True)
        for name in ("eve.raw", "feed"):
            if os.path.exists(os.path.join(out, name)):
                os.remove(os.path.join(out, name))


if __name__ == "__main__":
    main()
