"""A lock-step defense in ten lines: alerts on hardware addresses that are new after the clean period.

    twinrange run bottling/overflow --defense clients/python/examples/new_talkers.ron
"""

from twinrange import Defense, Interval, mac_text, run


class NewTalkers(Defense):
    known: set[bytes] = set()

    def interval(self, seen: Interval) -> None:
        for frame in seen.frames:
            mac = frame.data[6:12]
            if mac not in self.known and frame.t_ns >= self.hello.learn_ns:
                self.alert("new-talker", frame=frame, src={"mac": mac_text(mac)}, severity=5)
            self.known.add(mac)


run(NewTalkers())
