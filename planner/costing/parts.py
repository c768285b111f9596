"""Parts: where the money of a bill goes, item by item. The verb decides what is trained; this adds it up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.constants import constant
from planner.costing.answering import Served
from planner.costing.failing import lost_to_failures
from planner.estimate import Estimate
from planner.hardware import Cluster
from planner.hardware.energy import Carbon
from planner.units import HOURS_PER_MONTH, show

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_RENTED = ("final", "experiments", "staff", "serving")
"""Items that grow with the price of a GPU-hour."""


@dataclass(frozen=True, slots=True)
class Part:
    """One item of the bill in USD. Items outside the total explain it or compare: they are not paid on top.

    `gpu_hours` are those that the item pays for at the price of the cluster, where it is such an item.
    """

    key: str
    name: str
    usd: Estimate
    basis: str
    in_total: bool = True
    gpu_hours: Estimate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a bill is for: the final run in physical units, and what the user said about the rest.

    `gpu_hours`, `days` and `kwh` belong to the final run; None is unknown. `staff_usd` and `data_usd` are None
    where nobody said them, `served` where nothing is served.
    """

    cluster: Cluster
    params: float
    tokens: float
    gpu_hours: Estimate
    days: Estimate
    kwh: Estimate | None
    grid: Carbon
    calibration_flops: float = 0.0
    staff_usd: Estimate | None = None
    data_usd: Estimate | None = None
    served: Served | None = None

    @property
    def usd(self) -> Estimate | None:
        """US dollars of the final run, or None where no price is known."""
        return None if self.cluster.price is None else self.gpu_hours.times(self.cluster.price)


@cache
def whole_programme() -> Estimate:
    """The compute of a whole programme over that of its final run."""
    return one_more("beyond_the_final_run")


@cache
def one_more(key: str) -> Estimate:
    """1 + the constant `key` of costs.csv."""
    share = constant("costs", key).value
    return Estimate(1 + share, 1 + share.low, 1 + share.high, share.level)


def parts_of(work: Work) -> tuple[Part, ...]:
    """Every item of the bill, paid ones first."""
    return (*_paid(work), *_beside(work))


def total_of(parts: Iterable[Part], work: Work) -> Estimate | None:
    """The sum of all that is paid, or None where the rent is not known.

    One price holds for all GPU-hours: of the final run, of the experiments and a staff that grow with it, and of
    serving. What is no rent adds independently.
    """
    price = work.cluster.price
    if price is None:
        return None
    hours = work.gpu_hours.times(whole_programme())
    if work.staff_usd is None:
        hours = hours.times(one_more("staff_per_compute"))
    if work.served is not None:
        hours = hours.plus(work.served.gpu_hours)
    rented = ("final", "experiments", "serving") if work.staff_usd is not None else _RENTED
    others = (part.usd for part in parts if part.in_total and part.key not in rented)
    return reduce(Estimate.plus, others, hours.times(price))


def _paid(work: Work) -> Iterator[Part]:
    beyond = constant("costs", "beyond_the_final_run")
    if work.usd is not None:
        where = "own hardware" if work.cluster.rate is not None and work.cluster.rate.own else "rented"
        yield Part("final", f"Final run, {where}", work.usd, work.cluster.price_basis, gpu_hours=work.gpu_hours)
        yield Part("experiments", "Experiments and failed runs", work.usd.times(beyond.value), beyond.basis)
    if work.staff_usd is not None:
        yield Part("staff", "Staff", work.staff_usd, "as given")
    elif work.usd is not None:
        staff = constant("costs", "staff_per_compute")
        yield Part("staff", "Staff", work.usd.times(whole_programme()).times(staff.value), staff.basis)
    yield _storage(work)
    if work.served is not None and work.cluster.price is not None:
        hours = work.served.gpu_hours
        basis = f"{work.served.basis}, {work.cluster.price_basis}"
        yield Part("serving", "Serving", hours.times(work.cluster.price), basis, gpu_hours=hours)
    if work.data_usd is not None:
        yield Part("data", "Data licences and labels", work.data_usd, "as given")


def _storage(work: Work) -> Part:
    """Tokens and checkpoints, kept for the months of the run."""
    months = float(months_of(work.days))
    keys = ("storage_usd_per_gb_month", "bytes_per_stored_token", "checkpoints_kept")
    notes = [constant("costs", key).basis for key in keys]
    basis = ", ".join([*notes, f"months: {show(months, 'count')}"])
    usd = storage_per_month(work.params, work.tokens).scaled(months)
    return Part("storage", "Storing tokens and checkpoints", usd, basis)


def months_of(days: Any) -> Any:
    """The months, whole ones and at least one, for which a run of so many days keeps its files. Takes arrays."""
    return np.maximum(1.0, np.ceil(24 * np.asarray(days) / HOURS_PER_MONTH))


def storage_per_month(params: float, tokens: float) -> Estimate:
    """USD a month for the tokens and the checkpoints of a run."""
    text, weights = constant("costs", "bytes_per_stored_token"), constant("costs", "checkpoint_bytes_per_param")
    kept, rent = constant("costs", "checkpoints_kept"), constant("costs", "storage_usd_per_gb_month")
    stored = text.value.scaled(tokens).plus(weights.value.times(kept.value).scaled(params))
    return stored.times(rent.value).scaled(1e-9)


def _beside(work: Work) -> Iterator[Part]:
    """What explains the bill without being paid on top."""
    if work.usd is not None:
        lost = lost_to_failures(work.cluster.gpus)
        yield Part(
            "failures",
            "Of the final run: failures, checkpoints",
            work.usd.times(lost.share),
            f"{show(lost.share, 'fraction')} by Young and Daly, already inside the utilisation of whole runs; "
            f"{lost.basis}",
            in_total=False,
        )
        if work.calibration_flops:
            sweep = work.cluster.usd(work.calibration_flops)
            yield Part(
                "calibration", "Of the experiments: calibration sweep", sweep, work.cluster.price_basis, in_total=False
            )
    if work.kwh is not None:
        power = constant("costs", "electricity_usd_per_kwh")
        own = work.cluster.rate is not None and work.cluster.rate.own
        name = "Of the final run: electricity" if own else "Electricity, if you owned the hardware"
        basis = f"{power.basis}, whatever the region"
        yield Part("electricity", name, work.kwh.times(power.value), basis, in_total=False)
