import numpy as np
import pandas as pd
import pytest

from planner.errors import InputError, UnknownName
from planner.fitting import fit
from planner.fitting.views import VIEWS
from planner.laws import Additive

TRUE = Additive(E=1.8, A=400.0, B=1500.0, alpha=0.34, beta=0.36)


def isoflop_sweep(levels: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    flops = np.repeat(np.geomspace(1e18, 1e20, levels), 7)
    params = np.asarray(TRUE.optimum(flops)[0]) * np.tile(np.geomspace(0.2, 5, 7), levels)
    tokens = flops / 6 / params
    return pd.DataFrame(
        {
            "params": params,
            "tokens": tokens,
            "loss": TRUE.loss(params, tokens) * np.exp(0.003 * rng.standard_normal(7 * levels)),
        }
    )


@pytest.fixture(scope="module")
def found():
    return fit(isoflop_sweep(), draws=60)


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_draws(found, view):
    drawn = found.figure(view).to_dict()
    assert len(drawn["data"]) >= 1


def test_the_isoflop_view_shows_every_level_and_its_best_size(found):
    names = [trace.name for trace in found.figure("isoflop").data]
    vertices = next(trace for trace in found.figure("isoflop").data if trace.name and "est" in trace.name)
    assert len(vertices.x) == 5, names


def test_the_fan_reaches_a_hundred_times_beyond_the_runs(found):
    best = next(trace for trace in found.figure("fan").data if trace.name == "Best loss")
    assert max(best.x) == pytest.approx(100 * found.calibration.flops_max)
    near, far = (np.subtract(*found.predict_interval(*found.optimum(c))[::-1]) for c in (1e20, 1e22))
    assert far > near


def test_a_view_without_material_says_so():
    rng = np.random.default_rng(1)
    params, tokens = 10 ** rng.uniform(7, 9, 14), 10 ** rng.uniform(9, 11, 14)
    scattered = fit(pd.DataFrame({"params": params, "tokens": tokens, "loss": TRUE.loss(params, tokens)}), draws=20)
    with pytest.raises(InputError, match="share their compute"):
        scattered.figure("isoflop")
    few = fit(isoflop_sweep().iloc[:8], draws=20)
    with pytest.raises(InputError, match="too few cuts"):
        few.figure("calibration")
    with pytest.raises(UnknownName, match="view"):
        few.figure("pie")


def test_coverage_rises_with_the_level_and_is_unknown_without_a_backtest(found):
    shares = found.coverage([0.5, 0.9, 0.999])
    assert (np.diff(shares) >= 0).all()
    assert shares[-1] > 0.9
    assert np.isnan(fit(isoflop_sweep().iloc[:8], draws=20).coverage([0.9])).all()


def test_the_valley_holds_the_best_size_and_what_is_nearly_as_good(found):
    from planner.laws import valley

    law, flops = found.calibration.law, 1e21
    low, high = valley(law, flops)
    best, tokens = law.optimum(flops)
    assert low < best < high
    for edge in (low, high):
        assert law.loss(edge, flops / 6 / edge) == pytest.approx(1.005 * law.loss(best, tokens), rel=1e-6)
