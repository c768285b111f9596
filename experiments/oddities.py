"""What to know about the records of a sweep: failures, what was mended, other devices, and the law they give or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.errors import PlannerError
from planner.sheet import Finding
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from experiments.ledger import Ledger, Record
    from planner.fitting import Fit

FEWEST_RUNS_FOR_A_LAW = 8


def law_of(ledger: Ledger, records: Sequence[Record]) -> tuple[Fit | None, tuple[Finding, ...]]:
    """The law of the runs and what to know about it; none where they are too few or determine none."""
    if sum(record.status == "ok" for record in records) < FEWEST_RUNS_FOR_A_LAW:
        return None, ()
    from planner.fitting import fit

    try:
        law = fit(ledger.export())
    except PlannerError as error:
        return None, (Finding("note", "The runs give no law.", error.problem, error.mend),)
    return law, law.findings


def oddities(records: Iterable[Record]) -> Iterable[Finding]:
    """Failures, and what was mended on the way."""
    devices = set()
    for record in records:
        devices.add(record.device)
        if record.status == "failed":
            what = f"The run of {show(record.params, 'params')} and {show(record.tokens, 'tokens')} failed."
            yield Finding("problem", what, record.reason, "It is tried again by the next `run`.")
        if record.note:
            yield Finding("note", f"Run {record.run} was mended.", record.note)
    if len(devices) > 1:
        yield Finding(
            "note",
            "The runs were done on different devices.",
            f"They are {', '.join(sorted(devices))}; each rounds in its own way.",
            "Losses may differ in the fourth digit from what one device alone would give.",
        )
