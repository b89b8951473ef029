"""The address groups of a plant: `python3 -m unittest` in this folder."""

from __future__ import annotations

import os
import re
import unittest

from groups import NOBODY, filled

HERE = os.path.dirname(os.path.abspath(__file__))
BOTTLING = [
    ("plc", "10.20.1.11"), ("plc", "10.20.1.12"), ("plc", "10.20.1.13"), ("plc", "10.20.1.14"), ("hmi", "10.20.1.21"),
    ("historian", "10.20.1.31"), ("engineering-workstation", "10.20.1.41"), ("laptop", "10.20.1.66"), ("switch", None),
]


def shipped() -> str:
    with open(os.path.join(HERE, "range.yaml"), encoding="utf-8") as file:
        return file.read()


class Groups(unittest.TestCase):
    def test_groups_when_the_plant_is_the_bottling_line_then_as_shipped(self) -> None:
        self.assertEqual(filled(shipped(), BOTTLING), shipped())

    def test_groups_when_hosts_have_moved_or_are_not_there_then_theirs_or_nobody(self) -> None:
        text = filled(shipped(), [("plc", "172.16.9.77"), ("hmi", "172.16.9.9"), ("laptop", "172.16.9.11")])
        found = dict(re.findall(r'^    ([A-Z_]+): "\[([^]]*)\]"$', text, re.MULTILINE))
        self.assertEqual(found["PLCS"], "172.16.9.77")
        self.assertEqual(found["WRITERS"], "172.16.9.9")
        self.assertEqual(found["EWS"], NOBODY)
        self.assertEqual(found["CELL"], "172.16.9.0/24")
        self.assertEqual(found["HOME_NET"], "172.16.9.0/24")

    def test_configuration_when_it_has_no_such_group_then_refused(self) -> None:
        with self.assertRaisesRegex(KeyError, "0 lines of group PLCS"):
            filled("%YAML 1.1\n", BOTTLING)


if __name__ == "__main__":
    unittest.main()
