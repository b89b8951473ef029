"""What respond.py decides: `PYTHONPATH=../../clients/python/src python3 -m unittest` in this folder."""

from __future__ import annotations

import unittest
from typing import Any

from respond import Policy, Responder, Rule
from twinrange.protocol import Asset

S = 1_000_000_000
ASSETS = (
    Asset("vendor-laptop", "laptop", ip="10.20.1.66", mac="02:54:57:14:01:42"),
    Asset("hmi-1", "hmi", ip="10.20.1.21", mac="02:54:57:14:01:15"),
)


def responder(**limits: int) -> Responder:
    rule = Rule(level=5.0, timeout=600.0, repeated_offenders=(1800.0, 0.0))
    return Responder(Policy((rule,), frozenset({"hmi"}), **limits), ASSETS)


def alert(ip: str = "10.20.1.66", **src: Any) -> dict[str, Any]:
    return {"sig_id": "any-write", "severity": 7, "src": {"ip": ip, **src}}


def accepted(command: str, until_ns: int) -> dict[str, Any]:
    return {"command_id": command, "status": "accepted", "t_ns": 0, "effective_ns": 0, "until_ns": until_ns}


def refused(command: str) -> dict[str, Any]:
    return {"command_id": command, "status": "refused", "t_ns": 0, "reason": "not in this plant"}


class Decisions(unittest.TestCase):
    def ordered(self, found: Responder, now_s: int, said: dict[str, Any] | None = None) -> tuple[str, float | None] | None:
        """Command and length of the block that an alert leads to."""
        actions, _ = found.decide([said or alert()], now_s * S)
        if not actions:
            return None
        return actions[0]["command_id"], actions[0].get("args", {}).get("duration_s")

    def test_block_when_the_source_comes_back_then_the_next_one_is_longer(self) -> None:
        found = responder()
        self.assertEqual(self.ordered(found, 100), ("response-1", 600.0))
        self.assertIsNone(self.ordered(found, 101), "an order is open")
        found.hear([accepted("response-1", 730 * S)])
        self.assertIsNone(self.ordered(found, 729))
        self.assertEqual(self.ordered(found, 730), ("response-2", 1800.0))
        found.hear([accepted("response-2", 2530 * S)])
        self.assertEqual(self.ordered(found, 2530), ("response-3", None))

    def test_order_when_refused_then_it_is_no_offence_and_no_block_of_the_hour(self) -> None:
        found = responder(most_active=1, most_per_hour=2)
        for number in range(1, 5):
            # Each time as if it were the first.
            self.assertEqual(self.ordered(found, 100 + number), (f"response-{number}", 600.0))
            found.hear([refused(f"response-{number}")])
            self.assertEqual((found.begun, found.blocks["vendor-laptop"].offences), ([], 0))
        # One that is refused does not take back those before it.
        self.assertEqual(self.ordered(found, 200), ("response-5", 600.0))
        found.hear([accepted("response-5", 800 * S)])
        self.assertEqual(self.ordered(found, 900), ("response-6", 1800.0))
        found.hear([refused("response-6")])
        self.assertEqual((found.begun, found.blocks["vendor-laptop"].offences), ([200 * S], 1))
        self.assertEqual(self.ordered(found, 901), ("response-7", 1800.0))

    def test_order_when_refused_after_an_hour_then_nothing_of_the_hour_is_taken_back(self) -> None:
        found = responder()
        self.assertIsNotNone(self.ordered(found, 100))
        self.assertIsNotNone(self.ordered(found, 4000, alert("10.20.1.99")))
        found.hear([refused("response-1")])
        self.assertEqual(found.begun, [4000 * S])

    def test_source_when_it_borrows_an_address_then_its_own_card_is_accused(self) -> None:
        found = responder()
        actions, _ = found.decide([alert("10.20.1.21", mac="02:54:57:14:01:42")], S)
        self.assertEqual(actions[0]["target"], {"host": "vendor-laptop"})
        actions, records = found.decide([alert("10.20.1.21")], S)
        self.assertEqual((actions, records[0]["sig_id"]), ([], "response-withheld"))


if __name__ == "__main__":
    unittest.main()
