import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.catalog import records
from planner.errors import InputError, UnknownName
from planner.laws import Additive, DataConstrained, Kaplan, calibration_of, kaplan_allocation, published

NAMES = [row["name"] for row in records("laws")]
log_flops = st.floats(min_value=16, max_value=28)


@pytest.mark.parametrize("name", NAMES)
@given(log=log_flops, nudge=st.floats(min_value=-1, max_value=1))
def test_the_optimum_spends_the_budget_and_no_neighbour_beats_it(name, log, nudge):
    law, flops = published(name).law, 10**log
    params, tokens = law.optimum(flops)
    assert 6 * params * tokens == pytest.approx(flops)
    other = params * np.exp(nudge)
    assert law.loss(other, flops / (6 * other)) >= law.loss(params, tokens) - 1e-12


@pytest.mark.parametrize("name", NAMES)
@given(log_params=st.floats(min_value=6, max_value=13), log_tokens=st.floats(min_value=7, max_value=14))
def test_loss_falls_with_params_and_with_tokens_and_inverts(name, log_params, log_tokens):
    law, params, tokens = published(name).law, 10**log_params, 10**log_tokens
    loss = law.loss(params, tokens)
    assert law.loss(2 * params, tokens) < loss
    assert law.loss(params, 2 * tokens) < loss
    assert law.tokens_for(loss, params) == pytest.approx(tokens, rel=1e-3)


def test_hoffmann_approach_3_gives_the_papers_40_billion_at_gophers_budget():
    # Hoffmann et al. 2022, figure 4 and section 3.3: approach 3 puts 5.76e23 FLOPs at 40B parameters.
    params, tokens = published("hoffmann-2022").law.optimum(5.76e23)
    assert params == pytest.approx(40e9, rel=0.02)
    assert tokens == pytest.approx(5.76e23 / (6 * 40e9), rel=0.02)


def test_besiroglu_gives_about_twenty_tokens_per_parameter_at_chinchillas_budget():
    # Besiroglu et al. 2024, section 4: their fit agrees with approaches 1 and 2, 20 tokens per parameter.
    params, tokens = published("besiroglu-2024").law.optimum(5.76e23)
    assert 15 < tokens / params < 25
    assert 60e9 < params < 80e9


def test_kaplans_own_allocation_grows_with_compute_to_the_073():
    assert kaplan_allocation(1e22) / kaplan_allocation(1e21) == pytest.approx(10**0.73)
    assert kaplan_allocation(8.64e19) == pytest.approx(1.3e9)


def test_muennighoffs_printed_value_for_repeated_data():
    # Their published function at N = 6.34e9, D = 242e9, U = 25e9 gives 2.2256.
    law = published("muennighoff-2023").limited_to(25e9).law
    assert law.loss(6.34e9, 242e9) == pytest.approx(2.2256, abs=1e-4)


@given(log_params=st.floats(min_value=7, max_value=12), log_tokens=st.floats(min_value=8, max_value=13))
def test_repeats_never_beat_new_tokens(log_params, log_tokens):
    free = published("besiroglu-2024")
    limited = free.limited_to(1e10)
    params, tokens = 10**log_params, 10**log_tokens
    assert limited.law.loss(params, tokens) >= free.law.loss(params, tokens) - 1e-12


@given(log=log_flops)
@settings(max_examples=30)
def test_the_optimum_on_limited_data_beats_its_neighbours(log):
    law, flops = published("besiroglu-2024").limited_to(2e10).law, 10**log
    params, tokens = law.optimum(flops)
    assert 6 * params * tokens == pytest.approx(flops)
    for other in (params * 0.8, params * 1.25):
        assert law.loss(other, flops / (6 * other)) >= law.loss(params, tokens) - 1e-9


def test_ample_data_leaves_the_law_as_it_was():
    free, limited = published("besiroglu-2024"), published("besiroglu-2024").limited_to(1e15)
    assert limited.law.optimum(1e22)[0] == pytest.approx(free.law.optimum(1e22)[0], rel=1e-5)


def test_an_ensemble_is_the_same_class_with_arrays():
    calibration = published("besiroglu-2024")
    assert type(calibration.ensemble) is type(calibration.law)
    assert calibration.ensemble.loss(1e9, 2e10).shape == (1000,)
    assert np.median(calibration.ensemble.loss(1e9, 2e10)) == pytest.approx(calibration.law.loss(1e9, 2e10), rel=5e-3)


def test_the_interval_widens_with_the_distance_of_the_extrapolation():
    calibration = published("besiroglu-2024")
    widths = []
    for flops in (1e21, 1e23, 1e25, 1e27):
        low, high = calibration.loss_interval(*calibration.law.optimum(flops))
        widths.append((high - low) / calibration.law.loss(*calibration.law.optimum(flops)))
    assert widths == sorted(widths)
    assert widths[-1] > 4 * widths[0]


def test_an_unknown_law_offers_the_closest():
    with pytest.raises(UnknownName, match="Did you mean 'hoffmann-2022'"):
        published("hofmann-2022")


def test_a_bare_law_becomes_a_calibration_without_width():
    law = Additive(E=1.69, A=406.4, B=410.7, alpha=0.336, beta=0.283)
    low, high = calibration_of(law).loss_interval(1e9, 2e10)
    assert low == high == pytest.approx(law.loss(1e9, 2e10))


@pytest.mark.parametrize("nonsense", [7, None, object()])
def test_what_is_no_law_is_refused(nonsense):
    with pytest.raises(InputError, match="is no law"):
        calibration_of(nonsense)


def test_kaplan_says_nothing_about_repeats():
    law = published("kaplan-2020")
    assert isinstance(law.law, Kaplan)
    with pytest.raises(InputError, match="repeated tokens"):
        law.limited_to(1e9)


def test_the_limit_of_repeating_is_the_floor():
    law = published("besiroglu-2024").limited_to(1e9).law
    assert isinstance(law, DataConstrained)
    assert law.loss(1e30, 1e30) == pytest.approx(law.floor(), rel=1e-6)
    assert law.tokens_for(law.floor() * 0.99, 1e12) == np.inf
