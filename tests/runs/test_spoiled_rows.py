"""spoiled_rows: every row that load_runs would refuse is named with its reasons, and the rest loads."""

import pandas as pd
import pytest

from planner.errors import DataError
from planner.runs import load_runs, spoiled_rows

TABLE = pd.DataFrame(
    {
        "params": ["1e6", "x", "2e6", "3e6", "4e6"],
        "tokens": ["1e7", "2e7", "0.5", "3e7", "4e7"],
        "loss": [4.0, 3.9, 3.8, None, 3.6],
        "status": ["ok", "ok", "ok", "crashed", "ok"],
    }
)


def test_every_bad_row_of_a_finished_run_is_named_with_its_reasons() -> None:
    found = spoiled_rows(TABLE)
    assert [(bad.position, bad.row) for bad in found] == [(1, 1), (2, 2)]
    assert "params: 'x' is not understood" in found[0].reasons
    assert "tokens must be 1 or more" in found[1].reasons


def test_what_is_left_without_them_loads() -> None:
    with pytest.raises(DataError, match="2 bad rows"):
        load_runs(TABLE)
    left = TABLE.drop(index=[bad.position for bad in spoiled_rows(TABLE)])
    assert len(load_runs(left).frame) == 2
    assert not spoiled_rows(left)


def test_a_missing_column_is_told() -> None:
    with pytest.raises(DataError, match="has no column loss"):
        spoiled_rows(TABLE.drop(columns=["loss"]))
