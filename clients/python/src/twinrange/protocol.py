"""Messages of the lock-step defense protocol, version 1, as typed values.

``docs/defense-protocol.md`` of the range is the contract. Times are whole nanoseconds of simulated time since
the start of the run, and their names end in ``_ns``. Keys that this module does not know are ignored, as the
contract demands.
"""

from __future__ import annotations

import json
import struct
from binascii import a2b_base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal, NamedTuple, Union

VERSION = 1

Want = Literal["frames", "tags", "logs"]
Verb = Literal["deny", "contain", "restore"]
Quality = Literal["good", "uncertain", "bad"]

# Length, index of the span, zero, frame number, time: section 3.4 of the contract.
_RECORD = struct.Struct("<IHHQQ")


class ProtocolError(Exception):
    """The other side said something that the contract does not allow."""


class Frame(NamedTuple):
    """One mirrored Ethernet frame."""

    #: Name of the mirror (SPAN) port.
    span: str
    #: Number in that port's capture file, from 1.
    n: int
    #: Time of its last bit, simulated ns.
    t_ns: int
    #: From the destination address to the end of the payload.
    data: bytes


class InlineFrame(NamedTuple):
    """A frame that waits in a cable for its verdict."""

    #: Number at the device, from 1; not that of a mirror port.
    n: int
    #: When it reached the device, simulated ns.
    t_ns: int
    #: The host at the end of the cable.
    host: str
    #: Where it goes: ``switch`` or ``host``.
    towards: str
    #: From the destination address to the end of the payload.
    data: bytes


class Verdict(NamedTuple):
    """What becomes of a frame in a cable: it goes on, at once or held back, or is lost."""

    #: Whether it is lost.
    drop: bool = False
    #: How long it is held back, simulated ns; for one that goes on.
    delay_ns: int = 0


#: It goes on at once.
PASS = Verdict()
#: It is lost.
DROP = Verdict(drop=True)


@dataclass(frozen=True, slots=True)
class Inline:
    """The cables in which the defense stands."""

    #: The hosts at their ends.
    hosts: tuple[str, ...]
    #: What each frame takes to go through, simulated ns.
    latency_ns: int


@dataclass(frozen=True, slots=True)
class TagSample:
    """One sample of the historian. A value can be a lie: it was read over the network."""

    t_ns: int
    tag: str
    #: In the tag's unit, switches 0 or 1; ``None`` where there is none.
    value: float | None
    quality: Quality


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the syslog, an RFC 5424 message."""

    t_ns: int
    line: str


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What became of an action of an earlier answer."""

    command_id: str
    accepted: bool
    #: When it was decided.
    t_ns: int
    #: When it takes effect and when that ends, ns; ``None`` if it was refused.
    effective_ns: int | None
    until_ns: int | None
    #: Why it was refused.
    reason: str | None


@dataclass(frozen=True, slots=True)
class Span:
    """A mirror port. Link type 1 is Ethernet."""

    name: str
    link_type: int


@dataclass(frozen=True, slots=True)
class TagInfo:
    """A tag of the historian."""

    name: str
    unit: str
    description: str


@dataclass(frozen=True, slots=True)
class Asset:
    """One line of the inventory: what the plant's owner wrote down. ``None`` or 0 is unknown."""

    name: str
    role: str
    zone: str | None = None
    purdue_level: int | None = None
    ip: str | None = None
    mac: str | None = None
    switch: str | None = None
    port: int | None = None
    vendor: str | None = None
    model: str | None = None
    firmware: str | None = None


@dataclass(frozen=True, slots=True)
class Hello:
    """What a defense is told before the first interval. Never the seed, nor whether there is an attack."""

    versions: tuple[int, ...]
    range_version: str
    plant: str
    #: Wall-like time of simulated time 0, ns since 1970.
    epoch_unix_ns: int
    interval_ns: int
    #: Planned length of the run.
    duration_ns: int
    #: Clean period at the start; no attack begins before it.
    learn_ns: int
    spans: tuple[Span, ...]
    assets: tuple[Asset, ...]
    tags: tuple[TagInfo, ...]
    #: Action words that this run accepts; empty if the defense may only watch.
    actions: tuple[str, ...]
    #: How frames can come: ``json``, ``binary``.
    frames_as: tuple[str, ...]
    limits: Mapping[str, int]
    #: The cables in which the defense stands; ``None`` if it stands in none.
    inline: Inline | None = None

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Hello:
        """From the message as JSON has it."""
        inline = message.get("inline")
        return cls(
            versions=tuple(message["versions"]),
            range_version=message["range_version"],
            plant=message["plant"],
            epoch_unix_ns=message["epoch_unix_ns"],
            interval_ns=message["interval_ns"],
            duration_ns=message["duration_ns"],
            learn_ns=message["learn_ns"],
            spans=tuple(Span(span["name"], span["link_type"]) for span in message["spans"]),
            assets=tuple(asset_of(asset) for asset in message["assets"]),
            tags=tuple(TagInfo(tag["name"], tag["unit"], tag["description"]) for tag in message["tags"]),
            actions=tuple(message["actions"]),
            # Ranges before the binary feed do not send it.
            frames_as=tuple(message.get("frames_as", ("json",))),
            limits=dict(message["limits"]),
            inline=inline and Inline(tuple(inline["hosts"]), inline["latency_ns"]),
        )

    def asset(self, name: str) -> Asset:
        """The asset of that name; ``KeyError`` if there is none."""
        for asset in self.assets:
            if asset.name == name:
                return asset
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Interval:
    """What the sensors saw from ``from_ns`` on, up to and not including ``to_ns``, which is now."""

    seq: int
    from_ns: int
    to_ns: int
    frames: Sequence[Frame]
    #: Frames at the end of the interval that did not fit; normally 0.
    frames_dropped: int
    tags: Sequence[TagSample]
    logs: Sequence[LogLine]
    action_results: Sequence[ActionResult]


@dataclass(frozen=True, slots=True)
class End:
    """The end of the run."""

    seq: int
    at_ns: int
    action_results: Sequence[ActionResult]


Message = Union[Interval, End]


def asset_of(fields: Mapping[str, Any]) -> Asset:
    """An asset from JSON, as in ``hello`` and in ``evidence/assets.json``."""
    known = Asset.__dataclass_fields__
    return Asset(**{name: value for name, value in fields.items() if name in known})


def result_of(fields: Mapping[str, Any]) -> ActionResult:
    """The result of an action from JSON, as in a message and in ``defense/actions.jsonl``."""
    return ActionResult(
        command_id=fields["command_id"],
        accepted=fields["status"] == "accepted",
        t_ns=fields["t_ns"],
        effective_ns=fields.get("effective_ns"),
        until_ns=fields.get("until_ns"),
        reason=fields.get("reason"),
    )


def read_line(stream: BinaryIO) -> dict[str, Any] | None:
    """The next message as JSON has it, or ``None`` where the stream ends.

    Raises:
        ProtocolError: if the line is no JSON object.
    """
    line = stream.readline()
    if not line:
        return None
    try:
        message = json.loads(line)
    except ValueError as error:
        raise ProtocolError(f"the range sent a line that is no JSON: {error}") from error
    if not isinstance(message, dict):
        raise ProtocolError("the range sent a line that is no JSON object")
    return message


def read_records(message: Mapping[str, Any], stream: BinaryIO) -> bytes:
    """The bytes behind an ``interval`` line: frames as binary records; empty if they come as JSON.

    Raises:
        ProtocolError: if the stream ends before.
    """
    count: int = message.get("frames_bytes", 0)
    if not count:
        return b""
    data = stream.read(count)
    if len(data) != count:
        raise ProtocolError(f"the range sent {len(data)} of {count} bytes of frames")
    return data


def frames_of_records(data: bytes, spans: Sequence[str]) -> list[Frame]:
    """Frames from binary records.

    Raises:
        ProtocolError: if the records are cut or name a span that is not in ``spans``.
    """
    frames: list[Frame] = []
    append, unpack, new = frames.append, _RECORD.unpack_from, Frame._make
    at, end = 0, len(data)
    try:
        while at < end:
            length, span, _, n, t_ns = unpack(data, at)
            at += 24
            append(new((spans[span], n, t_ns, data[at : at + length])))
            at += length
    except (struct.error, IndexError) as error:
        raise ProtocolError(f"the frames of an interval are no records: {error}") from error
    if at != end:
        raise ProtocolError("the last record of an interval is cut")
    return frames


def frames_of_json(frames: Sequence[Mapping[str, Any]]) -> list[Frame]:
    """Frames from the list of an ``interval`` line."""
    new = Frame._make
    return [new((frame["span"], frame["n"], frame["t_ns"], a2b_base64(frame["data"]))) for frame in frames]


def interval_of(message: Mapping[str, Any], records: bytes, spans: Sequence[str]) -> Interval:
    """An interval from its line, and from the bytes behind it, which are empty if frames come as JSON."""
    frames = frames_of_records(records, spans) if records else frames_of_json(message["frames"])
    return Interval(
        seq=message["seq"],
        from_ns=message["from_ns"],
        to_ns=message["to_ns"],
        frames=frames,
        frames_dropped=message["frames_dropped"],
        tags=[TagSample(tag["t_ns"], tag["tag"], tag["value"], tag["quality"]) for tag in message["tags"]],
        logs=[LogLine(log["t_ns"], log["line"]) for log in message["logs"]],
        action_results=[result_of(result) for result in message["action_results"]],
    )


def inline_frame_of(message: Mapping[str, Any]) -> InlineFrame:
    """A frame in a cable from its line."""
    data = a2b_base64(message["data"])
    return InlineFrame(message["n"], message["t_ns"], message["host"], message["towards"], data)


def verdict_line(n: int, verdict: Verdict) -> bytes:
    """The answer to the frame of that number."""
    line: dict[str, Any] = {"type": "verdict", "n": n, "verdict": "drop" if verdict.drop else "pass"}
    if verdict.delay_ns:
        line["delay_ns"] = verdict.delay_ns
    return encode(line)


def end_of(message: Mapping[str, Any]) -> End:
    """The end of the run from its line."""
    results = [result_of(result) for result in message["action_results"]]
    return End(message["seq"], message["at_ns"], results)


def encode(message: Mapping[str, Any]) -> bytes:
    """One line. ``ValueError`` for numbers that are not finite, which JSON does not have."""
    return json.dumps(message, allow_nan=False, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
