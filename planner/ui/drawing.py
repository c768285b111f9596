"""Drawing: the arrays of each figure of the live pages, out of a plan and its bill. It knows no widget."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.catalog import records
from planner.charts.specs import days_spec, loss_spec, ranges_spec, sizes_spec, steps_spec, swings_spec
from planner.errors import InputError
from planner.estimate import Estimate
from planner.laws import FLOPS_PER_PARAM_TOKEN
from planner.layouts import time_against_gpus
from planner.planning.goals import size_of_open_model
from planner.units import show, show_range

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from planner.costing import Cost
    from planner.planning import Plan
    from planner.sheet import Row

_BUDGETS = (0.01, 0.1, 1.0, 10.0, 100.0)
"""Shares of the plan's compute whose best losses become the lines of equal loss."""
_POINTS = 31
"""Points of a frontier: six decades, five a decade."""
_REACH = 30.0
"""How many times smaller and larger than the plan's the sizes of the map are."""
_APART = 1.2
"""Decades between open models that are named, so that names do not meet."""


def loss_against_budget(found: Plan, bill: Cost) -> dict[str, Any]:
    """The frontier in dollars where a price is known, else in FLOPs, with open models and the plan on it."""
    frontier = found.frontier(_POINTS)
    usd = _usd_per_flop(found)
    unit = usd or 1.0
    curve = {name: frontier[name].to_numpy() for name in ("loss", "low", "high")}
    x = frontier["flops"].to_numpy() * unit
    law = found.calibration
    title = "Rent of training and serving (dollars)" if usd else "Compute (FLOPs)"
    return loss_spec(
        curve={"x": x, **curve},
        models=_models(found, unit, within=(float(x[0]), float(x[-1])), money=usd is not None),
        chosen=[{"x": found.lifetime_flops * unit, "loss": float(found.loss), "about": f"This plan: {_loss(found)}"}],
        fitted_to=law.flops_max * unit if x[0] < law.flops_max * unit < x[-1] else 0.0,
        x_title=title,
        y_title=f"Loss ({law.loss_unit})",
        money=usd is not None,
    )


def _usd_per_flop(found: Plan) -> float | None:
    """US dollars of rent per FLOP, at the utilisation and price of the plan; None where no price is known."""
    if found.cluster is None or found.cluster.price is None:
        return None
    return float(found.cluster.usd(float(found.flops))) / float(found.flops)


def _loss(found: Plan) -> str:
    law = found.calibration
    return f"loss {show(found.loss, law.loss_unit)} ({show_range(found.loss.low, found.loss.high, law.loss_unit)})"


@cache
def _open_models() -> tuple[tuple[str, float, float], ...]:
    """Title, dense-equivalent params and tokens of every open model of text whose tokens are known, by compute."""
    found = []
    for row in records("models"):
        if row["train_tokens"]:
            try:
                found.append((row["title"], *size_of_open_model(row["name"])))
            except InputError:
                continue
    return tuple(sorted(found, key=lambda model: model[1] * model[2]))


def _models(found: Plan, unit: float, *, within: tuple[float, float], money: bool) -> list[dict[str, Any]]:
    """Open models as the plan's law predicts them, each at the compute of its training; named where there is room."""
    law, rows, last = found.calibration, [], 0.0
    for title, params, tokens in _open_models():
        x = FLOPS_PER_PARAM_TOKEN * params * tokens * unit
        if not within[0] <= x <= within[1]:
            continue
        loss = float(law.law.loss(params, tokens))
        amount = show(x, "usd") if money else show(x, "flops")
        row = {"x": x, "loss": loss, "about": f"{title}: {show(loss, law.loss_unit)} at {amount}"}
        if x > last * 10**_APART:
            row, last = {**row, "name": title}, x
        rows.append(row)
    return rows


def loss_over_sizes(found: Plan, bill: Cost) -> dict[str, Any]:
    """Lines of equal loss over parameters and tokens; the budget's line holds all sizes that take its compute."""
    law, params = found.calibration.law, float(found.params)
    sizes = np.geomspace(params / _REACH, params * _REACH, 41)
    tokens = found.lifetime_flops / (FLOPS_PER_PARAM_TOKEN * sizes) - found.inference_tokens / 3
    budget = [{"x": x, "y": y} for x, y in zip(sizes.tolist(), tokens.tolist(), strict=True) if y > 1]
    lines = [(show(level), sizes[known], drawn[known]) for level, drawn, known in _lines(found, sizes)]
    bottom, top = min(point["y"] for point in budget), max(point["y"] for point in budget)
    models = [
        {"x": x, "y": y, "about": f"{title}: {show(x, 'params')} on {show(y, 'tokens')}, "
                                  f"loss {show(float(law.loss(x, y)), found.calibration.loss_unit)} by this law"}
        for title, x, y in _open_models()
        if sizes[0] <= x <= sizes[-1] and bottom <= y <= top
    ]  # fmt: skip
    chosen = {"x": params, "y": float(found.tokens), "about": f"This plan: {_loss(found)}"}
    return sizes_spec(lines=lines, budget=budget, models=models, chosen=[chosen])


def _lines(found: Plan, sizes: NDArray[Any]) -> list[tuple[float, NDArray[Any], NDArray[Any]]]:
    """Losses, the tokens that bring each size to them, and where that is possible."""
    frontier = found.frontier(_POINTS)
    at = np.log(found.lifetime_flops * np.array(_BUDGETS))
    levels = np.interp(at, np.log(frontier["flops"].to_numpy()), frontier["loss"].to_numpy())
    found_lines = []
    for level in levels.tolist():
        tokens = np.asarray(found.calibration.law.tokens_for(level, sizes), dtype=float)
        found_lines.append((level, tokens, np.isfinite(tokens) & (tokens > 1)))
    return found_lines


def where_the_money_goes(found: Plan, bill: Cost) -> dict[str, Any]:
    """The items of the bill as steps to its total."""
    if bill.total_usd is None:
        raise _without_price()
    paid = [part for part in bill.items if part.in_total]
    ends = np.cumsum([float(part.usd) for part in paid]).tolist()
    steps = [
        {"name": part.name, "start": end - float(part.usd), "end": end, "kind": "step",
         "about": _about(part.name, part.usd)}
        for part, end in zip(paid, ends, strict=True)
    ]  # fmt: skip
    whole, name = bill.total_usd, "The whole bill"
    steps.append({"name": name, "start": 0.0, "end": float(whole), "kind": "total", "about": _about(name, whole)})
    return steps_spec(steps=steps, total={"name": name, "value": float(whole), "low": whole.low, "high": whole.high})


def _about(name: str, amount: Estimate) -> str:
    return f"{name}: {show(amount, 'usd')} ({show_range(amount.low, amount.high, 'usd')})"


def what_moves_it(found: Plan, bill: Cost) -> dict[str, Any]:
    """The whole bill at both ends of each uncertain input."""
    if bill.total_usd is None:
        raise _without_price()
    swings = [
        {"name": name, "low": low, "high": high, "about": f"{name}: {show_range(low, high, 'usd')}"}
        for name, low, high in zip(*(bill.swings[column].tolist() for column in ("factor", "low", "high")), strict=True)
    ]
    return swings_spec(swings=swings, centre=float(bill.total_usd))


def _without_price() -> InputError:
    return InputError("A bill without a price has no figure.", mend="Fill in a price per GPU-hour.")


def time_on_more_gpus(found: Plan, bill: Cost) -> dict[str, Any]:
    """Days of the run on ever more of the same GPUs."""
    if found.cluster is None:
        raise InputError("Without a cluster there is no time.", mend="Fill in a cluster.")
    curve = time_against_gpus(found.shape, found.cluster, tokens=float(found.tokens))
    rows = [
        {"gpus": point.gpus, "days": float(point.days), "low": point.days.low, "high": point.days.high,
         "about": f"{show(point.gpus, 'gpus')}: {show(point.days, 'days')} "
                  f"({show_range(point.days.low, point.days.high, 'days')})"}
        for point in curve.points
    ]  # fmt: skip
    return days_spec(curve=rows, chosen=found.cluster.gpus)


def side_by_side(names: Sequence[str], rows: Sequence[Row]) -> dict[str, Any]:
    """One quantity of several plans with its range; plans that lack it are left out."""
    points = []
    for name, row in zip(names, rows, strict=True):
        if isinstance(row.value, float):
            low, high = (row.value.low, row.value.high) if isinstance(row.value, Estimate) else (row.value, row.value)
            about = f"{name}: {' '.join(filter(None, (row.text, row.range_text and f'({row.range_text})')))}"
            points.append({"name": name, "value": float(row.value), "low": low, "high": high, "about": about})
    unit = "US dollars" if rows[0].unit == "usd" else rows[0].unit
    return ranges_spec(rows=points, title=f"{rows[0].label} ({unit})", money=rows[0].unit == "usd")
