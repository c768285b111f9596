import json

import numpy as np
import pandas as pd
import pytest

from planner.errors import DataError, InputError
from planner.fitting import Fit, fit
from planner.laws import Additive

TRUE = Additive(E=1.8, A=400.0, B=1500.0, alpha=0.34, beta=0.36)


@pytest.fixture(scope="module")
def found() -> Fit:
    rng = np.random.default_rng(0)
    params, tokens = 10 ** rng.uniform(7, 9, 30), 10 ** rng.uniform(9, 11, 30)
    loss = TRUE.loss(params, tokens) * np.exp(0.003 * rng.standard_normal(30))
    table = pd.DataFrame({"params": params, "tokens": tokens, "loss": loss, "trunk": [f"t{i // 2}" for i in range(30)]})
    return fit(table, draws=40, seed=7)


def test_a_loaded_fit_says_what_the_saved_one_said_to_the_last_bit(found, tmp_path):
    found.save(tmp_path / "law.json")
    loaded = Fit.load(tmp_path / "law.json")
    assert str(loaded) == str(found)
    assert loaded.predict_interval(1e10, 2e11) == found.predict_interval(1e10, 2e11)
    assert loaded.optimum(1e22) == found.optimum(1e22)
    assert loaded.backtest.equals(found.backtest)
    assert loaded.runs.frame["trunk"].equals(found.runs.frame["trunk"])
    loaded.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "law.json").read_bytes()


def test_the_same_runs_give_the_same_file(found, tmp_path):
    found.save(tmp_path / "first.json")
    fit(found.runs, draws=40, seed=7).save(tmp_path / "second.json")
    assert (tmp_path / "first.json").read_bytes() == (tmp_path / "second.json").read_bytes()


def test_the_file_carries_hash_versions_and_seed(found, tmp_path):
    found.save(tmp_path / "law.json")
    record = json.loads((tmp_path / "law.json").read_text())
    assert record["seed"] == 7
    assert len(record["runs_sha256"]) == 64
    assert {"planner", "numpy"} <= set(record["versions"])


@pytest.mark.parametrize(
    ("spoil", "match"),
    [
        (lambda text: text[:-40], "no JSON"),
        (lambda text: "[1, 2]", "is no fit"),
        (lambda text: text.replace('"schema": 2', '"schema": 99'), "version 99"),
        (lambda text: text.replace('"cuts"', '"cut"'), 'its "cuts" is missing'),
        (lambda text: text.replace('"form": "Coupled"', '"form": "Cubic"'), "its law is not what was saved"),
    ],
)
def test_a_file_that_is_no_fit_is_refused(found, tmp_path, spoil, match):
    found.save(tmp_path / "law.json")
    spoiled = tmp_path / "spoiled.json"
    spoiled.write_text(spoil((tmp_path / "law.json").read_text()))
    with pytest.raises(DataError, match=match) as caught:
        Fit.load(spoiled)
    assert caught.value.mend


def change_a_run(record):
    record["runs"]["frame"]["loss"][0] *= 1.001


def change_the_law(record):
    record["calibration"]["law"]["coefficients"]["E"] *= 1.001


def change_a_draw(record):
    record["calibration"]["ensemble"]["coefficients"]["E"][3] *= 1.001


def change_a_number_to_text(record):
    record["error"] = str(record["error"])


def change_the_weights_to_text(record):
    record["weights"] = "all"


def drop_the_hashes(record):
    del record["sha256"]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (change_a_run, "its table of runs is not what was saved"),
        (change_the_law, "its law is not what was saved"),
        (change_a_draw, "its law is not what was saved"),
        (change_a_number_to_text, 'its "error" is not what was saved'),
        (change_the_weights_to_text, 'its "weights" is not what was saved'),
        (drop_the_hashes, "hashes are missing"),
    ],
)
def test_parts_that_were_changed_are_refused_by_name(found, tmp_path, change, match):
    found.save(tmp_path / "law.json")
    record = json.loads((tmp_path / "law.json").read_text())
    change(record)
    (tmp_path / "law.json").write_text(json.dumps(record))
    with pytest.raises(DataError, match=match) as caught:
        Fit.load(tmp_path / "law.json")
    assert caught.value.mend


@pytest.mark.parametrize("path", [None, 3, ""])
def test_what_is_no_path_is_refused(found, path):
    for use in (Fit.load, found.save):
        with pytest.raises(InputError, match="no file called") as caught:
            use(path)
        assert "law.json" in caught.value.mend


def test_paths_that_lead_nowhere_are_refused(found, tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        Fit.load(tmp_path / "nowhere.json")
    with pytest.raises(DataError, match="cannot be written"):
        found.save(tmp_path / "no" / "folder.json")
