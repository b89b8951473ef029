"""Reading the captures of a run folder: pcapng with enhanced packet blocks, as ``docs/run-folder.md`` describes.

Also reads captures of other programs as long as their blocks are of the usual kinds, of either byte order.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

__all__ = ["CaptureError", "CapturedFrame", "read"]

_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
_IF_TSRESOL = 9
_BLOCK_LIMIT_BYTES = 1 << 28


class CaptureError(Exception):
    """A file is no pcapng, or is damaged."""


class CapturedFrame(NamedTuple):
    """One frame of a capture."""

    #: Number in the capture, from 1, as in Wireshark's ``frame.number``.
    n: int
    #: Time stamp, ns since 1970. Less ``epoch_unix_ns`` of the run it is simulated time.
    unix_ns: int
    data: bytes


def read(path: str | os.PathLike[str]) -> Iterator[CapturedFrame]:
    """The frames of a capture, one after the other; the file is never held as a whole.

    Raises:
        CaptureError: with the offset of the block that cannot be read.
        OSError: if the file cannot be opened.
    """
    with open(path, "rb", buffering=1 << 20) as file:
        yield from _frames(file, os.fspath(path))


def _frames(file: BinaryIO, path: str) -> Iterator[CapturedFrame]:
    order = "<"
    ns_per_tick: list[tuple[int, int]] = []
    n, offset = 0, 0
    while head := file.read(8):
        if len(head) < 8:
            raise CaptureError(f"{path}: cut off at byte {offset}")
        kind, length = struct.unpack(order + "II", head)
        if kind == _SECTION:
            magic = file.read(4)
            orders = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
            if magic not in orders:
                raise CaptureError(f"{path}: no pcapng section at byte {offset}")
            order = orders[magic]
            length = struct.unpack(order + "I", head[4:])[0]
            body = magic + _body(file, length, 4, path, offset)
            ns_per_tick = []
        elif offset == 0:
            raise CaptureError(f"{path} is no pcapng file")
        else:
            body = _body(file, length, 0, path, offset)
        if kind == _INTERFACE:
            ns_per_tick.append(_resolution(body, order))
        elif kind == _PACKET:
            if len(body) < 20:
                raise CaptureError(f"{path}: a packet without a head at byte {offset}")
            interface, high, low, captured, _ = struct.unpack_from(order + "5I", body)
            if interface >= len(ns_per_tick) or 20 + captured > len(body):
                raise CaptureError(f"{path}: a packet that does not fit at byte {offset}")
            n += 1
            times, parts = ns_per_tick[interface]
            yield CapturedFrame(n, (high << 32 | low) * times // parts, body[20 : 20 + captured])
        offset += length


def _body(file: BinaryIO, length: int, have: int, path: str, offset: int) -> bytes:
    if length < 12 + have or length % 4 or length > _BLOCK_LIMIT_BYTES:
        raise CaptureError(f"{path}: a block of {length} bytes at byte {offset}")
    body = file.read(length - 8 - have)
    if len(body) < length - 8 - have:
        raise CaptureError(f"{path}: cut off at byte {offset}")
    return body[:-4]


def _resolution(body: bytes, order: str) -> tuple[int, int]:
    """Nanoseconds per tick of an interface, as a fraction; microseconds if nothing is said."""
    at = 8
    while at + 4 <= len(body):
        code, length = struct.unpack_from(order + "HH", body, at)
        if code == 0:
            break
        if code == _IF_TSRESOL and length == 1 and at + 4 < len(body):
            value = body[at + 4]
            ticks = 2 ** (value & 0x7F) if value & 0x80 else 10**value
            return 10**9, ticks
        at += 4 + (length + 3) // 4 * 4
    return 10**9, 10**6
