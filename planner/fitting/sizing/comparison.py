"""approaches(runs, law, ensemble) -> Approaches: the three side by side, and whether they agree."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from planner.fitting.sizing.estimates import DRAWS, Approach, by_envelope, by_isoflop, by_law
from planner.fitting.sizing.valleys import Vertex, bottoms
from planner.laws import FLOPS_PER_PARAM_TOKEN, Law
from planner.sheet import Finding, Row, Sheet
from planner.units import show, show_range

if TYPE_CHECKING:
    from collections.abc import Iterable

    from planner.estimate import Estimate
    from planner.runs import Runs

FAR_APART, COSTLY = 2.0, 0.005
"""Factor between two best sizes that is a disagreement, and the share of the loss from which it matters: ours."""
_BEYOND = 10.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Approaches(Sheet):
    """What the three approaches say about a budget of `flops` = 6 * params * tokens.

    `penalty` is the share of the loss, by the law, that the size farthest from its own optimum costs.
    """

    flops: float
    loss_unit: str
    envelope: Approach
    isoflop: Approach
    parametric: Approach
    vertices: tuple[Vertex, ...]
    penalty: float

    @property
    def title(self) -> str:  # type: ignore[override]
        """What is compared, for people."""
        return f"Three approaches to the best size for {show(self.flops, 'flops')}"

    def rows(self) -> Iterable[Row]:
        """The budget, then what each approach says."""
        yield Row("flops", "Compute", self.flops, "flops", "6 x params x tokens")
        for approach in (self.envelope, self.isoflop, self.parametric):
            yield from approach.rows(self.loss_unit)

    @property
    def findings(self) -> tuple[Finding, ...]:  # type: ignore[override]
        """Whether the approaches agree, and which levels of compute say nothing."""
        return tuple(finding for finding in (self._about_agreement(), self._about_edges()) if finding is not None)

    def _about_agreement(self) -> Finding | None:
        sizes = {a.title: a.params for a in (self.envelope, self.isoflop, self.parametric) if a.params is not None}
        if len(sizes) == 1:
            because = f"Envelope: {self.envelope.basis} IsoFLOP: {self.isoflop.basis}"
            todo = "Add levels of equal compute: four sizes or more, the best of them inside."
            return Finding("note", "Only the law says which size is best.", because, todo)
        if not any(_differ(one, other) for one, other in combinations(sizes.values(), 2)):
            return None
        named = "; ".join(
            f"{title} {show(size, 'params')} ({show_range(size.low, size.high, 'params')})"
            for title, size in sizes.items()
        )
        return Finding(
            "warning" if self.penalty > COSTLY else "note",
            f"The approaches disagree on the best size for {show(self.flops, 'flops')}.",
            f"{named}. By the law, the farthest of them costs {show(self.penalty, 'fraction')} of the loss.",
            "Plan for the sizes between them, and add levels of equal compute nearer to the budget.",
        )

    def _about_edges(self) -> Finding | None:
        edges = [vertex for vertex in self.vertices if vertex.edge]
        if not edges:
            return None
        return Finding(
            "note",
            f"{len(edges)} of {len(self.vertices)} levels of compute do not show their best size.",
            f"At {', '.join(show(vertex.flops, 'flops') for vertex in edges)} it is the smallest or the largest one.",
            "Add smaller or larger models there.",
        )


def approaches(runs: Runs, law: Law, ensemble: Law, *, flops: float | None = None) -> Approaches:
    """The best size for `flops` by the envelope, by isoFLOP and by the law.

    Args:
        runs: the table; rows that share a `run` are the curve of one run, and its last row is its result.
        law: fitted to these runs.
        ensemble: the same law with arrays for coefficients, one entry per draw.
        flops: the budget, as 6 * params * tokens; ten times the largest run if not given.
    """
    if flops is None:
        flops = _BEYOND * FLOPS_PER_PARAM_TOKEN * float((runs.column("params") * runs.column("tokens")).max())
    levels = bottoms(runs, draws=DRAWS)
    envelope, isoflop = by_envelope(runs, flops), by_isoflop(levels, flops)
    parametric = by_law(law, ensemble, flops, len(runs.frame))
    sizes = [float(approach.params) for approach in (envelope, isoflop, parametric) if approach.params is not None]
    return Approaches(
        flops=flops,
        loss_unit=runs.loss_unit,
        envelope=envelope,
        isoflop=isoflop,
        parametric=parametric,
        vertices=levels.vertices,
        penalty=max(_penalty(law, flops, size) for size in sizes),
    )


def _penalty(law: Law, flops: float, params: float) -> float:
    best = np.asarray(law.loss(*law.optimum(flops)))
    return float(law.loss(params, flops / FLOPS_PER_PARAM_TOKEN / params) / best) - 1


def _differ(one: Estimate, other: Estimate) -> bool:
    apart = one.low > other.high or other.low > one.high
    return apart or max(one / other, other / one) > FAR_APART
