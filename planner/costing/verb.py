"""cost(...) -> Cost: what a model takes in GPU-hours, days, dollars, energy and carbon, each with its range.

It prices one plan as it is written. It proposes no plan and gives no advice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from planner.costing.answering import Served, serving_hours
from planner.costing.bills import Cost
from planner.costing.doubting import findings_about_money
from planner.costing.findings import findings_about
from planner.costing.parts import Work, parts_of, total_of, whole_programme
from planner.errors import InputError
from planner.estimate import Estimate
from planner.hardware import Cluster
from planner.hardware.energy import Carbon, carbon
from planner.laws import FLOPS_PER_PARAM_TOKEN
from planner.units import read, show

DEFAULT_CLUSTER = "8x h100"
DEFAULT_REGION = "USA"


class Planned(Protocol):
    """What cost() needs to know about a plan."""

    @property
    def flops(self) -> float:
        """Training FLOPs."""

    @property
    def params(self) -> float:
        """Parameters that each token passes through."""

    @property
    def tokens(self) -> float:
        """Training tokens."""

    @property
    def cluster(self) -> Cluster | None:
        """The cluster it was planned for, if any."""


def cost(
    plan: Planned | None = None,
    *,
    params: float | str | None = None,
    active_params: float | str | None = None,
    tokens: float | str | None = None,
    cluster: Cluster | str | None = None,
    price: float | str | None = None,
    when: str | None = None,
    region: str | None = None,
    inference_tokens: float | str = 0,
    staff_usd: float | str | None = None,
    data_usd: float | str | None = None,
    calibration_flops: float | str = 0,
    today: date | None = None,
) -> Cost:
    """What a plan, or a model of `params` on `tokens`, costs: its final run, and the whole bill around it.

    Args:
        plan: a Plan; its params and tokens count as decided. Otherwise give `params` and `tokens`.
        active_params: parameters that one token passes through, for a mixture of experts.
        cluster: a Cluster or text such as "512x h100"; by default the plan's, else 8 H100.
        price: USD per GPU-hour, a tier such as "spot", a provider such as "lambda", or "own" for own hardware.
        when: month of the run, such as "2023-07", for prices known by then.
        region: whose grid the electricity comes from, such as "France" or "eu-north-1"; by default the USA's.
        inference_tokens: tokens that will be read and written with the model, served on the same accelerators.
        staff_usd: what the people cost; by default estimated from the compute.
        data_usd: what licences and labels cost; by default none are counted.
        calibration_flops: compute of a calibration sweep, shown beside the experiments that contain it.
        today: the date against which prices count as old; by default today's.

    Raises:
        InputError: neither a plan nor params and tokens are given, or both are.
        UnknownName: no region is called so.
        InfeasiblePlan: the model to serve fits on no number of these accelerators.
    """
    model = trained(plan, params, active_params, tokens)
    planned = None if plan is None else plan.cluster
    asked = cluster if cluster is not None else planned
    chosen = Cluster.parse(DEFAULT_CLUSTER if asked is None else asked)
    chosen = chosen.at(price=price, when=when, kind=None if active_params is None else "moe")
    chosen = chosen.training(active_params=model.active_params, tokens=model.tokens)
    powered = chosen.accelerator.power_watts is not None
    work = Work(
        cluster=chosen,
        params=model.params,
        tokens=model.tokens,
        gpu_hours=chosen.gpu_hours(model.flops),
        days=chosen.days(model.flops),
        kwh=chosen.kwh(model.flops) if powered else None,
        grid=_grid(region),
        calibration_flops=read(calibration_flops, "flops", name="calibration_flops", zero=True),
        staff_usd=_paid(staff_usd, "staff_usd"),
        data_usd=_paid(data_usd, "data_usd"),
        served=_served(model, chosen, read(inference_tokens, "tokens", name="inference_tokens", zero=True)),
    )
    parts = parts_of(work)
    return Cost(
        flops=Estimate.exact(model.flops),
        params=model.params,
        active_params=model.active_params,
        tokens=model.tokens,
        cluster=chosen,
        gpu_hours=work.gpu_hours,
        days=work.days,
        usd=work.usd,
        programme_usd=None if work.usd is None else work.usd.times(whole_programme()),
        total_usd=total_of(parts, work),
        kwh=work.kwh,
        kg_co2=None if work.kwh is None else work.kwh.scaled(work.grid.kg_per_kwh),
        grid=work.grid,
        items=parts,
        staff_grows=work.staff_usd is None,
        findings=(
            *findings_about(
                model.params,
                model.tokens,
                chosen,
                work.days,
                today=today or date.today(),
                assumed=asked is None,
            ),
            *findings_about_money(work, parts),
        ),
    )


def _served(model: Model, cluster: Cluster, tokens: float) -> Served | None:
    """What serving so many tokens takes, where any are served and a price is known."""
    if not tokens or cluster.price is None:
        return None
    return serving_hours(model.params, model.active_params, cluster, tokens)


def _grid(region: str | None) -> Carbon:
    """The grid of `region`; where none is said, ours, and its basis says that we assume it."""
    if region is not None:
        return carbon(region)
    assumed = carbon(DEFAULT_REGION)
    return Carbon(assumed.kg_per_kwh, f"{assumed.basis} (our assumption)")


def _paid(value: float | str | None, name: str) -> Estimate | None:
    """Money that the user said, with its range where it has one."""
    if value is None:
        return None
    if isinstance(value, Estimate):
        read(value.low, "usd", name=name, zero=True)
        return value
    return Estimate.exact(read(value, "usd", name=name, zero=True))


@dataclass(frozen=True, slots=True)
class Model:
    """What is trained."""

    params: float
    active_params: float
    tokens: float
    flops: float


def trained(
    plan: Planned | None,
    params: float | str | None,
    active_params: float | str | None,
    tokens: float | str | None,
) -> Model:
    """The model of the plan, or of the sizes given instead.

    Raises:
        InputError: neither is given, or both are.
    """
    return _of_size(params, active_params, tokens) if plan is None else _of_plan(plan, params, active_params, tokens)


def _of_plan(plan: Planned, *loose: float | str | None) -> Model:
    named = [
        name for name, value in zip(("params", "active_params", "tokens"), loose, strict=True) if value is not None
    ]
    if named:
        raise InputError(
            f"plan and {named[0]} both say what is trained.", mend=f"Give the plan or {named[0]}, not both."
        )
    if any(not hasattr(plan, name) for name in ("flops", "params", "tokens", "cluster")):
        raise InputError(
            f"A {type(plan).__name__} is no plan.", mend="Pass what plan(...) returned, or params=... and tokens=...."
        )
    params = float(plan.params)
    return Model(params, params, float(plan.tokens), float(plan.flops))


def _of_size(params: float | str | None, active_params: float | str | None, tokens: float | str | None) -> Model:
    if params is None or tokens is None:
        missing = " and ".join(name for name, value in (("params", params), ("tokens", tokens)) if value is None)
        raise InputError(
            f"cost() needs {missing}.", mend="Give a plan, or params and tokens: cost(params='7B', tokens='1T')."
        )
    total, data = _at_least_one(params, "params"), _at_least_one(tokens, "tokens")
    active = total if active_params is None else _at_least_one(active_params, "params", name="active_params")
    if active > total:
        raise InputError(
            f"active_params ({show(active, 'params')}) are more than params ({show(total, 'params')}).",
            mend="Active parameters are the part of the model that one token passes through.",
        )
    flops = FLOPS_PER_PARAM_TOKEN * active * data
    if not math.isfinite(flops):
        raise InputError("params times tokens is beyond any number of FLOPs.", mend="Check their units.")
    return Model(total, active, data, flops)


def _at_least_one(value: float | str, unit: str, *, name: str | None = None) -> float:
    number = read(value, unit, name=name or unit)
    if number < 1:
        raise InputError(
            f"{name or unit} must be at least 1, not {value}.", mend="Did you forget the unit, as in '7B'?"
        )
    return number
