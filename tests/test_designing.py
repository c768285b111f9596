import numpy as np
import pandas as pd
import pytest

from planner.designing import design
from planner.designing.choosing import LEAST_RUNS
from planner.errors import InfeasiblePlan, InputError
from planner.fitting import fit
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
