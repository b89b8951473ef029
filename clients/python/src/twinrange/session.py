"""A run of the range whose lock-step defense is this process: ``twinrange run`` as a child, and its messages.

The range confines the defenses that it starts. The process that calls this is not confined: it could read the run
folder while it answers. So the child runs with ``--sandbox off``; ``run.json`` and the score say that its defense was
not confined. What is trained here is judged afterwards by an ordinary run, in which it is a confined defense.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from .folder import Run
from .protocol import VERSION, End, Hello, Interval, Want, encode, end_of, interval_of, read_line, read_records

__all__ = ["RangeError", "Session", "find_range"]

_TAIL_CHARS = 2000
#: Wall time that a range is given to leave by itself.
_LEAVE_S = 10.0


class RangeError(Exception):
    """The range cannot be started, has ended before its run did, or has refused what it was told."""


def find_range(binary: str | os.PathLike[str] | None = None) -> str:
    """The ``twinrange`` program: as given, else the variable ``TWINRANGE``, else from ``PATH``.

    Raises:
        RangeError: if there is none.
    """
    named = binary or os.environ.get("TWINRANGE")
    found = shutil.which(os.fspath(named) if named else "twinrange")
    if found is None:
        what = f"there is no program {os.fspath(named)}" if named else "there is no program 'twinrange' in PATH"
        raise RangeError(f"{what}: build it with `cargo build --release`, and name it with TWINRANGE or `binary`")
    return found


class Session:
    """One run. Ask :meth:`next`, answer with :meth:`answer`, and so on until an :class:`End` has been answered.

    Use it as a context manager: its process is killed and reaped however it is left.
    """

    hello: Hello

    def __init__(
        self,
        scenario: str,
        folder: str | os.PathLike[str],
        *,
        seed: int | None = None,
        duration: str | None = None,
        attack: bool = True,
        interval_ms: int = 1000,
        wants: Sequence[Want] = ("frames", "tags", "logs"),
        name: str = "session",
        binary: str | os.PathLike[str] | None = None,
        timeout_s: float = 120.0,
        more: Sequence[str] = (),
    ) -> None:
        """Starts the range and answers its ``hello``.

        Args:
            scenario: a scenario file, or the name of a built-in scenario.
            folder: where the run folder is left; an earlier run there is replaced.
            seed: the scenario's own if left out.
            duration: such as ``90min``; the scenario's own if left out.
            attack: whether the playbook is played.
            interval_ms: simulated length of an interval, 10 to 3,600,000.
            wants: what to be sent.
            name: name of the defense in the run folder.
            binary: the ``twinrange`` program, see :func:`find_range`.
            timeout_s: wall time for the range to start. An interval may take as long as it does, here and there.
            more: further arguments of ``twinrange run``.

        Raises:
            RangeError: if the range cannot be started, or refuses its arguments.
        """
        if not hasattr(socket, "send_fds"):
            raise RangeError("a session needs sockets that can carry files, which this system does not have")
        program = find_range(binary)
        self.folder = Path(folder).absolute()
        self.timeout_s = timeout_s
        self._scratch = tempfile.TemporaryDirectory(prefix="twinrange-session-")
        self._process: subprocess.Popen[bytes] | None = None
        self._source: BinaryIO | None = None
        self._sink: BinaryIO | None = None
        self._link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            description = Path(self._scratch.name, "defense.ron")
            description.write_text(_description(name, interval_ms, theirs.fileno(), timeout_s), "utf-8")
            command = [program, "run", scenario, "--out", str(self.folder), "--sandbox", "off"]
            command += ["--defense", str(description), *more]
            command += [] if seed is None else ["--seed", str(seed)]
            command += [] if duration is None else ["--duration", duration]
            command += [] if attack else ["--no-attack"]
            self._said = open(Path(self._scratch.name, "said.txt"), "w+b")
            try:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=self._said,
                    pass_fds=[theirs.fileno()],
                    # Ctrl-C at the terminal reaches this process, which then ends the range.
                    start_new_session=True,
                )
            finally:
                theirs.close()
            self._take_over()
            self._shake_hands(wants, name)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """Process id of the range, or ``None`` once it is gone."""
        return self._process.pid if self._process is not None else None

    def _take_over(self) -> None:
        """Receives the two pipes of the program that the range started as its defense."""
        # Whatever happens to the range or to that program, their ends of the socket are closed then. But the
        # program may hang, so there is a deadline too.
        self._link.settimeout(self.timeout_s)
        try:
            _, files, _, _ = socket.recv_fds(self._link, 1, 2)
        except TimeoutError:
            raise self._failed(f"the range did not start its defense for {self.timeout_s} s") from None
        if len(files) != 2:
            raise self._failed("the range did not start")
        self._source = os.fdopen(files[0], "rb", buffering=1 << 20)
        self._sink = os.fdopen(files[1], "wb")
        self._link.settimeout(None)

    def _shake_hands(self, wants: Sequence[Want], name: str) -> None:
        message = self._read()
        if message.get("type") != "hello":
            raise self._failed(f"expected 'hello', found {message.get('type')!r}")
        self.hello = Hello.of(message)
        if VERSION not in self.hello.versions:
            raise self._failed(f"the range speaks the versions {list(self.hello.versions)}, not {VERSION}")
        ready: dict[str, Any] = {"type": "ready", "version": VERSION, "name": name, "wants": sorted(set(wants))}
        if "binary" in self.hello.frames_as:
            ready["frames_as"] = "binary"
        self._spans = [span.name for span in self.hello.spans]
        self._write(encode(ready))

    def next(self) -> Interval | End:
        """The next message of the range, which then waits for :meth:`answer`.

        Raises:
            RangeError: if the range has ended; what it said last is in the message.
        """
        message = self._read()
        if message.get("type") == "end":
            return end_of(message)
        if message.get("type") != "interval":
            raise self._failed(f"expected 'interval' or 'end', found {message.get('type')!r}")
        assert self._source is not None
        return interval_of(message, read_records(message, self._source), self._spans)

    def answer(
        self, seq: int, actions: Sequence[Mapping[str, Any]] = (), alerts: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        """Answers the message of that number; the simulation goes on.

        Raises:
            RangeError: if the range has ended.
        """
        line = b""
        if actions or alerts:
            line = encode({"type": "answer", "seq": seq, "alerts": list(alerts), "actions": list(actions)})
        self._write(line + encode({"type": "done", "seq": seq}))

    def finish(self) -> Run:
        """Waits, once the end has been answered, until the range has written the run folder, and opens it.

        That takes as long as the unattacked runs beside it do; :meth:`close` ends it from elsewhere.

        Raises:
            RangeError: if the range ended with another status than 0.
        """
        assert self._process is not None, "the session is closed"
        self._close_pipes(b"-")
        status = self._process.wait()
        if status != 0:
            raise self._failed("the run failed")
        return Run(self.folder)

    def close(self) -> None:
        """Ends the range if it still runs, and reaps it. Calling it again does nothing."""
        self._close_pipes(b"")
        if self._process is not None:
            try:
                # Its defense is gone, so it ends by itself and removes what it made for it.
                self._process.wait(_LEAVE_S)
            except subprocess.TimeoutExpired:
                # It leads a session of its own, and its defense ended with the socket.
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
            self._process = None
        if (said := getattr(self, "_said", None)) is not None:
            said.close()
        self._scratch.cleanup()

    def _close_pipes(self, farewell: bytes) -> None:
        for stream in (self._sink, self._source):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    pass  # What was not written yet has no reader any more.
        self._sink = self._source = None
        if self._link.fileno() >= 0:
            try:
                self._link.sendall(farewell)
            except OSError:
                pass  # The program at the other end is gone.
            self._link.close()

    def _read(self) -> dict[str, Any]:
        assert self._source is not None, "the session is closed"
        message = read_line(self._source)
        if message is None:
            raise self._failed("the range has ended before its run did")
        return message

    def _write(self, data: bytes) -> None:
        assert self._sink is not None, "the session is closed"
        try:
            self._sink.write(data)
            self._sink.flush()
        except BrokenPipeError:
            raise self._failed("the range has ended before its run did") from None

    def _failed(self, what: str) -> RangeError:
        """The error for what happened, with the exit status of the range and the end of what it said."""
        status = None
        if self._process is not None:
            # It follows at once where the range is gone or has a reason to stop.
            self._close_pipes(b"")
            try:
                status = self._process.wait(_LEAVE_S)
            except subprocess.TimeoutExpired:
                pass
        self._said.seek(0)
        said = self._said.read().decode("utf-8", "replace").strip()[-_TAIL_CHARS:]
        self.close()
        how = "" if status is None else f" ({_describe(status)})"
        return RangeError(f"{what}{how}" + (f":\n{said}" if said else ""))


def _describe(status: int) -> str:
    if status < 0:
        return f"killed by signal {-status}"
    return f"exit status {status}"


def _description(name: str, interval_ms: int, link: int, timeout_s: float) -> str:
    """The RON file of the defense, which is the program that hands its pipes over."""
    handover = Path(__file__).with_name("_handover.py")
    words = [sys.executable, "-I", "-S", str(handover), str(link)]
    command, *args = (_ron_text(word) for word in words)
    timeout = max(1, round(timeout_s))
    return (
        f'Defense(name: {_ron_text(name)}, version: "1", description: "Decides in another process, unconfined",\n'
        f"    kind: LockStep(command: {command}, args: [{', '.join(args)}], interval_ms: {interval_ms},\n"
        f"        start_timeout_s: {timeout}, interval_timeout_s: 86400),\n"
        # It decides elsewhere and cannot be started again to be tested: what it does not do is its answer.
        '    install: "pip install twinrange", may_act: true, may_be_silent: true)\n'
    )


def _ron_text(text: str) -> str:
    """A string as RON writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
