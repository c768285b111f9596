"""judged(case) -> whether to train at all, in a sentence, at once: without break-even, reasons and variations."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from planner.advising.assessing import Assessment
from planner.advising.assuming import perturbed
from planner.advising.explaining import verdict
from planner.advising.landscape import Landscape
from planner.advising.measuring import measured

if TYPE_CHECKING:
    from planner.advising.usecase import UseCase
    from planner.hardware import Cluster
    from planner.laws import Calibration


def judged(case: UseCase, *, law: Calibration, cluster: Cluster) -> str:
    """The verdict on `case` under the central assumptions; `advise` adds the break-even to the same one."""
    known = _landscape(law, replace(case, budget_usd=1.0))
    return verdict(Assessment(case, law, cluster, known_landscape=known), ())


@lru_cache(maxsize=16)
def _landscape(law: Calibration, case: UseCase) -> Landscape:
    """What the open models reach in a case, whatever its budget."""
    guesses = perturbed(0, 0)
    return Landscape.of(case, law, guesses, measured((), law, guesses))
