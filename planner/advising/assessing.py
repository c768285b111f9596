"""Assessment: one case under every perturbation of the assumptions, as one View each, the central one first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from planner.advising.assumptions import Draws, around, perturbed
from planner.advising.bases import Base, largest_window, specialist
from planner.advising.landscape import Landscape
from planner.advising.rules import Choice, choose
from planner.advising.usecase import UseCase
from planner.advising.views import View
from planner.estimate import Estimate
from planner.hardware import Cluster
from planner.laws import Calibration

_ONE_RUN = 1e21


@dataclass(frozen=True)
class Assessment:
    """`count` perturbations of the assumptions about `case`; 0 leaves the central ones only."""

    case: UseCase
    calibration: Calibration
    cluster: Cluster
    count: int = 0
    seed: int = 0

    @cached_property
    def guesses(self) -> dict[str, Draws]:
        return perturbed(self.count, self.seed)

    @cached_property
    def landscape(self) -> Landscape:
        return Landscape.of(self.case, self.calibration, self.guesses)

    @cached_property
    def usd_per_flop(self) -> Draws:
        """Rent of one training FLOP: utilisation and price vary, one draw each."""
        deviations = np.random.default_rng(self.seed + 1).standard_normal(self.count)
        return around(self.cluster.usd(_ONE_RUN), deviations) / _ONE_RUN

    @cached_property
    def usd_per_gpu_hour(self) -> Draws:
        """Rent of one accelerator for an hour."""
        deviations = np.random.default_rng(self.seed + 2).standard_normal(self.count)
        return around(self.cluster.price or Estimate.exact(0.0), deviations)

    @cached_property
    def run_flops(self) -> Draws:
        """Final pretraining run that the budget buys, its programme included."""
        return self.case.budget_usd / (self.usd_per_flop * self.guesses["programme_pretrain"])

    @cached_property
    def adaptation_flops(self) -> Draws:
        """Final run of continued pretraining that the budget buys, its programme included."""
        return self.case.budget_usd / (self.usd_per_flop * self.guesses["programme_continue"])

    def break_even_flops(self, *, equal_serving: bool) -> Draws:
        """Final run from which a new model wins, or infinity; infinity too where there is no base to beat."""
        if not self.landscape.bases:
            return np.full(self.count + 1, np.inf)
        share = self.guesses["programme_pretrain"] / self.guesses["programme_continue"]
        return self.landscape.break_even(share, equal_serving=equal_serving)

    @cached_property
    def equal_break_even(self) -> Draws:
        """`break_even_flops` at the serving size of the case."""
        return self.break_even_flops(equal_serving=True)

    @cached_property
    def specialist(self) -> Base | None:
        return specialist(self.case)

    @cached_property
    def views(self) -> tuple[View, ...]:
        """One per perturbation, the central one first."""
        window = largest_window(self.case)
        gains = self.landscape.gain(self.adaptation_flops)
        useful = {
            name: np.asarray(self.landscape.law.optimum(self.guesses[name])[1])
            for name in ("useful_run_flops", "useful_modality_flops")
        }
        tokens = useful["useful_run_flops" if self._is_language else "useful_modality_flops"]
        return tuple(
            View(
                case=self.case,
                guess={name: float(draws[index]) for name, draws in self.guesses.items()},
                window=window,
                has_base=bool(self.landscape.bases),
                has_specialist=self.specialist is not None,
                gain=float(gains[index]),
                run_flops=float(self.run_flops[index]),
                break_even_flops=float(self.equal_break_even[index]),
                useful_tokens=float(tokens[index]),
                usd_per_flop=float(self.usd_per_flop[index]),
            )
            for index in range(self.count + 1)
        )

    @property
    def view(self) -> View:
        """The case under the central assumptions."""
        return self.views[0]

    @cached_property
    def choice(self) -> Choice:
        """What to build under the central assumptions."""
        return choose(self.view)

    @property
    def agreement(self) -> float:
        """Share of the perturbations whose headline is that of the central assumptions."""
        found = [choose(view).headline for view in self.views[1:]]
        return sum(headline == self.choice.headline for headline in found) / max(len(found), 1)

    @property
    def _is_language(self) -> bool:
        return self.case.modality in {"text", "code"} and self.case.task != "forecast"
