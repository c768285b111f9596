"""The rolling back-test: the law fitted below a cut in compute, held against the larger runs of the same table.

It chooses between forms, and tells how fast a law drifts from the truth with every decade of extrapolation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner.fitting.estimating import refit, solve
from planner.fitting.resampling import Sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from planner.fitting.forms import Form
    from planner.fitting.solver import Array

DRIFT = 0.02
"""Half-width, as a fraction of the loss, of the 90 % range that every decade of extrapolation adds to a fit before its
own back-test speaks. With it, nine public tables cut 3 to 40 times below their largest run had 92 % of the larger runs
inside the range."""
ENOUGH_CUTS = 2
"""A back-test of fewer cuts chooses nothing and calibrates nothing."""
_QUANTILES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_LEAST_RUNS, _LEAST_DISTINCT = 8, 3
_LEVEL = 1.1
"""Runs whose compute differs by less than this factor are of one level."""
_PRIOR_CUTS, _WILD = 1.0, 3.0
_CLEARLY = 2 / 3
_DRAWS, _STARTS = 30, 2
NORMAL_90 = 1.6449
"""Standard deviations to either side of the mean that hold 90 % of a normal distribution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """One form fitted to the `below` runs up to `flops`, and what came above: arrays over the held-out runs, `held`.

    `predicted` is their loss, `errors` measured above predicted log loss, `decades` how far in compute, `spread` the
    standard deviation of log loss that coefficients and run-to-run noise explain.
    """

    form: str
    flops: float
    below: int
    held: NDArray[np.intp]
    predicted: Array
    errors: Array
    decades: Array
    spread: Array

    @property
    def median_error(self) -> float:
        """Median relative error of the predictions, regardless of sign."""
        return float(np.median(np.abs(np.expm1(-self.errors))))

    @property
    def bias(self) -> float:
        """Median relative error; positive where predictions are too high."""
        return float(np.median(np.expm1(-self.errors)))


def roll(forms: Sequence[Form], sample: Sample, delta: float | None, seed: int) -> tuple[Cut, ...]:
    """Every form at every usable cut, smallest cut first; arguments as those of `solve`."""
    rng, flops = np.random.default_rng(seed), sample.flops
    found = []
    cuts = {int((flops <= cut * _LEVEL).sum()): flops <= cut * _LEVEL for cut in np.quantile(flops, _QUANTILES)}
    for below in cuts.values():
        above = flops > flops[below].max() * _LEVEL
        if below.sum() >= _LEAST_RUNS and above.any() and sample.part(below).distinct() >= _LEAST_DISTINCT:
            found += [_held(form, sample, below, above, delta, rng) for form in forms]
    return tuple(found)


def _held(
    form: Form,
    sample: Sample,
    below: NDArray[np.bool_],
    above: NDArray[np.bool_],
    delta: float | None,
    rng: np.random.Generator,
) -> Cut:
    part, rest = sample.part(below), sample.part(above)
    solution = solve(form, part.data, part.weights, delta, starts=_STARTS)
    ensemble = form.law(part.data, refit(solution, part.counts(_DRAWS, rng), rng))
    predicted = np.asarray(form.law(part.data, solution.theta).loss(rest.params, rest.tokens))
    draws = np.log(np.asarray(ensemble.loss(rest.params[:, None], rest.tokens[:, None])))
    largest = float(part.flops.max())
    return Cut(
        form=form.name,
        flops=largest,
        below=int(below.sum()),
        held=np.flatnonzero(above),
        predicted=predicted,
        errors=np.log(rest.loss / predicted),
        decades=np.log10(rest.flops / largest),
        spread=np.hypot(draws.std(axis=1), solution.noise),
    )


def chosen(forms: Sequence[Form], cuts: Sequence[Cut]) -> Form:
    """The first form, unless another missed the held-out runs by less at every cut, and by a third on the mean."""
    missed = [np.array([cut.median_error for cut in cuts if cut.form == form.name]) for form in forms]
    if len(missed[0]) < ENOUGH_CUTS:
        return forms[0]
    better = [form for form, errors in zip(forms, missed, strict=True) if _clearly_below(errors, missed[0])]
    return better[0] if better else forms[0]


def _clearly_below(errors: Array, others: Array) -> bool:
    return bool((errors < others).all() and errors.mean() < others.mean() * _CLEARLY)


def drift_of(cuts: Sequence[Cut]) -> float:
    """Half-width of the 90 % range that every decade adds: `DRIFT` and what the cuts show, weighed by what they can.

    A cut shows the variance of its errors that coefficients and noise do not explain, per decade; it counts as much as
    the drift that is expected at its distance stands out from the two. Never less than a third of `DRIFT`.
    """
    total, weight = _PRIOR_CUTS * DRIFT**2, _PRIOR_CUTS
    for cut in cuts:
        distance = float(np.median(cut.decades))
        known = float(np.median(cut.spread)) ** 2
        size = np.abs(cut.errors)
        missed = float(np.mean(np.minimum(size, _WILD * np.median(size)) ** 2))
        expected = (DRIFT * distance / NORMAL_90) ** 2
        share = expected / (expected + known)
        total += share * (missed - known) * (NORMAL_90 / distance) ** 2
        weight += share
    return max(float(np.sqrt(max(total, 0.0) / weight)), DRIFT / 3)
