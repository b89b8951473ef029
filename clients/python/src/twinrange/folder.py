"""Reading a run folder, as ``docs/run-folder.md`` describes it.

Manifest, alerts, actions, score, log and captures need nothing but Python. Tables (Parquet) come as a data frame of
Polars (``pip install 'twinrange[data]'``) or of pandas (``pip install 'twinrange[pandas]'``).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from . import pcapng
from .protocol import ActionResult, Asset, Frame, asset_of, result_of

__all__ = ["EPOCH_UNIX_NS", "Action", "Column", "Run", "RunError"]

Engine = Literal["polars", "pandas"]
#: Simulated time 0, ns since 1970: 2026-01-05T06:00:00Z in every run.
EPOCH_UNIX_NS = 1_767_592_800_000_000_000
_SCHEMA = 1


class RunError(Exception):
    """A folder is no run folder, or lacks something."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the truth: its name, unit and description."""

    name: str
    unit: str
    description: str


@dataclass(frozen=True, slots=True)
class Action:
    """An action that a defense asked for, and what became of it."""

    command_id: str
    verb: str
    target: dict[str, Any]
    duration_s: float | None
    result: ActionResult


class Run:
    """A finished run folder.

    What lies in ``evidence`` a defense may see; everything that this class reads from ``truth`` it may not.
    """

    def __init__(self, path: str | os.PathLike[str], engine: Engine | None = None) -> None:
        """Opens a folder.

        Args:
            path: the folder.
            engine: what :meth:`table` gives; Polars where it is installed, else pandas.

        Raises:
            RunError: if it is no folder of a finished run, or of a later schema.
        """
        self.path = Path(path)
        self.engine = engine
        manifest = self.path / "run.json"
        if not manifest.is_file():
            unfinished = (self.path / "run.unfinished").is_file()
            why = "the run has not ended" if unfinished else "there is no run.json"
            raise RunError(f"{self.path} is no finished run: {why}")
        #: ``run.json``, as it stands there.
        self.manifest: dict[str, Any] = self._json("run.json")
        if self.manifest.get("kind") != "twinrange-run":
            raise RunError(f"{manifest} is not the manifest of a run")
        if self.manifest.get("schema") != _SCHEMA:
            raise RunError(f"{manifest} has schema {self.manifest.get('schema')}; this client reads {_SCHEMA}")

    @property
    def scenario(self) -> str:
        """Name of the scenario."""
        return str(self.manifest["scenario"]["name"])

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return int(self.manifest["seed"])

    @property
    def digest(self) -> str:
        """Digest of the whole run; equal digests are equal runs."""
        return str(self.manifest["trace_digest"])

    @property
    def simulated_ns(self) -> int:
        """Length that was reached, ns."""
        return int(self.manifest["simulated_ns"])

    @property
    def ended(self) -> str:
        """``complete``, ``interrupted`` or ``defense-failed``."""
        return str(self.manifest["ended"])

    @property
    def spans(self) -> list[str]:
        """Names of the SPAN ports."""
        return list(self.manifest["counts"]["frames"])

    @property
    def production(self) -> dict[str, Any]:
        """What was produced: ``good``, ``scrapped``, ``unsafe_s`` and the like, by the physical truth."""
        return dict(self.manifest["notes"]["production"])

    def check(self) -> None:
        """Compares the length of every file with the manifest.

        Raises:
            RunError: with the first file that is missing or has another length. Digests (BLAKE3) are what
                ``twinrange replay`` and ``twinrange score`` compare.
        """
        for name, facts in self.manifest["files"].items():
            path = self.path / name
            if not path.is_file():
                raise RunError(f"{path} is missing")
            if path.stat().st_size != facts["bytes"]:
                raise RunError(f"{path} has {path.stat().st_size} bytes; the run left {facts['bytes']}")

    # Evidence.

    def frames(self, span: str | None = None) -> Iterator[Frame]:
        """The frames of a SPAN port in order, with simulated time; of the only one if none is named."""
        if span is None:
            if len(self.spans) != 1:
                raise RunError(f"name one of the SPAN ports: {', '.join(self.spans)}")
            span = self.spans[0]
        for frame in pcapng.read(self._file(f"evidence/span-{span}.pcapng")):
            yield Frame(span, frame.n, frame.unix_ns - EPOCH_UNIX_NS, frame.data)

    def assets(self) -> list[Asset]:
        """The inventory."""
        return [asset_of(asset) for asset in self._json("evidence/assets.json")]

    def syslog(self) -> list[str]:
        """The lines of the central log (RFC 5424)."""
        return self._file("evidence/syslog.log").read_text("utf-8").splitlines()

    def tags(self) -> Any:
        """What the historians recorded: ``t_ns``, ``time``, ``tag``, ``value``, ``quality``."""
        return self.table("evidence/tags.parquet")

    # Truth.

    def attack(self) -> list[dict[str, Any]]:
        """What became of each attack step."""
        return self._lines("truth/attack.jsonl")

    def impact(self) -> list[dict[str, Any]]:
        """Where the plant left its unattacked twin."""
        return self._lines("truth/impact.jsonl")

    def frame_labels(self) -> Any:
        """What each captured frame belongs to."""
        return self.table("truth/frames.parquet")

    def process(self) -> Any:
        """The physical truth; :meth:`columns` has units and descriptions."""
        return self.table("truth/process.parquet")

    def made(self) -> Any:
        """Running totals of what had been produced."""
        return self.table("truth/production.parquet")

    def columns(self, name: str = "truth/process.parquet") -> list[Column]:
        """Units and descriptions of a table of the truth.

        Raises:
            RunError: if the file says nothing about its columns.
        """
        path = self._file(name)
        if self._engine() == "polars":
            import polars

            facts: dict[Any, Any] = dict(polars.read_parquet_metadata(path))
        else:
            import pyarrow.parquet

            facts = dict(pyarrow.parquet.ParquetFile(path).metadata.metadata or {})
        text = facts.get("twinrange.columns") or facts.get(b"twinrange.columns")
        if text is None:
            raise RunError(f"{path} says nothing about its columns")
        return [Column(**column) for column in json.loads(text)]

    # Defense and score.

    def alerts(self) -> list[dict[str, Any]]:
        """The alerts of the defense, in the normal form of ``docs/defense-protocol.md``; none without a defense."""
        return self._lines("defense/alerts.jsonl", may_lack=True)

    def actions(self) -> list[Action]:
        """What the defense did; nothing without a defense."""
        return [
            Action(
                line["action"]["command_id"],
                line["action"]["action"],
                line["action"]["target"],
                line["action"].get("args", {}).get("duration_s"),
                result_of(line["result"]),
            )
            for line in self._lines("defense/actions.jsonl", may_lack=True)
        ]

    def score(self) -> dict[str, Any]:
        """``score/score.json``, which ``twinrange score`` leaves."""
        if not (self.path / "score/score.json").is_file():
            raise RunError(f"{self.path} has not been scored: twinrange score {self.path}")
        score: dict[str, Any] = self._json("score/score.json")
        return score

    # Any table.

    def table(self, name: str, columns: Sequence[str] | None = None) -> Any:
        """A Parquet or JSON lines file of the folder as a data frame.

        Args:
            name: path below the folder, such as ``truth/items.parquet`` or ``defense/alerts.jsonl``.
            columns: those to read; all if left out.

        Raises:
            RunError: if the file is not there, or neither Polars nor pandas is.
        """
        path, wanted = self._file(name), list(columns) if columns is not None else None
        if self._engine() == "polars":
            import polars

            if path.suffix == ".parquet":
                return polars.read_parquet(path, columns=wanted)
            rows = polars.DataFrame(self._lines(name), infer_schema_length=None, strict=False)
            return rows if wanted is None else rows.select(wanted)
        import pandas

        if path.suffix == ".parquet":
            return pandas.read_parquet(path, columns=wanted)
        rows = pandas.DataFrame(self._lines(name))
        return rows if wanted is None else rows[wanted]

    def _engine(self) -> Engine:
        if self.engine is not None:
            return self.engine
        if find_spec("polars") is not None:
            return "polars"
        if find_spec("pandas") is not None and find_spec("pyarrow") is not None:
            return "pandas"
        raise RunError("tables need Polars or pandas: pip install 'twinrange[data]' or 'twinrange[pandas]'")

    def _file(self, name: str) -> Path:
        path = self.path / name
        if not path.is_file():
            raise RunError(f"{path} is missing")
        return path

    def _json(self, name: str) -> Any:
        path = self._file(name)
        try:
            return json.loads(path.read_text("utf-8"))
        except ValueError as error:
            raise RunError(f"{path} is no JSON: {error}") from error

    def _lines(self, name: str, may_lack: bool = False) -> list[dict[str, Any]]:
        if may_lack and not (self.path / name).exists():
            return []
        path = self._file(name)
        rows = []
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                try:
                    rows.append(json.loads(line))
                except ValueError as error:
                    raise RunError(f"{path}, line {number}, is no JSON: {error}") from error
        return rows
