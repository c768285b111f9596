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
from planner.advising.paying import paybacks
from planner.advising.piloting import Pilots, check_pilots, pilots_of
from planner.advising.probing import next_tests
from planner.advising.renting import priced
from planner.advising.replacing import assumptions_of
from planner.advising.rules import flags, rival
from planner.advising.serving import served
from planner.advising.spending import ranking
from planner.advising.usecase import UseCase, day
from planner.advising.views import options
from planner.advising.warning import findings
from planner.errors import InputError
from planner.hardware import Cluster
from planner.laws import Calibrated, Calibration, calibration_of
from planner.planning.plans import DEFAULT_LAW

DRAWS = 200
DEFAULT_CLUSTER = "256x h100"


def advise(
    case: UseCase,
    *,
    law: str | Calibration | Calibrated = DEFAULT_LAW,
    as_of: str | date | None = None,
    cluster: str | Cluster = DEFAULT_CLUSTER,
    pilots: Pilots = (),
    seed: int = 0,
) -> Advice:
    """The advice for `case`.

    Args:
        law: the name of a published law, a calibration, or a fit of your own.
        as_of: the date of the decision, instead of that of the case; nothing released later is used.
        cluster: the accelerators whose prices and utilisation turn FLOPs into dollars; where no rent is
            known, what they cost their owner.
        pilots: losses of open models measured on the own text: `Pilot`s, mappings, a DataFrame, or the path of a .csv.
            They replace our guesses; against a published law they tell what training on gains, against a law fitted
            on the same text also where a new model starts to win.
        seed: of the perturbations behind confidence and ranges.

    Raises:
        InputError: no price of the accelerators is known, the case is none, or dated before the first open model, or a
            pilot contradicts another or the case.
        UnknownName: there is no such law or accelerator.
    """
    if not isinstance(case, UseCase):
        raise InputError(f"advise takes a UseCase, not {type(case).__name__}.", mend="Write UseCase(task=...).")
    if as_of is not None:
        case = replace(case, as_of=day(as_of, "as_of"))
    calibration = calibration_of(law)
    hired = priced(Cluster.parse(cluster))
    tested = pilots_of(pilots)
    check_pilots(tested, case)
    assessment = Assessment(case, calibration, hired, DRAWS, seed, tested)
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
        rival=rival(assessment.view, assessment.choice),
        flips=flips(Assessment(case, calibration, hired, pilots=tested)),
        paybacks=paybacks(assessment),
        next_tests=next_tests(assessment),
        contradictions=contradictions(assessment.view),
        assumptions=assumptions_of(assessment),
        findings=findings(assessment),
        prices=f"{hired.accelerator.name}, {hired.price_basis}; hosted models {_priced_on()}",
        served={option: served(option, assessment) for option in options()},
        pilots=tested,
    )


def _priced_on() -> str:
    """The month of the prices of hosted models."""
    return next(entry.as_of for entry in assumptions() if entry.name == "usd_per_mtok_in")
