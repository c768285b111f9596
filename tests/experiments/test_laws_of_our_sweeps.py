"""What the sweeps are for: losses that fall with parameters and with tokens, and a law that holds for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from experiments.run_sweep import run_sweep
from experiments.sweeps import load_sweep
from planner.fitting import fit
from planner.runs import load_runs

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


def falls_both_ways(table: pd.DataFrame) -> bool:
    grid = table.pivot_table(index="params", columns="tokens", values="loss")
    downwards, rightwards = grid.diff(axis=0).stack(), grid.diff(axis=1).stack()
    return bool((downwards.dropna() < 0).all() and (rightwards.dropna() < 0).all())


@pytest.fixture(scope="module")
def ours() -> pd.DataFrame:
    """The table of our own cpu sweep."""
    return load_runs("cpu-python-stdlib").frame


def test_the_smoke_sweep_on_the_standard_library_falls_with_size_and_with_tokens(tmp_path: Path) -> None:
    ledger = run_sweep(load_sweep("smoke"), None, out=tmp_path, backend="serial")
    table = ledger.export()
    assert len(table) == 9
    assert falls_both_ways(table)


def test_our_cpu_runs_fall_with_size_and_with_tokens(ours: pd.DataFrame) -> None:
    assert ours["params"].nunique() >= 5
    assert ours.groupby("params")["tokens"].nunique().min() >= 3
    assert falls_both_ways(ours)


def test_the_law_of_our_cpu_runs_is_sane(ours: pd.DataFrame) -> None:
    law = fit(ours, draws=20)
    assert law.error < 0.02
    for exponent in ("alpha", "beta"):
        assert 0.1 < law.coefficients.loc[exponent, "value"] < 1
