"""Ledgers: the folder of a sweep, read while the sweep goes on. It reads documented JSON files and writes none.

Which folders there are, the host says (`PLANNER_SWEEPS`); a visitor chooses among their names and types no path.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planner.errors import DataError
from planner.sheet import Finding, Row, Sheet

if TYPE_CHECKING:
    import pandas as pd

VARIABLE = "PLANNER_SWEEPS"
"""The environment variable that names the folders, separated like those of PATH."""
SILENT_SECONDS = 60.0
"""A run that has said nothing for so long is held, or its worker is gone."""
MOST_RUNS = 10_000
_MOST_BYTES = 5_000_000
_SHOWN = (
    "run", "status", "params", "tokens", "flops", "loss", "loss_error", "seconds", "device", "as_of", "reason", "note",
)  # fmt: skip
_TABLE = (
    "run", "params", "tokens", "flops", "loss", "loss_error", "bits_per_byte", "params_non_embedding", "unique_tokens",
    "seed", "status", "trunk",
)  # fmt: skip


def ledgers() -> dict[str, Path]:
    """The sweeps of this host by name: the folders that `PLANNER_SWEEPS` names, and those inside them."""
    found: dict[str, Path] = {}
    for text in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        top = Path(text)
        for folder in (top, *sorted(top.glob("*/"))):
            if (folder / "sweep.json").is_file():
                name = folder.name if folder.name not in found else f"{folder.parent.name}/{folder.name}"
                found[name] = folder
    return found


@dataclass(frozen=True, kw_only=True)
class Progress(Sheet):
    """How far a sweep is. `records` are its finished and failed runs, `going` those under way, as their files say."""

    name: str
    title: str
    command: str
    planned: int
    planned_flops: float
    records: tuple[dict[str, Any], ...] = field(repr=False)
    going: tuple[dict[str, Any], ...] = field(repr=False)

    @cached_property
    def finished(self) -> tuple[dict[str, Any], ...]:
        """The runs with a result."""
        return tuple(record for record in self.records if record["status"] == "ok")

    @property
    def failed(self) -> tuple[dict[str, Any], ...]:
        """The runs that gave none."""
        return tuple(record for record in self.records if record["status"] != "ok")

    @property
    def under_way(self) -> tuple[dict[str, Any], ...]:
        """The runs that were heard of within `SILENT_SECONDS`."""
        return tuple(run for run in self.going if run["silent_seconds"] <= SILENT_SECONDS)

    @property
    def is_done(self) -> bool:
        """Whether every planned run has a result."""
        return len(self.finished) >= self.planned

    @property
    def share(self) -> float:
        """Share of the planned compute in finished runs, 0 to 1; runs under way do not count."""
        done = sum(float(record["flops"]) for record in self.finished)
        return min(1.0, done / self.planned_flops) if self.planned_flops else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Seconds until all is done if as many runs as now go on at the pace of those finished; None if none does."""
        done = sum(float(record["flops"]) for record in self.finished)
        seconds = sum(float(record["seconds"]) for record in self.finished)
        if not done or not self.under_way:
            return None
        return (1 - self.share) * self.planned_flops * seconds / done / len(self.under_way)

    @property
    def findings(self) -> tuple[Finding, ...]:  # type: ignore[override]
        """Failed and silent runs."""
        return tuple(self._findings())

    def _findings(self) -> Iterable[Finding]:
        for record in self.failed[:3]:
            yield Finding("problem", "A run failed.", str(record["reason"]), "The same command tries it again.")
        silent = len(self.going) - len(self.under_way)
        if silent:
            because = f"{silent} said nothing for a minute: held, or the worker is gone."
            yield Finding("warning", "Runs are silent.", because, f"Go on with them: {self.command}")

    def rows(self) -> Iterable[Row]:
        """Counts, share, time left, speed and the lowest loss."""
        yield Row("finished", "Runs finished", float(len(self.finished)), "count", f"of {self.planned}")
        yield Row("failed", "Runs failed", float(len(self.failed)), "count")
        yield Row("under_way", "Runs under way", float(len(self.under_way)), "count")
        yield Row("share", "Compute done", self.share, "fraction", "runs that share first steps count whole")
        left = self.seconds_left
        value = "done" if self.is_done else left
        note = "at the pace of the finished runs, with as many at once as now"
        yield Row("seconds_left", "Time left", value, "seconds", note if left is not None else "")
        spent = sum(float(record["seconds"]) for record in self.records)
        yield Row("seconds", "Training time, all workers", spent, "seconds")
        if self.finished:
            lowest = min(float(record["loss"]) for record in self.finished)
            yield Row("loss", "Lowest held-out loss", lowest, "nats/token")

    def table(self) -> pd.DataFrame:
        """One row per recorded run, for people."""
        return self._frame(_SHOWN)

    def runs(self) -> pd.DataFrame:
        """The finished runs as `planner.load_runs` reads them.

        Raises:
            DataError: no run is finished yet.
        """
        if not self.finished:
            raise DataError(f"The sweep {self.name} has no finished run yet.", mend="Wait for the first ones.")
        table = self._frame(_TABLE)
        return table[table["status"] == "ok"].reset_index(drop=True)

    def _frame(self, columns: tuple[str, ...]) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame([{name: record.get(name) for name in columns} for record in self.records], columns=columns)


def progress_of(name: str, folder: Path) -> Progress:
    """How far the sweep in `folder` is.

    Raises:
        DataError: the folder holds no sweep, or a file in it is damaged.
    """
    note = _note(folder / "sweep.json")
    try:
        sweep, vocabulary = note["sweep"], int(note["corpus"]["vocabulary"])
        planned = dict.fromkeys(
            (seed, json.dumps(size | {"tokens": 0}, sort_keys=True), tokens, _params(size, vocabulary))
            for seed in sweep["seeds"]
            for size in sweep["sizes"]
            for tokens in size["tokens"]
        )
        return Progress(
            name=name,
            title=str(sweep["title"]),
            command=f"{note['command']} --out {folder.name}",
            planned=len(planned),
            planned_flops=sum(6.0 * params * float(tokens) for _, _, tokens, params in planned),
            records=tuple(_records(folder)),
            going=tuple(_going(folder)),
        )
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"The sweep {name} is damaged or of another version.", mend="Run the sweep again.") from None


def _params(size: dict[str, Any], vocabulary: int) -> float:
    """Parameters of a decoder: 12 layers width^2 (Kaplan et al. 2020, arXiv 2001.08361) and the embedding."""
    if size.get("params"):
        return float(size["params"])
    return float(12 * size["layers"] * size["width"] ** 2 + vocabulary * size["width"])


def _records(folder: Path) -> Iterable[dict[str, Any]]:
    paths = [*sorted((folder / "runs").glob("*.json")), *sorted((folder / "failures").glob("*.json"))]
    found = [dict(_note(path)["record"]) for path in paths[:MOST_RUNS]]
    return sorted(found, key=lambda record: (float(record["flops"]), str(record["run"])))


def _going(folder: Path) -> Iterable[dict[str, Any]]:
    for path in sorted((folder / "running").glob("*.json")):
        try:
            silent = max(0.0, time.time() - path.stat().st_mtime)
            yield _note(path) | {"silent_seconds": silent}
        except (OSError, DataError):
            # A run that has just ended takes its file along.
            continue


def _note(path: Path) -> dict[str, Any]:
    damaged = DataError(
        f"{path.name} of the sweep cannot be read.", mend="Run the sweep again: it is then written anew."
    )
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise damaged
        note = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise damaged from None
    if not isinstance(note, dict):
        raise damaged
    return note
