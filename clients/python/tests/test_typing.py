"""Types: mypy in its strict mode has nothing to say of the package, its examples and its tests."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import unittest

from support import CLIENT, needs


class Typing(unittest.TestCase):
    @needs("mypy", "gymnasium", "numpy")
    def test_mypy_is_content(self) -> None:
        with tempfile.TemporaryDirectory() as cache:
            tests = sorted(str(path) for path in (CLIENT / "tests").glob("*.py"))
            command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", cache, "src", "examples", "benches"]
            command += tests
            done = subprocess.run(command, cwd=CLIENT, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
