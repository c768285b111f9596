"""Saving: a fit as JSON, whole, so that the same numbers come back bit for bit. No pickle, nothing that runs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.errors import DataError, InputError
from planner.fitting.backtesting import Cut
from planner.laws import FAMILY, Calibration, Law
from planner.runs import Runs
from planner.sheet import Finding

if TYPE_CHECKING:
    from planner.fitting.fits import Fit

SCHEMA = 2
_PLAIN = ("form", "delta", "objective", "error", "draws", "seed")
_WEIGHTS = ("weights", "repeat_weights")
_OF_RUNS = ("counting", "loss_unit", "source", "failed")
_SAVED = (*_PLAIN, *_WEIGHTS, "runs_sha256", "calibration", "cuts", "findings", "runs")
_LAWS: dict[str, Any] = {family.__name__: family for family in FAMILY}


def digest(runs: Runs) -> str:
    """SHA-256 of the params, tokens, flops and loss of `runs`, and of their unique tokens if known, in their order."""
    columns = [runs.column(name) for name in ("params", "tokens", "flops", "loss")]
    if "unique_tokens" in runs.frame:
        columns.append(np.nan_to_num(runs.column("unique_tokens")))
    return hashlib.sha256(np.stack(columns).astype("<f8").tobytes()).hexdigest()


def path_of(path: Any) -> Path:
    """The path that is given as one or as text."""
    if not isinstance(path, str | Path) or not str(path):
        raise InputError(f"A fit has no file called {path!r}.", mend="Give a path, such as law.json.")
    return Path(path)


def text_of(fit: Fit) -> str:
    """The JSON text of `fit`: coefficients, draws, back-test, findings and runs, with their hash, versions and seed."""
    record: dict[str, Any] = {
        "versions": {"planner": version("planner"), "numpy": np.__version__},
        "runs_sha256": digest(fit.runs),
        **{name: getattr(fit, name) for name in _PLAIN},
        **{name: getattr(fit, name) for name in _WEIGHTS},
        "calibration": {field.name: getattr(fit.calibration, field.name) for field in fields(Calibration)},
        "cuts": [{field.name: getattr(cut, field.name) for field in fields(Cut)} for cut in fit.cuts],
        "findings": [finding.to_dict() for finding in fit.findings],
        "runs": {name: getattr(fit.runs, name) for name in _OF_RUNS}
        | {"left_out": fit.runs.left_out, "frame": fit.runs.frame.to_dict("list")},
    }
    parts = _plain(record)
    seals = {name: _seal(part) for name, part in parts.items()}
    return json.dumps({"schema": SCHEMA, "sha256": seals, **parts}, indent=1)


def parts_of(text: str, name: str) -> dict[str, Any]:
    """The arguments that make the `Fit` whose JSON is `text`; `name` is what errors call it.

    Raises:
        DataError: it is no fit, one of another version, or a part of it is not what was saved.
    """
    try:
        record = json.loads(text)
    except ValueError:
        raise DataError(f"{name} is no JSON.", mend="Give a file that Fit.save wrote.") from None
    if not isinstance(record, dict) or "schema" not in record:
        raise DataError(f"{name} is no fit.", mend="Give a file that Fit.save wrote.")
    if record["schema"] != SCHEMA:
        because = f"{name} has version {record['schema']} of the format; this planner reads {SCHEMA}."
        raise DataError(because, mend="Fit the runs again.")
    _refuse_what_changed(record, name)
    try:
        return _parts(record)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{name} is damaged ({type(error).__name__}).", mend="Fit the runs again.") from None


def _refuse_what_changed(record: dict[str, Any], name: str) -> None:
    seals = record.get("sha256")
    if not isinstance(seals, dict):
        raise DataError(f"{name} is damaged: its hashes are missing.", mend="Fit the runs again.")
    absent = next((part for part in _SAVED if part not in record), None)
    if absent is not None:
        raise DataError(f"{name} is damaged: {_called(absent)} is missing.", mend="Fit the runs again.")
    changed = next((part for part in _SAVED if _seal(record[part]) != seals.get(part)), None)
    if changed is not None:
        raise DataError(f"{name} is damaged: {_called(changed)} is not what was saved.", mend="Fit the runs again.")


def _called(part: str) -> str:
    return {"calibration": "its law", "runs": "its table of runs"}.get(part, f'its "{part}"')


def _seal(part: Any) -> str:
    """SHA-256 of a part of the record, so that an edited number or another kind of value shows."""
    return hashlib.sha256(json.dumps(part).encode()).hexdigest()


def _parts(record: dict[str, Any]) -> dict[str, Any]:
    import pandas as pd

    carried, runs = record["calibration"], record["runs"]
    repeats_draws = carried["repeats_draws"]
    calibration = carried | {
        "law": _law(carried["law"]),
        "ensemble": _law(carried["ensemble"]),
        "repeats": tuple(carried["repeats"]),
        "repeats_draws": None if repeats_draws is None else tuple(map(np.array, repeats_draws)),
    }
    return {name: record[name] for name in _PLAIN} | {
        **{name: np.array(record[name]) for name in _WEIGHTS},
        "calibration": Calibration(**calibration),
        "cuts": tuple(Cut(**_arrays(cut)) for cut in record["cuts"]),
        "findings": tuple(Finding(**finding) for finding in record["findings"]),
        "runs": Runs(
            frame=pd.DataFrame(runs["frame"]),
            left_out=tuple(runs["left_out"]),
            **{name: runs[name] for name in _OF_RUNS},
        ),
    }


def _law(record: dict[str, Any]) -> Law:
    law: Law = _LAWS[record["form"]](**_arrays(record["coefficients"]))
    return law


def _arrays(record: dict[str, Any]) -> dict[str, Any]:
    return {name: np.array(value) if isinstance(value, list) else value for name, value in record.items()}


def _plain(value: Any) -> Any:
    """`value` in what JSON knows; what it does not know becomes text."""
    if isinstance(value, FAMILY):
        coefficients = {field.name: getattr(value, field.name) for field in fields(value)}
        return {"form": type(value).__name__, "coefficients": _plain(coefficients)}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return None if np.isnan(value) else float(value)
    return str(value)
