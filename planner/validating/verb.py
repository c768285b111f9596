"""validate_costs() -> Validation: what we predict for every published run that the prior of utilisation rests on.

Once with all of them known, and once for each as if nothing had been published about it. Of a run it uses parameters,
tokens, accelerator, number of GPUs, month, and whether it is a mixture of experts; neither its precision nor any
utilisation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from planner.estimate import Estimate
from planner.hardware import prices
from planner.hardware.utilisation import PublishedRun, published_runs, steady_figures
from planner.hardware.utilisation.fitting import Regression, regress, without
from planner.hardware.utilisation.predicting import forecast
from planner.sheet import Row, Sheet
from planner.units import show
from planner.validating.scoring import NARROW, Score, factor, holds, score

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One published run with its predicted GPU-hours, as if unseen and with all runs known.

    `usd` is the rent of the GPU-hours predicted as if unseen, at the snapshot's on-demand price of its month or the
    earliest known; `usd_at_its_rate` at the dollars per GPU-hour that its own bill implies. Both are None where the
    run's dollars were not published, the first also where no price is known.
    """

    run: PublishedRun
    unseen: Estimate
    seen: Estimate
    usd: Estimate | None
    usd_at_its_rate: Estimate | None
    price_basis: str

    @property
    def factor(self) -> float:
        """How many times too high or too low the GPU-hours are, as if unseen."""
        return factor(self.unseen, self.run.gpu_hours)

    @property
    def note(self) -> str:
        """Published GPU-hours and dollars beside the predicted ones, in words."""
        held = "inside 80 %" if holds(self.unseen, self.run.gpu_hours, NARROW) else "outside 80 %"
        held = held if holds(self.unseen, self.run.gpu_hours) else "outside 90 %"
        parts = [f"published {show(self.run.gpu_hours, 'gpu_hours')}, {show(self.factor)}x off, {held}"]
        parts.append(f"{show(factor(self.seen, self.run.gpu_hours))}x when seen")
        if self.usd_at_its_rate is not None:
            parts.append(f"{show(self.usd_at_its_rate, 'usd')} at its rate for {show(self.run.usd, 'usd')} published")
        return "; ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation(Sheet):
    """Every published run with its prediction, and the scores over all of them."""

    runs: tuple[Checked, ...]
    unseen: Score
    seen: Score
    dollars: Score
    dollars_at_their_rates: Score

    title = "Published training runs, each predicted as if unseen"

    def rows(self) -> Iterator[Row]:
        """The scores, then one line per run: its GPU-hours as if unseen."""
        yield Row("runs", "Runs", float(self.unseen.runs), "count", "those of the prior of utilisation")
        yield from _score_rows("unseen", "left out", self.unseen, "GPU-hours, each run as if unseen")
        yield from _score_rows("seen", "all known", self.seen, "GPU-hours, every run part of the fit")
        bills = f"{self.dollars_at_their_rates.runs} published bills, as if unseen"
        own = self.dollars_at_their_rates.median_factor
        yield Row(
            "usd_at_their_rates_median_factor",
            "Median factor of error, dollars",
            own,
            "",
            f"{bills}, at the rate each implies",
        )
        ours = f"{self.dollars.runs} at our on-demand price of the month or the earliest known: most quote lower rates"
        yield Row("usd_median_factor", "  at our prices", self.dollars.median_factor, "", ours)
        for checked in self.runs:
            yield Row(checked.run.key, checked.run.name, checked.unseen, "gpu_hours", checked.note)

    def to_dict(self) -> dict[str, Any]:
        """The scores, and under `published` one record per run."""
        record = Sheet.to_dict(self)
        scores = {key: value for key, value in record.items() if key not in {it.run.key for it in self.runs}}
        return {**scores, "published": [_record(checked) for checked in self.runs]}

    def to_frame(self) -> pd.DataFrame:
        """One line per run: published and predicted GPU-hours and dollars, factors of error, whether intervals held."""
        import pandas as pd

        return pd.DataFrame([_flat(checked) for checked in self.runs]).set_index("key")


@cache
def validate_costs() -> Validation:
    """Predicted against published GPU-hours and dollars of every run behind the prior of utilisation.

    Takes about a second: the prior is fitted once for each run that is left out.
    """
    runs, figures = published_runs(), steady_figures()
    everything = regress(runs, figures)
    checked = tuple(_checked(run, regress(*without({run.key}, runs, figures)), everything) for run in runs)
    return Validation(
        runs=checked,
        unseen=score([(it.unseen, it.run.gpu_hours) for it in checked]),
        seen=score([(it.seen, it.run.gpu_hours) for it in checked]),
        dollars=score([(it.usd, it.run.usd) for it in checked if it.usd and it.run.usd]),
        dollars_at_their_rates=score(
            [(it.usd_at_its_rate, it.run.usd) for it in checked if it.usd_at_its_rate and it.run.usd]
        ),
    )


def hours_of(run: PublishedRun, regression: Regression) -> Estimate:
    """The GPU-hours that this regression predicts for the run."""
    used = forecast(regression, replace(run.facts, precision=None)).value
    at_full_use = run.utilisation * run.gpu_hours
    return Estimate.exact(at_full_use).over(used)


def _checked(run: PublishedRun, blind: Regression, everything: Regression) -> Checked:
    unseen = hours_of(run, blind)
    month = None if run.facts.month is None else prices.month(run.facts.month)
    rate = None if run.usd is None else prices.snapshot(run.facts.accelerator.key, None, month)
    return Checked(
        run=run,
        unseen=unseen,
        seen=hours_of(run, everything),
        usd=None if rate is None else unseen.times(rate.value),
        usd_at_its_rate=None if run.usd is None else unseen.scaled(run.usd / run.gpu_hours),
        price_basis="" if rate is None else rate.basis,
    )


def _score_rows(key: str, label: str, found: Score, note: str) -> Iterator[Row]:
    yield Row(f"{key}_median_factor", f"Median factor of error, {label}", found.median_factor, "", note)
    yield Row(f"{key}_within_1_5x", "  within 1.5x", found.within_good, "fraction")
    yield Row(f"{key}_within_2x", "  within 2x", found.within_tolerable, "fraction")
    yield Row(f"{key}_held_80", "  inside the 80 % range", found.held_80, "fraction")
    yield Row(f"{key}_held_90", "  inside the 90 % range", found.held_90, "fraction")


def _flat(checked: Checked) -> dict[str, Any]:
    run = checked.run
    return {
        "key": run.key, "name": run.name, "month": run.facts.month, "kind": run.facts.kind,
        "accelerator": run.facts.accelerator.key, "gpus": run.gpus, "params": run.params,
        "active_params": run.facts.active_params, "tokens": run.tokens, "gpu_hours": run.gpu_hours,
        "predicted_gpu_hours": float(checked.unseen), "low": checked.unseen.low, "high": checked.unseen.high,
        "factor": checked.factor, "held_80": holds(checked.unseen, run.gpu_hours, NARROW),
        "held_90": holds(checked.unseen, run.gpu_hours), "seen_gpu_hours": float(checked.seen),
        "seen_factor": factor(checked.seen, run.gpu_hours), "usd": run.usd,
        "predicted_usd": None if checked.usd is None else float(checked.usd), "price": checked.price_basis,
        "predicted_usd_at_its_rate": None if checked.usd_at_its_rate is None else float(checked.usd_at_its_rate),
        "source": run.source,
    }  # fmt: skip


def _record(checked: Checked) -> dict[str, Any]:
    usd = None if checked.usd is None else checked.usd.to_dict()
    estimates = {"predicted_gpu_hours": checked.unseen.to_dict(), "seen_gpu_hours": checked.seen.to_dict()}
    flat = {name: value for name, value in _flat(checked).items() if name not in ("low", "high")}
    return flat | estimates | {"predicted_usd": usd}
