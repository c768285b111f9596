"""What every form of law must keep, and what tells them apart."""

from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.catalog import records
from planner.laws import Additive, Coupled, DataConstrained, Farseer, kaplan_allocation, published

BESIROGLU = published("besiroglu-2024").law
COUPLED = Coupled(E=1.0, A=3e3, B=2e4, alpha=0.41, beta=0.43, k=0.45)
FARSEER = Farseer(s=-0.02, q=0.17, S=0.9, B=20.0, b=-0.1, Q=3.9, A=-0.02, a=0.12, E=-0.9)
POWERS = {
    **{row["name"]: published(row["name"]).law for row in records("laws")},
    "coupled": COUPLED,
    "coupled, k = 0.1": Coupled(E=1.0, A=1e30, B=1e35, alpha=3.4, beta=3.6, k=0.1),
    "coupled, k = 3": Coupled(E=1.5, A=5.0, B=9.0, alpha=0.1, beta=0.12, k=3.0),
}
LAWS = {
    **POWERS,
    "farseer": FARSEER,
    "data-constrained": DataConstrained(law=BESIROGLU, unique_tokens=2e10, R_D=15.4, R_N=5.3),
    "data-constrained, coupled": DataConstrained(law=COUPLED, unique_tokens=2e10, R_D=15.4, R_N=5.3),
}
every_law = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
log_flops = st.floats(min_value=16, max_value=26)
log_params, log_tokens = st.floats(min_value=6, max_value=11), st.floats(min_value=8, max_value=13)


def varied(law: Any, by: float) -> Any:
    """`law` with every coefficient multiplied by `by`."""
    if is_dataclass(law) and not isinstance(law, type):
        return type(law)(**{field.name: varied(getattr(law, field.name), by) for field in fields(law)})
    return law * by


def ensemble_of(members: list[Any]) -> Any:
    """The same class with arrays for coefficients."""
    first = members[0]
    if is_dataclass(first) and not isinstance(first, type):
        names = [field.name for field in fields(first)]
        return type(first)(**{name: ensemble_of([getattr(member, name) for member in members]) for name in names})
    return np.array(members)


@every_law
@given(log=log_flops, nudge=st.floats(min_value=-0.7, max_value=0.7))
@settings(max_examples=40)
def test_the_optimum_spends_the_budget_and_no_neighbour_beats_it(law, log, nudge):
    flops = 10**log
    params, tokens = law.optimum(flops)
    assert 6 * params * tokens == pytest.approx(flops)
    other = params * np.exp(nudge)
    assert law.loss(other, flops / (6 * other)) >= law.loss(params, tokens) * (1 - 1e-9)


@every_law
@given(log_params=log_params, log_tokens=log_tokens)
@settings(max_examples=40)
def test_more_tokens_never_hurt_and_no_loss_is_below_the_floor(law, log_params, log_tokens):
    params, tokens = 10**log_params, 10**log_tokens
    loss = law.loss(params, tokens)
    assert law.floor() <= law.loss(params, 2 * tokens) <= loss


@pytest.mark.parametrize("law", POWERS.values(), ids=POWERS)
@given(log_params=log_params, log_tokens=log_tokens)
@settings(max_examples=40)
def test_more_of_both_helps(law, log_params, log_tokens):
    params, tokens = 10**log_params, 10**log_tokens
    assert law.loss(2 * params, tokens) <= law.loss(params, tokens)
    assert law.loss(2 * params, 2 * tokens) < law.loss(params, tokens)


@every_law
@given(log_params=log_params, share=st.floats(min_value=0.01, max_value=0.99))
@settings(max_examples=40)
def test_the_tokens_for_a_loss_reach_it(law, log_params, share):
    params = 10**log_params
    poor, rich = law.loss(params, 1e8), law.loss(params, 1e13)
    loss = rich + share * (poor - rich)
    assert law.loss(params, law.tokens_for(loss, params)) == pytest.approx(loss, rel=1e-9)


@every_law
def test_no_tokens_reach_what_the_parameters_cannot(law):
    assert law.tokens_for(law.loss(1e8, 1e300) * 0.99, 1e8) == np.inf
    assert law.tokens_for(law.floor() * 0.99, 1e12) == np.inf


@pytest.mark.parametrize("law", POWERS.values(), ids=POWERS)
def test_endless_compute_approaches_the_floor(law):
    assert law.loss(1e300, 1e300) == pytest.approx(law.floor(), rel=1e-3, abs=1e-3)


@every_law
def test_an_ensemble_gives_what_its_members_give(law):
    members = [varied(law, by) for by in (0.99, 1.0, 1.01)]
    ensemble = ensemble_of(members)
    params, tokens = np.array([[1e8], [1e9], [1e10], [1e11]]), 5e11
    together = ensemble.loss(params, tokens)
    assert together.shape == (4, 3)
    assert together == pytest.approx(np.stack([member.loss(params[:, 0], tokens) for member in members], axis=1))
    flops = np.array([[1e20], [1e22]])
    apart = np.array([member.optimum(flops[:, 0]) for member in members])
    assert np.array(ensemble.optimum(flops)) == pytest.approx(apart.transpose(1, 2, 0), rel=1e-5)
    assert ensemble.floor() == pytest.approx([member.floor() for member in members])
    target = float(law.loss(1e10, 1e11))
    needed = ensemble.tokens_for(target, 1e10)
    assert needed == pytest.approx([member.tokens_for(target, 1e10) for member in members])


@given(log_params=log_params, log_tokens=log_tokens, log=log_flops)
def test_a_coupled_law_with_k_of_one_is_additive(log_params, log_tokens, log):
    one = Coupled(E=BESIROGLU.E, A=BESIROGLU.A, B=BESIROGLU.B, alpha=BESIROGLU.alpha, beta=BESIROGLU.beta, k=1.0)
    params, tokens = 10**log_params, 10**log_tokens
    loss = BESIROGLU.loss(params, tokens)
    assert one.loss(params, tokens) == pytest.approx(loss)
    assert one.optimum(10**log) == pytest.approx(BESIROGLU.optimum(10**log))
    assert one.tokens_for(loss, params) == pytest.approx(tokens, rel=1e-6)
    assert one.floor() == BESIROGLU.floor()


@given(k=st.floats(min_value=0.1, max_value=3), log=log_flops)
def test_the_coupling_does_not_move_the_optimum(k, log):
    """Videau et al. 2026: x^k grows with x, so the inner terms alone decide."""
    law = Coupled(E=1.0, A=406.4, B=410.7, alpha=0.34, beta=0.28, k=k)
    assert law.optimum(10**log) == pytest.approx(
        Additive(E=0.0, A=406.4, B=410.7, alpha=0.34, beta=0.28).optimum(10**log)
    )


def test_below_one_the_coupling_makes_parameters_and_tokens_help_each_other():
    """Videau et al. 2026: the mixed derivative is negative for k < 1, zero at 1 and positive above."""
    for k, sign in ((0.45, -1), (1.0, 0), (1.6, 1)):
        law = Coupled(E=1.0, A=300.0, B=2000.0, alpha=0.35, beta=0.37, k=k)
        mixed = law.loss(2e9, 4e10) - law.loss(2e9, 2e10) - law.loss(1e9, 4e10) + law.loss(1e9, 2e10)
        assert np.sign(np.round(mixed, 9)) == sign


@pytest.mark.parametrize("k", [0.1, 0.3, 3.0])
def test_the_coupled_law_survives_terms_of_any_size(k):
    """The terms of Besiroglu's law under the exponent 1/k: alone, each gives the loss that it gave there."""
    law = Coupled(
        E=1.8,
        A=BESIROGLU.A ** (1 / k),
        B=BESIROGLU.B ** (1 / k),
        alpha=BESIROGLU.alpha / k,
        beta=BESIROGLU.beta / k,
        k=k,
    )
    assert law.loss(1e9, 1e300) == pytest.approx(1.8 + BESIROGLU.A * 1e9**-BESIROGLU.alpha)
    assert law.loss(1e300, 1e11) == pytest.approx(1.8 + BESIROGLU.B * 1e11**-BESIROGLU.beta)
    assert law.tokens_for(law.loss(1e9, 1e11), 1e9) == pytest.approx(1e11, rel=1e-6)


@pytest.mark.parametrize("law", [BESIROGLU, COUPLED], ids=["additive", "coupled"])
@given(log_params=log_params, log_tokens=log_tokens, log_unique=st.floats(min_value=8, max_value=13))
def test_limited_data_leave_the_law_alone_within_an_epoch_and_never_help(law, log_params, log_tokens, log_unique):
    limited = DataConstrained(law=law, unique_tokens=10**log_unique, R_D=15.4, R_N=5.3)
    params, tokens = 10**log_params, 10**log_tokens
    assert limited.loss(params, tokens) >= law.loss(params, tokens) * (1 - 1e-12)
    fed = min(params, law.balanced_params(10**log_unique))
    once = min(tokens, 10**log_unique)
    assert limited.loss(fed, once) == pytest.approx(law.loss(fed, once))


@pytest.mark.parametrize("law", [BESIROGLU, COUPLED], ids=["additive", "coupled"])
@given(log=log_flops)
def test_balanced_parameters_are_those_of_the_optimum(law, log):
    params, tokens = law.optimum(10**log)
    assert law.balanced_params(tokens) == pytest.approx(params)


def test_ample_data_leave_the_optimum_where_it_was():
    limited = DataConstrained(law=COUPLED, unique_tokens=1e15, R_D=15.4, R_N=5.3)
    assert limited.optimum(1e22)[0] == pytest.approx(COUPLED.optimum(1e22)[0], rel=1e-5)


def test_the_limit_of_repeating_is_the_floor():
    law = DataConstrained(law=BESIROGLU, unique_tokens=1e9, R_D=15.4, R_N=5.3)
    assert law.loss(1e30, 1e30) == pytest.approx(law.floor(), rel=1e-6)


def test_where_repeats_are_worth_nothing_the_even_split_is_taken():
    law = DataConstrained(law=BESIROGLU, unique_tokens=1e3, R_D=15.4, R_N=5.3)
    params, tokens = law.optimum(1e24)
    assert law.loss(params, tokens) == pytest.approx(law.floor())
    assert 0.1 < tokens / params < 10


def test_farseer_is_its_printed_formula():
    """Li et al. 2025, equation 3."""
    n, d = 2e9, 4e10
    endless = np.exp(-0.02 * n**0.17 + 0.9)
    assert FARSEER.loss(n, d) == pytest.approx(
        endless + np.exp(20 * n**-0.1 + 3.9) * d ** -np.exp(-0.02 * n**0.12 - 0.9)
    )


def test_farseers_optimum_is_the_one_near_its_runs():
    """With tokens that matter ever less to larger models, the loss falls again at absurd sizes."""
    law = Farseer(s=-0.02, q=0.17, S=0.9, B=90.0, b=-0.1, Q=-4.5, A=-0.12, a=0.12, E=0.4)
    params, tokens = law.optimum(1e21)
    assert law.loss(1e18, 1e21 / 6e18) < law.loss(params, tokens)
    assert 1e8 < params < 1e11


def test_farseers_floor_is_the_limit_of_its_first_term():
    assert FARSEER.floor() == 0
    risen = Farseer(s=0.5, q=-0.2, S=0.9, B=20.0, b=-0.1, Q=3.9, A=-0.02, a=-0.12, E=-0.9)
    assert risen.floor() == pytest.approx(risen.loss(1e60, 1e300))


def test_hoffmann_approach_3_gives_the_papers_40_billion_at_gophers_budget():
    """Hoffmann et al. 2022, figure 4 and section 3.3: approach 3 puts 5.76e23 FLOPs at 40B parameters."""
    params, tokens = published("hoffmann-2022").law.optimum(5.76e23)
    assert params == pytest.approx(40e9, rel=0.02)
    assert tokens == pytest.approx(5.76e23 / (6 * 40e9), rel=0.02)


def test_besiroglu_gives_about_twenty_tokens_per_parameter_at_chinchillas_budget():
    """Besiroglu et al. 2024, section 4: their fit agrees with approaches 1 and 2, 20 tokens per parameter."""
    params, tokens = BESIROGLU.optimum(5.76e23)
    assert 15 < tokens / params < 25
    assert 60e9 < params < 80e9


def test_gadre_errs_on_the_larger_runs_as_its_authors_print():
    """Gadre et al. 2024, scaling_explorer.ipynb: 0.7103 % at 1.4B and M = 640, 0.7320 % at 6.9B and M = 20."""
    law = published("gadre-2024").law
    for params, ratio, measured, error in ((1439795200, 640, 2.502054, 0.007103), (6889410560, 20, 2.424993, 0.007320)):
        assert law.loss(float(params), float(params * ratio)) / measured - 1 == pytest.approx(error, abs=1e-6)


@pytest.mark.parametrize("params", [1e8, 1e9, 1e10])
def test_kaplan_needs_the_tokens_that_its_authors_ask_for(params):
    """Kaplan et al. 2020, equation 4.4: from 5e3 N^0.74 tokens on, limited data cost at most 2 % of the loss."""
    law = published("kaplan-2020").law
    cost = law.loss(params, 5e3 * params**0.74) / law.loss(params, 1e300) - 1
    assert cost == pytest.approx(0.02, rel=0.1)


def test_kaplans_own_allocation_grows_with_compute_to_the_073():
    assert kaplan_allocation(1e22) / kaplan_allocation(1e21) == pytest.approx(10**0.73)
    assert kaplan_allocation(8.64e19) == pytest.approx(1.3e9)


def test_muennighoffs_printed_value_for_repeated_data():
    """Their published function at N = 6.34e9, D = 242e9, U = 25e9 gives 2.2256."""
    law = published("muennighoff-2023").limited_to(25e9).law
    assert law.loss(6.34e9, 242e9) == pytest.approx(2.2256, abs=1e-4)
