"""Inputs: from the words of the command line to the values that the public verbs take."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from planner.advising import UseCase
from planner.errors import DataError, InputError
from planner.fitting import Fit, fit
from planner.hardware import Cluster
from planner.planning import Plan, plan
from planner.planning.plans import DEFAULT_CLUSTER, DEFAULT_LAW
from planner.runs import Runs, load_runs
from planner.runs.reading import raw_table

if TYPE_CHECKING:
    import pandas as pd

SAVED = ".json"
_CONVENTIONS = ("column", "loss_unit", "counting", "bytes_per_token", "in_unit", "counted")
_HARDWARE = ("cluster", "utilisation", "mfu", "goodput", "price")
_SWITCH = {"true": True, "yes": True, "false": False, "no": False}


def plan_of(*, law: str | None, fitted: Fit | None, when: str | None = None, **options: Any) -> Plan:
    hired = cluster_of(options)
    if when is not None:
        hired = (hired or Cluster.parse(DEFAULT_CLUSTER)).at(when=when)
    return plan(**options, law=law or fitted or DEFAULT_LAW, cluster=hired)


def fit_of(options: dict[str, Any]) -> Fit | None:
    """The fit that the option `runs` asks for, if given; all that speaks of runs is taken out of the options."""
    runs = options.pop("runs")
    said = {name: options.pop(name, None) for name in _CONVENTIONS}
    if runs is not None:
        return fitted(runs, **said)
    given = next((name for name in _CONVENTIONS if said[name]), None)
    if given is not None:
        option = f"--{given.replace('_', '-')}"
        raise InputError(f"{option} speaks of runs, but no --runs are given.", mend=f"Give --runs, or drop {option}.")
    return None


def fitted(runs: str, **said: Any) -> Fit:
    """The law fitted to the table `runs` in the units that are `said`, or the saved fit of that name."""
    if not is_saved(runs):
        return fit(runs_of(runs, **said))
    if any(said.values()):
        raise InputError("A saved fit keeps its columns and units.", mend="Fit the runs again with others.")
    return Fit.load(runs)


def is_saved(path: str) -> bool:
    """Whether the name is that of a saved fit."""
    return path.lower().endswith(SAVED)


def runs_of(
    runs: str, *, column: tuple[str, ...] | None = None, in_unit: Any = None, counted: Any = None, **said: Any
) -> Runs:
    columns = dict(pair(text, "--column") for text in column or ())
    table = load_runs(runs, columns=columns, **{name: value for name, value in said.items() if value is not None})
    table = table.in_unit(in_unit) if in_unit is not None else table
    return table.counted(counted) if counted is not None else table


def made_of(runs: str | None, said: dict[str, Any]) -> Runs | None:
    """The runs of the table `runs`, or those of the saved fit of that name."""
    if runs is None:
        fit_of({"runs": None} | said)
        return None
    return fitted(runs, **said).runs if is_saved(runs) else runs_of(runs, **said)


def table_of(path: str | None) -> pd.DataFrame | None:
    """The table as it is: candidates have no losses to check."""
    return None if path is None else raw_table(path)[0]


def cluster_of(options: dict[str, Any]) -> Cluster | None:
    """The cluster that the options speak of, if any does; those that do are taken out."""
    said = {name: options.pop(name) for name in _HARDWARE}
    if all(value is None for value in said.values()):
        return None
    cluster = said.pop("cluster")
    return Cluster.parse(DEFAULT_CLUSTER if cluster is None else cluster).at(**said)


def pair(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise InputError(f"{option} {text!r} is not of the form name=value.", mend="Write it like name=value.")
    return name.strip(), value.strip()


def case_of(path: str | None, fields: tuple[str, ...], assumed: dict[str, Any] | None = None) -> UseCase:
    """The case: what is assumed, what the file says, what --set says, each over the one before."""
    said = dict(pair(entry, "--set") for entry in fields)
    switched = {name: _SWITCH.get(value.lower(), value) for name, value in said.items()}
    return UseCase.from_dict((assumed or {}) | (_case_file(path) if path else {}) | switched)


def _case_file(path: str) -> dict[str, Any]:
    import tomllib
    from pathlib import Path

    file = Path(path)
    if not file.is_file():
        raise DataError(f"There is no file {path}.", mend="Check the path.")
    try:
        case = json.loads(file.read_text("utf-8")) if file.suffix == ".json" else tomllib.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise DataError(
            f"{path} is no valid {file.suffix or 'TOML'} file: {error}.", mend="Correct the file."
        ) from None
    if not isinstance(case, dict):
        raise DataError(f"{path} holds no table of fields.", mend="Write field = value.")
    return case
