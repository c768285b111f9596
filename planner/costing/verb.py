"""cost(...) -> Cost: what training takes in GPU-hours, days, dollars, energy and carbon, each with its range.

It prices one plan as it is written. It proposes no plan and gives no advice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from planner.costing.bills import REGION, Cost
from planner.costing.constants import whole_programme
from planner.costing.findings import findings_about
from planner.errors import InputError
from planner.estimate import Estimate
from planner.hardware import Cluster
from planner.laws import FLOPS_PER_PARAM_TOKEN
from planner.units import read, show

DEFAULT_CLUSTER = "8x h100"


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
    today: date | None = None,
) -> Cost:
    """What a plan, or a model of `params` on `tokens`, costs to train.

    Args:
        plan: a Plan; its params and tokens count as decided. Otherwise give `params` and `tokens`.
        active_params: parameters that one token passes through, for a mixture of experts.
        cluster: a Cluster or text such as "512x h100"; by default the plan's, else 8 H100.
        price: USD per GPU-hour, a tier such as "spot", or a provider such as "lambda".
        when: month of the run, such as "2023-07", for prices known by then.
        today: the date against which prices count as old; by default today's.

    Raises:
        InputError: neither a plan nor params and tokens are given, or both are.
    """
    model = _of_size(params, active_params, tokens) if plan is None else _of_plan(plan, params, active_params, tokens)
    planned = None if plan is None else plan.cluster
    asked = cluster if cluster is not None else planned
    chosen = Cluster.parse(DEFAULT_CLUSTER if asked is None else asked)
    chosen = chosen.at(price=price, when=when, kind=None if active_params is None else "moe")
    powered = chosen.accelerator.power_watts is not None
    days = chosen.days(model.flops)
    usd = None if chosen.price is None else chosen.usd(model.flops)
    return Cost(
        flops=Estimate.exact(model.flops),
        params=model.params,
        active_params=model.active_params,
        tokens=model.tokens,
        cluster=chosen,
        gpu_hours=chosen.gpu_hours(model.flops),
        days=days,
        usd=usd,
        programme_usd=None if usd is None else usd.times(whole_programme()),
        kwh=chosen.kwh(model.flops) if powered else None,
        kg_co2=chosen.kg_co2(model.flops, region=REGION) if powered else None,
        findings=tuple(findings_about(chosen, days, today=today or date.today(), assumed=asked is None)),
    )


@dataclass(frozen=True, slots=True)
class _Model:
    """What is trained."""

    params: float
    active_params: float
    tokens: float
    flops: float


def _of_plan(plan: Planned, *loose: float | str | None) -> _Model:
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
    return _Model(params, params, float(plan.tokens), float(plan.flops))


def _of_size(params: float | str | None, active_params: float | str | None, tokens: float | str | None) -> _Model:
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
    return _Model(total, active, data, flops)


def _at_least_one(value: float | str, unit: str, *, name: str | None = None) -> float:
    number = read(value, unit, name=name or unit)
    if number < 1:
        raise InputError(
            f"{name or unit} must be at least 1, not {value}.", mend="Did you forget the unit, as in '7B'?"
        )
    return number
