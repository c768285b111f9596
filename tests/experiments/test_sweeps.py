from __future__ import annotations

import json
import tomllib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest

from experiments.config import NEAR_ENOUGH, Shape, chains
from experiments.sweeps import READY, load_sweep, sweep_of
from planner.designing import design
from planner.errors import InputError, UnknownName

if TYPE_CHECKING:
    from pathlib import Path

    from experiments.config import Sweep


@pytest.fixture
def settings(tiny_file: Path) -> dict[str, Any]:
    return {"name": "tiny", **tomllib.loads(tiny_file.read_text())}


@pytest.mark.parametrize("name", READY)
def test_every_ready_made_sweep_loads_and_survives_json(name: str) -> None:
    sweep = load_sweep(name)
    assert sweep.name == name
    assert sweep_of(json.loads(json.dumps(asdict(sweep)))) == sweep


def width_of(sweep: Sweep, vocabulary: int) -> float:
    """The largest number of parameters over the smallest."""
    params = [size.shape(vocabulary).params for size in sweep.sizes]
    return max(params) / min(params)


def test_the_cpu_sweep_is_wide_enough_for_a_law() -> None:
    sweep = load_sweep("cpu")
    assert len(sweep.sizes) >= 6
    assert len(sweep.configs(256)) >= 20
    assert width_of(sweep, 256) >= 60
    assert all(len(size.tokens) >= 3 for size in sweep.sizes)


@pytest.mark.parametrize("vocabulary", [4096, 8192])
def test_the_gpu_sweep_spends_what_its_file_says(vocabulary: int) -> None:
    sweep = load_sweep("gpu")
    assert width_of(sweep, vocabulary) >= 100
    assert all(len(size.tokens) >= 3 for size in sweep.sizes)
    assert 3e17 < sum(leg.flops for chain in chains(sweep, vocabulary) for leg in chain) < 4e17
    assert min(config.steps for config in sweep.configs(vocabulary)) >= 250


def test_toml_and_json_say_the_same(tmp_path: Path, tiny_file: Path, settings: dict[str, Any]) -> None:
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(settings))
    assert load_sweep(str(path)) == load_sweep(str(tiny_file))


def test_token_counts_are_whole_steps_and_may_differ_by_size(settings: dict[str, Any]) -> None:
    settings["sizes"][1]["tokens"] = ["5k"]
    sweep = sweep_of(settings)
    assert [size.tokens for size in sweep.sizes] == [(4096, 8192, 16384), (4992,)]
    assert len(sweep.configs(256)) == 4


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
        ({"sizes": [{"params": 1e5, "width": 16}]}, "as well as"),
        ({"sizes": [{"params": 0}]}, "positive"),
        ({"sizes": ["2x32"]}, "A size is"),
        ({"batch": 2.5}, "whole number"),
        ({"decay_share": 1}, "decay_share"),
        ({"learning_rate": -1}, "positive"),
        ({"warmup_steps": None}, "nothing about warmup_steps"),
        ({"warmup_steps": "few"}, "not understood"),
        ({"warmup_steps": 27}, "32 steps, of which the last 6 decay, and its rate rises for 27"),
        ({"decay_share": 0.999}, "32 steps, of which the last 32 decay"),
        ({"evaluation_windows": 1}, "too few to measure"),
        ({"seeds": [99999999999999999999]}, "whole number up to 9,007,199,254,740,992"),
    ],
)
def test_a_setting_that_makes_no_sense_is_an_error(settings: dict[str, Any], change: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        sweep_of(settings | change)


def test_a_rate_may_rise_up_to_the_decay(settings: dict[str, Any]) -> None:
    (config, *_) = sweep_of(settings | {"warmup_steps": 26}).configs(256)
    assert config.warmup_steps == config.branch_step
    assert config.rate(config.branch_step - 1) == config.rate(config.branch_step) == config.learning_rate


def test_a_forgotten_setting_is_named(settings: dict[str, Any]) -> None:
    del settings["batch"]
    with pytest.raises(InputError, match="nothing about batch"):
        sweep_of(settings)


def test_a_misspelt_setting_brings_a_suggestion(settings: dict[str, Any]) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'batch'"):
        sweep_of(settings | {"bacth": 3})
    with pytest.raises(UnknownName, match="Did you mean 'width'"):
        sweep_of(settings | {"sizes": [{"layers": 1, "widht": 16}]})


def test_a_size_may_differ_in_everything_but_the_share_that_decays(settings: dict[str, Any]) -> None:
    settings["sizes"][1] |= {"batch": 8, "learning_rate": 0.01, "warmup_steps": 3, "tokens": ["8192"]}
    configs = sweep_of(settings).configs(256)
    assert [(config.batch, config.learning_rate, config.warmup_steps) for config in configs] == [
        *[(4, 0.02, 5)] * 3,
        (8, 0.01, 3),
    ]
    assert len(chains(sweep_of(settings), 256)) == 2


@pytest.mark.parametrize("vocabulary", [256, 8192])
@pytest.mark.parametrize("params", [3e5, 1e6, 3e6, 1e7, 1e8, 1e9])
def test_a_shape_has_about_the_parameters_asked_for_and_a_usual_depth(params: float, vocabulary: int) -> None:
    shape = Shape.near(params, context=128, vocabulary=vocabulary)
    assert abs(shape.params / params - 1) < 0.05 <= NEAR_ENOUGH
    assert 1 / 3 < shape.layers / (2 + shape.width / 64) < 3
    assert shape.width % (2 * shape.heads) == 0


def test_a_vocabulary_may_leave_no_room_for_so_few_parameters() -> None:
    with pytest.raises(InputError, match=r"No model of 10\.0K params is proposed for a vocabulary of 8,192"):
        Shape.near(1e4, context=128, vocabulary=8192)


@pytest.mark.parametrize("suffix", [".csv", ".json"])
def test_a_designed_table_is_a_sweep_of_its_runs(tmp_path: Path, suffix: str) -> None:
    table = design(budget_flops=3e14, for_flops=1e18).table
    path = tmp_path / f"design{suffix}"
    if suffix == ".csv":
        table.to_csv(path, index=False)
    else:
        table.to_json(path, orient="records")
    configs = load_sweep(str(path)).configs(256)
    assert len(configs) == len(table)
    assert len({config.shape.context for config in configs}) == 1
    assert sum(config.flops for config in configs) == pytest.approx(3e14, rel=0.03)
    wanted = sorted(zip(table["params"], table["tokens"], strict=True))
    for (params, tokens), config in zip(wanted, configs, strict=True):
        assert config.shape.params == pytest.approx(params, rel=NEAR_ENOUGH)
        assert config.tokens == pytest.approx(tokens, rel=0.01)
        assert config.steps >= 200


def test_equal_sizes_of_a_table_share_a_trunk(tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text("tokens,params,note\n1M,50k,a\n2M,50k,b\n1M,100k,c\n")
    sweep = load_sweep(str(tmp_path / "runs.csv"))
    assert sorted(len(chain) for chain in chains(sweep, 256)) == [1, 2]


def test_rows_that_say_the_same_are_counted_in_the_title(tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text("params,tokens\n50k,1M\n50000,1M\n50k,2M\n")
    sweep = load_sweep(str(tmp_path / "runs.csv"))
    assert sweep.title == "A table of 3 rows, 2 of them different"
    assert len(sweep.configs(256)) == 2


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", "", "table of runs is empty"),
        ("a.json", "[]", "table of runs is empty"),
        ("a.csv", "params\n1e6\n", "Row 1 of the table of runs has no tokens"),
        ("a.json", "[5]", "Row 1 of the table of runs has no params and no tokens"),
        ("a.csv", "params,tokens\n1e6,1e6\n1e6,0\n", "Row 2 of the table of runs: tokens must be positive"),
        ("a.csv", "params,tokens\n1e6,\n", "Row 1 of the table of runs: tokens"),
        ("a.csv", "params,tokens\n1e6,many\n", "Row 1 of the table of runs: tokens"),
        ("a.json", '"text"', "no table of settings"),
        ("a.toml", "tokens = 1\n\x00", "no readable sweep file"),
    ],
)
def test_a_table_that_makes_no_sense_is_an_error(tmp_path: Path, name: str, content: str, says: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=says):
        load_sweep(str(tmp_path / name))
