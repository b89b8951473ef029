"""Client of Twinrange, the test range for factory security.

* :class:`Defense` and :func:`run`: a lock-step defense in ten lines.
* :class:`Run`: what a run left, as data frames, typed values and an iterator over its frames.
* :mod:`twinrange.packets`: Ethernet, ARP, IPv4, TCP and Modbus headers.
* :mod:`twinrange.gym`: a Gymnasium environment (``pip install 'twinrange[gym]'``).
"""

from .defense import Defense, DefenseFailed, run
from .folder import Run, RunError
from .packets import Modbus, Packet, ip_text, mac_text, parse
from .protocol import (
    DROP,
    PASS,
    ActionResult,
    Asset,
    End,
    Frame,
    Hello,
    Inline,
    InlineFrame,
    Interval,
    LogLine,
    ProtocolError,
    Span,
    TagInfo,
    TagSample,
    Verdict,
)

__version__ = "0.1.0"

__all__ = [
    "DROP",
    "PASS",
    "ActionResult",
    "Asset",
    "Defense",
    "DefenseFailed",
    "End",
    "Frame",
    "Hello",
    "Inline",
    "InlineFrame",
    "Interval",
    "LogLine",
    "Modbus",
    "Packet",
    "ProtocolError",
    "Run",
    "RunError",
    "Span",
    "TagInfo",
    "TagSample",
    "Verdict",
    "ip_text",
    "mac_text",
    "parse",
    "run",
]
