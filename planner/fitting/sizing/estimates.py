"""What each approach says about one budget: an estimate of the best size, or why there is none.

Compute is 6 * params * tokens throughout, whatever the table measured: that is what a law's optimum spends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from planner.estimate import Estimate
from planner.laws import FLOPS_PER_PARAM_TOKEN, Array, Law
from planner.sheet import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planner.fitting.sizing.valleys import Bottoms, Positions
    from planner.runs import Runs

LEAST_LEVELS = 3
"""Levels of equal compute that a power law needs for its scatter to say anything."""
LEAST_CURVES, LEAST_LENGTHS, LEAST_CHANGES = 4, 3, 5
"""Sizes that an envelope needs, lengths of training for each, and changes of the best size: ours."""
_BINS_PER_DECADE = 20
DRAWS = 4000
_SCATTER = "intervals from their scatter, Student's t"
_DECAYS = np.geomspace(0.01, 0.5, 120)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approach:
    """What one approach says; an estimate is None where it is not available.

    `points` are those that its power law goes through, or the runs of the law; `basis` says what they are and where the
    intervals come from, or why there are none.
    """

    name: str
    title: str
    basis: str
    points: int = 0
    params_exponent: Estimate | None = None
    tokens_exponent: Estimate | None = None
    params: Estimate | None = None
    tokens: Estimate | None = None
    loss: Estimate | None = None

    def rows(self, loss_unit: str) -> Iterator[Row]:
        """One row per number, or one that says why there are none."""
        if self.params is None:
            yield Row(self.name, self.title, "not available", "", self.basis)
            return
        yield Row(f"{self.name}_points", f"{self.title}: points", float(self.points), "count", self.basis)
        for field, label, unit in (
            ("params_exponent", "best N grows as C to the", ""),
            ("tokens_exponent", "best D grows as C to the", ""),
            ("params", "best parameters", "params"),
            ("tokens", "best tokens", "tokens"),
            ("loss", "loss there", loss_unit),
        ):
            if getattr(self, field) is not None:
                yield Row(f"{self.name}_{field}", f"{self.title}: {label}", getattr(self, field), unit)


def by_envelope(runs: Runs, flops: float) -> Approach:
    """Approach 1: where the lower envelope of the curves passes from one size to another, both are equally good.

    Only these changes count. Along the stretch that one size wins, the best size would be one that was not trained. It
    gives no loss: the run that wins is the one that came out well by chance.
    """
    curves = _curves(runs)
    sizes = len({float(runs.column("params")[rows[0]]) for rows in curves})
    if sizes < LEAST_CURVES:
        needs = f"It needs curves of {LEAST_CURVES} sizes, {LEAST_LENGTHS} lengths of training each; there are {sizes}."
        return Approach(name="envelope", title="Envelope", basis=needs)
    x, y = _changes(runs, curves)
    if len(x) < LEAST_CHANGES:
        seen = f"The best size changes {len(x)} times between curves that reach far enough; it needs {LEAST_CHANGES}."
        return Approach(name="envelope", title="Envelope", basis=seen)
    basis = f"{len(x)} changes of the best size; {_SCATTER}"
    return _through(x, y, np.tile(y, (DRAWS, 1)), flops, Approach(name="envelope", title="Envelope", basis=basis))


def by_isoflop(found: Bottoms, flops: float) -> Approach:
    """Approach 2: a power law through the vertices of the levels of equal compute."""
    used, levels = found.inside, len(found.vertices)
    if len(used) < LEAST_LEVELS:
        left_out = f", {levels - len(used)} of them with the best size at the edge" if levels else ""
        because = f"It needs {LEAST_LEVELS} levels of equal compute; there are {levels}{left_out}."
        return Approach(name="isoflop", title="IsoFLOP", basis=because)
    x, y = (np.log([getattr(vertex, name) for vertex in used]) for name in ("flops", "params"))
    basis = f"{len(x)} levels of equal compute; {_SCATTER}"
    return replace(
        _through(x, y, found.draws, flops, Approach(name="isoflop", title="IsoFLOP", basis=basis)),
        loss=_loss_at(x, np.array([vertex.loss for vertex in used]), flops) if len(x) > LEAST_LEVELS else None,
    )


def by_law(law: Law, ensemble: Law, flops: float, runs: int) -> Approach:
    """Approach 3: the optimum of the law; its exponents are the slopes at `flops`."""

    def said(one: Law) -> tuple[Array, ...]:
        params, tokens = one.optimum(flops)
        (less, _), (more, _) = one.optimum(flops * np.exp(-0.5)), one.optimum(flops * np.exp(0.5))
        slope = np.log(np.asarray(more) / np.asarray(less))
        return slope, 1 - slope, np.asarray(params), np.asarray(tokens), np.asarray(one.loss(params, tokens))

    params_exponent, tokens_exponent, params, tokens, loss = (
        Estimate.of_draws(float(one), many) for one, many in zip(said(law), said(ensemble), strict=True)
    )
    return Approach(
        name="parametric",
        title="Parametric",
        basis=f"the law of {runs} runs; intervals from its draws",
        points=runs,
        params_exponent=params_exponent,
        tokens_exponent=tokens_exponent,
        params=params,
        tokens=tokens,
        loss=loss,
    )


def _curves(runs: Runs) -> list[Positions]:
    """Positions of each curve's rows by rising tokens: of each run where rows share one, otherwise of each size."""
    frame, tokens = runs.frame, runs.column("tokens")
    column = "run" if "run" in frame and frame["run"].dropna().duplicated().any() else "params"
    found = (np.asarray(rows) for rows in frame.groupby(column).indices.values())
    return [
        rows[np.argsort(tokens[rows], kind="stable")] for rows in found if len(np.unique(tokens[rows])) >= LEAST_LENGTHS
    ]


def _changes(runs: Runs, curves: list[Positions]) -> tuple[Array, Array]:
    """Log compute and log params at each change of the best size."""
    x, loss = np.log(runs.column("params")), runs.column("loss")
    log_flops = np.log(FLOPS_PER_PARAM_TOKEN * runs.column("tokens")) + x
    low, high = log_flops.min(), log_flops.max()
    bins = np.linspace(low, high, int(_BINS_PER_DECADE * (high - low) / np.log(10)) + 2)
    curve = np.array([np.interp(bins, log_flops[rows], loss[rows], left=np.inf, right=np.inf) for rows in curves])
    sizes = np.array([x[rows[0]] for rows in curves])
    reaches = np.isfinite(curve[:, :-1]) & np.isfinite(curve[:, 1:])
    at = np.arange(len(bins) - 1)
    one, other = curve[:, :-1].argmin(axis=0), curve[:, 1:].argmin(axis=0)
    small, large = np.minimum(sizes[one], sizes[other]), np.maximum(sizes[one], sizes[other])
    # Where a curve begins or ends no crossing is needed to change, and without a smaller and a larger size that come as
    # far, one of these might be better than both.
    inside = (reaches & (sizes[:, None] < small)).any(axis=0) & (reaches & (sizes[:, None] > large)).any(axis=0)
    counts = inside & reaches[one, at] & reaches[other, at] & (small < large)
    return (bins[1:] + bins[:-1])[counts] / 2, (small + large)[counts] / 2


def _through(x: Array, y: Array, spread: Array, flops: float, approach: Approach) -> Approach:
    """`approach` with the power law through log compute `x` and log params `y`.

    `spread` are draws of `y`, shape (draws, points).
    """
    target, pairs = float(np.log(flops)), float(np.log(flops / FLOPS_PER_PARAM_TOKEN))
    slope, at = (float(central[0]) for central in _lines(x, y[None], target))
    slopes, ats = _lines(x, spread, target, np.random.default_rng(0))
    with np.errstate(over="ignore"):
        # Three points leave one degree of freedom, whose draws know no bound.
        return replace(
            approach,
            points=len(x),
            params_exponent=Estimate.of_draws(slope, slopes),
            tokens_exponent=Estimate.of_draws(1 - slope, 1 - slopes),
            params=Estimate.of_draws(float(np.exp(at)), np.exp(ats)),
            tokens=Estimate.of_draws(float(np.exp(pairs - at)), np.exp(pairs - ats)),
        )


def _lines(x: Array, y: Array, target: float, rng: np.random.Generator | None = None) -> tuple[Array, Array]:
    """Slopes of the least-squares lines through the rows of `y`, and their values at `target`.

    With `rng` every line moves as its own scatter lets it: Student's t with two degrees less than points.
    """
    away, mean = x - x.mean(), y.mean(axis=1)
    spread = float(away @ away)
    slope = y @ away / spread
    if rng is not None:
        squares = ((y - mean[:, None] - slope[:, None] * away) ** 2).sum(axis=1)
        scale = np.sqrt(squares / rng.chisquare(len(x) - 2, len(y)))
        mean = mean + scale / np.sqrt(len(x)) * rng.standard_normal(len(y))
        slope = slope + scale / np.sqrt(spread) * rng.standard_normal(len(y))
    return slope, mean + slope * (target - x.mean())


def _loss_at(x: Array, loss: Array, flops: float) -> Estimate:
    """Loss at `flops` by E + K C^-g through the points at log compute `x`; the draws refit it to renewed noise."""
    rng, target = np.random.default_rng(0), float(np.log(flops))
    basis = np.stack([np.ones((len(_DECAYS), len(x))), np.exp(-_DECAYS[:, None] * (x - x.mean()))], axis=-1)
    inverse, far = np.linalg.pinv(basis), np.exp(-_DECAYS * (target - x.mean()))[:, None]

    def fitted(samples: Array) -> tuple[Array, Array]:
        """Values at the target, shape (samples,), and at the points, for samples of shape (points, samples)."""
        coefficients = inverse @ samples
        values = basis @ coefficients
        best = ((samples - values) ** 2).sum(axis=1).argmin(axis=0), np.arange(samples.shape[1])
        return (coefficients[:, 0] + coefficients[:, 1] * far)[best], values.transpose(0, 2, 1)[best].T

    (at,), curve = fitted(loss[:, None])
    error = np.sqrt(((loss - curve[:, 0]) ** 2).sum() / rng.chisquare(len(x) - 3, DRAWS // 10))
    return Estimate.of_draws(float(at), fitted(curve + error * rng.standard_normal((len(x), DRAWS // 10)))[0])
