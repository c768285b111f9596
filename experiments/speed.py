"""How fast runs go: tokens per second, time left, and the share of a GPU's peak that they use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.machine import peak
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Iterable

    from experiments.config import Config
    from experiments.ledger import Progress, Record


def mfu_of(records: Iterable[Record]) -> float | None:
    """The share of their GPUs' bf16 peak that runs used while they had them; None where they had none we know."""
    used = had = 0.0
    for record in records:
        chip = peak(record.device)
        if chip is not None and record.gpu_seconds:
            used += record.flops / record.tokens * record.tokens_done
            had += record.gpu_seconds * chip.flops_per_second
    return used / had if had else None


def mfu(config: Config, progress: Progress) -> float | None:
    """The share of its GPUs' bf16 peak that a run uses; None where we know no peak."""
    chip = peak(progress.device)
    if chip is None:
        return None
    return progress.tokens_per_second * config.flops / config.tokens / (progress.devices * chip.flops_per_second)


def seconds_left(config: Config, progress: Progress) -> float:
    """Seconds of training that a run has left at its pace."""
    return (config.steps - progress.step) * config.tokens_per_step / progress.tokens_per_second


def going(config: Config, progress: Progress) -> dict[str, str]:
    """How a run goes, in words under their headings: its loss, speed, utilisation where there is one, and time left."""
    share = mfu(config, progress)
    return {
        "loss": show(progress.loss, "nats/token"),
        "speed": show(progress.tokens_per_second, "tokens/s"),
        **({} if share is None else {"MFU": show(share, "fraction")}),
        "left": show(seconds_left(config, progress), "seconds"),
    }
