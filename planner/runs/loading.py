"""load_runs(source) -> Runs: read, left to the finished runs, checked, with its conventions settled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from planner.errors import DataError, InputError, UnknownName
from planner.runs.checking import BadRow, bad_rows, checked
from planner.runs.reading import raw_table, renamed
from planner.runs.table import COUNTINGS, LOSS_UNITS, SAME, Counting, LossUnit, Runs, read_bytes_per_token
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

SAME_COUNT = 1e-3
"""How far two statements of one count of parameters may lie apart, relative: the rounding of "7.24B"."""
SUCCESS = ("ok", "finished", "completed", "complete", "done", "success", "succeeded")


def load_runs(
    source: str | Path | pd.DataFrame,
    *,
    columns: Mapping[str, str] | None = None,
    loss_unit: LossUnit = "nats/token",
    counting: Counting = "total",
    bytes_per_token: float | str | None = None,
) -> Runs:
    """The validated runs in `source`.

    Args:
        source: a path to .csv, .tsv, .jsonl or .parquet; a DataFrame; or the name of a table shipped in data/runs.
        columns: where the source names them otherwise, our name to theirs: {"params": "model_size"}.
        loss_unit: what the loss column holds, "nats/token" or "bits/byte"; a column `loss_unit` says it too.
        counting: which parameters params counts, "total" or "non_embedding"; a column `counting` says it too.
        bytes_per_token: bytes of text per token, for `Runs.in_unit`; a column `bytes_per_token` says it too.

    Raises:
        DataError: the file or a column is missing, rows are bad, or the table contradicts itself or what is said of it;
            the message lists rows and reasons.
    """
    raw, name, first_row = raw_table(source)
    table = renamed(raw, columns or {}, name)
    finished, left_out = _finished(table, name)
    table = table.assign(source_row=np.asarray(table.index, dtype=np.int64) + first_row)[finished]
    unit = _stated(table, "loss_unit", loss_unit, LOSS_UNITS, name)
    count = _stated(table, "counting", counting, COUNTINGS, name)
    clean = checked(table, unit, name).reset_index(drop=True).assign(loss_unit=unit, counting=count)
    clean = _with_bytes_per_token(_with_unique_tokens(_with_flops(clean)), bytes_per_token)
    runs = Runs(
        frame=clean,
        counting=cast("Counting", count),
        loss_unit=cast("LossUnit", unit),
        source=name,
        failed=int((~finished).sum()),
        left_out=left_out,
    )
    _refuse_another_count(runs)
    _refuse_another_loss(runs)
    return runs


def spoiled_rows(
    source: str | Path | pd.DataFrame,
    *,
    columns: Mapping[str, str] | None = None,
    loss_unit: LossUnit = "nats/token",
) -> tuple[BadRow, ...]:
    """The rows of finished runs in `source` that `load_runs` would refuse, each with its reasons; arguments as there.

    Raises:
        DataError: the table cannot be read, a column is missing, or no run is finished.
    """
    raw, name, first_row = raw_table(source)
    table = renamed(raw, columns or {}, name)
    finished, _ = _finished(table, name)
    table = table.assign(source_row=np.asarray(table.index, dtype=np.int64) + first_row)
    unit = _stated(table, "loss_unit", loss_unit, LOSS_UNITS, name)
    found = bad_rows(table, unit)
    return tuple(bad for bad in found if finished[bad.position])


def _finished(table: pd.DataFrame, name: str) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Which rows are finished runs, shape (rows,), and the statuses of the others."""
    if "status" not in table:
        return np.ones(len(table), dtype=bool), ()
    status = table["status"].astype(str).str.strip().str.lower()
    finished = (table["status"].isna() | status.isin((*SUCCESS, ""))).to_numpy(dtype=bool)
    left_out = tuple(sorted(set(table.loc[~finished, "status"].astype(str))))
    if left_out and not finished.any():
        raise DataError(
            f"No run of {name} is finished; their statuses are {', '.join(left_out)}.",
            mend=f"A finished run has one of these: {', '.join(SUCCESS)}.",
        )
    return finished, left_out


def _stated(table: pd.DataFrame, column: str, given: str, known: tuple[str, ...], name: str) -> str:
    """The convention that the table's own `column` states for all runs, otherwise the one given."""
    kind = {"loss_unit": "unit of loss", "counting": "way of counting"}[column]
    if given not in known:
        raise UnknownName.of(kind, str(given), known=known)
    if column not in table or table[column].isna().all():
        return given
    said = sorted(set(table[column].astype("string").str.strip().str.lower().fillna("(empty)")))
    if len(said) > 1:
        raise DataError(
            f"The column {column} of {name} holds several: {', '.join(said)}.",
            mend="Load the runs of each apart, convert them (in_unit, counted), then put them together.",
        )
    if said[0] not in known:
        raise UnknownName.of(kind, said[0], known=known)
    if given not in (said[0], known[0]):
        raise InputError(
            f"{column} is given as {given}, but the column {column} of {name} says {said[0]}.", mend="Give one of them."
        )
    return said[0]


def _with_flops(clean: pd.DataFrame) -> pd.DataFrame:
    """`clean` with flops of every run, and with what says whether the source gave them."""
    by_rule = 6.0 * clean["params"] * clean["tokens"]
    if "flops" not in clean:
        return clean.assign(flops=by_rule, flops_measured=False)
    measured = clean["flops"].notna()
    if "flops_measured" in clean:
        measured &= clean["flops_measured"].astype("string").str.strip().str.lower() != "false"
    return clean.assign(flops=clean["flops"].fillna(by_rule), flops_measured=measured.to_numpy(dtype=bool))


def _with_unique_tokens(clean: pd.DataFrame) -> pd.DataFrame:
    """`clean` with the tokens that one pass over its text holds, where the number of epochs tells them."""
    if "epochs" not in clean:
        return clean
    by_epochs = clean["tokens"] / clean["epochs"]
    return clean.assign(
        unique_tokens=clean["unique_tokens"].fillna(by_epochs) if "unique_tokens" in clean else by_epochs
    )


def _with_bytes_per_token(clean: pd.DataFrame, given: float | str | None) -> pd.DataFrame:
    if given is None:
        return clean
    size = read_bytes_per_token(given)
    if "bytes_per_token" not in clean:
        return clean.assign(bytes_per_token=size)
    if (np.abs(np.log(clean["bytes_per_token"] / size)) > SAME).any():
        raise InputError(
            f"bytes_per_token is given as {show(size)}, but the table has a column of that name that differs.",
            mend="Give one of them.",
        )
    return clean.assign(bytes_per_token=clean["bytes_per_token"].fillna(size))


def _refuse_another_count(runs: Runs) -> None:
    """Raise where the columns that count parameters contradict what `params` is said to count."""
    total = runs.counting == "total"
    for column, same in (("params_total", total), ("params_non_embedding", not total)):
        if column not in runs.frame:
            continue
        ratio = runs.column(column) / runs.column("params")
        wrong = np.abs(ratio - 1) > SAME_COUNT if same else (ratio > 1 if total else ratio < 1)
        if wrong.any():
            relation = "differs" if same else ("is more" if total else "is less")
            raise DataError(
                f"params is said to count {runs.counting} parameters, "
                f"but {column} {relation} in {runs.named(np.flatnonzero(wrong))} of {runs.source}.",
                mend="Say what the params column counts; ask for the other count by Runs.counted, or --counted.",
            )


def _refuse_another_loss(runs: Runs) -> None:
    """Raise where a loss said to be in bits/byte is not what bits_per_byte holds."""
    if runs.loss_unit != "bits/byte" or "bits_per_byte" not in runs.frame:
        return
    apart = np.flatnonzero(np.abs(np.log(runs.column("loss") / runs.column("bits_per_byte"))) > SAME)
    if len(apart):
        raise DataError(
            f"loss is said to be in bits/byte, but differs from bits_per_byte in {runs.named(apart)} of {runs.source}.",
            mend="If loss is in nats/token, say so and convert it; if it is of another text, leave bits_per_byte out.",
        )
