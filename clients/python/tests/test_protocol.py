"""The messages: what the document of the protocol shows is what this client says and understands."""

from __future__ import annotations

import io
import json
import struct
import unittest
from contextlib import redirect_stderr
from typing import Any

from support import REPOSITORY
from twinrange import (
    DROP,
    PASS,
    ActionResult,
    Defense,
    DefenseFailed,
    End,
    Frame,
    InlineFrame,
    Interval,
    ProtocolError,
    Verdict,
)
from twinrange.defense import serve
from twinrange.protocol import Hello, frames_of_records, interval_of


def document_session() -> list[tuple[bool, dict[str, Any]]]:
    """The messages of section 10, true for those from the range."""
    text = (REPOSITORY / "docs/defense-protocol.md").read_text("utf-8")
    block = text.split("## 10 A full session")[1].split("```text\n")[1].split("```")[0]
    found: list[tuple[bool, str]] = []
    for line in block.splitlines():
        if line.startswith(("→ ", "← ")):
            found.append((line[0] == "→", line[2:]))
        elif line.startswith("   "):
            found[-1] = (found[-1][0], found[-1][1] + line)
    return [(is_range, json.loads(line)) for is_range, line in found]


def play(defense: Defense, messages: list[dict[str, Any]], tail: bytes = b"") -> tuple[bool, list[dict[str, Any]]]:
    """Whether a defense failed, and what it said."""
    source = io.BytesIO(b"".join(json.dumps(message).encode() + b"\n" for message in messages) + tail)
    output = io.BytesIO()
    with redirect_stderr(io.StringIO()):
        failed = serve(defense, source, output)
    return failed, [json.loads(line) for line in output.getvalue().splitlines()]


class Example(Defense):
    """Says what the document says."""

    name = "example"
    version = "0.3"
    wants = ("frames", "tags")
    binary_frames = False

    def __init__(self) -> None:
        self.results: list[ActionResult] = []
        self.seen: list[Interval] = []
        self.ended: End | None = None

    def interval(self, seen: Interval) -> None:
        self.seen.append(seen)
        if seen.seq == 2:
            frame = seen.frames[0]
            src = {"ip": "10.20.1.11", "mac": "02:54:57:14:01:42", "asset": "vendor-laptop"}
            self.alert(
                "arp-binding-change",
                sig_name="ARP binding changed",
                severity=8,
                src=src,
                proto="arp",
                techniques=["T0830"],
                frame=frame,
            )
            self.act("contain", {"host": "vendor-laptop"}, duration_s=600)
            self.act("contain", {"host": "nobody"})

    def result(self, result: ActionResult) -> None:
        self.results.append(result)

    def end(self, end: End) -> None:
        self.ended = end


class TheDocument(unittest.TestCase):
    def test_session_of_the_document(self) -> None:
        session = document_session()
        defense = Example()
        failed, said = play(defense, [message for is_range, message in session if is_range])
        self.assertFalse(failed)
        expected = [message for is_range, message in session if not is_range and message.get("alerts") != []]
        self.assertEqual(said, expected)
        first = defense.seen[0]
        self.assertEqual(first.frames[0].data[:6], b"\xff" * 6)
        self.assertEqual((first.tags[0].value, first.tags[0].quality), (61.4, "good"))
        self.assertEqual([result.accepted for result in defense.results], [True, False])
        self.assertEqual(defense.results[1].reason, "there is no host 'nobody'")
        assert defense.ended is not None
        self.assertEqual(defense.ended.at_ns, 3_000_000_000)
        self.assertEqual(defense.hello.asset("plc-filler").port, 1)

    def test_keys_that_are_not_known_are_ignored(self) -> None:
        hello = document_session()[0][1]
        hello["colour"] = "red"
        hello["assets"][0]["colour"] = "red"
        del hello["frames_as"]
        self.assertEqual(Hello.of(hello).frames_as, ("json",))


class Judge(Example):
    """Drops what goes to a host, holds back what comes from one, and tells of it."""

    def judge(self, frame: InlineFrame) -> Verdict:
        if frame.towards == "host":
            self.alert("dropped", frame=frame, action="blocked")
            return DROP
        return Verdict(delay_ns=frame.n) if frame.n > 2 else PASS


class Cables(unittest.TestCase):
    session = document_session()
    frames = [
        {"type": "frame", "n": n, "t_ns": 1_000_000_000 + n, "host": "plc-filler", "towards": towards, "len": 3, "data": "AQID"}
        for n, towards in [(1, "host"), (2, "switch"), (3, "switch")]
    ]

    def play(self, defense: Defense) -> list[dict[str, Any]]:
        hello = self.session[0][1] | {"inline": {"hosts": ["plc-filler"], "latency_ns": 50_000}}
        first, end = self.session[2][1], self.session[-3][1] | {"seq": 2}
        failed, said = play(defense, [hello, first, *self.frames, end])
        self.assertFalse(failed)
        assert defense.hello.inline is not None
        self.assertEqual((defense.hello.inline.hosts, defense.hello.inline.latency_ns), (("plc-filler",), 50_000))
        return said

    def test_verdicts_answer_frames_and_alerts_come_with_the_next_interval(self) -> None:
        said = self.play(Judge())
        self.assertEqual(
            [line for line in said if line["type"] == "verdict"],
            [
                {"type": "verdict", "n": 1, "verdict": "drop"},
                {"type": "verdict", "n": 2, "verdict": "pass"},
                {"type": "verdict", "n": 3, "verdict": "pass", "delay_ns": 3},
            ],
        )
        # Its time and no number: it is in no capture.
        alert = {"t_ns": 1_000_000_001, "sig_id": "dropped", "action": "blocked"}
        self.assertEqual(said[-2:], [{"type": "answer", "seq": 2, "alerts": [alert], "actions": []}, {"type": "done", "seq": 2}])

    def test_a_defense_that_judges_nothing_passes_all(self) -> None:
        verdicts = [line["verdict"] for line in self.play(Example()) if line["type"] == "verdict"]
        self.assertEqual(verdicts, ["pass"] * 3)

    def test_hello_without_cables(self) -> None:
        self.assertIsNone(Hello.of(self.session[0][1]).inline)


class Failures(unittest.TestCase):
    hello = document_session()[0][1]
    interval = document_session()[2][1]

    def check(self, defense: Defense, says: str, *more: dict[str, Any], hello: dict[str, Any] | None = None) -> None:
        failed, said = play(defense, [hello or self.hello, *more])
        self.assertTrue(failed)
        self.assertEqual(said[-1]["type"], "error")
        self.assertIn(says, said[-1]["message"])

    def test_exception_becomes_an_error_with_its_place(self) -> None:
        class Broken(Example):
            def interval(self, seen: Interval) -> None:
                raise KeyError("no such model")

        self.check(Broken(), "KeyError: 'no such model' (test_protocol.py, line ", self.interval)

    def test_known_failure_is_told_as_it_is(self) -> None:
        class Broken(Example):
            def start(self, hello: Hello) -> None:
                raise DefenseFailed("the model is damaged")

        failed, said = play(Broken(), [self.hello])
        self.assertTrue(failed)
        self.assertEqual(said, [{"type": "error", "message": "the model is damaged"}])

    def test_action_that_is_not_offered(self) -> None:
        self.check(Example(), "accepts: none", self.interval, self.interval | {"seq": 2}, hello=self.hello | {"actions": []})

    def test_number_that_json_does_not_have(self) -> None:
        class Broken(Example):
            def interval(self, seen: Interval) -> None:
                self.alert("a", raw=float("nan"))

        self.check(Broken(), "ValueError", self.interval)

    def test_judgement_that_is_no_verdict(self) -> None:
        frame = Cables.frames[0]

        class Judges(Example):
            def __init__(self, said: Any) -> None:
                super().__init__()
                self.said = said

            def judge(self, frame: InlineFrame) -> Verdict:
                verdict: Verdict = self.said
                return verdict

        for said, shown in [(None, "None"), (True, "True"), ((False, 0), "(False, 0)")]:
            self.check(Judges(said), f"judge() returns PASS, DROP or Verdict(delay_ns=...), not {shown}", frame)
        both = Judges(Verdict(drop=True, delay_ns=5))
        self.check(both, "not Verdict(drop=True, delay_ns=5): a frame that is dropped is not held back", frame)

    def test_version_that_is_not_known(self) -> None:
        self.check(Example(), "speaks the versions [2]", hello=self.hello | {"versions": [2]})

    def test_wants_that_are_no_list_of_what_there_is(self) -> None:
        for wrong in ("frames", ["pcap"], []):
            defense = Example()
            defense.wants = wrong  # type: ignore[assignment]
            self.check(defense, "`wants` is a list")

    def test_range_that_is_gone(self) -> None:
        failed, said = play(Example(), [self.hello])
        self.assertTrue(failed)
        self.assertEqual([message["type"] for message in said], ["ready"])


class Records(unittest.TestCase):
    frames = [Frame("cell", 7, 265, b"\n\x00\xff"), Frame("dmz", 2**40, 2**62, bytes(1514))]

    def records(self) -> bytes:
        spans = ["cell", "dmz"]
        heads = [struct.pack("<IHHQQ", len(f.data), spans.index(f.span), 0, f.n, f.t_ns) for f in self.frames]
        return b"".join(head + frame.data for head, frame in zip(heads, self.frames))

    def test_records_are_frames(self) -> None:
        self.assertEqual(frames_of_records(self.records(), ["cell", "dmz"]), self.frames)
        self.assertEqual(frames_of_records(b"", ["cell"]), [])

    def test_records_that_are_damaged(self) -> None:
        data = self.records()
        for length in range(1, len(data)):
            if length != 27:
                with self.assertRaises(ProtocolError, msg=str(length)):
                    frames_of_records(data[:length], ["cell", "dmz"])
        with self.assertRaises(ProtocolError):
            frames_of_records(data, ["cell"])

    def test_records_come_behind_the_line(self) -> None:
        hello, interval = document_session()[0][1], document_session()[2][1]
        data = self.records()
        behind = interval | {"frames": [], "frames_count": 2, "frames_bytes": len(data)}
        end = {"type": "end", "seq": 2, "at_ns": 1, "action_results": []}
        tail = data + json.dumps(end).encode() + b"\n"

        class Binary(Example):
            binary_frames = True

        defense = Binary()
        hello["spans"].append({"name": "dmz", "link_type": 1})
        failed, said = play(defense, [hello, behind], tail)
        self.assertFalse(failed)
        self.assertEqual(said[0]["frames_as"], "binary")
        self.assertEqual(defense.seen[0].frames, self.frames)
        # An old range does not offer it, and must not be asked.
        del hello["frames_as"]
        failed, said = play(Binary(), [hello])
        self.assertNotIn("frames_as", said[0])
        # The range dies while it sends them.
        failed, said = play(Binary(), [hello, behind], data[:40])
        self.assertTrue(failed)
        self.assertIn("40 of", said[-1]["message"])

    def test_json_and_records_are_the_same(self) -> None:
        interval = document_session()[2][1]
        plain = interval_of(interval, b"", ["cell"])
        frame = plain.frames[0]
        record = struct.pack("<IHHQQ", len(frame.data), 0, 0, frame.n, frame.t_ns) + frame.data
        self.assertEqual(interval_of(interval | {"frames": []}, record, ["cell"]), plain)


class LongAnswers(unittest.TestCase):
    def test_answer_is_split_before_the_limit(self) -> None:
        class Many(Example):
            def interval(self, seen: Interval) -> None:
                for number in range(40):
                    self.alert(f"a-{number}", raw="x" * 60_000)

        hello, interval = document_session()[0][1], document_session()[2][1]
        source = io.BytesIO(json.dumps(hello).encode() + b"\n" + json.dumps(interval).encode() + b"\n")
        output = io.BytesIO()
        serve(Many(), source, output)
        lines = output.getvalue().splitlines()
        limit = hello["limits"]["answer_line_bytes"]
        self.assertLess(max(map(len, lines)), limit)
        alerts = [alert["sig_id"] for line in lines for alert in json.loads(line).get("alerts", [])]
        self.assertEqual(alerts, [f"a-{number}" for number in range(40)])
        self.assertGreater(len(lines), 4)
        self.assertEqual(json.loads(lines[-1]), {"type": "done", "seq": 1})


if __name__ == "__main__":
    unittest.main()
