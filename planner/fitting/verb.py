"""fit(runs) -> Fit: the law of a set of runs, its form chosen by extrapolation inside them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from planner.errors import FitError, InputError
from planner.fitting.backtesting import chosen, drift_of, roll
from planner.fitting.estimating import MANY, Solution, refit, solve
from planner.fitting.findings import about_the_repeats, findings_of
from planner.fitting.fits import Fit
from planner.fitting.forms import ADDITIVE, COUPLED, form_called
from planner.fitting.repeats import Worth, part_of, runs_of_the_law, worth_of
from planner.fitting.resampling import Sample
from planner.fitting.terms import Data
from planner.laws import Calibration, repeats_of_text
from planner.laws.calibrations import repeats_draws_of_text
from planner.runs import Runs, load_runs

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from planner.fitting.backtesting import Cut
    from planner.fitting.solver import Array

_CANDIDATES = (COUPLED, ADDITIVE)


def fit(
    runs: Runs | pd.DataFrame, *, form: str = "auto", draws: int = 1000, seed: int = 0, delta: float | None = None
) -> Fit:
    """The law of `runs`, with intervals for one new run that grow with the distance of the extrapolation.

    Args:
        runs: what `load_runs` gives, or a DataFrame with params, tokens and loss; a column `weight` weighs the runs,
            runs of one `trunk` are resampled together. With a column `unique_tokens` the law is that of the runs of a
            single pass, and those that repeat tokens tell what repeats are worth under it.
        form: "additive", "coupled", "tied", "fixed", "kaplan" or "farseer"; "auto" takes the coupled form, which holds
            the additive one, unless the additive one extrapolates clearly better inside the runs.
        draws: bootstrap resamples, at least 20.
        seed: of the resampling; the same runs and seed give the same fit.
        delta: None adapts the estimator to the noise of the runs, with weak priors. A number gives the bare sum of
            Huber losses of log loss that bend there: 0.001 is that of Hoffmann et al. 2022, 0 the least absolute
            deviations that Besiroglu et al. 2024 print.

    Raises:
        FitError: the runs do not determine the coefficients.
        UnknownName: there is no such form.
    """
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise InputError(f"seed is {seed!r}.", mend="Give a whole number of at least 0.")
    if not isinstance(draws, int) or draws < 20:
        raise InputError(f"draws is {draws!r}.", mend="Give a whole number of at least 20, such as 1000.")
    if delta is not None and not (isinstance(delta, float | int) and 0 <= delta < np.inf):
        raise InputError(f"delta is {delta!r}.", mend="Give a residual of log loss such as 0.001, 0, or None.")
    if delta is not None and form == "auto":
        raise InputError("delta sets the estimator of one form.", mend='Name the form, such as form="additive".')
    forms = _CANDIDATES if form == "auto" else (form_called(form),)
    table = runs if isinstance(runs, Runs) else load_runs(runs)
    weighed, single = table.weights > 0, runs_of_the_law(table)
    counted = single & weighed
    own, positions = part_of(table, counted), np.flatnonzero(counted)
    sample = Sample.of(own)
    _refuse_undetermined(own, sample, min(len(form.coefficients) for form in forms))
    rng = np.random.default_rng(seed)
    some = _some(len(sample.loss), rng)
    part = sample if some is None else sample.part(some)
    cuts = roll(forms, part, delta, seed)
    best = chosen(forms, cuts)
    solution = solve(best, sample.data, sample.weights, delta)
    theta = _draws(solution, sample, part, draws, rng)
    law, ensemble = best.law(solution.data, solution.theta), best.law(solution.data, theta)
    worth = worth_of(table, ~single & weighed, law, ensemble, solution.noise, delta, seed)
    calibration = Calibration(
        name=f"the fit of {table.source}",
        title=f"Fitted to {len(own.frame)} runs from {table.source}",
        law=law,
        ensemble=ensemble,
        counting=table.counting,
        loss_unit=table.loss_unit,
        flops_max=float(sample.flops.max()),
        noise=solution.noise,
        source=table.source,
        as_of="",
        repeats=(worth.found.R_D, worth.found.R_N) if worth.found else repeats_of_text(),
        repeats_draws=worth.draws or repeats_draws_of_text(draws),
        repeats_noise=worth.found.noise if worth.found else 0.0,
        basis=f"bootstrap of {len(own.frame)} runs",
        drift=drift_of([cut for cut in cuts if cut.form == best.name]),
    )
    return Fit(
        form=best.name,
        calibration=calibration,
        runs=table,
        delta=solution.delta,
        objective=solution.objective,
        error=solution.error,
        weights=_spread(solution.weights, positions, len(table.frame)),
        repeat_weights=_repeat_weights(worth, len(table.frame)),
        cuts=_placed(cuts, positions if some is None else positions[some]),
        draws=draws,
        seed=seed,
        findings=(
            *findings_of(table, own, solution, calibration, cuts),
            *about_the_repeats(table, worth, best.name),
        ),
    )


def _spread(weights: Array, positions: NDArray[np.intp], count: int) -> Array:
    """The weights of the runs at `positions` of a table of `count`, 0 for all others."""
    found = np.zeros(count)
    found[positions] = weights
    return found


def _repeat_weights(worth: Worth, count: int) -> Array:
    return _spread(worth.found.weights, worth.used, count) if worth.found else np.zeros(count)


def _placed(cuts: tuple[Cut, ...], positions: NDArray[np.intp]) -> tuple[Cut, ...]:
    """The cuts with the held-out runs by their positions in the table, of which they saw those at `positions`."""
    return tuple(replace(cut, held=positions[cut.held]) for cut in cuts)


def _some(count: int, rng: np.random.Generator) -> NDArray[np.intp] | None:
    """So many of the runs as can be rolled and resampled in reasonable time; None for all."""
    return None if count <= MANY else np.sort(rng.choice(count, MANY, replace=False))


def _draws(solution: Solution, sample: Sample, part: Sample, draws: int, rng: np.random.Generator) -> Array:
    """Unknowns of resampled runs, shape (draws, unknowns); of many runs, from a part, brought to their number."""
    if part is sample:
        return refit(solution, sample.counts(draws, rng), rng)
    data = Data.of(part.params, part.tokens, part.loss, like=solution.data)
    smaller = solve(solution.form, data, part.weights, solution.delta if solution.prior is None else None)
    spread = refit(smaller, part.counts(draws, rng), rng) - smaller.theta
    shrunk: Array = spread * (len(part.loss) / len(sample.loss)) ** 0.5
    return solution.theta + shrunk


def _refuse_undetermined(runs: Runs, sample: Sample, unknowns: int) -> None:
    count = len(sample.loss)
    if count <= unknowns:
        raise FitError(
            f"{runs.source} has {count} run{'s' * (count != 1)} for {unknowns} coefficients.",
            mend=f"Give at least {unknowns + 1}, better 12 or more, over several sizes and token counts.",
        )
    for name in ("params", "tokens"):
        if len(np.unique(runs.column(name))) < 2:
            raise FitError(
                f"All runs have the same {name}, so their effect cannot be told.",
                mend=f"Add runs with other {name}, at least 3 different ones.",
            )
    if np.ptp(np.log(runs.column("loss"))) < 1e-6:
        raise FitError("All runs have the same loss.", mend="Check the loss column.")
