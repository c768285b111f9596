"""Views: the figures of a fit, each from what the fit holds. Drawing lives in `planner.charts`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from planner.errors import InputError
from planner.fitting.forms import form_called
from planner.fitting.sizing import vertices
from planner.laws import FLOPS_PER_PARAM_TOKEN, valley

if TYPE_CHECKING:
    from planner.fitting.fits import Fit

AHEAD = 100.0
"""Frontiers are drawn to this many times the largest run."""
_POINTS, _SLACK = 120, 0.005
_OUTLYING = 5.0
_LEVELS = np.linspace(0.05, 0.95, 19)
_LOGARITHMIC = ("A", "B", "N_c", "D_c")


def runs_view(fit: Fit) -> Any:
    """Measured and fitted loss over compute, and the residuals; runs far off are named."""
    from planner.charts import fit_figure

    runs, predicted = fit.runs, fit.expected
    residuals = np.log(runs.column("loss") / predicted)
    far = np.flatnonzero(np.abs(residuals) > _OUTLYING * fit.calibration.noise)
    named = {int(index): runs.named([int(index)]) for index in far}
    return fit_figure(
        runs.column("flops"),
        runs.column("loss"),
        predicted,
        runs.loss_unit,
        params=runs.column("params"),
        outliers=named,
    )


def fan_view(fit: Fit) -> Any:
    """Best loss against compute, its range fanning out beyond the runs, and the back-test below."""
    from planner.charts import fan_figure

    runs = fit.runs
    flops = np.geomspace(runs.column("flops").min(), AHEAD * fit.calibration.flops_max, _POINTS)
    params, tokens = fit.optimum(flops)
    return fan_figure(
        flops=flops,
        loss=fit.predict(params, tokens),
        half=fit.predict_interval(params, tokens, 0.5),
        most=fit.predict_interval(params, tokens, 0.9),
        runs=(runs.column("flops"), runs.column("loss")),
        fitted_to=fit.calibration.flops_max,
        loss_unit=runs.loss_unit,
        held_out=_held_out(fit),
    )


def _held_out(fit: Fit) -> Any:
    """Compute, measured loss, low and high of the 90 % range of held-out runs, the last three over the forecast."""
    if not fit.own_cuts:
        return None
    flops = np.concatenate([fit.runs.column("flops")[cut.held] for cut in fit.own_cuts])
    errors = np.concatenate([cut.errors for cut in fit.own_cuts])
    reach = np.concatenate([fit.reach(cut) for cut in fit.own_cuts])
    return flops, np.exp(errors), np.exp(-reach), np.exp(reach)


def isoflop_view(fit: Fit) -> Any:
    """Loss against params at equal compute with the law's curves, and the vertex of each level.

    Raises:
        InputError: no runs share their compute.
    """
    from planner.charts import isoflop_figure

    runs = fit.law_runs
    found = vertices(runs)
    if not found:
        raise InputError("No runs share their compute, so there are no isoFLOP curves.", mend="Draw another figure.")
    members = np.concatenate([vertex.members for vertex in found])
    params = runs.column("params")[members]
    flops = np.array([vertex.flops for vertex in found])
    spans = [runs.column("params")[list(vertex.members)] for vertex in found]
    curve = np.stack([np.geomspace(span.min() / 1.3, span.max() * 1.3, _POINTS) for span in spans])
    inside = np.array([not vertex.edge for vertex in found])
    return isoflop_figure(
        params=params,
        loss=runs.column("loss")[members],
        level=np.repeat(np.arange(len(found)), [len(vertex.members) for vertex in found]),
        flops=flops,
        curve_params=curve,
        curve_loss=fit.predict(curve, flops[:, None] / FLOPS_PER_PARAM_TOKEN / curve),
        vertex_params=np.where(inside, [vertex.params for vertex in found], np.nan),
        vertex_loss=np.where(inside, [vertex.loss for vertex in found], np.nan),
        loss_unit=runs.loss_unit,
    )


def contours_view(fit: Fit) -> Any:
    """Lines of equal loss over params and tokens with the runs and the frontier of best sizes."""
    from planner.charts import contours_figure

    runs, calibration = fit.law_runs, fit.calibration
    flops = np.geomspace(runs.column("flops").min(), AHEAD * calibration.flops_max, _POINTS)
    best = fit.optimum(flops)
    drawn = np.asarray(calibration.ensemble.optimum(flops[:, None])[0])
    low, high = np.quantile(drawn, [0.05, 0.95], axis=1)
    params, tokens = runs.column("params"), runs.column("tokens")
    wide = np.geomspace(min(params.min(), best[0].min()), max(params.max(), best[0].max()), _POINTS)
    tall = np.geomspace(min(tokens.min(), best[1].min()), max(tokens.max(), best[1].max()), _POINTS)
    return contours_figure(
        params=wide,
        tokens=tall,
        loss=fit.predict(wide, tall[:, None]),
        best=best,
        between=(np.minimum(low, best[0]), np.maximum(high, best[0])),
        runs=(params, tokens, runs.column("loss")),
        loss_unit=runs.loss_unit,
    )


def valley_view(fit: Fit) -> Any:
    """Loss against params at ten times the largest run, with the sizes that are nearly as good as the best."""
    from planner.charts import valley_figure

    law, flops = fit.calibration.law, 10 * fit.calibration.flops_max
    low, high = (float(edge) for edge in valley(law, flops, _SLACK))
    params = np.geomspace(low / 4, high * 4, _POINTS)
    tokens = flops / FLOPS_PER_PARAM_TOKEN / params
    bottom, top = fit.predict_interval(params, tokens)
    best = fit.optimum(flops)
    return valley_figure(
        params=params,
        loss=fit.predict(params, tokens),
        low=bottom,
        high=top,
        best=(best[0], fit.predict(*best)),
        near=(low, high),
        share=_SLACK,
        loss_unit=fit.runs.loss_unit,
    )


def posterior_view(fit: Fit) -> Any:
    """How the draws of each coefficient spread."""
    from planner.charts import posterior_figure

    law, ensemble, names = fit.calibration.law, fit.calibration.ensemble, form_called(fit.form).coefficients
    return posterior_figure(
        draws={name: np.asarray(getattr(ensemble, name)) for name in names},
        central={name: float(getattr(law, name)) for name in names},
        logarithmic=_LOGARITHMIC,
    )


def calibration_view(fit: Fit) -> Any:
    """Share of held-out runs inside their intervals against the level that the intervals claim.

    Raises:
        InputError: the back-test has too few cuts.
    """
    from planner.charts import calibration_figure

    shares = fit.coverage(_LEVELS)
    if np.isnan(shares).any():
        raise InputError("The back-test has too few cuts to check intervals.", mend="Add runs of less compute.")
    return calibration_figure(levels=_LEVELS, shares=shares, runs=sum(len(cut.held) for cut in fit.own_cuts))


VIEWS = {
    "runs": runs_view,
    "fan": fan_view,
    "isoflop": isoflop_view,
    "contours": contours_view,
    "valley": valley_view,
    "posterior": posterior_view,
    "calibration": calibration_view,
}
