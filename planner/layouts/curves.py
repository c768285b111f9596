"""Time against GPUs: how many days a run takes on more of the same GPUs, and where more no longer help."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from planner.errors import InfeasiblePlan
from planner.estimate import Estimate
from planner.hardware import Cluster
from planner.laws import FLOPS_PER_PARAM_TOKEN
from planner.layouts.batches import TOKENS_PER_PARAM, critical_batch, tokens_at, usual_batch
from planner.layouts.choosing import MOST_GPUS, Task, choose, fewest_gpus
from planner.layouts.verb import at_least_one, expected_loss, whole_context

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from planner.transformer import Transformer

DOUBLINGS = 9
"""How often the usual batch is doubled in search of the fastest run."""
ENOUGH = 0.75
"""What a doubling of the GPUs must leave of the days at most to be worth it: our choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The fastest run on `gpus` GPUs: its batch, the tokens that it takes with that batch, and its days."""

    gpus: int
    tokens_per_batch: float
    tokens: float
    days: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeCurve:
    """Days against GPUs, from the fewest that hold the model, doubling.

    Utilisation is that of the given cluster for every number of GPUs, made worse as its layouts wait more
    than those that wait least; that ratio is our reckoning.
    """

    points: tuple[Point, ...]
    critical_batch: Estimate

    @property
    def fastest(self) -> Point:
        """The point of fewest days."""
        return min(self.points, key=lambda point: float(point.days))

    @property
    def worthwhile(self) -> Point:
        """The last point up to which every doubling of the GPUs saved at least a quarter of the days."""
        last = self.points[0]
        for point in self.points[1:]:
            if point.days > ENOUGH * last.days:
                break
            last = point
        return last

    def to_frame(self) -> pd.DataFrame:
        """One line per point: gpus, tokens_per_batch, tokens, days, low and high."""
        import pandas as pd

        rows = [(point.gpus, point.tokens_per_batch, point.tokens, float(point.days), point.days.low, point.days.high)
                for point in self.points]  # fmt: skip
        return pd.DataFrame(rows, columns=["gpus", "tokens_per_batch", "tokens", "days", "low", "high"])


def time_against_gpus(
    shape: Transformer, cluster: Cluster | str, *, tokens: float | str | None = None, context: float | str = 4096
) -> TimeCurve:
    """Days of a run of `tokens` on the fewest GPUs that hold the model, then on twice as many, and so on.

    `tokens` are those of the usual batch; larger ones feed more GPUs and need more tokens (arXiv 1812.06162).

    Raises:
        InfeasiblePlan: no number of these GPUs holds the model.
    """
    length = whole_context(context)
    run = TOKENS_PER_PARAM * shape.params if tokens is None else at_least_one(tokens, "tokens")
    chosen = _trained_on(Cluster.parse(cluster), shape, run)
    usual, critical = usual_batch(run), critical_batch(expected_loss(shape, run))
    task = Task(shape, chosen.accelerator, length, max(1, round(usual / length)))
    gpus = fewest_gpus(task)
    if gpus is None:
        raise InfeasiblePlan(
            f"No number of {chosen.accelerator} holds this model at {length:,} tokens per sequence.",
            mend="Take a GPU with more memory, or a shorter context.",
        )
    found = [(count, best) for count in _doublings(gpus) if (best := _best(task, count, run, usual, float(critical)))]
    least = min(best.waiting for _, best in found)
    points = tuple(_point(chosen, shape, count, best, least) for count, best in found)
    return TimeCurve(points=points, critical_batch=critical)


@dataclass(frozen=True, slots=True)
class _Best:
    """Waiting over arithmetic, tokens per step and tokens of a run."""

    waiting: float
    tokens_per_batch: float
    tokens: float


def _trained_on(cluster: Cluster, shape: Transformer, tokens: float) -> Cluster:
    """`cluster` with the utilisation that this model reaches there."""
    kind = cluster.kind if shape.experts is None else "moe"
    return cluster.at(kind=kind).training(active_params=shape.params_active, tokens=tokens)


def _doublings(gpus: int) -> Iterator[int]:
    while gpus <= MOST_GPUS:
        yield gpus
        gpus *= 2


def _point(cluster: Cluster, shape: Transformer, gpus: int, best: _Best, least: float) -> Point:
    same = cluster.at(gpus=gpus, utilisation=cluster.utilisation)
    days = same.days(FLOPS_PER_PARAM_TOKEN * shape.params_active * best.tokens).scaled(best.waiting / least)
    return Point(gpus=gpus, tokens_per_batch=best.tokens_per_batch, tokens=best.tokens, days=days)


def _best(task: Task, gpus: int, tokens: float, usual: float, critical: float) -> _Best | None:
    """The fastest run on `gpus`, over batches from the usual one upwards; None where none fits."""
    options = []
    for doubling in range(DOUBLINGS):
        found = choose(replace(task, sequences=task.sequences * 2**doubling), gpus)
        if found is not None:
            batch = float(found.split.sequences * task.context)
            needed = float(tokens_at(batch, tokens=tokens, usual=usual, critical=critical))
            options.append(_Best(float(found.timing.overhead), batch, needed))
    return min(options, key=lambda option: option.waiting * option.tokens, default=None)
