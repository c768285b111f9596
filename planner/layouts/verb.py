"""lay_out(...) -> Layout: a workable way to train a shape on a cluster, or what must change.

It divides work and memory. It forecasts neither utilisation nor cost: published runs do that.
"""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

from planner.errors import InfeasiblePlan, InputError
from planner.hardware import Cluster
from planner.laws import published
from planner.layouts.batches import TOKENS_PER_PARAM, critical_batch, default_batch, usual_batch
from planner.layouts.bills import Layout
from planner.layouts.choosing import Choice, Task, choose, fewest_gpus, leanest
from planner.layouts.findings import findings_about
from planner.layouts.splits import MOST_TENSOR
from planner.transformer import Transformer
from planner.units import read, show

LAW = "besiroglu-2024"
"""The law whose loss the critical batch rests on where none is given."""
USUAL_CONTEXT, LONGEST_CONTEXT = 4096, 2**24


def lay_out(
    shape: Transformer,
    cluster: Cluster | str,
    *,
    tokens: float | str | None = None,
    tokens_per_batch: float | str | None = None,
    context: float | str = USUAL_CONTEXT,
    loss: float | None = None,
) -> Layout:
    """A way to train `shape` on all GPUs of `cluster` that fits into their memory and waits least.

    Args:
        cluster: a Cluster or text such as "64x h100".
        tokens: training tokens; by default 20 per parameter.
        tokens_per_batch: tokens of one step, moved by up to a quarter to give every GPU whole sequences; by default
            what suits a run of `tokens` (Step Law, arXiv 2503.04715), but not above the critical batch.
        context: tokens per sequence.
        loss: nats/token that the run ends at, for the critical batch; by default that of a published law.

    Raises:
        InputError: a value is malformed or out of range.
        InfeasiblePlan: no layout fits, or the batch cannot feed so many GPUs; the mend says what would do.
    """
    if not isinstance(shape, Transformer):
        raise InputError(
            f"lay_out() needs the shape of a model, not {shape!r}.", mend="Make one of a size: Transformer.near('7B')."
        )
    chosen = Cluster.parse(cluster)
    run = at_least_one(tokens, "tokens") if tokens is not None else TOKENS_PER_PARAM * shape.params
    length = whole_context(context)
    reached = expected_loss(shape, run) if loss is None else read(loss, "nats/token", name="loss")
    default = default_batch(run, reached)
    asked = default if tokens_per_batch is None else at_least_one(tokens_per_batch, "tokens_per_batch")
    if asked < length / 2 and tokens_per_batch is not None:
        raise InputError(
            f"{show(asked, 'tokens')} per step are less than one sequence of {length} tokens.",
            mend="Give a larger tokens_per_batch or a shorter context.",
        )
    task = Task(shape, chosen.accelerator, length, max(1, round(asked / length)))
    found = choose(task, chosen.gpus)
    if found is None:
        raise _infeasible(task, chosen)
    basis = "as given, in whole sequences" if tokens_per_batch is not None else _default_basis(run, default)
    layout = _layout(task, chosen, found, run=run, batch_basis=basis, loss=reached)
    return replace(layout, findings=tuple(findings_about(layout, tokens_assumed=tokens is None)))


def expected_loss(shape: Transformer, tokens: float) -> float:
    """Loss in nats/token that a published law expects; experts count as sqrt(active x total) parameters."""
    return float(published(LAW).law.loss(sqrt(shape.params * shape.params_active), tokens))


def _default_basis(run: float, batch: float) -> str:
    if batch < usual_batch(run):
        return "kept to the critical batch: arXiv 2001.08361; our assumption"
    return "suits a run of that length: arXiv 2503.04715"


def _layout(task: Task, cluster: Cluster, found: Choice, *, run: float, batch_basis: str, loss: float) -> Layout:
    return Layout(
        shape=task.shape,
        cluster=cluster,
        context=task.context,
        tokens=run,
        split=found.split,
        memory=found.memory,
        timing=found.timing,
        fewest_gpus=min(fewest_gpus(task) or cluster.gpus, cluster.gpus),
        critical_batch=critical_batch(loss),
        batch_basis=batch_basis,
    )


def _infeasible(task: Task, cluster: Cluster) -> InfeasiblePlan:
    """Why no split of the task fits the cluster, and what would."""
    needed = leanest(task, cluster.gpus)
    batch = show(task.sequences * task.context, "tokens")
    if needed is None:
        most = task.sequences * min(task.shape.heads, MOST_TENSOR) * task.shape.layers
        return InfeasiblePlan(
            f"{batch} per step cannot be divided evenly among {show(cluster.gpus, 'gpus')}.",
            mend=f"Use fewer GPUs ({task.sequences} sequences feed {show(most, 'gpus')} at the very most, and a power"
            " of two divides best), a larger batch, or a shorter context.",
        )
    fewest = fewest_gpus(task)
    more = "No number of these GPUs holds it:" if fewest is None else f"Use {show(fewest, 'gpus')} or more, or"
    return InfeasiblePlan(
        f"{show(task.shape.params, 'params')} fit no layout on {cluster}: the leanest needs"
        f" {show(float(needed.total), 'bytes')} per GPU, {show(task.room, 'bytes')} are free beside the runtime.",
        mend=f"{more} take GPUs with more memory, a smaller model, or a context below {task.context:,} tokens.",
    )


def at_least_one(value: float | str, name: str) -> float:
    """The tokens that a user gave.

    Raises:
        InputError: they are no number, or below 1.
    """
    number = read(value, "tokens", name=name)
    if number < 1:
        raise InputError(f"{name} must be at least 1, not {value}.", mend="Did you forget the unit, as in '4M'?")
    return number


def whole_context(value: float | str) -> int:
    """The tokens per sequence that a user gave.

    Raises:
        InputError: they are no whole number, or absurdly many.
    """
    number = read(value, "tokens", name="context")
    if number != int(number) or number > LONGEST_CONTEXT:
        raise InputError(
            f"context must be a whole number of tokens up to {LONGEST_CONTEXT:,}, not {value}.", mend="Give 4096."
        )
    return int(number)
