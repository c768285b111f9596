"""Paybacks: after how many requests one way of serving has paid for itself against another.

Each is one small function of the assessment that gives a `Payback`, or None where the comparison means nothing. Only
dollars of rent and services count; the time of your own people comes on top.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from planner.advising.assessing import Assessment
from planner.advising.assuming import Draws, estimated, plain
from planner.advising.gates import blocked
from planner.advising.requesting import large_usd, small_usd
from planner.advising.spending import one_off_parts, own_host
from planner.estimate import Estimate
from planner.units import HOURS_PER_MONTH, show, show_range


@dataclass(frozen=True, slots=True, kw_only=True)
class Payback:
    """Requests after which `better` has paid for itself against `than`; `months` at the stated volume.

    `monthly` is whether the requests are those of every month instead of all that have been made.
    """

    better: str
    than: str
    requests: Estimate
    months: float | None
    monthly: bool

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON; a time that no volume reaches is None."""
        amounts = {"requests": plain(self.requests), "months": self.months, "monthly": self.monthly}
        return {"better": self.better, "than": self.than, **amounts}

    def __str__(self) -> str:
        needed = f"{show(round(self.requests), 'count')} requests ({show_range(self.requests.low, self.requests.high)})"
        if self.monthly:
            return f"{self.better} is cheaper than {self.than} from {needed} a month."
        when = "" if self.months is None else f", {show(HOURS_PER_MONTH * self.months / 24, 'days')} at your volume"
        return f"{self.better} pays back against {self.than} after {needed}{when}."


def paybacks(assessment: Assessment) -> tuple[Payback, ...]:
    """The comparisons that mean something for the case."""
    if not assessment.view.is_language or assessment.view.bound_to_own_model:
        return ()
    return tuple(found for rule in PAYBACKS if (found := rule(assessment)) is not None)


def tune_against_a_longer_prompt(assessment: Assessment) -> Payback | None:
    """A tune that makes instructions and examples in the prompt unnecessary."""
    case, guesses = assessment.case, assessment.guesses
    if assessment.view.judges or not case.may_be_hosted or blocked(assessment.view, "ft"):
        return None
    once = _tune_usd(assessment)
    saved = large_usd(1.0, case, guesses, guesses["trimmed_tokens"]) - large_usd(1.0, case, guesses)
    trimmed = show(guesses["trimmed_tokens"][0], "tokens")
    return _payback(assessment, "A small tune", f"a prompt that is {trimmed} longer", once / saved)


def small_host_against_a_large_model(assessment: Assessment) -> Payback | None:
    """A small tuned model on rented accelerators against a hosted large one."""
    case, guesses = assessment.case, assessment.guesses
    each = large_usd(1.0, case, guesses)
    if not case.may_be_hosted or each[0] <= 0:
        return None
    month = own_host(assessment, assessment.tuned_params)
    size = show(assessment.tuned_params[0], "params")
    return _payback(assessment, f"A tuned model of {size} on rented accelerators", "a hosted large one", month / each,
                    monthly=True)  # fmt: skip


def small_hosted_against_a_large_model(assessment: Assessment) -> Payback | None:
    """A small open model, tuned and hosted by the token, against a large one."""
    case, guesses = assessment.case, assessment.guesses
    saved = large_usd(1.0, case, guesses) - small_usd(1.0, case, guesses)
    if not case.may_be_hosted or blocked(assessment.view, "ft") or saved[0] <= 0:
        return None
    once = _tune_usd(assessment)
    requests = np.divide(once, saved, out=np.full_like(saved, np.inf), where=saved > 0)
    return _payback(assessment, "A small tuned model, hosted by the token,", "a large one", requests)


def _tune_usd(assessment: Assessment) -> Draws:
    return np.asarray(sum(one_off_parts("ft", assessment).values()))


def _payback(assessment: Assessment, better: str, than: str, requests: Draws, *, monthly: bool = False) -> Payback:
    found = estimated(requests)
    volume = assessment.case.queries_month
    months = None if monthly or not volume else float(found) / volume
    return Payback(better=better, than=than, requests=found, months=months, monthly=monthly)


PAYBACKS: tuple[Callable[[Assessment], Payback | None], ...] = (
    tune_against_a_longer_prompt, small_hosted_against_a_large_model, small_host_against_a_large_model,
)  # fmt: skip
