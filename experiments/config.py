"""Shape, Config and Sweep: what is trained, frozen and saved beside every record. It needs no torch."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

RECIPE = 1
"""The version of the training recipe; raise it whenever the same configuration would give other numbers."""

VOCABULARY = 256
"""Tokens are bytes."""

HEAD_WIDTH = 32
"""Attention heads are about this wide."""

OVERHEAD_PARAMS = 50_000
"""A model takes as long per token as its parameters and these together would at full speed (measured on a CPU core)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A decoder's layers and width; the rest follows from them."""

    layers: int
    width: int
    context: int
    vocabulary: int = VOCABULARY

    @property
    def heads(self) -> int:
        """Attention heads per layer."""
        return max(1, self.width // HEAD_WIDTH)

    @property
    def hidden(self) -> int:
        """Width of the MLP between its two matrices."""
        return 4 * self.width

    @property
    def params_non_embedding(self) -> int:
        """Four attention matrices, two of the MLP and two gains per layer, and the last gain."""
        return self.layers * (4 * self.width**2 + 2 * self.width * self.hidden + 2 * self.width) + self.width

    @property
    def params(self) -> int:
        """All that is trained; embedding and head are one matrix and count once."""
        return self.params_non_embedding + self.vocabulary * self.width

    @property
    def label(self) -> str:
        """A short name: layers x width."""
        return f"{self.layers}x{self.width}"


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
        return self.steps - round(self.decay_share * self.steps)

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
    """A shape and the token counts that it is trained on."""

    layers: int
    width: int
    context: int
    tokens: tuple[int, ...]

    @property
    def shape(self) -> Shape:
        """The shape alone."""
        return Shape(layers=self.layers, width=self.width, context=self.context)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """A family of runs: every size with each of its token counts and every seed."""

    name: str
    title: str
    sizes: tuple[Size, ...]
    batch: int
    learning_rate: float
    warmup_steps: int
    decay_share: float
    evaluation_windows: int
    seeds: tuple[int, ...]

    def configs(self) -> tuple[Config, ...]:
        """All runs, in the order in which they are shown."""
        return tuple(
            Config(
                shape=size.shape,
                tokens=tokens,
                batch=self.batch,
                learning_rate=self.learning_rate,
                warmup_steps=self.warmup_steps,
                decay_share=self.decay_share,
                evaluation_windows=self.evaluation_windows,
                seed=seed,
            )
            for seed in self.seeds
            for size in self.sizes
            for tokens in size.tokens
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


def chains(sweep: Sweep) -> tuple[tuple[Leg, ...], ...]:
    """The runs of a sweep, trunk by trunk, each trunk's by rising token count: what one worker does in one go."""
    trunks: dict[tuple[Shape, int], list[Config]] = {}
    for config in sorted(sweep.configs(), key=lambda config: config.tokens):
        trunks.setdefault((config.shape, config.seed), []).append(config)
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
