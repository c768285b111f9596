"""assumptions_of(assessment) -> every number that the advice assumes, measured ones in place of our guesses."""

from __future__ import annotations

from dataclasses import replace

from planner.advising.assessing import Assessment
from planner.advising.assuming import Assumption, Draws, assumptions, estimated
from planner.advising.landscape import gap_of
from planner.advising.measuring import nats_per_unit


def assumptions_of(assessment: Assessment) -> tuple[Assumption, ...]:
    """The table of assumptions; what the pilots measured stands there as measured, with the pilots as its source."""
    said = _replaced(assessment)
    source = f"your pilots: {'; '.join(map(str, assessment.pilots))}"
    return tuple(
        replace(entry, value=estimated(said[entry.name]), confidence="measured", source=source)
        if entry.name in said
        else entry
        for entry in assumptions()
    )


def _replaced(assessment: Assessment) -> dict[str, Draws]:
    found, gap = assessment.measured, f"gap_{gap_of(assessment.case)}"
    said: dict[str, Draws] = {}
    if found.curve is not None:
        said = dict(zip((gap, "gap_tokens", "gap_decay"), found.curve, strict=True))
    if found.level and assessment.landscape.bases:
        said[gap] = assessment.landscape.measured_gap
    unit = nats_per_unit(assessment.calibration)
    return {name: draws * (unit if name == gap else 1.0) for name, draws in said.items()}
