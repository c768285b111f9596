"""BreakEven: the budget from which a model trained from scratch beats the best free model, adapted to the case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from planner.advising.assessing import Assessment
from planner.advising.assuming import Draws, estimated, plain
from planner.advising.landscape import MOST_FLOPS
from planner.estimate import LEVEL, Estimate
from planner.laws import FLOPS_PER_PARAM_TOKEN
from planner.units import show, show_range

Status = Literal["below_budget", "above_budget", "never"]
Grounds = Literal["measured", "prior"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven:
    """Where from-scratch starts to win against `base`. All amounts are None where no budget suffices.

    Args:
        base: the free model that is best there after adaptation to the own text for the same money.
        equal_serving: whether the new model must fit the serving size of the case; else it may be larger and dearer.
        flops: the final training run.
        params: its best size, within the serving size where that counts.
        tokens: what it reads.
        usd: the rent of that run.
        programme_usd: the whole programme around it: data, experiments, evaluation, post-training.
        status: where the programme stands against the budget of the case.
        own_tokens: own text that it takes besides and that the case lacks; 0 where there is enough.
        path: "measured" where your own law meets measured losses of open models on the same text, else "prior".
    """

    base: str
    equal_serving: bool
    flops: Estimate | None
    params: Estimate | None
    tokens: Estimate | None
    usd: Estimate | None
    programme_usd: Estimate | None
    status: Status
    own_tokens: float = 0.0
    path: Grounds = "prior"

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON; an upper bound that no budget reaches is None."""
        amounts = {name: plain(getattr(self, name)) for name in AMOUNTS}
        known = {"base": self.base, "equal_serving": self.equal_serving, "status": self.status, "path": self.path}
        return {**known, **amounts, "own_tokens": self.own_tokens}

    def __str__(self) -> str:
        size = "same serving size" if self.equal_serving else "any size"
        if self.programme_usd is None or self.usd is None:
            return f"Against {self.base}, {size}: no budget suffices."
        return f"Against {self.base}, {size}: {self.price}.{f' {self.condition}' if self.condition else ''}"

    @property
    def price(self) -> str:
        """The programme in words, with all that it holds; '' where no budget suffices."""
        if self.programme_usd is None or self.usd is None:
            return ""
        factor = show(round(self.programme_usd / self.usd, 1), "count")
        return (
            f"{show(self.programme_usd, 'usd')} ({spread(self.programme_usd)}) for the whole programme with data,"
            f" evaluation and post-training (x{factor}, our assumption), {show(self.usd, 'usd')}"
            f" ({spread(self.usd)}) of it for the final run{self._model}"
        )

    @property
    def _model(self) -> str:
        if self.params is None or self.tokens is None:
            return ""
        return f", such as {show(self.params, 'params')} on {show(self.tokens, 'tokens')}"

    @property
    def condition(self) -> str:
        """What it takes besides money, or ''."""
        if not self.own_tokens:
            return ""
        return f"It also takes about {show(self.own_tokens, 'tokens')} of your own text, or it would not differ."


AMOUNTS = ("flops", "params", "tokens", "usd", "programme_usd")


def spread(usd: Estimate) -> str:
    """The range of a sum in words."""
    if np.isinf(usd.high):
        return f"from {show(usd.low, 'usd')}, and possibly never"
    return f"range {show_range(usd.low, usd.high, 'usd')}"


def break_evens(assessment: Assessment) -> tuple[BreakEven, ...]:
    """At equal serving size, then, off a device, at any size; none where no free model is there to beat."""
    if not assessment.landscape.bases or not assessment.view.is_language:
        return ()
    sizes = (True,) if assessment.case.deploy == "on_device" else (True, False)
    return tuple(_break_even(assessment, equal) for equal in sizes)


def _break_even(assessment: Assessment, equal_serving: bool) -> BreakEven:
    landscape = assessment.landscape
    draws = landscape.equal_break_even if equal_serving else landscape.free_break_even
    finite = np.minimum(draws, MOST_FLOPS)
    base = landscape.base_to_beat(finite).title
    view = assessment.view
    own_tokens = view.least_own_tokens if view.lacks_own_text and not view.hard_reason else 0.0
    path: Grounds = "measured" if assessment.measured.level else "prior"
    shared: dict[str, Any] = {"base": base, "equal_serving": equal_serving, "own_tokens": own_tokens, "path": path}
    if np.isinf(draws[0]):
        nothing: dict[str, Any] = dict.fromkeys(AMOUNTS)
        return BreakEven(status="never", **nothing, **shared)
    params = landscape.scratch_params(finite, landscape.serve_params if equal_serving else np.inf)
    usd = finite * assessment.usd_per_flop
    total = usd * assessment.guesses["programme_pretrain"]
    return BreakEven(
        **shared,
        flops=_estimate(finite, draws),
        params=_estimate(params, np.zeros_like(draws)),
        tokens=_estimate(finite / (FLOPS_PER_PARAM_TOKEN * params), draws),
        usd=_estimate(usd, draws),
        programme_usd=_estimate(total, draws),
        status="below_budget" if total[0] <= assessment.case.budget_usd else "above_budget",
    )


def _estimate(amounts: Draws, draws: Draws) -> Estimate:
    """The central amount and the range of the others, open at the top where too many never break even."""
    found = estimated(amounts)
    never = np.isinf(draws[1:]).sum()
    return Estimate(found, found.low, np.inf) if never > (1 - LEVEL) / 2 * (draws.size - 1) else found
