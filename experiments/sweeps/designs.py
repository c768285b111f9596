"""A sweep from a table of runs to do, such as `planner.design(...).table` saved as CSV: one row per run."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from typing import Any

from experiments.rules import recipe
from planner.errors import InputError, PlannerError
from planner.units import read

COLUMNS = ("params", "tokens")

CONTEXT, LARGE_CONTEXT, LARGE_PARAMS = 128, 512, 1e7
"""Tokens that all models see at once: more where the largest has LARGE_PARAMS or more. One law needs one context."""

COMMON: dict[str, Any] = {"decay_share": 0.2, "evaluation_windows": 1024, "seeds": [0]}


def table_of(text: str) -> list[dict[str, Any]]:
    """The rows of a CSV with a header."""
    return list(csv.DictReader(io.StringIO(text)))


def settings_of(rows: list[Any]) -> dict[str, Any]:
    """The settings of a sweep that does a run for each row's `params` and `tokens`; equal sizes share a trunk."""
    if not rows:
        raise InputError("The table of runs is empty.", mend="Give a row for each run, with params and tokens.")
    sizes: dict[float, list[float]] = {}
    for number, row in enumerate(rows, start=1):
        params, tokens = _run(row, number)
        sizes.setdefault(params, []).append(tokens)
    context = LARGE_CONTEXT if max(sizes) >= LARGE_PARAMS else CONTEXT
    each = [_size(params, sorted(set(tokens)), context) for params, tokens in sorted(sizes.items())]
    runs = sum(len(size["tokens"]) for size in each)
    title = {"title": f"A table of {len(rows):,} rows, {runs:,} of them different"} if runs < len(rows) else {}
    return COMMON | {"context": context, "sizes": each} | title


def _run(row: Any, number: int) -> tuple[float, float]:
    columns = list(row) if isinstance(row, dict) else []
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        raise InputError(
            f"Row {number} of the table of runs has no {' and no '.join(missing)}.",
            mend=f"Its columns: {', '.join(map(str, columns)) or 'none'}. A run needs params and tokens.",
        )
    try:
        return read(row["params"], "params", name="params"), read(row["tokens"], "tokens", name="tokens")
    except PlannerError as error:
        raise InputError(f"Row {number} of the table of runs: {error.problem}", mend=error.mend) from error


def _size(params: float, tokens: list[float], context: int) -> dict[str, Any]:
    learns = recipe(tokens, context)
    return {"params": params, "tokens": tokens, **asdict(learns)}
