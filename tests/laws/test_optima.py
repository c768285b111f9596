"""The optimum under any cost of a token, against brute force."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.errors import InputError
from planner.laws import Coupled, DataConstrained, Farseer, optimum_under, published, valley
from planner.transformer import ladder_flops_per_token

BESIROGLU = published("besiroglu-2024").law
LAWS = {
    "additive": BESIROGLU,
    "kaplan": published("kaplan-2020").law,
    "coupled": Coupled(E=1.0, A=3e3, B=2e4, alpha=0.41, beta=0.43, k=0.45),
    "farseer": Farseer(s=-0.02, q=0.17, S=0.9, B=20.0, b=-0.1, Q=3.9, A=-0.02, a=0.12, E=-0.9),
    "data-constrained": DataConstrained(law=BESIROGLU, unique_tokens=2e10, R_D=15.4, R_N=5.3),
}
every_law = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
log_flops = st.floats(min_value=16, max_value=27)


@every_law
@given(log=log_flops)
@settings(max_examples=20)
def test_six_flops_per_parameter_give_the_laws_own_optimum(law, log):
    own = law.optimum(10**log)
    assert optimum_under(law, 10**log, lambda params: 6 * params) == pytest.approx(own, rel=1e-5)


@every_law
@given(log=log_flops, context=st.sampled_from([512, 4096, 131072]))
@settings(max_examples=20)
def test_with_attention_it_spends_the_budget_and_brute_force_finds_nothing_better(law, log, context):
    flops, flops_per_token = 10**log, partial(ladder_flops_per_token, context=context)
    params, tokens = optimum_under(law, flops, flops_per_token)
    assert flops_per_token(params) * tokens == pytest.approx(flops)
    others = params * np.exp(np.linspace(-1, 1, 2001))
    assert law.loss(params, tokens) <= law.loss(others, flops / flops_per_token(others)).min() * (1 + 1e-9)


@given(log=log_flops, factor=st.floats(min_value=0.5, max_value=3))
def test_dearer_tokens_are_a_smaller_budget(log, factor):
    dear = optimum_under(BESIROGLU, 10**log, lambda params: 6 * factor * params)
    assert dear == pytest.approx(BESIROGLU.optimum(10**log / factor), rel=1e-5)


def test_budgets_and_draws_broadcast():
    ensemble, flops = published("besiroglu-2024").ensemble, np.array([[1e20], [1e22], [1e24]])
    params, tokens = optimum_under(ensemble, flops, partial(ladder_flops_per_token, context=4096))
    assert params.shape == tokens.shape == (3, 1000)
    alone, _ = optimum_under(BESIROGLU, 1e22, partial(ladder_flops_per_token, context=4096))
    assert np.median(params[1]) == pytest.approx(alone, rel=0.05)


@every_law
@given(log=log_flops)
@settings(max_examples=20)
def test_the_valley_holds_the_optimum_between_sizes_half_a_percent_worse(law, log):
    flops, (best, tokens) = 10**log, law.optimum(10**log)
    low, high = valley(law, flops)
    assert low < best < high
    for edge in (low, high):
        assert law.loss(edge, flops / (6 * edge)) == pytest.approx(1.005 * law.loss(best, tokens), rel=1e-6)


@pytest.mark.parametrize("cost", [6e9, lambda n: -6 * n, lambda n: n * np.nan, lambda n: 0 * n])
def test_a_cost_per_token_that_is_none_is_refused(cost):
    with pytest.raises(InputError, match="flops_per_token"):
        optimum_under(published("besiroglu-2024").law, 1e22, cost)
