from __future__ import annotations

import json
import tomllib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest

from experiments.sweeps import READY, load_sweep, sweep_of
from planner.errors import InputError, UnknownName

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def settings(tiny_file: Path) -> dict[str, Any]:
    return {"name": "tiny", **tomllib.loads(tiny_file.read_text())}


@pytest.mark.parametrize("name", READY)
def test_every_ready_made_sweep_loads_and_survives_json(name: str) -> None:
    sweep = load_sweep(name)
    assert sweep.name == name
    assert sweep_of(json.loads(json.dumps(asdict(sweep)))) == sweep


def test_the_cpu_sweep_is_wide_enough_for_a_law() -> None:
    sweep = load_sweep("cpu")
    params = [size.shape.params for size in sweep.sizes]
    assert len(params) >= 5
    assert max(params) / min(params) >= 30
    assert all(len(size.tokens) >= 3 for size in sweep.sizes)


def test_toml_and_json_say_the_same(tmp_path: Path, tiny_file: Path, settings: dict[str, Any]) -> None:
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(settings))
    assert load_sweep(str(path)) == load_sweep(str(tiny_file))


def test_token_counts_are_whole_steps_and_may_differ_by_size(settings: dict[str, Any]) -> None:
    settings["sizes"][1]["tokens"] = ["5k"]
    sweep = sweep_of(settings)
    assert [size.tokens for size in sweep.sizes] == [(4096, 8192, 16384), (4992,)]
    assert len(sweep.configs()) == 4


def test_an_unknown_sweep_brings_a_suggestion() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'smoke'"):
        load_sweep("smok")


def test_a_missing_sweep_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no sweep file"):
        load_sweep(str(tmp_path / "none.toml"))


def test_a_file_that_is_no_toml_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text("tokens = [")
    with pytest.raises(InputError, match="no readable sweep file"):
        load_sweep(str(path))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"tokens": [0]}, "positive"),
        ({"tokens": []}, "at least one"),
        ({"tokens": ["some"]}, "not understood"),
        ({"tokens": [128]}, "1 steps"),
        ({"tokens": [4096, 4100]}, "twice in tokens"),
        ({"seeds": [0, 0]}, "twice in seeds"),
        ({"sizes": [{"layers": 1, "width": 16}] * 2}, "twice in sizes"),
        ({"sizes": [{"layers": 1}]}, "nothing about width"),
        ({"sizes": [{"layers": 1, "width": 15}]}, "even width"),
        ({"sizes": ["2x32"]}, "A size is"),
        ({"batch": 2.5}, "whole number"),
        ({"decay_share": 1}, "decay_share"),
        ({"learning_rate": -1}, "positive"),
        ({"warmup_steps": None}, "no number"),
    ],
)
def test_a_setting_that_makes_no_sense_is_an_error(settings: dict[str, Any], change: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        sweep_of(settings | change)


def test_a_forgotten_setting_is_named(settings: dict[str, Any]) -> None:
    del settings["batch"]
    with pytest.raises(InputError, match="nothing about batch"):
        sweep_of(settings)


def test_a_misspelt_setting_brings_a_suggestion(settings: dict[str, Any]) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'batch'"):
        sweep_of(settings | {"bacth": 3})
    with pytest.raises(UnknownName, match="Did you mean 'width'"):
        sweep_of(settings | {"sizes": [{"layers": 1, "widht": 16}]})
