from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from planner.designing import design
from planner.designing.choosing import LEAST_RUNS, choose
from planner.designing.expecting import Expectation, score
from planner.designing.offers import Offers
from planner.designing.truths import weak_truths
from planner.errors import InfeasiblePlan, InputError
from planner.fitting import fit
from planner.fitting.terms import Data
from planner.laws import published

LAW = published("besiroglu-2024").law


def made(table: pd.DataFrame, seed: int = 1) -> pd.DataFrame:
    noise = np.exp(0.003 * np.random.default_rng(seed).standard_normal(len(table)))
    return table.assign(loss=LAW.loss(table["params"].to_numpy(), table["tokens"].to_numpy()) * noise)


def test_the_sweep_keeps_to_its_budget_and_uses_most_of_it():
    sweep = design(budget_flops=1e18, for_flops=1e22)
    assert 0.9e18 < sweep.flops <= 1e18
    assert (6 * sweep.table["params"] * sweep.table["tokens"]).to_numpy() == pytest.approx(
        sweep.table["flops"].to_numpy()
    )


def test_more_budget_never_tells_less():
    outlooks = [design(budget_flops=budget, for_flops=1e22).after for budget in np.geomspace(1e16, 1e20, 9)]
    assert (np.diff([outlook.loss for outlook in outlooks]) < 0).all()
    assert outlooks[-1].size < outlooks[0].size


def test_it_tells_more_than_random_runs_and_than_an_isoflop_grid_of_equal_cost():
    for budget in (1e17, 1e19):
        sweep = design(budget_flops=budget, for_flops=1e22)
        assert set(sweep.others) == {"Random runs", "An isoFLOP grid"}
        assert all(sweep.after.loss < other.loss for other in sweep.others.values())
        assert sweep.after.loss < sweep.before.loss


def test_the_runs_it_proposes_determine_the_law():
    found = fit(made(design(budget_flops=1e20, for_flops=1e23).table), draws=200)
    low, high = found.predict_interval(*LAW.optimum(1e23))
    assert low < LAW.loss(*LAW.optimum(1e23)) < high


def test_runs_that_were_made_are_not_bought_again():
    first = made(design(budget_flops=1e19, for_flops=1e22).table)
    fresh, following = design(budget_flops=1e19, for_flops=1e22), design(budget_flops=1e19, for_flops=1e22, runs=first)
    assert following.before.loss < fresh.before.loss / 3
    assert following.after.loss < fresh.after.loss


def test_it_chooses_among_the_candidates_that_are_given():
    rng = np.random.default_rng(0)
    candidates = pd.DataFrame({"params": 10 ** rng.uniform(7, 9, 40), "tokens": 10 ** rng.uniform(9, 10.5, 40)})
    costs = 6 * candidates["params"] * candidates["tokens"]
    sweep = design(budget_flops=0.1 * costs.sum(), for_flops=1e23, candidates=candidates)
    chosen = sweep.table["candidate"].to_numpy()
    assert len(set(chosen)) == len(chosen) >= LEAST_RUNS
    assert sweep.table["params"].to_numpy() == pytest.approx(candidates["params"].to_numpy()[chosen])
    assert sweep.flops <= 0.1 * costs.sum()


def test_enough_runs_to_fit_a_law_are_bought_before_large_ones():
    candidates = pd.DataFrame({"params": np.geomspace(1e7, 1e9, 12), "tokens": np.geomspace(1e9, 3e10, 12)})
    costs = (6 * candidates["params"] * candidates["tokens"]).sort_values()
    budget = float(costs.iloc[:LEAST_RUNS].sum() * 1.05)
    assert len(design(budget_flops=budget, for_flops=1e23, candidates=candidates).table) == LEAST_RUNS


def test_the_same_question_gets_the_same_answer():
    first, second = (design(budget_flops=1e18, for_flops=1e22) for _ in range(2))
    assert first.table.equals(second.table)
    assert str(first) == str(second)


def test_a_law_of_any_form_can_stand_behind_it():
    assert len(design(budget_flops=1e18, for_flops=1e21, law="kaplan-2020").table) >= LEAST_RUNS


def test_a_budget_that_tells_little_or_lies_far_off_is_a_finding():
    titles = [finding.title for finding in design(budget_flops=1e15, for_flops=1e24).findings]
    assert any("small for this target" in title for title in titles)
    assert not design(budget_flops=1e20, for_flops=1e21).findings


def test_questions_without_an_answer_are_refused():
    with pytest.raises(InputError, match="more than its target"):
        design(budget_flops=1e23, for_flops=1e22)
    with pytest.raises(InfeasiblePlan, match="do not pay"):
        design(budget_flops=1e9, for_flops=1e22)
    with pytest.raises(InfeasiblePlan, match="pay for none"):
        design(budget_flops=1e11, for_flops=1e22, candidates=pd.DataFrame({"params": [1e9], "tokens": [1e10]}))
    with pytest.raises(InputError, match="law and runs"):
        design(
            budget_flops=1e18,
            for_flops=1e22,
            law="hoffmann-2022",
            runs=made(pd.DataFrame({"params": [1e8], "tokens": [1e9]})),
        )


def expectation(seed: int = 0) -> tuple[Expectation, Offers]:
    rng = np.random.default_rng(seed)
    params, tokens = 10 ** rng.uniform(7, 9, 30), 10 ** rng.uniform(9, 10.5, 30)
    truths = weak_truths("besiroglu-2024", Data.of(params, tokens, np.ones(30)))
    return Expectation.of(truths, params, tokens, 1e22), Offers(params, tokens, 6 * params * tokens)


def test_one_more_run_changes_the_variances_as_if_it_had_been_chosen():
    expected, _ = expectation()
    chosen = [0, 3, 7, 11, 12, 20, 25]
    ahead = expected.with_one_more(chosen)
    for run in (1, 2, 29):
        assert ahead[:, run] == pytest.approx(expected.variances([*chosen, run]))


def test_the_slopes_of_the_best_size_are_those_of_finite_steps():
    data = Data.of(np.array([1e8, 1e9]), np.array([1e10, 1e11]), np.ones(2))
    truths, flops, step = weak_truths("besiroglu-2024", data), np.array([1e22]), 1e-5
    for unknown in range(6):
        up, down = (
            replace(truths, theta=truths.theta + sign * step * np.eye(6)[unknown]).best(flops)[:, 0] for sign in (1, -1)
        )
        assert truths.best_slopes(1e22)[:, unknown] == pytest.approx((up - down) / (2 * step), abs=1e-6)


def test_the_median_candidate_is_of_the_best_size_where_no_law_is_given():
    _, offers = expectation()
    data = Data.of(offers.params, offers.tokens, np.ones(30))
    moved = weak_truths("besiroglu-2024", data).moved_to(offers)
    assert np.median(np.log(offers.params) - moved.best(offers.flops), axis=1) == pytest.approx(0, abs=1e-9)


def test_a_choice_beats_all_but_few_random_ones_of_its_cost():
    expected, offers = expectation()
    budget = 0.2 * offers.flops.sum()
    chosen, rng = choose(expected, [], offers.flops, budget), np.random.default_rng(0)
    beaten = 0
    for _ in range(100):
        order = rng.permutation(30)
        bought = list(order[np.cumsum(offers.flops[order]) <= budget])
        beaten += bool(score(expected.variances(chosen)) < score(expected.variances(bought)))
    assert offers.flops[chosen].sum() <= budget
    assert beaten >= 98
