"""The open scenarios: what fair experts would accept, which warnings must be raised, which numbers must hold."""

import pytest

from planner import Cluster, advise
from planner.advising import UseCase
from planner.advising.rules import flags
from planner.laws import FLOPS_PER_PARAM_TOKEN, published

TODAY = "2026-11-20"
CLOSE = ("A04", "A06", "P25", "S07", "S14", "S17", "S32")
"""Cases near an edge of budget or data, of which the advice must say that it is a close call."""


@pytest.fixture(scope="module")
def scenarios(shared):
    import yaml

    found = yaml.safe_load((shared / "advice" / "scenarios.yaml").read_text(encoding="utf-8"))["scenarios"]
    return {entry["id"]: entry for entry in found}


def case_of(scenario):
    return UseCase.from_dict({"as_of": TODAY, **scenario["inputs"]})


def failures(assessed, expect):
    parts = assessed.choice.components
    found = {
        "headline": parts[0] not in expect["headline"],
        "include": bool(set(expect.get("include", ())) - set(parts)),
        "exclude": bool(set(expect.get("exclude", ())) & set(parts)),
        "flags": bool(set(expect.get("flags", ())) - set(flags(assessed.view, assessed.choice))),
    }
    return [name for name, wrong in found.items() if wrong]


def test_all_open_scenarios_are_answered_as_expected(scenarios, assess):
    wrong = {name: failures(assess(case_of(entry)), entry["expect"]) for name, entry in scenarios.items()}
    assert len(scenarios) == 65
    assert not {name: found for name, found in wrong.items() if found}


@pytest.mark.parametrize("name", CLOSE)
def test_cases_near_an_edge_are_called_close(name, scenarios):
    assert advise(case_of(scenarios[name])).confidence_text.startswith("Close call")


def test_clear_cases_are_not_called_close(scenarios):
    for name in ("S16", "S28", "A20", "S23"):
        assert not advise(case_of(scenarios[name])).close_call


# The numbers that the scenarios ask for.


@pytest.mark.parametrize(("name", "tokens", "most_usd"), [("S01", 13e3, 5), ("S02", 1.3e6, 300)])
def test_tuning_8b_on_so_many_words_costs_little_compute(name, tokens, most_usd, scenarios, contract):
    """S01 and S02: three passes over 10,000 and 1,000,000 words; the whole tuning programme stays below it, too."""
    assert contract.usd(FLOPS_PER_PARAM_TOKEN * 8e9 * 3 * tokens) < most_usd
    tune = next(option for option in advise(case_of(scenarios[name])).ranking if option.option == "ft")
    assert tune.compute_usd < most_usd
    assert tune.one_off_usd == pytest.approx(tune.compute_usd + tune.labels_usd + tune.setup_usd, rel=0.05)


def test_bloomberggpt_has_11_tokens_per_parameter_where_a_law_asks_for_20():
    """S14: 569B tokens on 50.6B parameters (arXiv 2303.17564)."""
    params, tokens = published("besiroglu-2024").law.optimum(FLOPS_PER_PARAM_TOKEN * 50.6e9 * 569e9)
    assert round(569e9 / 50.6e9, 1) == 11.2
    assert tokens / params == pytest.approx(20, rel=0.25)


def test_scratch_and_adaptation_were_within_a_twentieth_of_a_nat_in_2022(scenarios, assess):
    then = assess(case_of(scenarios["S14"]))
    scratch = then.landscape.scratch_loss(then.run_flops, then.case.n_serve_max)[0]
    adapted = then.landscape.adapted_losses(then.adaptation_flops).min(axis=0)[0]
    assert abs(scratch - adapted) < 0.05


def test_the_break_even_of_today_is_more_than_three_times_the_budget(scenarios):
    advice = advise(case_of(scenarios["S15"]))
    assert advice.break_even[0].programme_usd > 3 * advice.case.budget_usd


def test_the_published_cost_of_gpt_3_is_reproduced():
    """S27: 3.14e23 FLOPs at 28 TFLOP/s on V100s at $1.50 an hour: 355 GPU-years and $4.6M to $4.7M."""
    flops = FLOPS_PER_PARAM_TOKEN * 175e9 * 300e9
    hours = flops / 28e12 / 3600
    assert hours / 8766 == pytest.approx(355, rel=0.01)
    rented = Cluster.parse("1000x v100").at(utilisation=28 / 125, price=1.5)
    assert rented.usd(flops) == pytest.approx(1.5 * hours, rel=1e-3)
    assert 4.6e6 <= rented.usd(flops) <= 4.75e6


def test_what_that_money_buys_is_no_better_than_free_models(scenarios, assess):
    """A free 8B model beats GPT-3 as it was trained under Hoffmann's law, ties with it under the refit (0.015 nats);
    the best free model of that serving size beats whatever the money buys today."""
    hoffmann, refit = published("hoffmann-2022").law, published("besiroglu-2024").law
    assert hoffmann.loss(8.03e9, 15e12) <= hoffmann.loss(175e9, 300e9)
    assert refit.loss(8.03e9, 15e12) <= refit.loss(175e9, 300e9) + 0.015
    found = assess(case_of(scenarios["S27"]))
    bought = found.landscape.scratch_loss(found.run_flops, found.case.n_serve_max)[0]
    assert found.landscape.untuned_losses().min() < bought - 0.03
