"""Headers of Ethernet frames: ARP, IPv4, TCP and Modbus, as far as a defense of a control network needs them.

Nothing is checked that a decoder need not check: checksums are valid in what the range captures, and malformed bytes
give a :class:`Packet` that knows less.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

__all__ = ["MODBUS_PORT", "MODBUS_WRITES", "Modbus", "Packet", "ip_text", "mac_text", "parse"]

MODBUS_PORT = 502
#: Function codes that change something: coils and registers, the file record, and mask write.
MODBUS_WRITES = frozenset((5, 6, 15, 16, 21, 22, 23))

_ETHERNET = Struct(">6s6sH")
_IPV4 = Struct(">BBHHHBBH4s4s")
_TCP = Struct(">HHIIBBHHH")
_ARP = Struct(">HHBBH6s4s6s4s")
_MBAP = Struct(">HHHBB")

ETHERTYPE_IPV4, ETHERTYPE_ARP = 0x0800, 0x0806
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


class Modbus:
    """One Modbus/TCP message."""

    __slots__ = ("transaction", "unit", "function", "body", "is_request")

    def __init__(self, transaction: int, unit: int, function: int, body: bytes, is_request: bool) -> None:
        self.transaction = transaction
        self.unit = unit
        #: Function code; an exception has its highest bit set.
        self.function = function
        #: What follows the function code.
        self.body = body
        #: Whether it goes to port 502.
        self.is_request = is_request

    @property
    def is_exception(self) -> bool:
        """Whether a server refused."""
        return self.function >= 0x80

    @property
    def is_write(self) -> bool:
        """Whether it asks to change something."""
        return self.is_request and self.function in MODBUS_WRITES

    @property
    def address(self) -> int | None:
        """Address of the first item of a request for coils or registers."""
        if self.is_request and self.function in (1, 2, 3, 4, 5, 6, 15, 16, 22, 23) and len(self.body) >= 2:
            return int.from_bytes(self.body[:2], "big")
        return None


class Packet:
    """What a frame's headers say. A protocol that is not in the frame leaves its fields ``None``."""

    __slots__ = (
        "src_mac",
        "dst_mac",
        "ethertype",
        "src_ip",
        "dst_ip",
        "protocol",
        "src_port",
        "dst_port",
        "tcp_flags",
        "payload",
        "arp_operation",
    )

    def __init__(self, src_mac: bytes, dst_mac: bytes, ethertype: int) -> None:
        #: Six bytes each; :func:`mac_text` and :func:`ip_text` write addresses as the inventory does.
        self.src_mac = src_mac
        self.dst_mac = dst_mac
        self.ethertype = ethertype
        #: Of IPv4, or what an ARP message binds: sender and target.
        self.src_ip: bytes | None = None
        self.dst_ip: bytes | None = None
        #: Of IPv4: 1 ICMP, 6 TCP, 17 UDP.
        self.protocol: int | None = None
        self.src_port: int | None = None
        self.dst_port: int | None = None
        self.tcp_flags: int | None = None
        #: Of TCP and UDP.
        self.payload = b""
        #: 1 request, 2 reply.
        self.arp_operation: int | None = None

    def modbus(self) -> Iterator[Modbus]:
        """The Modbus messages that begin and end in this segment."""
        if self.dst_port == MODBUS_PORT:
            is_request = True
        elif self.src_port == MODBUS_PORT:
            is_request = False
        else:
            return
        at, data = 0, self.payload
        while at + 8 <= len(data):
            transaction, protocol, length, unit, function = _MBAP.unpack_from(data, at)
            end = at + 6 + length
            if protocol != 0 or length < 2 or end > len(data):
                return
            yield Modbus(transaction, unit, function, data[at + 8 : end], is_request)
            at = end


def parse(data: bytes) -> Packet | None:
    """The headers of a frame; ``None`` if it is too short to have any."""
    if len(data) < 14:
        return None
    dst, src, ethertype = _ETHERNET.unpack_from(data)
    packet = Packet(src, dst, ethertype)
    if ethertype == ETHERTYPE_IPV4:
        _ipv4(packet, data)
    elif ethertype == ETHERTYPE_ARP and len(data) >= 42:
        _, _, _, _, packet.arp_operation, _, packet.src_ip, _, packet.dst_ip = _ARP.unpack_from(data, 14)
    return packet


def _ipv4(packet: Packet, data: bytes) -> None:
    if len(data) < 34:
        return
    version, _, length, _, fragment, _, protocol, _, src, dst = _IPV4.unpack_from(data, 14)
    packet.src_ip, packet.dst_ip, packet.protocol = src, dst, protocol
    start = 14 + (version & 15) * 4
    # Ports stand in the first fragment only.
    if fragment & 0x1FFF:
        return
    if protocol == 6 and len(data) >= start + 20:
        src_port, dst_port, _, _, offset, flags, _, _, _ = _TCP.unpack_from(data, start)
        packet.src_port, packet.dst_port, packet.tcp_flags = src_port, dst_port, flags
        packet.payload = data[start + (offset >> 4) * 4 : 14 + length]
    elif protocol == 17 and len(data) >= start + 8:
        packet.src_port = int.from_bytes(data[start : start + 2], "big")
        packet.dst_port = int.from_bytes(data[start + 2 : start + 4], "big")
        packet.payload = data[start + 8 : 14 + length]


def mac_text(mac: bytes) -> str:
    """A hardware address as the inventory writes it: ``02:54:57:14:01:42``."""
    return mac.hex(":")


def ip_text(ip: bytes) -> str:
    """An IPv4 address as the inventory writes it: ``10.20.1.66``."""
    return ".".join(map(str, ip))
