"""Goals: what a plan starts from. Exactly one budget or target, read from numbers or text."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.catalog import record
from planner.errors import InfeasiblePlan, InputError
from planner.units import read, show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from planner.laws import Calibration

LEAST_FLOPS, MOST_FLOPS = 1e12, 1e30
"""Outside these no plan is made: a second of one laptop, and a million times the largest run known."""

GUESSING = math.log(256_000)
"""Loss in nats/token of guessing among the tokens of the largest vocabularies."""

GOALS = {
    "budget_flops": "flops",
    "budget_usd": "usd",
    "budget_gpu_hours": "gpu_hours",
    "days": "days",
    "target_loss": "nats/token",
    "target_model": "",
}
"""Keyword of `plan` and unit of each goal."""


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal: its keyword in `plan` and its amount, or the name of the target model."""

    name: str
    amount: float
    model: str = ""

    @property
    def is_budget(self) -> bool:
        """Whether it says what to spend rather than what to reach."""
        return not self.name.startswith("target")

    @property
    def text(self) -> str:
        """The goal for people, as an object: "$2.00M", "a loss of 2.100 nats/token"."""
        if self.model:
            return f"a loss as low as {self.model}'s"
        amount = show(self.amount, GOALS[self.name])
        return amount if self.is_budget else f"a loss of {amount}"


def goal_of(given: Mapping[str, object]) -> Goal:
    """The one goal among the keywords `given` that is not None.

    Raises:
        InputError: none or several are given, or the amount is not understood.
    """
    chosen = [name for name in GOALS if given[name] is not None]
    if len(chosen) > 1:
        raise InputError(
            f"Two goals disagree: {chosen[0]} and {chosen[1]}.", mend="Give one of them and leave the other out."
        )
    if not chosen:
        raise InputError("No goal is given.", mend=f"Give one of {', '.join(GOALS)}, for example budget_usd='$2M'.")
    name = chosen[0]
    if name == "target_model":
        row = record("models", "name", str(given[name]), kind="open model")
        return Goal(name, math.nan, row["title"])
    goal = Goal(name, read(given[name], GOALS[name], name=name))
    if name == "budget_flops":
        refuse_extremes(goal.amount)
    return goal


def refuse_extremes(flops: float) -> None:
    """Raise InfeasiblePlan for compute outside what any plan makes sense for."""
    if flops < LEAST_FLOPS:
        raise InfeasiblePlan(
            f"{show(flops, 'flops')} is less than any sensible language model takes.",
            mend=f"Give at least {show(LEAST_FLOPS, 'flops')}.",
        )
    if flops > MOST_FLOPS:
        raise InfeasiblePlan(
            f"{show(flops, 'flops')} is beyond anything that can be planned for.",
            mend=f"Give at most {show(MOST_FLOPS, 'flops')}; the largest runs known are near 1e26.",
        )


def refuse_guessing(loss: float, calibration: Calibration) -> None:
    """Raise InfeasiblePlan for a loss that a model reaches without having learned anything."""
    if calibration.loss_unit == "nats/token" and loss > GUESSING:
        raise InfeasiblePlan(
            f"A loss of {show(loss, calibration.loss_unit)} is that of guessing: it takes no training.",
            mend=f"Plans make sense below {show(GUESSING, calibration.loss_unit)}: allow more tokens or compute.",
        )


def size_of_open_model(name: str) -> tuple[float, float]:
    """Dense-equivalent params and training tokens of a model in data/models.csv.

    A mixture of experts counts as sqrt(active * total) params (an approximation from practice, see data/README.md).

    Raises:
        InputError: its makers have not published the training tokens.
    """
    row = record("models", "name", name, kind="open model")
    if row["modality"] not in ("text", "code", "text+image"):
        raise InputError(
            f"{row['title']} reads {row['modality']}, of which a law of text says nothing.",
            mend="Choose a language model.",
        )
    if not row["train_tokens"]:
        raise InputError(
            f"{row['title']} was published without its number of training tokens, so its loss cannot be predicted.",
            mend="Choose another model, or give a loss to reach.",
        )
    return math.sqrt(float(row["params"]) * float(row["active_params"])), float(row["train_tokens"])


def target_loss_of(goal: Goal, base: Calibration, calibration: Calibration) -> float:
    """The loss to reach, under the central law; an open model's is that of `base`, whose tokens are not limited.

    Raises:
        InfeasiblePlan: no compute reaches it under this law.
    """
    loss = goal.amount
    if goal.model:
        loss = float(base.law.loss(*size_of_open_model(goal.model)))
    refuse_guessing(loss, calibration)
    floor = float(calibration.law.floor())
    if loss <= floor:
        raise InfeasiblePlan(
            f"No compute reaches {show(loss, calibration.loss_unit)}: under {calibration.name} and these constraints "
            f"the loss stays above {show(floor, calibration.loss_unit)}.",
            mend="Ask for a higher loss, allow more tokens, or choose another law.",
        )
    return loss
