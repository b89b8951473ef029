"""A rule of thumb as a detector: a host that writes to a controller, however little, is up to something.

    python3 any_write.py

It knows nobody, and an operator who clears a fault writes as well. What that costs depends on the policy that
respond.py has: see README.md.
"""

from twinrange import Defense, Interval, ip_text, mac_text, parse, run


class AnyWrite(Defense):
    """Alerts on every Modbus write."""

    name = "any-write"
    version = "0.1.0"

    def interval(self, seen: Interval) -> None:
        for frame in seen.frames:
            packet = parse(frame.data)
            if packet is None or packet.src_ip is None or packet.dst_ip is None:
                continue
            for message in packet.modbus():
                if message.is_write:
                    self.alert(
                        "any-write",
                        frame=frame,
                        sig_name="a write to a controller",
                        severity=7,
                        src={"ip": ip_text(packet.src_ip), "mac": mac_text(packet.src_mac)},
                        dst={"ip": ip_text(packet.dst_ip), "port": 502},
                        proto="modbus",
                    )


if __name__ == "__main__":
    run(AnyWrite())
