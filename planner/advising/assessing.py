"""Assessment: one case under every perturbation of the assumptions, as one View each, the central one first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from planner.advising.assuming import Draws, around, perturbed
from planner.advising.bases import Base, largest_window, serving_limit, specialist
from planner.advising.landscape import Landscape
from planner.advising.measuring import Measured, measured, nats_per_unit
from planner.advising.piloting import Pilot
from planner.advising.rules import Choice, choose
from planner.advising.usecase import UseCase
from planner.advising.views import View
from planner.estimate import Estimate
from planner.hardware import Cluster
from planner.laws import Calibration

LANDSCAPE_FIELDS = {"as_of", "domain_gap", "unlabeled_tokens", "n_serve_max", "provenance", "goal", "deploy"}
"""The fields of a case that the landscape depends on."""
_ONE_RUN = 1e21


@dataclass(frozen=True)
class Assessment:
    """`count` perturbations of the assumptions about `case`; 0 leaves the central ones only."""

    case: UseCase
    calibration: Calibration
    cluster: Cluster
    count: int = 0
    seed: int = 0
    pilots: tuple[Pilot, ...] = ()
    known_landscape: Landscape | None = None

    @cached_property
    def guesses(self) -> dict[str, Draws]:
        return perturbed(self.count, self.seed)

    @cached_property
    def landscape(self) -> Landscape:
        return self.known_landscape or Landscape.of(self.case, self.calibration, self.guesses, self.measured)

    @cached_property
    def measured(self) -> Measured:
        """What the pilots say instead of our assumptions."""
        return measured(self.pilots, self.calibration, self.guesses)

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

    @cached_property
    def useful_flops(self) -> Draws:
        """Final run of the smallest useful model of one's own."""
        return self.guesses["useful_run_flops" if self.case.is_language else "useful_modality_flops"]

    @cached_property
    def tuned_params(self) -> Draws:
        """Parameters of the model that is tuned or distilled: our assumption, within what may be served."""
        return np.minimum(self.guesses["tuned_params"], serving_limit(self.case))

    @cached_property
    def specialist(self) -> Base | None:
        return specialist(self.case)

    @cached_property
    def views(self) -> tuple[View, ...]:
        """One per perturbation, the central one first."""
        window = largest_window(self.case)
        gains = self.landscape.gain(self.adaptation_flops) * nats_per_unit(self.calibration)
        tokens = np.asarray(self.landscape.law.optimum(self.useful_flops)[1])
        return tuple(
            View(
                case=self.case,
                guess={name: float(draws[index]) for name, draws in self.guesses.items()},
                window=window,
                has_base=bool(self.landscape.bases),
                has_specialist=self.specialist is not None,
                gain=float(gains[index]),
                run_flops=float(self.run_flops[index]),
                break_even_flops=float(self.landscape.equal_break_even[index]),
                useful_flops=float(self.useful_flops[index]),
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

    def changed(self, **fields: Any) -> Assessment:
        """The same for a case that differs in `fields`; the landscape is shared where they do not touch it."""
        shared = None if LANDSCAPE_FIELDS & fields.keys() else self.landscape
        case = replace(self.case, **fields)
        return Assessment(case, self.calibration, self.cluster, self.count, self.seed, self.pilots, shared)

    @property
    def agreement(self) -> float:
        """Share of the perturbations whose headline is that of the central assumptions."""
        found = [choose(view).headline for view in self.views[1:]]
        return sum(headline == self.choice.headline for headline in found) / max(len(found), 1)
