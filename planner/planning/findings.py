"""What the reader of a plan must know: how far it extrapolates, how often it repeats data, what was assumed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.laws import DRIFT, Kaplan, kaplan_allocation
from planner.sheet import Finding
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Iterable

    from planner.hardware import Cluster
    from planner.laws import Calibration
    from planner.planning.goals import Goal

NEARLY_FREE_EPOCHS, WORTHLESS_EPOCHS = 4.0, 40.0
"""Muennighoff et al. 2023: up to 4 epochs repeats are nearly as good as new tokens; around 40 their value is gone."""


HOPELESS_DECADES = 5.0
"""Beyond this an extrapolation is no forecast: our assumption; back-tests on public tables reach one to two decades."""


def findings_of(
    goal: Goal,
    params: float,
    tokens: float,
    available: float | None,
    calibration: Calibration,
    cluster_assumed: bool,
    cluster: Cluster | None,
) -> Iterable[Finding]:
    """The findings of a plan for `params` and `tokens`."""
    yield from _extrapolation(6 * params * tokens, calibration)
    if available is not None and tokens > available:
        yield from _repeats(tokens / available, calibration)
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
    if cluster_assumed and cluster is not None:
        yield Finding(
            "note", f"The cluster is our assumption: {cluster}.", "None was given.", "Name the one you would use."
        )
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


def _extrapolation(flops: float, calibration: Calibration) -> Iterable[Finding]:
    beyond = float(calibration.decades_beyond(flops))
    if beyond > 0:
        yield Finding(
            "problem" if beyond > HOPELESS_DECADES else "warning" if beyond > 1 else "note",
            f"The plan lies {show(10**beyond)} times beyond the largest run behind {calibration.name}."
            if beyond > 0.3
            else f"The plan lies just beyond the largest run behind {calibration.name}.",
            f"The range of the loss grows by {show(DRIFT, 'fraction')} of it with every factor of ten (our back-test).",
            _extrapolation_todo(beyond),
        )


def _extrapolation_todo(beyond: float) -> str:
    if beyond > HOPELESS_DECADES:
        return "No law is known to hold that far: take a published one, or add larger runs."
    return "Treat the loss as a forecast; a calibration sweep on your data sharpens it." if beyond > 1 else ""


def _repeats(epochs: float, calibration: Calibration) -> Iterable[Finding]:
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
