"""What the tests share: the range to test against, and tools that need not be there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import unittest
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

CLIENT = Path(__file__).resolve().parent.parent
REPOSITORY = CLIENT.parent.parent
EXAMPLES = CLIENT / "examples"

Test = TypeVar("Test", bound=Callable[..., Any])


def needs(*modules: str) -> Callable[[Test], Test]:
    """Skips a test whose modules are missing, unless ``TWINRANGE_REQUIRE_TOOLS`` says that they must be there."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing and "TWINRANGE_REQUIRE_TOOLS" in os.environ:

        def fail(test: Test) -> Test:
            def failing(self: unittest.TestCase) -> None:
                self.fail(f"{', '.join(missing)} must be installed: .ci/install-defenses python-client")

            return failing  # type: ignore[return-value]

        return fail
    return unittest.skipIf(missing, f"{', '.join(missing)} is not installed")


def range_program() -> str | None:
    return shutil.which(os.environ.get("TWINRANGE", "twinrange"))


needs_range = unittest.skipIf(range_program() is None, "TWINRANGE names no program")


def twinrange(*args: str, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the range to its end, with this client on the path of its defenses."""
    program = range_program()
    assert program is not None
    done = subprocess.run(
        [program, *args],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(CLIENT / "src"), **environment},
    )
    if done.returncode != code:
        raise AssertionError(f"exit status {done.returncode}, expected {code}: {args}\n{done.stdout}{done.stderr}")
    return done


def describe(folder: Path, name: str, script: Path | str, *args: str, may_act: bool = False, interval_ms: int = 1000) -> str:
    """Writes the RON file of a tool that is a Python script, and gives its path."""
    words = ", ".join(f'"{word}"' for word in (str(script), *args))
    path = folder / f"{name}.ron"
    path.write_text(
        f'Defense(name: "{name}", version: "1", description: "A tool of the tests", install: "It is here.",\n'
        f'    kind: LockStep(command: "{sys.executable}", args: [{words}], interval_ms: {interval_ms}),\n'
        f'    may_act: {str(may_act).lower()}, may_read: ["{CLIENT}"])\n'
    )
    return str(path)
