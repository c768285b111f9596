"""The catalogue: what could be started from, and the traps in published lists of open models."""

from datetime import date

import pytest

from planner.advising import UseCase, starting_points
from planner.advising.bases import adaptable, base_of, catalogue
from planner.advising.waiting import Device, devices
from planner.catalog import records
from planner.errors import InputError, UnknownName

NEWEST = "2026-11-20"


def names(**asked):
    return [base.name for base in starting_points(**{"as_of": NEWEST, **asked}).bases]


def test_date_licence_and_size_are_kept():
    found = starting_points(as_of="2024-10-01", licence="apache-2.0", most_params="9B")
    assert "qwen2.5-7b" in [base.name for base in found.bases]
    for base in found.bases:
        assert base.release <= date(2024, 10, 1)
        assert base.licence == "Apache-2.0"
        assert base.params <= 9e9


def test_later_dates_and_weaker_rules_only_add_models():
    assert set(names(as_of="2023-07-01")) < set(names(as_of="2024-07-01")) < set(names())
    assert set(names(licence="open_data")) < set(names(licence="commercial")) < set(names(licence="any"))
    assert set(names(licence="permissive")) < set(names(licence="commercial"))
    assert set(names(most_params="9B")) < set(names(most_params="80B"))


def test_the_best_read_large_models_come_first():
    assert names(as_of="2022-06-01")[0] == "gpt-neox-20b"
    assert names(as_of="2024-08-01", most_params="9B")[0] == "llama-3.1-8b"


def test_one_member_of_a_free_family_is_for_research_only():
    assert "qwen2.5-3b" not in names()
    assert {"qwen2.5-1.5b", "qwen2.5-7b"} <= set(names())
    assert "qwen2.5-3b" in names(licence="any")
    research = UseCase(goal="public_good", n_serve_max=3.2e9, as_of="2024-10-01")
    assert "qwen2.5-3b" in {base.name for base in adaptable(research)}
    assert "qwen2.5-3b" not in {base.name for base in adaptable(UseCase(n_serve_max=3.2e9, as_of="2024-10-01"))}


def test_a_slip_of_units_is_not_repeated():
    """One public list has DeepSeek-V4-Flash at 284 million parameters; it has 284 billion, 13 of them active."""
    base = base_of("deepseek-v4-flash")
    assert (base.params, base.active_params) == (284e9, 13e9)
    assert all(base.params >= 1e8 for base in catalogue())
    assert all(base.active_params <= base.params for base in catalogue())
    assert all(base.tokens is None or base.tokens >= 2 * base.active_params for base in catalogue())


def test_a_release_is_that_of_the_weights_not_of_a_later_variant():
    """The card of Llama 3.2 prints the date of the quantised release, 24 October 2024."""
    assert base_of("llama-3.2-1b").release == base_of("llama-3.2-3b").release == date(2024, 9, 25)
    assert "llama-3.2-1b" in names(as_of="2024-09-25", most_params="2B")


def test_models_without_an_untuned_release_are_marked():
    assert not base_of("gpt-oss-20b").untuned
    found = starting_points(as_of=NEWEST, most_params="22B")
    assert "tuned only" in next(row.note for row in found.rows() if row.key == "gpt-oss-20b")
    assert any("only as tuned to chat" in finding.title for finding in found.findings)


def test_bounds_and_hidden_amounts_of_text_are_marked():
    assert base_of("llama-3.1-8b").tokens_bound == "at least"
    assert base_of("qwen2.5-7b").tokens_bound == "at most"
    assert base_of("mistral-7b-v0.1").tokens is None
    assert all((base.tokens is None) == (base.tokens_bound == "") for base in catalogue())


def test_distilled_models_are_marked():
    """A distilled model is better than its size and tokens predict."""
    assert {base.name for base in catalogue() if base.distilled} >= {"llama-3.2-1b", "gemma-2-2b", "qwen3-0.6b"}
    assert not base_of("llama-3.1-8b").distilled


def test_continued_pretraining_starts_from_an_untuned_model(assess):
    case = UseCase(domain_gap="nonstandard", unlabeled_tokens=1e11, n_serve_max=51e9, as_of=NEWEST)
    found = assess(case)
    assert not found.landscape.best_base(found.adaptation_flops).untuned
    assert found.landscape.best_start(found.adaptation_flops).untuned


def test_models_that_were_never_released_are_no_starting_point():
    assert "bloomberggpt" in {row["name"] for row in records("models")}
    assert "bloomberggpt" not in names(licence="any")


def test_other_kinds_of_data_have_their_own_models():
    assert names(modality="dna") == ["evo-2-40b"]
    assert not set(names(modality="protein")) & set(names())


def test_the_answer_is_drawn():
    found = starting_points(as_of=NEWEST, most_params="4B", licence="permissive")
    assert found.title in str(found)
    assert found.to_dict()["models"][0]["licence"] == "Apache-2.0"
    assert len(found.to_frame()) == len(found.bases)


@pytest.mark.parametrize(
    ("asked", "error", "match"),
    [
        ({"as_of": "2019-01-01"}, InputError, "before the first open model"),
        ({"licence": "apache2"}, UnknownName, "Apache-2.0"),
        ({"modality": "video"}, UnknownName, "modality"),
        ({"most_params": "big"}, InputError, "most_params"),
    ],
)
def test_what_is_not_understood_is_refused(asked, error, match):
    with pytest.raises(error, match=match):
        starting_points(**asked)


# How fast they answer.


@pytest.mark.parametrize(("params", "tokens_per_second"), [(1e9, 109), (3e9, 36), (8e9, 14)])
def test_small_models_run_on_a_phone(params, tokens_per_second):
    """60 GB/s of memory bandwidth over 0.55 bytes per parameter."""
    assert Device.of("phone").tokens_per_second(params) == pytest.approx(tokens_per_second, abs=0.5)


def test_a_model_of_100b_runs_on_no_phone_laptop_or_desktop():
    speeds = {device.name: device.tokens_per_second(100e9) for device in devices()}
    assert speeds.pop("server-gpu") > 0
    assert not any(speeds.values())


def test_an_unknown_device_is_refused():
    with pytest.raises(UnknownName, match="phone"):
        Device.of("fone")
