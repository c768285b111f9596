"""Curves: training curves as Weights & Biases and TensorBoard export them, one row for each run.

A curve tells the last loss of its run; how large the model was and what it had read, a person must add.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from planner.ui.uploads.tables import Table, frame_of, refuse_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

TYPED = ("params", "tokens")
"""The columns of a table of curves that a person fills in."""
_TENSORBOARD = ("wall time", "step", "value")
_TAG = re.compile(r"-tag-.*$")
_SPREADS = ("__MIN", "__MAX")


@dataclass(frozen=True, slots=True)
class Curve:
    """The last point of the curve of one run."""

    run: str
    step: Any
    loss: Any


def curve_of(table: Table) -> list[Curve]:
    """The curves in an export of scalars, none where the table is something else."""
    names = [str(name) for name in table.frame.columns]
    if tuple(name.strip().lower() for name in names) == _TENSORBOARD:
        run = _TAG.sub("", PurePath(table.name).stem).removeprefix("run-")
        return [_last(table, names[1], names[2], run)]
    if names and names[0].strip().lower() == "step":
        ours = [name for name in names[1:] if " - " in name and not name.endswith(_SPREADS)]
        return [_last(table, names[0], name, name.split(" - ", maxsplit=1)[0]) for name in ours]
    return []


def _last(table: Table, step: str, value: str, run: str) -> Curve:
    known = table.frame[table.frame[value].notna()]
    if known.empty:
        return Curve(run, None, None)
    return Curve(run, known[step].iloc[-1], known[value].iloc[-1])


def runs_of_curves(tables: Sequence[Table], curves: Sequence[Curve]) -> Table:
    """A table with one row for each curve; params and tokens are empty, for a person to fill in."""
    name = tables[0].name if len(tables) == 1 else f"{len(tables)} files"
    refuse_rows(len(curves), name)
    rows = [[curve.run, curve.step, curve.loss, None, None] for curve in curves]
    return Table(
        name=name,
        frame=frame_of(("run", "step", "loss", *TYPED), rows, range(1, len(rows) + 1), name),
        digest=sha256("".join(table.digest for table in tables).encode()).hexdigest(),
        notes=("These are training curves: the last value of each is its loss. Fill in parameters and tokens.",),
    )


def is_of_curves(table: Table) -> bool:
    """Whether a person must still say what the runs of the table were."""
    return list(table.frame.columns) == ["run", "step", "loss", *TYPED]
