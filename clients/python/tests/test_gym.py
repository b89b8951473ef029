"""The environment: Gymnasium's own check, determinism, what it pays, and what happens when the range dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import unittest
import warnings
from pathlib import Path
from typing import Any

from support import CLIENT, EXAMPLES, needs, needs_range, range_program


def env(**more: Any) -> Any:
    from twinrange.gym import TwinrangeEnv

    arguments: dict[str, Any] = {"scenario": "bottling/calm", "duration": "60s", "interval_s": 10.0, "binary": range_program()}
    return TwinrangeEnv(**(arguments | more))


def episode(env: Any, seed: int, acts: dict[int, int]) -> tuple[list[Any], list[float], dict[str, Any]]:
    """Observations, rewards and the last info of a run in which some steps act."""
    import numpy

    seen, _ = env.reset(seed=seed)
    observations, rewards, over, step = [seen], [], False, 0
    while not over:
        seen, reward, over, cut, info = env.step(numpy.int64(acts.get(step, 0)))
        assert not cut
        observations.append(seen)
        rewards.append(reward)
        step += 1
    return observations, rewards, info


@needs_range
@needs("gymnasium", "numpy")
class Environment(unittest.TestCase):
    def open(self, **more: Any) -> Any:
        opened = env(**more)
        self.addCleanup(opened.close)
        return opened

    def test_gymnasium_has_nothing_to_say(self) -> None:
        import gymnasium
        from gymnasium.utils.env_checker import check_env

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            arguments: dict[str, Any] = {"scenario": "bottling/calm", "duration": "60s", "binary": range_program()}
            made: Any = gymnasium.make("twinrange.gym:Twinrange-v0", **arguments)
            self.addCleanup(made.close)
            check_env(made.unwrapped)

    def test_seed_decides(self) -> None:
        import numpy

        one, other = self.open(), self.open()
        a, b, c = episode(one, 7, {2: 3}), episode(other, 7, {2: 3}), episode(one, 8, {2: 3})
        numpy.testing.assert_array_equal(a[0], b[0])
        self.assertEqual(a[1:], b[1:])
        self.assertEqual(one.last_run.seed, 8)
        self.assertFalse(all(numpy.array_equal(x, y) for x, y in zip(a[0], c[0])))
        # Without a seed the runs differ, and follow from the last one.
        _, first = one.reset()
        _, second = one.reset()
        self.assertNotEqual(first["seed"], second["seed"])
        other.reset(seed=8)
        self.assertEqual(other.reset()[1], first)

    def test_rewards_add_up_to_the_good_parts_less_what_was_done(self) -> None:
        opened = self.open(scenario="bottling/calm", duration="5min")
        contain = 1 + [act[1] for act in opened.acts[1:]].index({"host": "hmi-1"})
        _, rewards, info = episode(opened, 1, {})
        self.assertEqual(info["action_cost"], 0)
        self.assertEqual(info["good"], opened.last_run.production["good"])
        self.assertGreater(info["good"], 100)
        self.assertAlmostEqual(sum(rewards), info["good"])
        # Most is paid on the way.
        self.assertGreater(sum(rewards[:-1]), 0.5 * info["good"])
        _, rewards, info = episode(opened, 1, {3: contain, 4: contain})
        self.assertEqual(info["action_cost"], 100)
        self.assertAlmostEqual(sum(rewards), info["good"] - 100)
        self.assertEqual(len(opened.last_run.actions()), 2)

    def test_reward_is_what_the_score_says_the_run_is_worth(self) -> None:
        opened = self.open(reward="worth", duration="3min")
        _, rewards, info = episode(opened, 1, {3: 1})
        score = opened.last_run.score()
        self.assertEqual(score["continuity"]["runs"][-1]["run"], "AD")
        self.assertIn("was not confined", " ".join(score["caveats"]))
        self.assertIn("without its unattacked twin", " ".join(score["caveats"]))
        self.assertAlmostEqual(sum(rewards), score["continuity"]["runs"][-1]["money"])
        self.assertEqual(info["result"], "none")
        _, idle, _ = episode(opened, 1, {})
        self.assertAlmostEqual(sum(idle) - sum(rewards), 15.0, msg="the price of contain in this scenario")

    def test_observation_is_what_a_defense_is_told(self) -> None:
        opened = self.open()
        observations, _, _ = episode(opened, 1, {})
        run = opened.last_run
        index = {name: place for place, name in enumerate(opened.features)}
        totals = {name: sum(seen[place] for seen in observations[:-1]) for name, place in index.items()}
        self.assertEqual(totals["frames"], run.manifest["counts"]["frames"]["cell"])
        self.assertEqual(totals["log_lines"], run.manifest["counts"]["syslog"])
        self.assertEqual(totals["frames_from:vendor-laptop"], 0)
        froms = [totals[name] for name in index if name.startswith("frames_from:")]
        self.assertEqual(sum(froms), totals["frames"])
        self.assertGreater(totals["modbus_requests"], totals["modbus_writes"])
        tags = {name.removeprefix("tag:") for name in index if name.startswith("tag:")}
        self.assertEqual(tags, {tag.name for tag in opened.hello.tags})
        # The last observation is the last interval again: there is none after it.
        self.assertEqual(observations[-1].tolist(), observations[-2].tolist())

    def test_alerts_of_a_detector_are_counted_and_kept(self) -> None:
        from twinrange import Defense, Interval

        class Two(Defense):
            def interval(self, seen: Interval) -> None:
                self.alert("a")
                self.alert("b")

        opened = self.open(detector=Two)
        observations, _, _ = episode(opened, 1, {})
        place = opened.features.index("alerts")
        self.assertEqual({seen[place] for seen in observations}, {2.0})
        self.assertEqual(len(opened.last_run.alerts()), 12)

    def test_range_that_dies_is_told(self) -> None:
        import numpy
        from twinrange.session import RangeError

        opened = self.open(duration="2h")
        opened.reset(seed=1)
        os.kill(opened._session.pid, signal.SIGKILL)
        with self.assertRaisesRegex(RangeError, "ended before its run did .killed by signal 9"):
            for _ in range(1000):
                opened.step(numpy.int64(0))
        with self.assertRaisesRegex(RangeError, "call reset"):
            opened.step(numpy.int64(0))
        # And it can go on with another run.
        opened.reset(seed=1)
        opened.step(numpy.int64(0))

    def test_close_leaves_no_process_and_no_folder(self) -> None:
        opened = env(duration="2h")
        opened.reset(seed=1)
        pid, folder = opened._session.pid, opened._temporary
        opened.close()
        with self.assertRaises(ProcessLookupError):
            os.kill(pid, 0)
        self.assertFalse(folder.exists())
        opened.close()

    def test_arguments_that_make_no_sense(self) -> None:
        import numpy
        from twinrange.session import RangeError

        cases: list[tuple[type[Exception], str, dict[str, Any]]] = [
            (ValueError, "'parts' or 'worth'", {"reward": "glory"}),
            (ValueError, "no tag", {"progress_tag": "GLORY"}),
            (ValueError, "says nothing of contain", {"action_costs": {"deny": 1.0, "restore": 1.0}}),
            (ValueError, "nothing to render", {"render_mode": "human"}),
            (RangeError, "TR0112", {"duration": "soon"}),
            (RangeError, "DS0002: an interval of 1 ms", {"interval_s": 0.001}),
        ]
        for kind, says, more in cases:
            with self.assertRaisesRegex(kind, says):
                env(**more)
        opened = self.open()
        with self.assertRaisesRegex(RangeError, "call reset"):
            opened.step(numpy.int64(0))
        opened.reset(seed=1)
        with self.assertRaisesRegex(ValueError, "no action .*99"):
            opened.step(numpy.int64(99))

    def test_folders_are_kept_where_asked(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            opened = self.open(out=folder, duration="20s")
            episode(opened, 1, {})
            episode(opened, 2, {})
            names = sorted(path.name for path in Path(folder).iterdir())
            self.assertEqual(names, ["episode-1", "episode-2"])


@needs_range
@needs("gymnasium", "numpy")
class Examples(unittest.TestCase):
    def play(self, name: str, *args: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(CLIENT / "src"), "TWINRANGE": str(range_program())}
        command = [sys.executable, str(EXAMPLES / name), *args]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_random_agent(self) -> None:
        said = self.play("random_agent.py", "bottling/calm", "1", "10min")
        self.assertRegex(said, r"^seed 1: \d+ actions, \d+ good parts, reward -?\d+\n$")

    def test_guard_agent(self) -> None:
        # Where nothing happens, every choice is as good as doing nothing, and that is chosen.
        lines = self.play("guard_agent.py", "bottling/calm", "2min").splitlines()
        paid = {line.split()[2] for line in lines[:4]}
        self.assertEqual((len(lines), len(paid)), (6, 1), lines)
        self.assertTrue(all("nothing" in line and line.endswith("won +0") for line in lines[4:]), lines)


if __name__ == "__main__":
    unittest.main()
