"""Timing: what a split costs besides arithmetic. It ranks splits; it does not forecast the utilisation of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.constants import constant
from planner.layouts.memory import GRADIENT_BYTES, WEIGHT_BYTES, stage_layers, stage_params

if TYPE_CHECKING:
    from planner.hardware import Accelerator
    from planner.layouts.links import Links
    from planner.layouts.splits import Split
    from planner.transformer import Transformer

FORWARD = 1 / 3
"""Share of the training FLOPs that the forward pass takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds of one training step, part by part; the fields may be arrays.

    Attributes:
        arithmetic: the model's FLOPs at the speed of matrix products.
        recomputation: forward work done twice.
        bubble: waiting for the pipeline to fill and drain, and for its longest stage.
        links: sending that arithmetic does not hide.
    """

    arithmetic: Any
    recomputation: Any
    bubble: Any
    links: Any

    @property
    def seconds(self) -> Any:
        """The whole step."""
        return self.arithmetic + self.recomputation + self.bubble + self.links

    @property
    def overhead(self) -> Any:
        """The whole step over its arithmetic."""
        return self.seconds / self.arithmetic


def timing_of(shape: Transformer, split: Split, chip: Accelerator, links: Links, context: int) -> Timing:
    """Seconds of one step of `split`.

    Pipeline: m micro-batches through p stages of v chunks take m + (p - 1) / v turns (Narayanan et al. 2021, arXiv
    2104.04473, section 2.2).
    """
    tokens = split.micro_batch * context
    rate = chip.flops_per_second * constant("layouts", "matmul_efficiency").value * split.tensor * split.pipeline
    once = tokens * shape.flops_per_token(context) / rate
    again = once * _again(shape, split, context)
    uneven = stage_layers(shape, split) * split.pipeline / shape.layers
    turn = (once + again) * uneven
    sending = _within_turn(shape, split, links, context)
    turns = split.micro_batches + (split.pipeline - 1) / split.chunks
    working = split.micro_batches * (once + again)
    return Timing(
        arithmetic=split.micro_batches * once,
        recomputation=split.micro_batches * again,
        bubble=turns * turn - working,
        links=turns * sending + _between_copies(shape, split, links, turn),
    )


def _again(shape: Transformer, split: Split, context: int) -> Any:
    """FLOPs done twice over all FLOPs: attention's forward pass, or the whole one."""
    without = 2 * shape.flops_per_token(context) - shape.flops_per_token(context, "full")
    attention = 1 - without / shape.flops_per_token(context)
    return np.choose(split.recomputation, [0.0, FORWARD * attention, FORWARD])


def _within_turn(shape: Transformer, split: Split, links: Links, context: int) -> Any:
    """Seconds that one micro-batch spends on links inside one copy, unhidden.

    Tensor parallelism adds up activations twice per layer forward and twice backward (Shoeybi et al. 2019, arXiv
    1909.08053), twice more where layers are recomputed; a ring moves 2 (t - 1) / t of them. Stages hand activations on
    and gradients back.
    """
    activations = 2 * split.micro_batch * context * shape.width
    sums = np.where(split.recomputation == 2, 6, 4) * stage_layers(shape, split)
    ring = 2 * (split.tensor - 1) / split.tensor
    handed = np.where(split.pipeline > 1, 2 * split.chunks, 0) * activations / split.tensor
    return sums * ring * activations / links.inside + handed / links.outside


def _between_copies(shape: Transformer, split: Split, links: Links, turn: Any) -> Any:
    """Seconds per step that copies wait for each other's gradients and weights.

    Up to level 2 gradients are summed and weights spread once a step, hidden behind the last backward pass. At level 3
    weights are collected twice and gradients summed once per micro-batch, hidden behind its arithmetic.
    """
    held = stage_params(shape, split, last=False) / split.tensor
    share = (split.data - 1) / split.data
    rate = links.between_copies(split.tensor, split.data)
    once = (GRADIENT_BYTES + WEIGHT_BYTES) * held * share / rate
    always = (GRADIENT_BYTES + 2 * WEIGHT_BYTES) * held * share / rate
    at_the_end = np.maximum(once - (1 - FORWARD) * turn, 0)
    return np.where(split.sharding == 3, split.micro_batches * np.maximum(always - turn, 0), at_the_end)
