"""What the reader of a fit must know: whether the table is what it seems, and how far the law can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planner.estimate import Estimate
from planner.fitting.backtesting import DRIFT, ENOUGH_CUTS
from planner.fitting.repeats import FEWEST, SPREAD
from planner.fitting.resampling import LEAST_TRUNKS
from planner.fitting.tables import about_the_design, about_the_schedule, about_the_table
from planner.sheet import Finding
from planner.units import show, show_range

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from planner.fitting.backtesting import Cut
    from planner.fitting.estimating import Solution
    from planner.fitting.repeats import Worth
    from planner.laws import Calibration, Law
    from planner.runs import Runs

WELL_FITTED, UNSURE_SIZE = 0.03, 4.0
"""Relative error above which a law does not describe its runs, and the factor across the range of the best size ten
times beyond them above which they do not determine it: our assumptions."""
_OUTLYING, _NAMED = 6.0, 5
_MISSED, _FAR_OFF, _DRIFTING = 0.01, 0.04, 1.5
_ON_THE_PRIOR = 0.7


def findings_of(
    table: Runs, runs: Runs, solution: Solution, calibration: Calibration, cuts: Sequence[Cut]
) -> Iterator[Finding]:
    """The findings of the law that `solution` found and `calibration` carries.

    `runs` are those of the `table` that the law was fitted to; `cuts` are those of every form tried.
    """
    own = [cut for cut in cuts if cut.form == solution.form.name]
    yield from about_the_table(table, told_apart=len(runs.frame) < len(table.frame))
    yield from about_the_design(runs)
    yield from _about_the_law(runs, solution, calibration)
    yield from _about_the_backtest(cuts, own, calibration)
    yield from _about_the_trunks(runs)
    yield from _about_the_errors(runs, solution)
    yield from about_the_schedule(runs, solution.residuals)


def about_the_repeats(table: Runs, worth: Worth, form: str) -> Iterator[Finding]:
    """What the reader must know of the runs that repeat tokens, which the law of this `form` leaves out."""
    if len(worth.worse):
        yield Finding(
            "note",
            f"{len(worth.worse)} of {len(worth.apart)} runs that repeat tokens got worse with epochs or parameters.",
            f"Another on the same text with no more of either lies below: see {table.named(worth.worse)}. What repeats "
            "are worth levels off in the form and never turns, so these are left out.",
            "Stop such runs earlier, or regularise them more.",
        )
    if worth.draws is not None:
        yield from _about_their_worth(worth.draws)
    elif len(worth.apart):
        few = f"{len(worth.used)} of them can tell what repeats are worth; it takes {FEWEST}."
        none = f"The {form} form says nothing about repeats."
        todo = "Add runs of several numbers of epochs. Until then repeats count as in Muennighoff et al. 2023."
        because, todo = (few, todo) if len(worth.used) < FEWEST else (none, 'Fit the form "coupled" or "additive".')
        yield Finding("warning", f"{len(worth.apart)} runs that repeat tokens are left out.", because, todo)


def _about_their_worth(draws: tuple[NDArray[np.float64], NDArray[np.float64]]) -> Iterator[Finding]:
    spreads = {name: float(np.std(np.log(values))) for name, values in zip(("R_D", "R_N"), draws, strict=True)}
    unsure = [name for name, spread in spreads.items() if spread > _ON_THE_PRIOR * SPREAD]
    if unsure:
        because = (
            "Resampled, they are nearly as unsure as the weak prior around Muennighoff et al. 2023 that holds them."
        )
        todo = "Add runs of more epochs for R_D, larger models on little text for R_N."
        yield Finding("note", f"Our prior decides on {', '.join(unsure)}.", because, todo)


def _about_the_law(runs: Runs, solution: Solution, calibration: Calibration) -> Iterator[Finding]:
    form, law, ensemble = solution.form, calibration.law, calibration.ensemble
    low, high = form.model(solution.data).box
    for name in ("alpha", "beta"):
        if name in form.coefficients:
            at = form.coefficients.index(name)
            if solution.theta[at] <= low[at] + 0.01 or solution.theta[at] >= high[at] - 0.01:
                because = "The runs do not determine it."
                yield Finding("problem", f"The exponent {name} is at its bound.", because, "Add runs.")
    held = [name for name in ("alpha", "beta", "k") if _rests_on_prior(name, solution, ensemble)]
    if held:
        because = "Resampled, they are nearly as unsure as the weak prior that holds them."
        yield Finding("note", f"Our prior decides on {', '.join(held)}.", because, "Add runs that vary more.")
    if form.name != "kaplan" and np.asarray(law.floor()) < 0.01 * runs.column("loss").min():
        because = "The runs do not show where the loss ends, so far extrapolations run too low."
        yield Finding("warning", "The irreducible loss came out as nothing.", because, "Add larger runs.")
    if (solution.objectives > solution.objective * 1.001).any():
        worst = show(float(solution.objectives.max() / solution.objective))
        because = f"The best of {len(solution.objectives)} counts; the worst is {worst} times it."
        yield Finding("note", "Some starts ended in a worse optimum.", because)
    ahead = 10 * calibration.flops_max
    size = Estimate.of_draws(float(law.optimum(ahead)[0]), ensemble.optimum(ahead)[0])
    if size.high > UNSURE_SIZE * size.low:
        yield Finding(
            "warning",
            "The runs hardly tell which size is best.",
            f"At {show(ahead, 'flops')} it lies in {show_range(size.low, size.high, 'params')}.",
            "Add runs of equal compute with sizes on both sides of the best.",
        )


def _rests_on_prior(name: str, solution: Solution, ensemble: Law) -> bool:
    form = solution.form
    if solution.prior is None or name not in form.coefficients:
        return False
    prior = form.spread[form.coefficients.index(name)]
    # The prior is on the exponent that a term has on its own, k times the published one.
    unit = 1.0 if name == "k" else getattr(ensemble, "k", 1.0)
    return bool(np.std(np.log(getattr(ensemble, name) * unit)) > _ON_THE_PRIOR * prior)


def _about_the_backtest(cuts: Sequence[Cut], own: Sequence[Cut], calibration: Calibration) -> Iterator[Finding]:
    if len(own) < ENOUGH_CUTS:
        yield Finding(
            "note",
            "The ranges are not calibrated on these runs.",
            f"They allow {len(own) or 'no'} cut{'s' * (len(own) != 1)} of the back-test; the drift of "
            f"{show(calibration.drift, 'fraction')} a factor of ten leans on public run tables.",
            "Add runs of other sizes and ten times less compute.",
        )
        return
    missed = {name: _mean_error(cuts, name) for name in dict.fromkeys(cut.form for cut in cuts)}
    if len(missed) > 1:
        compared = ", ".join(f"{name} {show(error, 'fraction')}" for name, error in missed.items())
        yield Finding(
            "note",
            f"The {own[0].form} form was chosen.",
            f"Fitted below {len(own)} cuts in compute, the forms missed the larger runs by {compared} on the mean. The "
            "coupled form, which is the additive one at k = 1, extrapolated better on public tables; the additive one "
            "is taken only where it does better at every cut, and by a third on the mean.",
        )
    worst = max(cut.median_error for cut in own)
    if worst > _MISSED and (calibration.drift > _DRIFTING * DRIFT or worst > _FAR_OFF):
        side = "high" if np.median([cut.bias for cut in own]) > 0 else "low"
        yield Finding(
            "warning",
            f"Fitted to the smaller runs, the law misses the larger ones by up to {show(worst, 'fraction')}.",
            f"It predicts too {side}. The ranges grow by {show(calibration.drift, 'fraction')} a factor of ten.",
            "Extrapolate with care, and add larger runs.",
        )


def _mean_error(cuts: Sequence[Cut], name: str) -> float:
    return float(np.mean([cut.median_error for cut in cuts if cut.form == name]))


def _about_the_trunks(runs: Runs) -> Iterator[Finding]:
    trunks = len(np.unique(runs.trunks))
    if trunks < min(LEAST_TRUNKS, len(runs.frame)):
        yield Finding(
            "warning",
            f"The runs come from {trunks} trunk{'s' * (trunks != 1)} only.",
            "That is too few to resample, so runs count as independent and the ranges are too narrow.",
            f"Train {LEAST_TRUNKS} trunks or more.",
        )


def _about_the_errors(runs: Runs, solution: Solution) -> Iterator[Finding]:
    residuals, noise = solution.residuals, solution.noise
    # Runs that lost their weight are named below; the law need not describe them.
    if solution.error > WELL_FITTED:
        because = f"Its error on its own runs is {show(solution.error, 'fraction')}."
        todo = "Look for mixed set-ups or bad rows."
        yield Finding("problem", "The law does not describe these runs.", because, todo)
    above, below = residuals > _OUTLYING * noise, residuals < -_OUTLYING * noise
    if above.any():
        yield Finding(
            "note",
            f"{above.sum()} of {len(residuals)} runs lie far above the law.",
            f"The farthest: {_listed(runs, residuals, above)}. They weigh little or nothing in the fit.",
            "Such runs are undertuned, cut short or diverged: look at them.",
        )
    if below.any():
        yield Finding(
            "note",
            f"{below.sum()} of {len(residuals)} runs lie far below the law.",
            f"The farthest: {_listed(runs, residuals, below)}. They weigh little in the fit.",
            "Such runs differ in data, counting or evaluation: look at them.",
        )


def _listed(runs: Runs, residuals: NDArray[np.float64], chosen: NDArray[np.bool_]) -> str:
    """The runs farthest off, by their rows in the source."""
    indices = np.flatnonzero(chosen)
    worst = indices[np.argsort(-np.abs(residuals[indices]), kind="stable")][:_NAMED]
    return ", ".join(
        f"{runs.named([index])} (off by {show(float(np.expm1(residuals[index])), 'fraction')})" for index in worst
    )
