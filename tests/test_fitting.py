import numpy as np
import pandas as pd
import pytest

from planner.errors import FitError, InputError, UnknownName
from planner.fitting import fit, huber
from planner.laws import DRIFT, Additive
from planner.runs import load_runs

TRUE = Additive(E=1.8, A=400.0, B=1500.0, alpha=0.34, beta=0.36)


def sweep(noise: float, seed: int = 0, sizes: int = 8, per_size: int = 6) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    params, ratio = np.meshgrid(np.geomspace(1e7, 3e9, sizes), np.geomspace(3, 200, per_size))
    params, tokens = params.ravel(), (params * ratio).ravel()
    loss = TRUE.loss(params, tokens) * np.exp(noise * rng.standard_normal(len(params)))
    return pd.DataFrame({"params": params, "tokens": tokens, "loss": loss})


def test_a_noiseless_sweep_gives_its_coefficients_back():
    law = fit(sweep(0.0), draws=20).calibration.law
    for name in ("E", "A", "B", "alpha", "beta"):
        assert getattr(law, name) == pytest.approx(getattr(TRUE, name), rel=1e-5)


def test_the_fit_reproduces_besiroglu_2024(chinchilla):
    # Besiroglu et al. 2024, arXiv 2404.10102: the Huber optimum on the 240 runs (printed there: 0.34731, 0.36718).
    found = fit(chinchilla)
    law = found.calibration.law
    assert 0.347 < law.alpha < 0.348
    assert 0.366 < law.beta < 0.368
    assert 1.816 < law.E < 1.819
    assert found.objective == pytest.approx(0.0010182740178006, rel=1e-9)


def test_the_bootstrap_spread_is_the_published_one(chinchilla):
    # Their notebook's 95 % bootstrap intervals: E 1.769 to 1.871, alpha 0.317 to 0.373, beta 0.331 to 0.415.
    ensemble = fit(chinchilla, draws=4000).calibration.ensemble
    for name, low, high in (("E", 1.769, 1.871), ("alpha", 0.317, 0.373), ("beta", 0.331, 0.415)):
        assert np.quantile(getattr(ensemble, name), [0.025, 0.975]) == pytest.approx([low, high], rel=0.012)


def test_every_start_finds_the_same_optimum(chinchilla):
    data = huber.Data.of(*(chinchilla[name].to_numpy() for name in ("params", "tokens", "loss")))
    begin = huber.starts(data)
    _, objectives = huber.minimise(data, begin, np.ones((len(begin), len(data.x))))
    assert objectives == pytest.approx(objectives.min(), rel=1e-9)


def test_outliers_barely_move_the_law_and_are_named():
    table = sweep(0.002)
    clean, spoiled = fit(table, draws=20), table.copy()
    spoiled.loc[3, "loss"] *= 1.4
    dirty = fit(spoiled, draws=20)
    assert dirty.calibration.law.alpha == pytest.approx(clean.calibration.law.alpha, rel=0.02)
    assert any("run 3" in finding.because for finding in dirty.findings)


def test_predictions_broadcast_and_sit_inside_their_interval():
    found = fit(sweep(0.003), draws=100)
    assert isinstance(found.predict(1e9, 2e10), float)
    grid = found.predict([1e8, 1e9], [[1e9], [1e10], [1e11]])
    assert grid.shape == (3, 2)
    low, high = found.predict_interval([1e8, 1e9], [[1e9], [1e10], [1e11]])
    assert (low < grid).all()
    assert (grid < high).all()


def test_a_wider_level_gives_a_wider_interval():
    found = fit(sweep(0.003), draws=100)
    narrow, wide = found.predict_interval(1e10, 2e11, 0.5), found.predict_interval(1e10, 2e11, 0.95)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_the_optimum_spends_the_budget():
    params, tokens = fit(sweep(0.003), draws=20).optimum(np.array([1e20, 1e22]))
    assert 6 * params * tokens == pytest.approx([1e20, 1e22])


def test_the_same_runs_and_seed_give_the_same_fit():
    first, second = (fit(sweep(0.003), draws=50, seed=3) for _ in range(2))
    assert first.coefficients.equals(second.coefficients)


def test_the_backtest_extrapolates_to_larger_runs():
    backtest = fit(sweep(0.002), draws=20).backtest
    assert len(backtest) >= 3
    assert (backtest["runs_below"] + backtest["runs_above"] <= 48).all()
    assert (backtest["median_error"] < 0.01).all()


def test_few_distinct_sizes_are_a_finding():
    table = sweep(0.003, sizes=2, per_size=8)
    assert any("rests on 2 points" in finding.title for finding in fit(table, draws=20).findings)


@pytest.mark.parametrize(
    ("table", "match"),
    [
        (sweep(0.0).iloc[:3], "3 runs for 5 coefficients"),
        (sweep(0.0).iloc[:1], "1 run for 5 coefficients"),
        (sweep(0.0).assign(params=1e9), "same params"),
        (sweep(0.0).assign(tokens=1e9), "same tokens"),
        (sweep(0.0).assign(loss=3.0), "same loss"),
    ],
)
def test_runs_that_determine_nothing_are_refused(table, match):
    with pytest.raises(FitError, match=match) as caught:
        fit(table)
    assert caught.value.mend


def test_bad_options_are_refused():
    with pytest.raises(UnknownName, match="form of law"):
        fit(sweep(0.0), form="cubic")
    with pytest.raises(InputError, match="draws"):
        fit(sweep(0.0), draws=0)
    found = fit(sweep(0.0), draws=20)
    with pytest.raises(InputError, match="level"):
        found.predict_interval(1e9, 1e10, 1.5)
    with pytest.raises(InputError, match="params"):
        found.predict(-1, 1e10)


def test_intervals_of_many_points_equal_those_of_each():
    found = fit(sweep(0.003), draws=20)
    params = np.geomspace(1e8, 1e10, 10_000)
    low, high = found.predict_interval(params, 2e10)
    assert low.shape == (10_000,)
    for index in (0, 4096, 9_999):
        assert (low[index], high[index]) == found.predict_interval(params[index], 2e10)


@pytest.mark.parametrize(
    ("change", "title"),
    [
        (lambda t: t.assign(params=t["tokens"], tokens=t["params"]), "swapped"),
        (lambda t: t.assign(loss=np.exp(t["loss"])), "nats/token"),
        (lambda t: t.assign(flops=1.0), "far from 6ND"),
        (lambda t: t.assign(unique_tokens=t["tokens"] / 4), "repeat their tokens"),
        (lambda t: t.assign(loss=np.random.default_rng(0).uniform(2, 4, len(t))), "does not describe"),
        (lambda t: t.assign(status=["failed"] + ["ok"] * (len(t) - 1)), "left out"),
        (lambda t: t.iloc[:8], "Only 8 runs"),
    ],
)
def test_a_table_that_is_not_what_it_seems_is_a_finding(change, title):
    assert any(title in finding.title for finding in fit(change(sweep(0.003)), draws=20).findings)


def test_a_clean_sweep_has_no_warnings():
    assert not [finding for finding in fit(sweep(0.003), draws=20).findings if finding.level != "note"]


def test_what_the_backtest_missed_widens_the_range():
    # Our own first sweep: its smallest runs bend the law, so that it misses the larger ones.
    found = fit(load_runs("cpu-python-stdlib"), draws=50)
    rate = (found.backtest["median_error"] / found.backtest["decades"]).median()
    assert found.calibration.drift == pytest.approx(max(DRIFT, rate))
    assert found.calibration.drift > DRIFT
    assert any("misses the larger ones" in finding.title for finding in found.findings)


@pytest.mark.parametrize(("params", "tokens"), [("7B", 1e10), ([1e9, 2e9], [1e9, 2e9, 3e9])])
def test_arguments_that_do_not_fit_are_refused(params, tokens):
    found = fit(sweep(0.0), draws=20)
    with pytest.raises(InputError):
        found.predict(params, tokens)
