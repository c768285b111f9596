"""advise(case) -> Advice: needs, gates, rules, the loss comparison and its uncertainty, put together."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from planner.advising.advice import Advice
from planner.advising.assessing import Assessment
from planner.advising.assuming import assumptions
from planner.advising.breakeven import break_evens
from planner.advising.explaining import contradictions, reasons, verdict
from planner.advising.flipping import flips
from planner.advising.rules import flags
from planner.advising.spending import ranking
from planner.advising.usecase import UseCase, day
from planner.advising.warning import findings
from planner.errors import InputError
from planner.hardware import Cluster
from planner.laws import Calibrated, Calibration, calibration_of

DRAWS = 128
DEFAULT_LAW = "besiroglu-2024"
DEFAULT_CLUSTER = "h100"


def advise(
    case: UseCase,
    *,
    law: str | Calibration | Calibrated = DEFAULT_LAW,
    as_of: str | date | None = None,
    cluster: str | Cluster = DEFAULT_CLUSTER,
    seed: int = 0,
) -> Advice:
    """The advice for `case`.

    Args:
        law: the name of a published law, a calibration, or a fit of your own.
        as_of: the date of the decision, instead of that of the case; nothing released later is used.
        cluster: the accelerator whose prices turn FLOPs into dollars.
        seed: of the perturbations behind confidence and ranges.

    Raises:
        InputError: the case is none, or dated before the first open model.
        UnknownName: there is no such law or accelerator.
    """
    if not isinstance(case, UseCase):
        raise InputError(f"advise takes a UseCase, not {type(case).__name__}.", mend="Write UseCase(task=...).")
    if as_of is not None:
        case = replace(case, as_of=day(as_of, "as_of"))
    calibration = calibration_of(law)
    hired = Cluster.parse(cluster)
    assessment = Assessment(case, calibration, hired, DRAWS, seed)
    break_even = break_evens(assessment)
    return Advice(
        case=case,
        law=calibration.name,
        verdict=verdict(assessment, break_even),
        headline=assessment.choice.headline,
        components=assessment.choice.components,
        flags=flags(assessment.view, assessment.choice),
        confidence=assessment.agreement,
        variations=DRAWS,
        reasons=reasons(assessment),
        ranking=ranking(assessment),
        break_even=break_even,
        flips=flips(Assessment(case, calibration, hired)),
        contradictions=contradictions(assessment.view),
        assumptions=assumptions(),
        findings=findings(assessment),
        prices=f"{hired.accelerator.name}, {hired.price_basis}; hosted models 2026-10",
    )
