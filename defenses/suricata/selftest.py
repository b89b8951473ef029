"""Tests the rules against real Suricata: builds captures, runs run.sh, compares signature ids.

    python3 selftest.py

Needs suricata 7 and Python 3.9 or later, nothing else. Exit status 0 when every case is as expected.
"""

import json
import os
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
EPOCH_NS = 1_767_592_800 * 10**9
PLC, HMI, HISTORIAN, EWS, LAPTOP = 11, 21, 31, 41, 66
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def mac(host):
    return bytes([0x02, 0x54, 0x57, 0x14, 0x01, host])


def ip(host):
    return bytes([10, 20, 1, host])


class Capture:
    """A pcapng with nanosecond time stamps, and the hosts' TCP connections in it."""

    def __init__(self):
        self.t_ns = 0
        self.frames = []
        self.port = 49152

    def segment(self, src, dst, sport, dport, flags, seq, ack, payload=b"", src_mac=None):
        tcp = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 5 << 4, flags, 8192, 0, 0)
        pseudo = ip(src) + ip(dst) + struct.pack("!BBH", 0, 6, len(tcp) + len(payload))
        tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp + payload)) + tcp[18:]
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp) + len(payload), 0, 0x4000, 64, 6, 0)
        head += ip(src) + ip(dst)
        head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
        self.t_ns += 1_000_000
        self.frames.append((self.t_ns, mac(dst) + (src_mac or mac(src)) + b"\x08\x00" + head + tcp + payload))

    def write(self, path):
        def block(kind, body):
            body += b"\0" * (-len(body) % 4)
            length = struct.pack("<I", len(body) + 12)
            return struct.pack("<I", kind) + length + body + length

        with open(path, "wb") as file:
            file.write(block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)))
            file.write(block(1, struct.pack("<HHIHHB3xHH", 1, 0, 0, 9, 1, 9, 0, 0)))
            for t_ns, frame in self.frames:
                stamp = EPOCH_NS + t_ns
                head = struct.pack("<IIIII", 0, stamp >> 32, stamp & 0xFFFFFFFF, len(frame), len(frame))
                file.write(block(6, head + frame))


class Connection:
    """A Modbus connection with a handshake."""

    def __init__(self, capture, client, server=PLC, port=502):
        capture.port += 1
        self.capture, self.client, self.server = capture, client, server
        self.sport, self.dport = capture.port, port
        self.seq, self.ack, self.tid = 1000, 5000, 0
        capture.segment(client, server, self.sport, port, SYN, self.seq, 0)
        capture.segment(server, client, port, self.sport, SYN | ACK, self.ack, self.seq + 1)
        self.seq, self.ack = self.seq + 1, self.ack + 1
        capture.segment(client, server, self.sport, port, ACK, self.seq, self.ack)

    def exchange(self, request, response, forged=None):
        """One transaction; with `forged`, the laptop forwards another response than the real one."""
        self.tid += 1
        adu = lambda pdu: struct.pack("!HHHB", self.tid, 0, len(pdu) + 1, 1) + pdu
        send = adu(request)
        self.capture.segment(self.client, self.server, self.sport, self.dport, PSH | ACK, self.seq, self.ack, send)
        self.seq += len(send)
        back = adu(response)
        self.capture.segment(self.server, self.client, self.dport, self.sport, PSH | ACK, self.ack, self.seq, back)
        if forged is not None:
            self.capture.segment(self.server, self.client, self.dport, self.sport, PSH | ACK, self.ack, self.seq,
                                 adu(forged), src_mac=mac(LAPTOP))
        self.ack += len(back)
        self.capture.segment(self.client, self.server, self.sport, self.dport, ACK, self.seq, self.ack)

    def read(self, address=1024, count=2, function=3, forged=None):
        values = bytes(range(2 * count))
        self.exchange(struct.pack("!BHH", function, address, count), bytes([function, 2 * count]) + values, forged)

    def write(self, address, value, function=6):
        pdu = struct.pack("!BHH", function, address, value)
        self.exchange(pdu, pdu)

    def exception(self, function=3, code=2):
        self.exchange(struct.pack("!BHH", function, 9000, 1), bytes([function | 0x80, code]))


def clean(capture):
    """An hour of work in small: HMI, historian and EWS read and write what they may."""
    for server in (11, 12, 13):
        hmi, historian = Connection(capture, HMI, server), Connection(capture, HISTORIAN, server)
        for _ in range(50):
            hmi.read()
            historian.read(0, 60, 4)
            capture.t_ns += 10**9
        hmi.write(1024, 500)
        hmi.write(8, 0xFF00, 5)
    ews = Connection(capture, EWS)
    ews.write(1030, 7)
    ews.exchange(b"\x2b\x0e\x01\x00", b"\x2b\x0e\x01\x01\x00\x00\x01\x00\x03abc")


def scan(capture):
    for host in range(1, 20):
        capture.port += 1
        capture.segment(LAPTOP, host, capture.port, 502, SYN, 1, 0)
        capture.segment(host, LAPTOP, 502, capture.port, RST | ACK, 0, 2)


def scan_from_inside(capture):
    for port in (22, 80, 102, 443, 502, 44818):
        capture.port += 1
        capture.segment(HISTORIAN, PLC, capture.port, port, SYN, 1, 0)
        capture.segment(PLC, HISTORIAN, port, capture.port, RST | ACK, 0, 2)


def identify(capture):
    laptop = Connection(capture, LAPTOP)
    laptop.exchange(b"\x2b\x0e\x01\x00", b"\x2b\x0e\x01\x01\x00\x00\x01\x00\x03abc")
    laptop.exchange(b"\x11", b"\x11\x02\x01\xff")
    laptop.read(0, 100)
    for _ in range(6):
        laptop.exception()


def write_register(capture):
    Connection(capture, LAPTOP).write(7, 470)


def write_coil(capture):
    Connection(capture, LAPTOP).write(7, 0xFF00, 5)


def write_multiple(capture):
    laptop = Connection(capture, LAPTOP)
    laptop.exchange(struct.pack("!BHHBHH", 16, 7, 2, 4, 1, 2), struct.pack("!BHH", 16, 7, 2))


def brute_force(capture):
    laptop = Connection(capture, LAPTOP)
    for n in range(60):
        laptop.write(n % 8, 0xFF00 if n % 2 else 0, 5)


def flood(capture):
    for n in range(40):
        capture.port += 1
        capture.segment(LAPTOP, PLC, capture.port, 502, SYN, 1, 0)


def middle(capture):
    hmi = Connection(capture, HMI)
    for _ in range(5):
        hmi.read(forged=bytes([3, 4]) + b"\0\x28\0\x01")


CASES = [
    ("clean", [], []),
    ("scan", [scan], [9000010, 9000011]),
    ("scan from inside", [scan_from_inside], [9000016]),
    ("identify", [identify], [9000011, 9000012, 9000013, 9000014, 9000015]),
    ("write register", [write_register], [9000001, 9000002, 9000011]),
    ("write coil", [write_coil], [9000001, 9000004, 9000011]),
    ("write multiple", [write_multiple], [9000001, 9000002, 9000011]),
    ("brute force", [brute_force], [9000001, 9000003, 9000004, 9000011]),
    ("flood", [flood], [9000010, 9000011, 9000020]),
    ("middle", [middle], [9000030]),
]


def run(attacks, folder):
    evidence, out = os.path.join(folder, "evidence"), os.path.join(folder, "out")
    os.makedirs(evidence)
    os.makedirs(out)
    capture = Capture()
    clean(capture)
    for attack in attacks:
        capture.t_ns += 60 * 10**9
        attack(capture)
    clean(capture)
    capture.write(os.path.join(evidence, "span-cell.pcapng"))
    command = ["sh", os.path.join(HERE, "run.sh"), evidence, out]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"run.sh failed with {done.returncode}:\n{done.stdout}{done.stderr}")
    with open(os.path.join(out, "eve.json"), encoding="utf-8") as file:
        text = file.read()
    return text, [json.loads(line) for line in text.splitlines()], capture


def main():
    failed = 0
    for name, attacks, expect in CASES:
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
            text, alerts, capture = run(attacks, one)
            again, _, _ = run(attacks, two)
        found = sorted({alert["alert"]["signature_id"] for alert in alerts})
        problems = []
        if found != expect:
            problems.append(f"expected {expect}")
        if text != again:
            problems.append("two runs differ")
        for alert in alerts:
            if not alert.get("pcap_cnt"):
                problems.append(f"no frame number: {alert}")
        if name == "write register":
            writes = [n for n, (_, frame) in enumerate(capture.frames, 1) if frame[66 - 12:].endswith(b"\x06\0\x07\x01\xd6")]
            if alerts[-1]["pcap_cnt"] != writes[0]:
                problems.append(f"alert at frame {alerts[-1]['pcap_cnt']}, write in frame {writes[0]}")
        print(f"{'FAIL' if problems else 'ok  '} {name}: {found} in {len(alerts)} alerts", *problems)
        failed += bool(problems)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
