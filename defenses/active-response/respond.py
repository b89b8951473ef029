"""Active response: turns the alerts of any lock-step detector into blocks, with an allow-list and a limit.

    python3 respond.py --policy policy.json -- COMMAND…

COMMAND is a detector that speaks the range's lock-step protocol and only watches. This program stands between it and
the range: everything goes through unchanged, in both directions, and to what the detector answers it adds actions.
Which alerts are worth a block, who must never be blocked, for how long and how many at a time, is written in the
policy, in the words of Wazuh's active response (README.md). What it did and what it held back is told as records of
kind `log`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from twinrange.protocol import Asset, Hello, encode, read_line, read_records

SECOND_NS = 1_000_000_000


class Mistake(Exception):
    """The policy or the detector is wrong; the message is for people."""


@dataclass(frozen=True)
class Rule:
    """One `active-response`: which alerts, and for how long the source is cut off."""

    #: Least severity, 0 to 10.
    level: float = 0.0
    #: Signatures; none is any.
    rules_id: frozenset[str] = frozenset()
    #: Techniques, one of which the alert must have; none is any.
    techniques: frozenset[str] = frozenset()
    #: Simulated seconds; 0 is to the end of the run.
    timeout: float = 600.0
    #: For the second block of the same source, the third, and so on; the last one counts for all further ones.
    repeated_offenders: tuple[float, ...] = ()

    def takes(self, alert: dict[str, Any]) -> bool:
        if (alert.get("severity") or 0.0) < self.level:
            return False
        if self.rules_id and alert["sig_id"] not in self.rules_id:
            return False
        return not self.techniques or bool(self.techniques & set(alert.get("techniques") or ()))

    def duration_s(self, offence: int) -> float:
        if offence == 0 or not self.repeated_offenders:
            return self.timeout
        return self.repeated_offenders[min(offence, len(self.repeated_offenders)) - 1]


@dataclass(frozen=True)
class Policy:
    """What may be done, and to whom never."""

    rules: tuple[Rule, ...]
    #: Names of assets, roles of assets, and addresses (`ip` or `mac`) that are never blocked.
    white_list: frozenset[str] = frozenset()
    #: Blocks that may stand at the same time, and be begun within an hour.
    most_active: int = 2
    most_per_hour: int = 6

    @classmethod
    def read(cls, path: str) -> Policy:
        """Raises Mistake for a file that is no policy."""
        try:
            with open(path, encoding="utf-8") as file:
                fields = json.load(file)
            rules = tuple(Rule(**_rule(rule)) for rule in fields.pop("active_response"))
            limit = fields.pop("limit", {})
            white_list = frozenset(fields.pop("white_list", ()))
            policy = cls(rules, white_list, int(limit.pop("active", cls.most_active)),
                         int(limit.pop("per_hour", cls.most_per_hour)))
            unknown = sorted([*fields, *limit])
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise Mistake(f"{path}: {error}") from error
        if unknown:
            raise Mistake(f"{path}: unknown: {', '.join(unknown)}")
        return policy


def _rule(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a rule in their types; ValueError or TypeError for what has another."""
    typed: dict[str, Any] = {key: float(fields[key]) for key in ("level", "timeout") if key in fields}
    typed.update((key, frozenset(fields[key])) for key in ("rules_id", "techniques") if key in fields)
    if "repeated_offenders" in fields:
        typed["repeated_offenders"] = tuple(float(seconds) for seconds in fields["repeated_offenders"])
    return {**fields, **typed}


@dataclass(frozen=True)
class Order:
    """An order that the range has not answered yet."""

    #: Whom it is about.
    source: str
    at_ns: int


@dataclass
class Block:
    """What was ordered about a source."""

    offences: int = 0
    until_ns: int = 0


@dataclass
class Responder:
    """The decisions. A function of the alerts and of what the range says of the orders."""

    policy: Policy
    assets: tuple[Asset, ...]
    blocks: dict[str, Block] = field(default_factory=dict)
    #: When blocks were begun, within the last hour.
    begun: list[int] = field(default_factory=list)
    #: Orders that the range has not answered yet, by command.
    open: dict[str, Order] = field(default_factory=dict)
    told: set[tuple[str, str]] = field(default_factory=set)
    commands: int = 0

    def source(self, alert: dict[str, Any]) -> tuple[str, dict[str, Any], Asset | None] | None:
        """Whom an alert accuses: a name for it, the target of an action, and the asset where the inventory knows it.

        The hardware address goes first. Who stands in the middle borrows the IP address of a host that works, and to
        block that one is what the attacker would do.
        """
        src = alert.get("src") or {}
        for key in ("mac", "ip", "asset"):
            value = src.get(key)
            if value is None:
                continue
            attribute = "name" if key == "asset" else key
            for asset in self.assets:
                if getattr(asset, attribute) == value:
                    return asset.name, {"host": asset.name}, asset
            if key != "asset":
                return value, {key: value}, None
        return None

    def spared(self, name: str, asset: Asset | None) -> bool:
        known = {name} if asset is None else {asset.name, asset.role, asset.ip, asset.mac}
        return bool(known & self.policy.white_list)

    def decide(self, alerts: list[dict[str, Any]], now_ns: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Actions for the alerts of an answer, and records of what was decided."""
        actions: list[dict[str, Any]] = []
        records: list[dict[str, Any]] = []
        for alert in alerts:
            if alert.get("kind") == "log":
                continue
            rule = next((rule for rule in self.policy.rules if rule.takes(alert)), None)
            found = self.source(alert)
            if rule is None or found is None:
                continue
            name, target, asset = found
            block = self.blocks.setdefault(name, Block())
            if now_ns < block.until_ns:
                continue
            withheld = self._withheld(name, asset, now_ns)
            if withheld:
                if (name, withheld) not in self.told:
                    self.told.add((name, withheld))
                    records.append(_record("response-withheld", f"{name}: {withheld}", alert, now_ns))
                continue
            duration_s = rule.duration_s(block.offences)
            block.offences += 1
            block.until_ns = now_ns + int(duration_s * SECOND_NS) if duration_s else 1 << 62
            self.begun.append(now_ns)
            self.commands += 1
            command = f"response-{self.commands}"
            self.open[command] = Order(name, now_ns)
            action = {"command_id": command, "action": "contain" if "host" in target else "deny", "target": target}
            if duration_s:
                action["args"] = {"duration_s": duration_s}
            actions.append(action)
            how_long = f"for {duration_s:g} s" if duration_s else "to the end of the run"
            records.append(_record("response", f"{action['action']} {name} {how_long}", alert, now_ns))
        return actions, records

    def _withheld(self, name: str, asset: Asset | None, now_ns: int) -> str | None:
        if self.spared(name, asset):
            return "on the white list"
        if sum(block.until_ns > now_ns for block in self.blocks.values()) >= self.policy.most_active:
            return f"{self.policy.most_active} blocks stand"
        self.begun = [at_ns for at_ns in self.begun if at_ns > now_ns - 3600 * SECOND_NS]
        if len(self.begun) >= self.policy.most_per_hour:
            return f"{self.policy.most_per_hour} blocks within an hour"
        return None

    def hear(self, results: list[dict[str, Any]]) -> None:
        """What became of orders.

        One that was refused did nothing to anybody: it is no offence of the source, and no block of the hour.
        """
        for result in results:
            order = self.open.pop(result["command_id"], None)
            if order is None:
                continue
            block = self.blocks[order.source]
            if result["status"] == "accepted":
                block.until_ns = result["until_ns"]
                continue
            block.until_ns = 0
            block.offences -= 1
            # It may be more than an hour old, and forgotten.
            if order.at_ns in self.begun:
                self.begun.remove(order.at_ns)


def _record(sig_id: str, text: str, alert: dict[str, Any], now_ns: int) -> dict[str, Any]:
    return {"t_ns": now_ns, "sig_id": sig_id, "sig_name": text[:256], "kind": "log", "src": alert["src"],
            "raw": {"because_of": alert["sig_id"]}}


class Detector:
    """The detector as a child process."""

    def __init__(self, command: list[str]) -> None:
        try:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except OSError as error:
            raise Mistake(f"the detector does not start: {error}") from error
        assert self.process.stdin is not None and self.process.stdout is not None
        self.stdin: BinaryIO = self.process.stdin  # type: ignore[assignment]
        self.stdout: BinaryIO = self.process.stdout  # type: ignore[assignment]

    def say(self, data: bytes) -> threading.Thread:
        """Writes beside, so that a detector that answers before it has read everything blocks nobody."""

        def write() -> None:
            try:
                self.stdin.write(data)
                self.stdin.flush()
            except OSError:
                pass  # It is gone, which its standard output says as well.

        thread = threading.Thread(target=write)
        thread.start()
        return thread

    def hear(self) -> dict[str, Any]:
        message = read_line(self.stdout)
        if message is None:
            raise Mistake(f"the detector ended with status {self.process.wait()}")
        if message.get("type") == "error":
            raise Mistake(f"the detector gave up: {message.get('message')}")
        return message

    def ask(self, data: bytes) -> list[dict[str, Any]]:
        """Sends a message and gives the answers up to its `done`."""
        writing = self.say(data)
        answers = []
        while (message := self.hear())["type"] != "done":
            answers.append(message)
        writing.join()
        return answers


def serve(policy: Policy, command: list[str], source: BinaryIO, output: BinaryIO) -> None:
    first = read_line(source)
    if first is None or first.get("type") != "hello":
        raise Mistake("the range said no hello; a defense is started by `twinrange run --defense FILE`")
    hello = Hello.of(first)
    if not {"contain", "deny"} <= set(hello.actions):
        raise Mistake("this run accepts no actions; `may_act: true` in the RON file asks for them")
    responder = Responder(policy, hello.assets)
    detector = Detector(command)
    # The detector watches.
    detector.say(encode({**first, "actions": []})).join()
    ready = detector.hear()
    ready["name"] = f"active-response of {ready['name']}"[:256]
    output.write(encode(ready))
    output.flush()
    while (message := read_line(source)) is not None:
        frames = read_records(message, source)
        responder.hear(message["action_results"])
        now_ns = message["at_ns"] if message["type"] == "end" else message["to_ns"]
        answers = detector.ask(encode({**message, "action_results": []}) + frames)
        alerts = [alert for answer in answers for alert in answer.get("alerts") or ()]
        for answer in answers:
            output.write(encode(answer))
        if message["type"] != "end":
            actions, records = responder.decide(alerts, now_ns)
            if actions or records:
                answer = {"type": "answer", "seq": message["seq"], "alerts": records, "actions": actions}
                output.write(encode(answer))
        output.write(encode({"type": "done", "seq": message["seq"]}))
        output.flush()
        if message["type"] == "end":
            break
    detector.stdin.close()
    status = detector.process.wait()
    if status != 0:
        raise Mistake(f"the detector ended with status {status}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policy", required=True, help="the policy, JSON")
    parser.add_argument("command", nargs="+", help="the detector and its arguments, behind `--`")
    arguments = parser.parse_args()
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        serve(Policy.read(arguments.policy), arguments.command, open(0, "rb", closefd=False), output)
    except Mistake as mistake:
        output.write(encode({"type": "error", "message": f"active response: {mistake}"}))
        output.flush()
        sys.exit(1)


if __name__ == "__main__":
    main()
