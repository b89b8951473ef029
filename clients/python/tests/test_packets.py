"""Headers, and captures of any byte order."""

from __future__ import annotations

import struct
import tempfile
import unittest
from pathlib import Path

from twinrange import ip_text, mac_text, parse
from twinrange.pcapng import CapturedFrame, CaptureError, read

ETHERNET = bytes.fromhex("02545714010b 025457140142")
TCP = (
    ETHERNET
    + bytes.fromhex("0800 4500 0034 0001 0000 4006 0000 0a140142 0a14010b".replace(" ", ""))
    + bytes.fromhex("c000 01f6 00000001 00000002 5018 1000 0000 0000".replace(" ", ""))
)
WRITE = bytes.fromhex("0001 0000 0006 01 06 0406 03e8".replace(" ", ""))


class Packets(unittest.TestCase):
    def test_modbus_write(self) -> None:
        packet = parse(TCP + WRITE)
        assert packet is not None and packet.src_ip is not None and packet.dst_ip is not None
        self.assertEqual((mac_text(packet.src_mac), mac_text(packet.dst_mac)), ("02:54:57:14:01:42", "02:54:57:14:01:0b"))
        self.assertEqual((ip_text(packet.src_ip), ip_text(packet.dst_ip)), ("10.20.1.66", "10.20.1.11"))
        self.assertEqual((packet.src_port, packet.dst_port, packet.tcp_flags), (0xC000, 502, 0x18))
        (modbus,) = packet.modbus()
        self.assertEqual((modbus.transaction, modbus.unit, modbus.function, modbus.address), (1, 1, 6, 0x406))
        self.assertTrue(modbus.is_write and modbus.is_request and not modbus.is_exception)

    def test_frames_that_are_cut_say_less_and_nothing_breaks(self) -> None:
        whole = TCP + WRITE
        for length in range(len(whole)):
            packet = parse(whole[:length])
            self.assertEqual(packet is None, length < 14)
            if packet is not None:
                self.assertEqual(list(packet.modbus()), [])

    def test_arp(self) -> None:
        data = bytes.fromhex("0254571401150254571401420806000108000604000202545714014" "20a14010b0254571401150a140115")
        packet = parse(data)
        assert packet is not None and packet.src_ip is not None
        self.assertEqual((packet.arp_operation, ip_text(packet.src_ip)), (2, "10.20.1.11"))
        self.assertEqual(list(packet.modbus()), [])


def capture(order: str, resolution: bytes, ticks: int) -> bytes:
    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        length = 12 + len(body)
        return struct.pack(order + "II", kind, length) + body + struct.pack(order + "I", length)

    section = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    option = struct.pack(order + "HH", 9, 1) + resolution + bytes(3) if resolution else b""
    interface = block(1, struct.pack(order + "HHI", 1, 0, 0) + option + bytes(4))
    packet = struct.pack(order + "5I", 0, ticks >> 32, ticks & 0xFFFFFFFF, 3, 3) + b"abc"
    return section + interface + block(0x0BAD, b"unknown") + block(6, packet)


class Captures(unittest.TestCase):
    def frames(self, data: bytes) -> list[CapturedFrame]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "a.pcapng")
            path.write_bytes(data)
            return list(read(path))

    def test_byte_orders_and_resolutions(self) -> None:
        for order in "<>":
            self.assertEqual(self.frames(capture(order, b"\x09", 7 << 33)), [(1, 7 << 33, b"abc")])
            self.assertEqual(self.frames(capture(order, b"", 5)), [(1, 5000, b"abc")])
            self.assertEqual(self.frames(capture(order, b"\x8a", 1024)), [(1, 10**9, b"abc")])

    def test_damage_is_told_with_its_place(self) -> None:
        whole = capture("<", b"\x09", 1)
        ends = {0, 28, 28 + 32, 28 + 32 + 20, len(whole)}
        for length in range(len(whole)):
            if length not in ends:
                with self.assertRaises(CaptureError, msg=str(length)):
                    self.frames(whole[:length])
        with self.assertRaisesRegex(CaptureError, "no pcapng"):
            self.frames(b"\xd4\xc3\xb2\xa1" + bytes(40))


if __name__ == "__main__":
    unittest.main()
