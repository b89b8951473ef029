"""A lock-step defense in a few lines: a class with what to do, and :func:`run`, which speaks the protocol.

Standard output belongs to the protocol. While a defense runs, whatever is printed goes to standard error, also by
libraries in C, and the range keeps it in ``defense/tool.log``.
"""

from __future__ import annotations

import os
import sys
import traceback
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, BinaryIO

from .protocol import (
    PASS,
    VERSION,
    ActionResult,
    End,
    Frame,
    Hello,
    InlineFrame,
    Interval,
    ProtocolError,
    Verb,
    Verdict,
    Want,
    encode,
    end_of,
    inline_frame_of,
    interval_of,
    read_line,
    read_records,
    verdict_line,
)

__all__ = ["Defense", "DefenseFailed", "run"]

# An answer line is closed before it reaches this share of the longest one that the range takes.
_FILL = 0.5


class DefenseFailed(Exception):
    """Raise it where a defense cannot go on; the range stops it and shows the message (DF0012)."""


class Defense(ABC):
    """Base class of a defense. Set :attr:`name` and :attr:`wants`, and write :meth:`interval`."""

    #: Name of the tool; becomes ``tool`` in its alerts.
    name: str = ""
    #: Its version.
    version: str = ""
    #: What to be sent. Ask only for what you use.
    wants: Iterable[Want] = ("frames",)
    #: Whether frames come as binary records where the range offers that; they are the same frames.
    binary_frames: bool = True

    #: What the range said first; there from :meth:`start` on.
    hello: Hello
    #: Simulated now: the end of the interval, or the time of the frame in the cable.
    now_ns: int = 0

    def start(self, hello: Hello) -> None:
        """Is called once, before the first interval. Load a model here, or raise :class:`DefenseFailed`."""

    @abstractmethod
    def interval(self, seen: Interval) -> None:
        """Is called for each interval; the simulation stands still meanwhile. Calls :meth:`alert` and :meth:`act`."""

    def judge(self, frame: InlineFrame) -> Verdict:
        """Is called for each frame in a cable in which the defense stands, between intervals; the frame waits there.

        Returns :data:`PASS`, :data:`DROP`, or ``Verdict(delay_ns=…)``. Alerts that it raises go with the next interval.
        """
        return PASS

    def result(self, result: ActionResult) -> None:
        """Is called before :meth:`interval` for what became of each action of the answer before."""

    def end(self, end: End) -> None:
        """Is called once, after the last interval; may still call :meth:`alert`."""

    def alert(
        self,
        sig_id: str,
        *,
        t_ns: int | None = None,
        frame: Frame | InlineFrame | None = None,
        sig_name: str | None = None,
        severity: float | None = None,
        src: Mapping[str, Any] | None = None,
        dst: Mapping[str, Any] | None = None,
        proto: str | None = None,
        techniques: Sequence[str] = (),
        tactics: Sequence[str] = (),
        sensor: str | None = None,
        kind: str | None = None,
        action: str | None = None,
        raw: Any = None,
    ) -> None:
        """Raises an alert.

        Args:
            sig_id: stable id of the rule or detector, 1 to 256 characters.
            t_ns: when what it is about happened; that of ``frame``, else now.
            frame: the frame in which it was seen. One in a cable gives its time alone: it has no number in a capture.
            sig_name: its name, for people.
            severity: 0 to 10.
            src, dst: the two ends: any of ``ip``, ``port``, ``mac``, ``asset``.
            proto: such as ``modbus``.
            techniques, tactics: MITRE ATT&CK for ICS ids such as ``T0836`` and ``TA0106``. Only where the evidence
                supports it: a wrong one counts as a wrong answer.
            sensor: which sensor, if the tool has several.
            kind: ``log`` for a record that is no alert.
            action: what the tool did: ``none``, ``allowed`` or ``blocked``.
            raw: anything else, at most 64 KiB of JSON.
        """
        alert: dict[str, Any] = {
            "t_ns": t_ns if t_ns is not None else frame.t_ns if frame is not None else self.now_ns,
            "sig_id": sig_id,
        }
        optional = {
            "sig_name": sig_name,
            "severity": severity,
            "src": src,
            "dst": dst,
            "proto": proto,
            "techniques": list(techniques) or None,
            "tactics": list(tactics) or None,
            "technique_source": "native" if techniques else None,
            "sensor": sensor,
            "kind": kind,
            "action": action,
            "raw": raw,
        }
        alert.update((key, value) for key, value in optional.items() if value is not None)
        if isinstance(frame, Frame):
            alert.update(span=frame.span, frame=frame.n)
        self._answer().alerts.append(alert)

    def act(self, verb: Verb, target: Mapping[str, Any], *, duration_s: float | None = None) -> str:
        """Asks for an action. Returns its ``command_id``, by which :meth:`result` tells what became of it.

        Args:
            verb: one of ``hello.actions``.
            target: one key. ``deny`` takes ``ip``, ``mac`` or ``switch_port``; ``contain`` takes ``host``;
                ``restore`` takes ``controller``.
            duration_s: simulated seconds that the effect lasts; to the end of the run if left out.

        Raises:
            DefenseFailed: if this run does not accept the word. ``may_act: true`` in the RON file asks for them.
        """
        answer = self._answer()
        if verb not in self.hello.actions:
            offered = ", ".join(self.hello.actions) or "none; `may_act: true` in the RON file asks for them"
            raise DefenseFailed(f"this run does not accept the action {verb!r}; it accepts: {offered}")
        answer.commands += 1
        command_id = f"c-{answer.commands}"
        action: dict[str, Any] = {"command_id": command_id, "action": verb, "target": dict(target)}
        if duration_s is not None:
            action["args"] = {"duration_s": duration_s}
        answer.actions.append(action)
        return command_id

    # Made on first use, so that a subclass need not call the constructor of its base.
    _pending: _Answer | None = None

    def _answer(self) -> _Answer:
        if self._pending is None:
            self._pending = _Answer()
        return self._pending


class _Answer:
    """What a defense has said since the last ``done``."""

    def __init__(self) -> None:
        self.alerts: list[dict[str, Any]] = []
        self.actions: list[dict[str, Any]] = []
        self.commands = 0

    def lines(self, seq: int, line_bytes: int) -> list[bytes]:
        """The answer to a message: as many ``answer`` lines as its size needs, and ``done``."""
        lines: list[bytes] = []
        part: list[dict[str, Any]] = []
        room = int(line_bytes * _FILL)
        for alert in self.alerts:
            room -= len(encode(alert))
            if room < 0 and part:
                lines.append(encode({"type": "answer", "seq": seq, "alerts": part}))
                part, room = [], int(line_bytes * _FILL) - len(encode(alert))
            part.append(alert)
        if part or self.actions:
            lines.append(encode({"type": "answer", "seq": seq, "alerts": part, "actions": self.actions}))
        lines.append(encode({"type": "done", "seq": seq}))
        self.alerts, self.actions = [], []
        return lines


def run(defense: Defense) -> None:
    """Plays a defense on standard input and output until the run ends, then ends the program if it failed.

    An exception in the defense becomes an ``error`` message to the range, which shows it; the traceback goes to
    standard error, and the program ends with status 1.
    """
    # The protocol gets a copy of standard output, and 1 leads to standard error from now on: nothing that anybody
    # prints can stand between two messages.
    sys.stdout.flush()
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    source = open(0, "rb", buffering=1 << 20, closefd=False)
    printed, sys.stdout = sys.stdout, sys.stderr
    try:
        failed = serve(defense, source, output)
    finally:
        sys.stdout = printed
    if failed:
        sys.exit(1)


def serve(defense: Defense, source: BinaryIO, output: BinaryIO) -> bool:
    """Speaks the protocol on two streams. Returns whether the defense failed.

    Errors of the other side, such as a stream that ends half-way, are failures too: nothing is raised but
    ``KeyboardInterrupt`` and the like.
    """
    try:
        _serve(defense, source, output)
        return False
    except BrokenPipeError:
        return True
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        known = isinstance(error, (DefenseFailed, ProtocolError))
        message = str(error) if known else f"{type(error).__name__}: {error}{_place(error)}"
        try:
            _send(output, [encode({"type": "error", "message": message})])
        except OSError:
            pass  # Nobody is left to hear it.
        return True


def _serve(defense: Defense, source: BinaryIO, output: BinaryIO) -> None:
    first = read_line(source)
    if first is None:
        raise ProtocolError("the range said nothing; a defense is started by `twinrange run --defense FILE`")
    if first.get("type") != "hello":
        raise ProtocolError(f"expected 'hello', found {first.get('type')!r}")
    hello = Hello.of(first)
    if VERSION not in hello.versions:
        raise ProtocolError(f"the range speaks the versions {list(hello.versions)}; this client speaks {VERSION}")
    unknown = sorted(set(defense.wants) - {"frames", "tags", "logs"})
    if unknown or not list(defense.wants):
        raise DefenseFailed(f"`wants` is a list of 'frames', 'tags' and 'logs', not {defense.wants!r}")
    defense.hello = hello
    defense.start(hello)
    ready: dict[str, Any] = {
        "type": "ready",
        "version": VERSION,
        "name": defense.name or type(defense).__name__,
        "wants": sorted(set(defense.wants)),
    }
    if defense.version:
        ready["tool_version"] = defense.version
    if defense.binary_frames and "frames" in ready["wants"] and "binary" in hello.frames_as:
        ready["frames_as"] = "binary"
    _send(output, [encode(ready)])
    spans = [span.name for span in hello.spans]
    line_bytes = hello.limits["answer_line_bytes"]
    while (message := read_line(source)) is not None:
        kind = message.get("type")
        if kind == "frame":
            frame = inline_frame_of(message)
            defense.now_ns = frame.t_ns
            _send(output, [verdict_line(frame.n, _checked(defense.judge(frame)))])
            continue
        if kind == "interval":
            seen = interval_of(message, read_records(message, source), spans)
            defense.now_ns = seen.to_ns
            for result in seen.action_results:
                defense.result(result)
            defense.interval(seen)
        elif kind == "end":
            end = end_of(message)
            defense.now_ns = end.at_ns
            for result in end.action_results:
                defense.result(result)
            defense.end(end)
        else:
            raise ProtocolError(f"expected 'interval', 'frame' or 'end', found {kind!r}")
        _send(output, defense._answer().lines(message["seq"], line_bytes))
        if kind == "end":
            return
    # Without `end` the range was killed, and there is nobody to be told.
    raise BrokenPipeError


def _checked(verdict: object) -> Verdict:
    """What ``judge`` returned, if it is a verdict.

    Raises:
        DefenseFailed: if not. Its message names no line: the one at fault has returned already.
    """
    known = "judge() returns PASS, DROP or Verdict(delay_ns=...)"
    if not isinstance(verdict, Verdict):
        raise DefenseFailed(f"{known}, not {verdict!r}")
    if verdict.drop and verdict.delay_ns:
        raise DefenseFailed(f"{known}, not {verdict!r}: a frame that is dropped is not held back")
    return verdict


def _send(output: BinaryIO, lines: Iterable[bytes]) -> None:
    output.write(b"".join(lines))
    output.flush()


def _place(error: BaseException) -> str:
    """The line of the defense in which it went wrong."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return ""
    return f" ({os.path.basename(frames[-1].filename)}, line {frames[-1].lineno})"
