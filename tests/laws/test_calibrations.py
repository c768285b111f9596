"""Calibrations: intervals, limited data, and everything that can be turned into one."""

from dataclasses import replace

import numpy as np
import pytest

from planner.errors import InputError, UnknownName
from planner.laws import Additive, Coupled, DataConstrained, Farseer, Kaplan, calibration_of, published

ADDITIVE = Additive(E=1.69, A=406.4, B=410.7, alpha=0.336, beta=0.283)
COUPLED = Coupled(E=1.0, A=3e3, B=2e4, alpha=0.41, beta=0.43, k=0.45)
BARE = [
    ADDITIVE,
    COUPLED,
    Kaplan(N_c=6.4e13, D_c=1.8e13, alpha_N=0.076, alpha_D=0.103),
    Farseer(s=-0.02, q=0.17, S=0.9, B=20.0, b=-0.1, Q=3.9, A=-0.02, a=0.12, E=-0.9),
    DataConstrained(law=COUPLED, unique_tokens=2e10, R_D=15.4, R_N=5.3),
]


@pytest.mark.parametrize("law", BARE, ids=lambda law: type(law).__name__)
def test_a_bare_law_becomes_a_calibration_without_width(law):
    calibration = calibration_of(law)
    low, high = calibration.loss_interval(1e9, 2e10)
    assert low == pytest.approx(law.loss(1e9, 2e10))
    assert high == pytest.approx(low)
    assert type(calibration.ensemble) is type(law)
    assert np.shape(calibration.ensemble.optimum(1e21)[0]) == (1,)


@pytest.mark.parametrize("nonsense", [7, None, object()])
def test_what_is_no_law_is_refused(nonsense):
    with pytest.raises(InputError, match="is no law"):
        calibration_of(nonsense)


def test_an_unknown_law_offers_the_closest():
    with pytest.raises(UnknownName, match="Did you mean 'hoffmann-2022'"):
        published("hofmann-2022")


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


def test_kaplan_says_nothing_about_repeats():
    law = published("kaplan-2020")
    assert isinstance(law.law, Kaplan)
    with pytest.raises(InputError, match="repeated tokens"):
        law.limited_to(1e9)


@pytest.mark.parametrize("law", [ADDITIVE, COUPLED], ids=["additive", "coupled"])
def test_repeats_of_text_apply_to_both_chinchilla_forms(law):
    limited = calibration_of(law).limited_to(2e10)
    assert limited.law == DataConstrained(law=law, unique_tokens=2e10, R_D=15.387756, R_N=5.309743)
    assert limited.ensemble.loss(1e10, 2e11) == pytest.approx(limited.law.loss(1e10, 2e11))


def test_draws_of_the_repeats_widen_the_interval_only_where_tokens_repeat():
    sure = replace(published("besiroglu-2024"), repeats_draws=None)
    rng = np.random.default_rng(0)
    unsure = replace(sure, repeats_draws=(rng.uniform(5, 30, 1000), rng.uniform(2, 10, 1000)))
    widths = {
        tokens: [np.subtract(*law.limited_to(2e10).loss_interval(1e9, tokens)[::-1]) for law in (sure, unsure)]
        for tokens in (2e10, 1e12)
    }
    assert widths[2e10][1] == pytest.approx(widths[2e10][0], rel=1e-3)
    assert widths[1e12][1] > 1.05 * widths[1e12][0]
    assert unsure.limited_to(2e10).law == sure.limited_to(2e10).law
    assert unsure.limited_to(2e10).ensemble.optimum(1e24)[0].shape == (1000,)
