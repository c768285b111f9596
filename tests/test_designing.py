import numpy as np
import pytest

from planner.designing import design
from planner.errors import InfeasiblePlan, InputError
from planner.fitting import fit
from planner.laws import published


def test_the_sweep_spends_its_budget_exactly():
    sweep = design(budget_flops=1e18, for_flops=1e22)
    assert sweep.table["flops"].sum() == pytest.approx(1e18)
    assert (6 * sweep.table["params"] * sweep.table["tokens"]).to_numpy() == pytest.approx(
        sweep.table["flops"].to_numpy()
    )


def test_more_budget_reaches_nearer_to_the_target():
    assert design(budget_flops=1e20, for_flops=1e22).decades < design(budget_flops=1e18, for_flops=1e22).decades


def test_the_runs_it_proposes_determine_the_law():
    law, rng = published("besiroglu-2024").law, np.random.default_rng(1)
    table = design(budget_flops=1e20, for_flops=1e23).table
    loss = law.loss(table["params"], table["tokens"]) * np.exp(0.003 * rng.standard_normal(len(table)))
    found = fit(table.assign(loss=loss), draws=200)
    low, high = found.predict_interval(*law.optimum(1e23))
    assert low < law.loss(*law.optimum(1e23)) < high


def test_a_sweep_dearer_than_its_target_or_too_poor_is_refused():
    with pytest.raises(InputError, match="more than its target"):
        design(budget_flops=1e23, for_flops=1e22)
    with pytest.raises(InfeasiblePlan, match="do not pay"):
        design(budget_flops=1e11, for_flops=1e22)
