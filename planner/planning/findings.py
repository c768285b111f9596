"""What the reader of a plan must know: how far it extrapolates, how often it repeats data, what was assumed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from planner.fitting import Fit
from planner.hardware.utilisation import highest_mfu, highest_published
from planner.laws import Kaplan, kaplan_allocation
from planner.planning.allocation import Wishes, reach
from planner.sheet import Finding
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planner.estimate import Estimate
    from planner.hardware import Cluster
    from planner.laws import Calibration
    from planner.planning.goals import Goal
    from planner.planning.solving import Found

NEARLY_FREE_EPOCHS, WORTHLESS_EPOCHS = 4.0, 40.0
"""Muennighoff et al. 2023: up to 4 epochs repeats are nearly as good as new tokens; around 40 their value is gone."""


HOPELESS_DECADES = 5.0
"""Beyond this an extrapolation is no forecast: our assumption; back-tests on public tables reach one to two decades."""


LONG_DAYS, SHORT_DAYS = 365.0, 1 / 48
"""A run longer than a year outlives its plan; thousands of accelerators do not share one of half an hour."""


def findings_of(goal: Goal, found: Found, available: float | None, calibration: Calibration) -> Iterator[Finding]:
    """What to know about the model that was found and about the law behind it."""
    params, tokens = float(found.params), float(found.tokens)
    yield from _extrapolation(6 * params * tokens, calibration)
    if available is not None and tokens > available:
        yield from _repeats(tokens / available, calibration)
        if goal.is_budget and tokens / available > NEARLY_FREE_EPOCHS:
            yield from _cheaper(found, calibration)
    if isinstance(calibration.law, Kaplan):
        yield Finding(
            "warning",
            "This law is superseded.",
            f"Its own paper would take {show(kaplan_allocation(6 * params * tokens), 'params')} for this compute, from "
            "training curves that Hoffmann et al. 2022 showed to favour large models.",
            "Compare with besiroglu-2024.",
        )
    if calibration.counting == "non_embedding":
        yield Finding("note", "Parameters exclude embeddings.", "This law counts only the others.")
    if goal.model:
        yield Finding(
            "note",
            f"{goal.model}'s loss is predicted from its size and tokens, not measured.",
            "Both sides use the same law, so the comparison holds better than the loss itself.",
            "Distilled models and better data can beat it.",
        )
    if not calibration.flops_max:
        yield Finding(
            "warning", "This law comes without uncertainty.", "Ranges show none.", "Fit a law to runs of your own."
        )


def inherited(law: object) -> tuple[Finding, ...]:
    """What is wrong with the fit that a plan rests on, if it rests on one: its findings but for the notes."""
    if not isinstance(law, Fit):
        return ()
    return tuple(replace(f, title=f"The fit: {f.title}") for f in law.findings if f.level != "note")


def findings_about_run(cluster: Cluster, days: Estimate) -> Iterator[Finding]:
    """What is unusual about a run of so many `days` on `cluster`."""
    yield from _unreached(cluster)
    if cluster.when is not None and cluster.when < cluster.accelerator.release:
        yield Finding(
            "problem",
            f"In {cluster.when} there was no {cluster.accelerator}: it came in {cluster.accelerator.release}.",
            "Its prices and its utilisation are carried back to a time before it.",
            "Choose a later month, or a chip of that time.",
        )
    if days > LONG_DAYS:
        yield Finding(
            "warning",
            f"On {cluster} this takes {show(days, 'days')}.",
            "Models age faster than that.",
            "Use more GPUs: the GPU-hours stay about the same.",
        )
    if days < SHORT_DAYS and cluster.gpus > 8:
        yield Finding(
            "warning",
            f"On {cluster} this takes {show(days, 'days')}.",
            "So many accelerators cannot share so short a run: starting it takes longer.",
            "Use fewer.",
        )


def _unreached(cluster: Cluster) -> Iterator[Finding]:
    """That a stated utilisation is above what anyone has published."""
    best = highest_published()
    if cluster.given_mfu is not None and cluster.mfu is not None:
        yield from _mfu_against_record(cluster, cluster.mfu)
    elif cluster.utilisation > best.utilisation:
        yield Finding(
            "warning",
            f"A utilisation of {show(cluster.utilisation, 'fraction')} is above every published run.",
            f"The highest is {show(best.utilisation, 'fraction')} ({best.name}), failures and idle time included.",
            "A measured training step is not the whole run: give it as mfu, or lower it.",
        )


def _mfu_against_record(cluster: Cluster, mfu: Estimate) -> Iterator[Finding]:
    record = highest_mfu(cluster.accelerator.family, cluster.precision, cluster.kind)
    where = f"the {cluster.accelerator}" + (f" in {cluster.precision.upper()}" if cluster.precision else "")
    if record is None:
        yield Finding("note", f"Nobody has published an MFU of {where}.", "Yours cannot be compared.")
    elif mfu > record.mfu:
        yield Finding(
            "warning",
            f"An MFU of {show(mfu, 'fraction')} is above everything published for {where} and its relatives.",
            f"The highest is {show(record.mfu, 'fraction')} of the bf16 peak ({record.name}; {record.source}).",
            "Check that it counts no recomputed work and is of the bf16 peak; name the precision where it is FP8.",
        )


def assumed_cluster(cluster: Cluster) -> Finding:
    """That nobody chose the cluster."""
    return Finding(
        "note", f"The hardware is our assumption: {cluster}.", "None was given.", "Name the one you would use."
    )


def _cheaper(found: Found, calibration: Calibration) -> Iterator[Finding]:
    """That most of the compute goes into repeats that bring nothing."""
    params, tokens = reach(calibration.law, float(found.loss) * 1.01, Wishes())
    share = 6 * float(params) * float(tokens) / found.flops
    if share < 0.5:
        yield Finding(
            "warning",
            f"{show(share, 'fraction')} of this compute gets within 1 % of this loss.",
            f"{show(float(params), 'params')} on {show(float(tokens), 'tokens')} would do: the rest goes into repeats.",
            "Spend less, or find more text.",
        )


def _extrapolation(flops: float, calibration: Calibration) -> Iterator[Finding]:
    beyond = float(calibration.decades_beyond(flops))
    if beyond > 0:
        yield Finding(
            "problem" if beyond > HOPELESS_DECADES else "warning" if beyond > 1 else "note",
            f"The plan lies {show(10**beyond)} times beyond the largest run behind {calibration.name}."
            if beyond > 0.3
            else f"The plan lies just beyond the largest run behind {calibration.name}.",
            f"The range of the loss grows by {show(calibration.drift, 'fraction')} of it with every factor of ten.",
            _extrapolation_todo(beyond),
        )


def _extrapolation_todo(beyond: float) -> str:
    if beyond > HOPELESS_DECADES:
        return "No law is known to hold that far: take a published one, or add larger runs."
    return "Treat the loss as a forecast; a calibration sweep on your data sharpens it." if beyond > 1 else ""


def _repeats(epochs: float, calibration: Calibration) -> Iterator[Finding]:
    assumed = "" if calibration.name == "muennighoff-2023" else " Their worth is assumed to be as measured on C4."
    if epochs > WORTHLESS_EPOCHS:
        level, title = "problem", f"The plan repeats the tokens {show(epochs)} times, where repeats are worth nothing."
    elif epochs > NEARLY_FREE_EPOCHS:
        level, title = "warning", f"The plan repeats the tokens {show(epochs)} times; beyond 4 each pass is worth less."
    else:
        level, title = "note", f"The plan passes {show(epochs)} times over the tokens; up to 4 passes cost little."
    yield Finding(
        level,  # type: ignore[arg-type]
        title,
        f"Muennighoff et al. 2023.{assumed}",
        "Find more text, or spend less." if epochs > NEARLY_FREE_EPOCHS else "",
    )
