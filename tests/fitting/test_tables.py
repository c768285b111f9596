import numpy as np
import pandas as pd
import pytest

from planner.fitting.tables import about_the_design, about_the_schedule, about_the_table
from planner.runs import load_runs
from planner.units import show

E, A, B, ALPHA, BETA = 1.8, 480.0, 2100.0, 0.35, 0.37


def terms(params, tokens):
    return A / params**ALPHA, B / tokens**BETA


def table(params, tokens, **columns):
    return pd.DataFrame({"params": params, "tokens": tokens, "loss": E + sum(terms(params, tokens)), **columns})


def isoflop(budgets=(1e18, 1e19, 1e20), sizes=8, spread=5.0):
    flops = np.repeat(budgets, sizes)
    params = np.sqrt(flops / 120) * np.tile(np.geomspace(1 / spread, spread, sizes), len(budgets))
    return table(params, flops / 6 / params)


def grid(sizes=8, lengths=8):
    params, tokens = np.meshgrid(np.geomspace(1e7, 1e9, sizes), np.geomspace(2e8, 5e10, lengths))
    return table(params.ravel(), tokens.ravel())


def findings(frame, **options):
    runs = load_runs(frame, **options)
    return [*about_the_table(runs), *about_the_design(runs)]


def titles(frame, **options):
    return " | ".join(finding.title for finding in findings(frame, **options))


HEALTHY = {
    "isoflop": isoflop(),
    "wide isoflop": isoflop(budgets=np.geomspace(1e15, 1e23, 9), sizes=7, spread=3.0),
    "grid": grid(),
    "measured flops": isoflop().assign(flops=lambda t: 6.3 * t["params"] * t["tokens"]),
    "both counts": isoflop().assign(params_non_embedding=lambda t: t["params"] - 2e6),
    "both losses": isoflop().assign(bits_per_byte=lambda t: t["loss"] / np.log(2) / 4.2),
    "seeds": pd.concat([grid().assign(seed=seed) for seed in (0, 1)]),
    "trunks": grid().assign(trunk=lambda t: t["params"], run=lambda t: t.index),
    "one name for all": grid().assign(run="sweep"),
    "single pass": grid().assign(epochs=0.5),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_is_found_in_a_healthy_sweep(name):
    assert findings(HEALTHY[name]) == []


def test_nothing_is_found_in_random_clean_sweeps():
    rng = np.random.default_rng(0)
    for _ in range(50):
        budgets = np.geomspace(1, 10 ** rng.uniform(1.2, 5), rng.integers(3, 9)) * 10 ** rng.uniform(17, 19)
        frame = isoflop(budgets, sizes=int(rng.integers(5, 10)), spread=rng.uniform(2, 8))
        frame["flops"] = 6 * frame["params"] * frame["tokens"] * np.exp(rng.normal(0, 0.02, len(frame)))
        assert findings(frame) == []


@pytest.mark.parametrize(
    ("frame", "options", "title"),
    [
        (grid().assign(params=lambda t: t["params"] / 1e9 + 1), {}, "Are params in millions or billions"),
        (grid().assign(tokens=lambda t: t["tokens"] / 1e6), {}, "Are tokens in millions or billions"),
        (grid().assign(params=lambda t: t["params"] / 1e6), {}, "Are params in millions or billions"),
        (isoflop().assign(params=isoflop()["tokens"], tokens=isoflop()["params"]), {}, "swapped"),
        (grid().assign(loss=lambda t: np.exp(t["loss"])), {}, "Are these losses in nats/token?"),
        (isoflop((1e20, 1e21, 1e22)).assign(loss=lambda t: np.exp(t["loss"])), {}, "Are these losses in nats/token?"),
        (grid().assign(loss=lambda t: 100 * t["loss"]), {}, "Are these losses in nats/token?"),
        (grid().assign(loss=lambda t: 100 * t["loss"]), {"loss_unit": "bits/byte"}, "Are these losses in bits/byte?"),
        (
            grid().assign(loss=lambda t: t["loss"].where(t.index != 3, 13.0)),
            {},
            "1 run with a loss worse than guessing",
        ),
        (grid().assign(loss=lambda t: t["loss"] / 5), {}, "Are these losses in nats/token?"),
        (grid(), {"loss_unit": "bits/byte"}, "Are these losses in bits/byte?"),
        (
            grid().assign(params=lambda t: t["params"] / 1e6, tokens=lambda t: t["tokens"] / 1e6),
            {},
            "Are params and tokens in millions or billions?",
        ),
        (
            table(
                *(axis.ravel() for axis in np.meshgrid(np.geomspace(1e7, 1e10, 8), np.geomspace(1e9, 1e12, 6)))
            ).assign(params=lambda t: t["params"] / 1e6, tokens=lambda t: t["tokens"] / 1e6),
            {},
            "Are params and tokens in millions or billions?",
        ),
        (grid().assign(loss=lambda t: t["loss"] / 20), {}, "below the entropy"),
        (grid().assign(loss=lambda t: t["loss"] / 40), {"loss_unit": "bits/byte"}, "below the entropy"),
        (grid().assign(flops=lambda t: 6e9 * t["params"] * t["tokens"]), {}, "far from 6ND"),
        (grid().assign(flops=1e19), {}, "same in every row"),
        (isoflop().assign(flops=[None, *isoflop()["params"][1:] * isoflop()["tokens"][1:] * 6]), {}, "Not every run"),
        (grid().assign(unique_tokens=1e9), {}, "repeat their tokens"),
        (grid().assign(epochs="4"), {}, "repeat their tokens"),
        (grid().assign(run=lambda t: t["params"]), {}, "64 rows are points along 8 training curves"),
        (grid().assign(bits_per_byte=lambda t: t["loss"] * np.linspace(0.3, 0.4, 64)), {}, "do not keep step"),
        (grid().assign(params_non_embedding=lambda t: t["params"] * np.tile([1, 0.9], 32)), {}, "two ways of counting"),
        (grid().assign(status=["failed"] + ["ok"] * 63), {}, "1 row left out"),
    ],
)
def test_a_table_that_is_not_what_it_seems_is_a_finding(frame, options, title):
    assert title in titles(frame, **options)


def test_rows_in_another_unit_than_the_others_are_named():
    odd = np.isin(np.arange(64), (3, 40))
    (finding,) = findings(grid().assign(tokens=lambda t: t["tokens"] / np.where(odd, 1e7, 1)))
    assert finding.title == "Do tokens mix units?"
    assert finding.because.startswith("Rows 3, 40:")


def test_low_losses_of_bytes_are_no_matter():
    assert findings(grid().assign(loss=lambda t: t["loss"] / 4, bytes_per_token=1.0)) == []


def test_bits_per_byte_that_nobody_wrote_down_say_nothing():
    assert findings(grid().assign(bits_per_byte=np.nan)) == []


def test_one_run_is_told_in_the_singular():
    frame = grid().assign(loss=lambda t: t["loss"].where(t.index != 5, 13.0))
    assert "row 5 lies above" in findings(frame)[0].because


def test_sizes_that_are_nearly_one_are_counted_as_what_they_are():
    frame = grid().assign(params=lambda t: 1e8 * (t["params"] / 1e8) ** 0.01)
    assert "8 different params lie within 5.00 % of 1 point" in findings(frame)[0].because


def test_units_are_asked_for_once():
    frame = grid().assign(tokens=lambda t: t["tokens"] / 1e9 + 1, flops=lambda t: 6e9 * t["params"] * t["tokens"])
    assert titles(frame) == "Are tokens in millions or billions?"


def test_what_losses_may_be_is_said_in_nats():
    frame = grid().iloc[1:]
    middle = float(np.median(frame["loss"]))
    (finding,) = findings(frame.assign(loss=np.exp(frame["loss"])))
    assert f"{show(middle, 'nats/token')} if it is a perplexity" in finding.todo
    assert "if it is in percent" not in finding.todo
    (finding,) = findings(frame.assign(loss=100 * frame["loss"]))
    assert f"{show(middle, 'nats/token')} if it is in percent" in finding.todo


def test_copies_are_named_and_other_seeds_are_none():
    frame = pd.concat([grid(), grid().iloc[[4, 9]]])
    (finding,) = findings(frame)
    assert finding.title == "2 exact copies of a row."
    assert finding.because.startswith("Rows 64, 65:")
    assert findings(frame.assign(seed=[0] * 64 + [1, 1])) == []


def test_params_without_the_embeddings_that_flops_count_are_a_finding():
    embedding = 50_000 * np.sqrt(grid()["params"] / 100)
    flops = 6 * (grid()["params"] + embedding) * grid()["tokens"]
    (finding,) = findings(grid().assign(flops=flops))
    assert finding.title == "Flops and params are not of one convention."


def test_two_conventions_in_one_table_are_a_finding_that_names_rows():
    odd = np.arange(64) % 5 == 0
    frame = grid().assign(flops=lambda t: 6 * t["params"] * t["tokens"] * np.where(odd, 1.4, 1.0))
    (finding,) = findings(frame)
    assert finding.title == "Params or flops mix two conventions."
    assert "rows 0, 5, 10, 15" in finding.because


@pytest.mark.parametrize(
    ("frame", "title"),
    [
        (grid(sizes=2), "The effect of params rests on 2 points"),
        (grid(lengths=2), "The effect of tokens rests on 2 points"),
        (
            grid(sizes=2).assign(params=lambda t: t["params"] * np.linspace(1, 1.001, 16)),
            "The effect of params rests on 2",
        ),
        (grid().iloc[:8], "Only 8 runs"),
        (isoflop((1e19, 3e19)), "less than a factor of ten"),
        (isoflop((1e19,), sizes=14), "All runs have the same compute"),
        (table(np.geomspace(1e7, 1e10, 20), 20 * np.geomspace(1e7, 1e10, 20)), "vary together"),
        (
            table(np.geomspace(1e7, 1e10, 20), np.geomspace(1e7, 1e10, 20) * np.tile([15, 25], 10)),
            "vary together",
        ),
        (table(np.geomspace(1e7, 1e10, 20), 1e6 * np.geomspace(1e7, 1e10, 20) ** 0.3), "vary together"),
    ],
)
def test_what_a_design_leaves_open_is_a_finding(frame, title):
    assert title in titles(frame)


def residuals_of_a_fit(frame, loss):
    """Residuals of log loss after a least-squares fit of the additive law, to first order around the truth."""
    params, tokens = frame["params"].to_numpy(), frame["tokens"].to_numpy()
    first, second = terms(params, tokens)
    slopes = [np.ones_like(first), first, first * np.log(params), second, second * np.log(tokens)]
    slope = np.stack(slopes, axis=1) / frame["loss"].to_numpy()[:, None]
    off = np.log(loss / frame["loss"].to_numpy())
    return off - slope @ np.linalg.lstsq(slope, off, rcond=None)[0]


def warmed_up(frame):
    """Half of a fixed warm-up does not count as training."""
    params, tokens = frame["params"], frame["tokens"]
    return E + sum(terms(params, tokens - 0.45 * tokens.min()))


def undecayed(length):
    return 1 + 0.05 * (1 + np.cos(np.pi * length / length.max())) / 2


def schedule_titles(frame, loss, seed, noise=0.003):
    noisy = np.asarray(loss) * np.exp(np.random.default_rng(seed).normal(0, noise, len(frame)))
    runs = load_runs(frame.assign(loss=noisy))
    return [finding.title for finding in about_the_schedule(runs, residuals_of_a_fit(frame, noisy))]


def test_clean_sweeps_show_no_schedule():
    alarms = 0
    for seed in range(200):
        frame = isoflop() if seed % 2 else grid(sizes=3 + seed % 6, lengths=4 + seed % 5)
        alarms += len(schedule_titles(frame, frame["loss"], seed))
    assert alarms <= 4


@pytest.mark.parametrize(
    ("loss", "title"),
    [
        (warmed_up, "The runs of fewest tokens lie above the law."),
        (lambda t: t["loss"] * undecayed(t["tokens"]), "Shorter runs lie above the law, as if they had not decayed."),
        (
            lambda t: t["loss"] * undecayed(t["tokens"] / t["params"]),
            "Runs of fewer tokens per parameter lie above the law.",
        ),
    ],
)
def test_a_schedule_that_does_not_fit_the_runs_shows(loss, title):
    frame = grid()
    found = [schedule_titles(frame, loss(frame), seed) for seed in range(20)]
    assert sum(title in one for one in found) >= 18


def test_runs_of_no_weight_show_no_schedule():
    frame = grid()
    first = frame["tokens"] == frame["tokens"].min()
    loss = frame["loss"] * np.where(first, 1.05, 1.0)
    left = np.log(loss / frame["loss"]).to_numpy() + np.random.default_rng(0).normal(0, 0.003, 64)
    assert list(about_the_schedule(load_runs(frame), left))
    assert not list(about_the_schedule(load_runs(frame.assign(weight=np.where(first, 0.0, 1.0))), left))


def test_runs_of_one_ratio_of_tokens_to_params_show_no_schedule():
    params = np.geomspace(1e7, 1e10, 12)
    frame = table(params, 20 * params).round({"loss": 4})
    for seed in range(20):
        left = np.random.default_rng(seed).normal(0, 0.003, 12)
        assert not [one for one in about_the_schedule(load_runs(frame), left) if "tokens per parameter" in one.title]
    assert not list(about_the_schedule(load_runs(frame), np.zeros(12)))


def test_perfect_losses_and_few_runs_show_no_schedule():
    assert not list(about_the_schedule(load_runs(grid()), np.zeros(64)))
    assert not list(about_the_schedule(load_runs(grid().iloc[:9]), np.linspace(-0.1, 0.1, 9)))
