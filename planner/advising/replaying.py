"""replay(case, dates) -> the same question asked on several dates: what was free then, and what it took to beat it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from planner.advising.advice import Advice
from planner.advising.assessing import Assessment
from planner.advising.deciding import DEFAULT_CLUSTER, advise
from planner.advising.renting import priced
from planner.advising.usecase import UseCase, day
from planner.errors import InputError
from planner.hardware import Cluster
from planner.laws import Calibrated, Calibration, calibration_of
from planner.planning.plans import DEFAULT_LAW
from planner.sheet import Row, Sheet
from planner.units import show


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The advice on one date, and the losses in nats per token that the budget reaches on the user's text.

    `scratch_loss` is that of a new model within the serving size, `adapted_loss` that of the best free one.
    """

    advice: Advice
    scratch_loss: float
    adapted_loss: float

    @property
    def when(self) -> str:
        """The date as ISO text."""
        return self.advice.as_of.isoformat()

    @property
    def verdict(self) -> str:
        """Whether to pretrain, in a few words."""
        if "pretrain" in self.advice.components:
            return "yes, a close call" if self.advice.close_call else "yes"
        usd, budget = self.advice.break_even[0].programme_usd, self.advice.case.budget_usd
        if usd is not None and usd.low <= budget:
            return "defensible: a near tie" if budget <= usd.high else "no: too little own text"
        return "no"

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        losses = {"scratch_loss": self.scratch_loss, "adapted_loss": self.adapted_loss}
        return {"as_of": self.when, "pretrain": self.verdict, **losses, "advice": self.advice.to_dict()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay(Sheet):
    """One case on several dates, the earliest first."""

    case: UseCase
    moments: tuple[Moment, ...]
    prices: str

    @property
    def title(self) -> str:  # type: ignore[override]
        usd = show(self.case.budget_usd, "usd")
        return f"Where a model of your own starts to win at the same serving size, date by date; the budget is {usd}"

    def rows(self) -> Iterable[Row]:
        """Break-even of the whole programme on each date, against which model, and the answer."""
        for moment in self.moments:
            equal = moment.advice.break_even[0]
            value = "no budget suffices" if equal.programme_usd is None else equal.programme_usd
            losses = f"{show(moment.scratch_loss, 'nats/token')} from scratch, {show(moment.adapted_loss)} adapted"
            note = f"against {equal.base}; {losses}; pretrain: {moment.verdict}"
            yield Row(f"break_even_{moment.when}", moment.when, value, "usd", note)
        yield Row("prices", "Dollars", self.prices)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        moments = [moment.to_dict() for moment in self.moments]
        return {"case": self.case.to_dict(), "moments": moments, "prices": self.prices, "findings": []}

    def to_svg(self) -> str:
        """The break-evens with their ranges against the budget, as a small figure."""
        from planner.advising.drawing import break_even_svg

        found = [moment.advice.break_even[0].programme_usd for moment in self.moments]
        return break_even_svg(
            days=[moment.advice.as_of for moment in self.moments],
            usd=[None if usd is None else (float(usd), usd.low, usd.high) for usd in found],
            answers=[moment.verdict for moment in self.moments],
            budget_usd=self.case.budget_usd,
        )


def replay(
    case: UseCase,
    dates: Iterable[str | date],
    *,
    law: str | Calibration | Calibrated = DEFAULT_LAW,
    cluster: str | Cluster = DEFAULT_CLUSTER,
    seed: int = 0,
) -> Replay:
    """`case` asked on each of `dates`; arguments as those of `advise`, dollars at the same prices throughout.

    Raises:
        InputError: there are no dates, one lies before the first open model, or the case is not about language or may
            use no open model, so that there is nothing to break even with.
    """
    days = sorted({day(each, "dates") for each in dates})
    if not days:
        raise InputError("There are no dates to ask on.", mend="Give two or more, such as 2022-06-01.")
    hired = priced(Cluster.parse(cluster))
    moments = tuple(_moment(case, each, calibration_of(law), hired, seed) for each in days)
    prices = f"{hired.accelerator.name}, {hired.price_basis}, at every date"
    return Replay(case=case, moments=moments, prices=prices)


def _moment(case: UseCase, when: date, law: Calibration, cluster: Cluster, seed: int) -> Moment:
    advice = advise(case, law=law, as_of=when, cluster=cluster, seed=seed)
    if not advice.break_even:
        raise InputError(
            f"On {when.isoformat()} no open language model may be used: there is no break-even to follow.",
            mend="Replay a case of language whose rules allow open models.",
        )
    central = Assessment(advice.case, law, cluster)
    scratch = central.landscape.scratch_loss(central.run_flops, central.landscape.serve_params)
    adapted = central.landscape.adapted_losses(central.adaptation_flops).min(axis=0)
    return Moment(advice=advice, scratch_loss=float(scratch[0]), adapted_loss=float(adapted[0]))
