import copy
import json
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.estimate import Estimate

positive = st.floats(min_value=1e-6, max_value=1e12)
factor = st.floats(min_value=1.0, max_value=50.0)


def within(value: float, factor: float) -> Estimate:
    """The estimate from `value / factor` to `value * factor`."""
    return Estimate(value, value / factor, value * factor)


def test_an_estimate_is_a_float():
    loss = Estimate(2.0, 1.9, 2.2)
    assert loss + 1 == 3.0
    assert f"{loss:.2f}" == "2.00"
    assert np.log(loss) == pytest.approx(math.log(2))
    assert json.dumps({"loss": loss}) == '{"loss": 2.0}'
    assert (loss.low, loss.high, loss.level) == (1.9, 2.2, 0.9)


def test_copies_and_dictionaries_keep_the_interval():
    loss = Estimate(2.0, 1.9, 2.2, 0.8)
    for other in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss)), Estimate.from_dict(loss.to_dict())):
        assert (other, other.low, other.high, other.level) == (2.0, 1.9, 2.2, 0.8)


@given(positive, factor, positive, factor)
def test_a_product_divided_by_one_factor_contains_the_other(a, wide_a, b, wide_b):
    x, y = within(a, wide_a), within(b, wide_b)
    back = x.times(y).over(y)
    assert float(back) == pytest.approx(a)
    assert back.low <= x.low * (1 + 1e-9)
    assert back.high >= x.high * (1 - 1e-9)


@given(positive, factor, positive)
def test_an_exact_factor_scales_the_interval(a, wide, scale):
    scaled = within(a, wide).times(Estimate.exact(scale))
    assert scaled.high / scaled.low == pytest.approx(wide**2)


def test_draws_give_their_central_interval():
    estimate = Estimate.of_draws(50.0, np.arange(101.0))
    assert (estimate.low, estimate.high) == pytest.approx((5.0, 95.0))


def test_draws_keep_the_interval():
    estimate = Estimate(10.0, 8.0, 25.0)
    draws = estimate.draws(np.random.default_rng(0).standard_normal(20_000))
    again = Estimate.of_draws(10.0, draws)
    assert (again.low, again.high) == pytest.approx((8.0, 25.0), rel=0.03)
    assert (Estimate.exact(3.0).draws([-1.0, 0.0, 2.0]) == 3.0).all()


@given(positive, factor, positive, factor)
def test_sums_add_deviations_in_quadrature(first: float, spread: float, second: float, other: float) -> None:
    left, right = within(first, spread), within(second, other)
    total = left.plus(right)
    assert total == pytest.approx(first + second)
    assert total.low == pytest.approx(total - math.hypot(left - left.low, right - right.low), abs=1e-9 * total.high)
    assert total.high == pytest.approx(total + math.hypot(left.high - left, right.high - right))
    assert left.plus(Estimate.exact(second)).high - second == pytest.approx(left.high, rel=1e-6, abs=1e-9 * second)
    assert left.plus(1.0).low <= left + 1
