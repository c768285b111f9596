from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from planner.estimate import Estimate
from planner.fitting.sizing import Approaches, approaches, vertices
from planner.laws import Additive
from planner.runs import Runs, load_runs

BESIROGLU = Additive(E=1.8172, A=482.01, B=2085.43, alpha=0.3478, beta=0.3658)
STEEP = Additive(E=1.7, A=3000.0, B=1500.0, alpha=0.45, beta=0.33)
LEVELS = np.geomspace(1e18, 1e20, 6)


def share(law: Additive) -> float:
    """The exponent with which the law's best N grows."""
    return float(law.beta / (law.alpha + law.beta))


def sweep(law: Additive = BESIROGLU, *, sizes: int = 8, factor: float = 5.0, shift: float = 1.2, noise: float = 0.0,
          seed: int = 0) -> pd.DataFrame:  # fmt: skip
    """Levels of equal compute, sizes from a `factor` below to a `factor` above `shift` times the best one."""
    rng = np.random.default_rng(seed)
    params = np.concatenate([law.optimum(c)[0] * shift * np.geomspace(1 / factor, factor, sizes) for c in LEVELS])
    tokens = np.repeat(LEVELS, sizes) / 6 / params
    loss = law.loss(params, tokens) * np.exp(noise * rng.standard_normal(len(params)))
    return pd.DataFrame({"params": params, "tokens": tokens, "loss": loss})


def curves(law: Additive = BESIROGLU, *, rows: int = 40) -> pd.DataFrame:
    """Curves of nine sizes around the best one for 1e19 FLOPs, each from a twentieth to twenty times its tokens."""
    params, tokens = law.optimum(1e19)
    sizes = params * 1.7 ** np.arange(-4.0, 5.0)
    frames = []
    for number, size in enumerate(sizes):
        seen = tokens * size / params * np.geomspace(1 / 20, 20, rows)
        frames.append(
            pd.DataFrame({"run": f"run-{number}", "params": size, "tokens": seen, "loss": law.loss(size, seen)})
        )
    return pd.concat(frames, ignore_index=True)


def ensemble(law: Additive, spread: float = 0.05) -> Additive:
    """Draws of `law` whose B is uncertain by a share of `spread`."""
    factors = np.exp(spread * np.random.default_rng(1).standard_normal(200))
    same = np.ones_like(factors)
    return Additive(E=law.E * same, A=law.A * same, B=law.B * factors, alpha=law.alpha * same, beta=law.beta * same)


def compared(table: pd.DataFrame | Runs, law: Additive = BESIROGLU, flops: float | None = None) -> Approaches:
    runs = table if isinstance(table, Runs) else load_runs(table)
    return approaches(runs, law, ensemble(law), flops=flops)


def known(estimate: Estimate | None) -> Estimate:
    assert estimate is not None
    return estimate


@pytest.mark.parametrize("law", [BESIROGLU, STEEP])
def test_levels_of_equal_compute_give_back_the_law_they_came_from(law: Additive) -> None:
    found = compared(sweep(law), law, flops=1e21).isoflop
    params, tokens = law.optimum(1e21)
    assert known(found.params_exponent) == pytest.approx(share(law), abs=1e-3)
    assert known(found.params) == pytest.approx(params, rel=0.02)
    assert known(found.loss) == pytest.approx(law.loss(params, tokens), rel=3e-3)


def test_a_wide_lopsided_level_does_not_move_its_vertex_as_it_moves_a_parabola() -> None:
    table = sweep(STEEP, factor=12.0, shift=2.0)
    for vertex, level in zip(vertices(load_runs(table)), LEVELS, strict=True):
        part = table.iloc[list(vertex.members)]
        bent, tilt, _ = np.polyfit(np.log(part["params"]), part["loss"], 2)
        best = STEEP.optimum(level)[0]
        assert vertex.params == pytest.approx(best, rel=0.02)
        assert abs(np.log(vertex.params / best)) < 0.2 * abs(-tilt / (2 * bent) - np.log(best))


def test_the_runs_of_a_level_need_not_have_exactly_equal_compute() -> None:
    table = sweep()
    table["tokens"] *= np.exp(np.random.default_rng(3).uniform(-0.08, 0.08, len(table)))
    table["loss"] = BESIROGLU.loss(table["params"].to_numpy(), table["tokens"].to_numpy())
    found = vertices(load_runs(table))
    assert [len(vertex.members) for vertex in found] == [8] * len(LEVELS)
    for vertex in found:
        assert vertex.params == pytest.approx(BESIROGLU.optimum(vertex.flops)[0], rel=0.02)


def test_a_unit_of_loss_moves_no_vertex() -> None:
    table = sweep(noise=0.003)
    nats, bits = (vertices(load_runs(table.assign(loss=table["loss"] * unit))) for unit in (1.0, 0.35))
    assert [vertex.params for vertex in nats] == pytest.approx([vertex.params for vertex in bits])


def test_a_run_that_diverged_hardly_moves_its_vertex() -> None:
    table = sweep(noise=0.001)
    clean = vertices(load_runs(table))[2]
    table.loc[clean.members[5], "loss"] *= 1.04
    spoilt = vertices(load_runs(table))[2]
    assert spoilt.runs == clean.runs - 1
    assert spoilt.params == pytest.approx(clean.params, rel=0.05)


def test_a_least_loss_at_the_edge_is_no_vertex() -> None:
    found = compared(sweep(shift=8.0))
    assert all(vertex.edge for vertex in found.vertices)
    assert found.isoflop.params is None
    assert "6 of them with the best size at the edge" in found.isoflop.basis
    assert any("6 of 6 levels" in finding.title for finding in found.findings)


def test_three_sizes_make_no_level() -> None:
    assert vertices(load_runs(sweep(sizes=3))) == ()


def test_the_interval_of_the_best_size_holds() -> None:
    best = BESIROGLU.optimum(1e21)[0]
    held = 0
    for seed in range(60):
        size = known(compared(sweep(noise=0.004, seed=seed), flops=1e21).isoflop.params)
        held += size.low <= best <= size.high
    # 90 % of 60 are 54, of which the standard deviation is 2.3.
    assert held >= 48


def test_curves_give_an_envelope_with_the_exponent_of_their_law() -> None:
    for law in (BESIROGLU, STEEP):
        found = compared(curves(law), law, flops=1e20).envelope
        assert known(found.params_exponent) == pytest.approx(share(law), abs=0.01)
        assert known(found.params) == pytest.approx(law.optimum(1e20)[0], rel=0.03)


def test_sizes_trained_for_several_lengths_are_curves_too() -> None:
    found = compared(curves(rows=8).drop(columns="run"), flops=1e20).envelope
    assert known(found.params_exponent) == pytest.approx(share(BESIROGLU), abs=0.03)


def test_without_curves_there_is_no_envelope_and_the_reason_is_said() -> None:
    found = compared(sweep()).envelope
    assert found.params is None
    assert "needs curves of 4 sizes" in found.basis


def test_a_curve_counts_once_among_levels_of_equal_compute() -> None:
    table = sweep()
    table["run"] = np.arange(len(table))
    early = table.assign(tokens=table["tokens"] / 2, loss=table["loss"] + 0.1)
    ends = [(vertex.params, len(vertex.members)) for vertex in vertices(load_runs(table))]
    both = [(v.params, len(v.members)) for v in vertices(load_runs(pd.concat([early, table], ignore_index=True)))]
    assert both == ends


def test_every_approach_spends_the_budget_and_exponents_add_up() -> None:
    found = compared(curves(), flops=3e20)
    for approach in (found.envelope, found.parametric):
        assert 6 * known(approach.params) * known(approach.tokens) == pytest.approx(3e20)
        assert known(approach.params_exponent) + known(approach.tokens_exponent) == pytest.approx(1.0)


def test_the_budget_is_ten_times_the_largest_run_if_none_is_given() -> None:
    assert compared(sweep()).flops == pytest.approx(1e21)


def test_a_law_that_fits_its_runs_agrees_with_their_vertices() -> None:
    assert compared(sweep(noise=0.003)).findings == ()


def test_a_law_that_contradicts_its_runs_is_found_with_the_sizes_named() -> None:
    other = replace(BESIROGLU, A=5 * BESIROGLU.A)
    finding = compared(sweep(noise=0.003), other).findings[0]
    assert finding.level == "warning"
    assert finding.title == "The approaches disagree on the best size for 1.00e21 FLOPs."
    assert "IsoFLOP" in finding.because
    assert "Parametric" in finding.because
    assert "of the loss" in finding.because


def test_a_law_alone_is_said_to_be_alone() -> None:
    rng = np.random.default_rng(0)
    params, tokens = np.exp(rng.uniform(18, 21, 12)), np.exp(rng.uniform(22, 26, 12))
    found = compared(pd.DataFrame({"params": params, "tokens": tokens, "loss": BESIROGLU.loss(params, tokens)}))
    assert [finding.level for finding in found.findings] == ["note"]
    assert "Only the law" in found.findings[0].title


def test_a_frame_holds_what_is_known_and_why_the_rest_is_not() -> None:
    frame = compared(sweep()).to_frame()
    assert frame.loc["isoflop_params", "low"] <= frame.loc["isoflop_params", "value"]
    assert frame.loc["envelope", "value"] == "not available"
    assert "curves" in frame.loc["envelope", "note"]


def test_hoffmanns_runs_give_hoffmanns_exponent(chinchilla: pd.DataFrame) -> None:
    # Hoffmann et al. 2022, table 2, approach 2: 0.49, from 0.462 to 0.534 between the 10 % and 90 % quantiles.
    exponent = known(compared(chinchilla).isoflop.params_exponent)
    assert exponent == pytest.approx(0.49, abs=0.02)
    assert exponent.low < 0.49 < exponent.high


@pytest.mark.parametrize(
    ("name", "levels", "edges"),
    [("porian_rw", 12, 0), ("kempner_starcoder", 8, 0), ("kempner_slimpajama_chunk1", 8, 0), ("xlstm_llama8k", 4, 0),
     ("marin_comma", 7, 0), ("misfitting_isoflop", 23, 2)],
)  # fmt: skip
def test_published_levels_of_equal_compute_are_found(shared: Path, name: str, levels: int, edges: int) -> None:
    found = vertices(load_runs(shared / "runs" / f"{name}.csv"))
    assert len(found) == levels
    assert sum(vertex.edge for vertex in found) == edges
    inside = [vertex.params for vertex in found if not vertex.edge]
    assert np.corrcoef(np.log([vertex.flops for vertex in found if not vertex.edge]), np.log(inside))[0, 1] > 0.98
