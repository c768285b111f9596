"""Shape, Config and Sweep: what is trained, frozen and saved beside every record. It needs no torch."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from planner.errors import InputError
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Iterator

RECIPE = 2
"""The version of the training recipe; raise it whenever the same configuration would give other numbers."""

HEAD_WIDTH, LARGE_HEAD_WIDTH = 32, 64
"""Attention heads are about this wide; the larger ones serve models of LARGE_WIDTH and more."""

LARGE_WIDTH = 384

WIDTHS = (*range(16, 64, 4), *range(64, 192, 8), *range(192, 512, 32), *range(512, 8192 + 1, 64))
"""From these the width of a model of a given size is taken."""

NEAR_ENOUGH = 0.2
"""A shape whose parameters differ by more than this share is not the one asked for."""

OVERHEAD_PARAMS = 50_000
"""A model takes as long per token as its parameters and these together would at full speed (measured on a CPU core)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A decoder's layers and width; the rest follows from them."""

    layers: int
    width: int
    context: int
    vocabulary: int

    @classmethod
    def near(cls, params: float, *, context: int, vocabulary: int) -> Self:
        """The shape of usual depth whose parameters are nearest to `params`.

        Raises:
            InputError: no shape is near, since the embedding alone takes most of so few parameters.
        """
        shapes = (cls._as_wide(width, params, context, vocabulary) for width in WIDTHS)
        nearest = min(shapes, key=lambda shape: shape._oddness(params))
        if abs(nearest.params / params - 1) > NEAR_ENOUGH:
            raise InputError(
                f"No model of {show(params, 'params')} is proposed for a vocabulary of {vocabulary:,}.",
                mend="Choose larger models, or a smaller vocabulary.",
            )
        return nearest

    @classmethod
    def _as_wide(cls, width: int, params: float, context: int, vocabulary: int) -> Self:
        one, two = (cls(layers=layers, width=width, context=context, vocabulary=vocabulary).params for layers in (1, 2))
        return cls(
            layers=max(1, round(1 + (params - one) / (two - one))), width=width, context=context, vocabulary=vocabulary
        )

    def _oddness(self, params: float) -> float:
        """How far the parameters are from `params`, and the depth from what is usual for the width."""
        return 10 * abs(math.log(self.params / params)) + abs(math.log(self.layers / (2 + self.width / 64)))

    @property
    def heads(self) -> int:
        """Attention heads per layer: as many as share the even width in even parts of about the usual size."""
        most = max(1, self.width // (HEAD_WIDTH if self.width < LARGE_WIDTH else LARGE_HEAD_WIDTH))
        return next(heads for heads in range(most, 0, -1) if self.width % (2 * heads) == 0)

    @property
    def hidden(self) -> int:
        """Width of the gated MLP between its matrices: about 8/3 of the width, a multiple of 8."""
        return 8 * round(self.width / 3)

    @property
    def params_non_embedding(self) -> int:
        """Four attention matrices, three of the MLP and two gains per layer, and the last gain."""
        return self.layers * (4 * self.width**2 + 3 * self.width * self.hidden + 2 * self.width) + self.width

    @property
    def params(self) -> int:
        """All that is trained; embedding and head are one matrix and count once."""
        return self.params_non_embedding + self.vocabulary * self.width

    @property
    def label(self) -> str:
        """A short name: layers x width."""
        return f"{self.layers}x{self.width}"


def steps_before_decay(steps: int, decay_share: float) -> int:
    """The steps of a run of `steps` that come before its decay."""
    return steps - round(decay_share * steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One run: a shape trained on `tokens` with a warm-up, a constant rate and a decay to zero over the last steps.

    Runs that differ in `tokens` alone share their trunk, the steps before the decay (Haegele et al. 2024).
    """

    shape: Shape
    tokens: int
    batch: int
    learning_rate: float
    warmup_steps: int
    decay_share: float
    evaluation_windows: int
    seed: int

    @property
    def tokens_per_step(self) -> int:
        """Tokens in one batch."""
        return self.batch * self.shape.context

    @property
    def steps(self) -> int:
        """Optimiser steps in all."""
        return self.tokens // self.tokens_per_step

    @property
    def branch_step(self) -> int:
        """The step at which this run leaves the trunk and its decay begins."""
        return steps_before_decay(self.steps, self.decay_share)

    @property
    def flops(self) -> float:
        """FLOPs of this run as if it were trained alone: 6 per parameter and token (Kaplan et al. 2020)."""
        return 6.0 * self.shape.params * self.tokens

    def rate(self, step: int) -> float:
        """The learning rate of `step`; the decay is 1 - sqrt (Haegele et al. 2024)."""
        if step < self.branch_step:
            return self.learning_rate * min(1.0, (step + 1) / self.warmup_steps)
        progress = (step - self.branch_step) / (self.steps - self.branch_step)
        return self.learning_rate * (1 - float(progress**0.5))

    def identity(self, fingerprint: str) -> str:
        """The run's name: a hash of configuration, corpus and recipe."""
        return _digest({"recipe": RECIPE, "corpus": fingerprint, **asdict(self)})

    def trunk(self, fingerprint: str) -> str:
        """The name of the trunk, the same for every run that shares it."""
        shared = asdict(self)
        del shared["tokens"], shared["decay_share"], shared["evaluation_windows"]
        return _digest({"recipe": RECIPE, "corpus": fingerprint, **shared})


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a model is, by its layers and width or by its parameters, and how its runs are trained.

    Args:
        tokens: the token counts that it is trained on.
        batch: windows of `context` tokens in a step.
    """

    tokens: tuple[int, ...]
    context: int
    batch: int
    learning_rate: float
    warmup_steps: int
    layers: int | None = None
    width: int | None = None
    params: float | None = None

    def shape(self, vocabulary: int) -> Shape:
        """The shape for a vocabulary, of which parameters depend."""
        if self.layers is not None and self.width is not None:
            return Shape(layers=self.layers, width=self.width, context=self.context, vocabulary=vocabulary)
        return Shape.near(self.params or 0.0, context=self.context, vocabulary=vocabulary)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """A family of runs: every size with each of its token counts and every seed."""

    name: str
    title: str
    sizes: tuple[Size, ...]
    decay_share: float
    evaluation_windows: int
    seeds: tuple[int, ...]

    def configs(self, vocabulary: int) -> tuple[Config, ...]:
        """All runs for a vocabulary, each once, in the order in which they are shown."""
        return tuple(dict.fromkeys(self._configs(vocabulary)))

    def _configs(self, vocabulary: int) -> Iterator[Config]:
        for seed in self.seeds:
            for size in self.sizes:
                shape = size.shape(vocabulary)
                for tokens in size.tokens:
                    yield Config(
                        shape=shape,
                        tokens=tokens,
                        batch=size.batch,
                        learning_rate=size.learning_rate,
                        warmup_steps=size.warmup_steps,
                        decay_share=self.decay_share,
                        evaluation_windows=self.evaluation_windows,
                        seed=seed,
                    )


@dataclass(frozen=True, slots=True)
class Leg:
    """A run and the `steps` it takes once the shorter runs of its trunk have left theirs at their branch."""

    config: Config
    steps: int

    @property
    def tokens(self) -> int:
        """Tokens met in these steps."""
        return self.steps * self.config.tokens_per_step

    @property
    def flops(self) -> float:
        """FLOPs of these steps."""
        return 6.0 * self.config.shape.params * self.tokens

    @property
    def work(self) -> float:
        """FLOPs that take as long as these steps do, overheads included."""
        return 6.0 * (self.config.shape.params + OVERHEAD_PARAMS) * self.tokens


def chains(sweep: Sweep, vocabulary: int) -> tuple[tuple[Leg, ...], ...]:
    """The runs of a sweep, trunk by trunk, each trunk's by rising token count: what one worker does in one go."""
    trunks: dict[str, list[Config]] = {}
    for config in sorted(sweep.configs(vocabulary), key=lambda config: config.tokens):
        trunks.setdefault(config.trunk(""), []).append(config)
    return tuple(
        tuple(
            Leg(config, config.steps - (before.branch_step if before else 0))
            for before, config in zip([None, *trunk], trunk, strict=False)
        )
        for trunk in trunks.values()
    )


def _digest(identity: dict[str, Any]) -> str:
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
