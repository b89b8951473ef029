"""The client against the range itself: defenses, feeds, run folders and tables."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

from support import CLIENT, EXAMPLES, describe, needs, needs_range, range_program, twinrange
from twinrange import Run, RunError, packets, pcapng, session
from twinrange.session import RangeError, Session

TOOL = CLIENT / "tests/tool.py"


class WithFolder(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)


@needs_range
class Feeds(WithFolder):
    """One run by either feed, and what it left."""

    def play(self, feed: str) -> Run:
        defense = describe(self.folder, feed, TOOL, feed)
        out = self.folder / f"run-{feed}"
        twinrange("run", "bottling/calm", "--duration", "40s", "--defense", defense, "--out", str(out))
        return Run(out)

    def test_feeds_bring_the_same_frames(self) -> None:
        binary, plain = self.play("binary"), self.play("json")
        self.assertEqual(binary.digest, plain.digest)
        self.assertEqual(binary.alerts(), plain.alerts())
        whole = list(binary.frames())
        self.assertGreater(len(whole), 1000)
        self.assertEqual(len(whole), binary.manifest["counts"]["frames"]["cell"])
        counts = binary.alerts()[-1]
        self.assertEqual(counts["raw"], [len(whole), sum(len(frame.data) for frame in whole)])
        self.assertEqual((counts["kind"], counts["tool"]), ("log", "reader"))
        state = next(alert for alert in binary.alerts() if alert["sig_id"] == "a-state")
        self.assertEqual((state["t_ns"], state["techniques"]), (3 * 10**9, ["T0836"]))
        # What was printed went to standard error, in both ways of printing.
        log = (binary.path / "defense/tool.log").read_text()
        self.assertEqual(log.count("whatever a tool prints\n"), 40)
        self.assertEqual(log.count("whatever a library prints\n"), 40)
        self.assertTrue(all(0 <= a.t_ns <= b.t_ns <= binary.simulated_ns for a, b in zip(whole, whole[1:])))

    def test_run_without_a_defense_has_no_alerts(self) -> None:
        out = self.folder / "quiet"
        twinrange("run", "bottling/calm", "--duration", "1s", "--out", str(out))
        self.assertEqual((Run(out).alerts(), Run(out).actions()), ([], []))

    def test_folder_is_read(self) -> None:
        run = self.play("binary")
        run.check()
        self.assertEqual((run.scenario, run.ended, run.simulated_ns), ("calm", "complete", 40 * 10**9))
        self.assertEqual(run.spans, ["cell"])
        self.assertEqual(len(run.syslog()), run.manifest["counts"]["syslog"])
        laptop = next(asset for asset in run.assets() if asset.name == "vendor-laptop")
        self.assertEqual(laptop.ip, "10.20.1.66")
        self.assertEqual((run.attack(), run.impact(), run.actions()), ([], [], []))
        self.assertIn("good", run.production)
        with self.assertRaisesRegex(RunError, "twinrange score"):
            run.score()
        twinrange("score", str(run.path), "--quick")
        self.assertEqual(run.score()["header"]["seed"], run.seed)
        with (run.path / "evidence/syslog.log").open("a") as log:
            log.write("x")
        with self.assertRaisesRegex(RunError, "syslog.log has"):
            run.check()
        with self.assertRaisesRegex(RunError, "no finished run"):
            Run(run.path / "truth")

    def check_tables(self, run: Run) -> None:
        tags = run.tags()
        self.assertEqual(len(tags), run.manifest["counts"]["tags"])
        self.assertEqual(list(tags.columns), ["t_ns", "time", "tag", "value", "quality"])
        level = run.table("truth/process.parquet", ["t_ns", "bowl_level_m"])
        self.assertEqual(list(level["t_ns"])[:2], [10**9, 2 * 10**9])
        units = {column.name: column.unit for column in run.columns()}
        self.assertEqual(units["bowl_level_m"], "m")
        self.assertEqual(len(run.frame_labels()), run.manifest["counts"]["frames"]["cell"])
        self.assertEqual(float(run.made()["good"].max()), run.production["good"])
        alerts = run.table("defense/alerts.jsonl", ["t_ns", "sig_id"])
        self.assertEqual(list(alerts["sig_id"]), [alert["sig_id"] for alert in run.alerts()])

    @needs("polars")
    def test_tables_in_polars(self) -> None:
        self.check_tables(Run(self.play("binary").path, engine="polars"))

    @needs("pandas", "pyarrow")
    def test_tables_in_pandas(self) -> None:
        self.check_tables(Run(self.play("binary").path, engine="pandas"))


@needs_range
class Defenses(WithFolder):
    def play(self, mode: str, code: int = 0, **more: Any) -> tuple[Path, str]:
        defense = describe(self.folder, mode, TOOL, mode, **more)
        out = self.folder / "run"
        done = twinrange("run", "bottling/calm", "--duration", "60s", "--defense", defense, "--out", str(out), code=code)
        return out, done.stderr

    def test_exception_is_shown_by_the_range(self) -> None:
        out, said = self.play("breaks", code=3)
        self.assertIn("DF0012", said)
        self.assertIn("RuntimeError: out of cheese (tool.py, line ", said)
        self.assertIn("Traceback", (out / "defense/tool.log").read_text())
        self.assertEqual(Run(out).ended, "defense-failed")

    def test_actions_and_what_became_of_them(self) -> None:
        out, _ = self.play("acts", may_act=True)
        run = Run(out)
        self.assertEqual([alert["sig_id"] for alert in run.alerts()], ["result-True", "result-False"])
        first, second = run.actions()
        self.assertEqual((first.verb, first.target, first.duration_s), ("contain", {"host": "vendor-laptop"}, 60))
        self.assertTrue(first.result.accepted)
        self.assertIn("nobody", second.result.reason or "")

    def test_action_that_the_description_does_not_allow(self) -> None:
        _, said = self.play("acts", code=3)
        self.assertIn("`may_act: true`", said)

    def test_examples(self) -> None:
        for name in ("new_talkers", "guard"):
            out = self.folder / name
            file = str(EXAMPLES / f"{name}.ron")
            done = twinrange("check", file)
            # Their `python3` is the one of the tests, with this client on its path, and nothing is installed.
            text = Path(file).read_text().replace('"python3"', json.dumps(sys.executable))
            text = text.replace("{defense}", str(EXAMPLES)).replace("learn_s: 1800", "learn_s: 0")
            text = text.replace('"../src"', f'"{CLIENT}"')
            own = self.folder / f"{name}.ron"
            own.write_text(text)
            twinrange("run", "bottling/overflow", "--duration", "41min", "--defense", str(own), "--out", str(out))
            run = Run(out)
            self.assertIn("02:54:57:14:01:42" if name == "new_talkers" else "vendor-laptop", str(run.alerts()), done)
            contained = [action.target for action in run.actions() if action.result.accepted]
            self.assertEqual(contained, [{"host": "vendor-laptop"}] if name == "guard" else [])


@needs_range
class Sessions(WithFolder):
    def test_session_is_a_run_that_says_that_nothing_was_confined(self) -> None:
        with Session("bottling/calm", self.folder / "run", seed=5, duration="3s") as session:
            seqs = []
            while True:
                message = session.next()
                seqs.append(message.seq)
                session.answer(message.seq, alerts=[{"t_ns": 0, "sig_id": "a"}] if message.seq == 1 else [])
                if not hasattr(message, "frames"):
                    break
            run = session.finish()
        self.assertEqual(seqs, [1, 2, 3, 4])
        self.assertEqual((run.seed, run.ended, len(run.alerts())), (5, "complete", 1))
        self.assertFalse(run.manifest["notes"]["defense_sandbox"]["confined"])
        twinrange("score", str(run.path), "--quick")
        self.assertIn("was not confined", " ".join(run.score()["caveats"]))

    def test_score_of_a_session_cannot_have_all_of_its_runs(self) -> None:
        """Nobody can take what was decided elsewhere for a defense that the range could judge."""
        action = {"command_id": "c-1", "action": "contain", "target": {"host": "ews-1"}}
        with Session("bottling/overflow", self.folder / "run", duration="60s", interval_ms=20_000) as session:
            while True:
                message = session.next()
                session.answer(message.seq, [action] if message.seq == 1 else [])
                if not hasattr(message, "frames"):
                    break
            run = session.finish()
        self.assertTrue(run.actions()[0].result.accepted)
        twinrange("score", str(run.path), "--quick")
        tax = run.score()["continuity"]["good_parts"]["uptime_tax"]
        self.assertIsNone(tax["value"])
        self.assertIn("the defense could not be run again", tax["undefined"])

    def test_handover_in_a_confined_run_has_nothing_to_hand_over_to(self) -> None:
        if subprocess.run([str(range_program()), "confined", "--read", "/usr"], capture_output=True).returncode:
            self.assertNotIn("TWINRANGE_REQUIRE_TOOLS", os.environ, "this machine cannot confine")
            self.skipTest("this machine cannot confine")
        ours, theirs = socket.socketpair()
        with ours, theirs:
            handover = CLIENT / "src/twinrange/_handover.py"
            defense = describe(self.folder, "relay", handover, str(theirs.fileno()))
            command = [str(range_program()), "run", "bottling/calm", "--duration", "2s", "--sandbox", "require"]
            command += ["--defense", defense, "--out", str(self.folder / "run")]
            done = subprocess.run(command, capture_output=True, text=True, pass_fds=[theirs.fileno()])
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn("with --sandbox off", done.stderr)
            ours.setblocking(False)
            with self.assertRaises(BlockingIOError):
                ours.recv(1)

    def test_range_that_refuses_says_why(self) -> None:
        with self.assertRaisesRegex(RangeError, r"(?s)exit status 2.*there is no scenario"):
            Session("bottling/nothing", self.folder / "run")
        with self.assertRaisesRegex(RangeError, "no program"):
            Session("bottling/calm", self.folder / "run", binary="/no/such/program")


def readme_blocks() -> list[str]:
    """The Python in the README: the ten lines, reading a run, the environment."""
    text = (CLIENT / "README.md").read_text("utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


class Public(unittest.TestCase):
    def test_ten_lines_are_those_of_the_readme(self) -> None:
        example = (EXAMPLES / "new_talkers.py").read_text("utf-8")
        self.assertIn(readme_blocks()[0], example)

    @needs_range
    @needs("polars")
    def test_reading_of_the_readme(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            out = f"{folder}/runs/new"
            arguments = ["run", "bottling/overflow", "--duration", "41min", "--defense", "reference", "--out", out]
            twinrange(*arguments)
            done = subprocess.run(
                [sys.executable, "-c", readme_blocks()[1]],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(CLIENT / "src")},
                capture_output=True,
                text=True,
            )
        self.assertEqual(done.returncode, 0, done.stderr)
        first, level, attack = done.stdout.splitlines()
        self.assertRegex(first, r"^overflow 1 complete \d+$")
        self.assertRegex(level, r"^0\.\d+ m$")
        self.assertIn("find-hosts", attack)

    @needs_range
    @needs("gymnasium", "numpy")
    def test_environment_of_the_readme(self) -> None:
        block = readme_blocks()[2].replace('"bottling/overflow", ', '"bottling/overflow", duration="43min", ')
        block = block.replace("env.close()", "print(env.last_run.actions()[0].target)\nenv.close()")
        done = subprocess.run(
            [sys.executable, "-c", block],
            env={**os.environ, "PYTHONPATH": str(CLIENT / "src"), "TWINRANGE": str(range_program())},
            capture_output=True,
            text=True,
        )
        self.assertEqual((done.returncode, done.stdout), (0, "{'host': 'vendor-laptop'}\n"), done.stderr)

    def test_every_name_is_there(self) -> None:
        import twinrange as client

        for module in (client, packets, pcapng, session):
            for name in module.__all__:
                self.assertTrue(hasattr(module, name), f"{module.__name__}.{name}")


if __name__ == "__main__":
    unittest.main()
