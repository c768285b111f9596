"""recipe: batch, learning rate and warm-up by published rules. check_rule: whether a sweep's rate is near the best."""

from __future__ import annotations

import itertools
import math
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.corpus.workers import silent
from planner.sheet import Finding, Row, Sheet
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from experiments.config import Config, Shape, Sweep
    from experiments.corpus import Corpus
    from experiments.corpus.workers import Tell

STEP_LAW = (0.58, 0.571)
"""The best batch is 0.58 D^0.571 tokens for D tokens of training (Step Law, Li et al. 2025, arXiv 2503.04715)."""

LEARNING_RATE = 0.02
"""Muon's rate holds from size to size, since its steps have the same strength in matrices of any shape (Jordan et al.
2024, who use 0.02 for 124M parameters); from 20K to 800K parameters 0.014 to 0.028 were within 1 % in our trials."""

WARMUP_SHARE, FEWEST_WARMUP, MOST_WARMUP = 0.04, 10, 500
"""Share of the shortest run's steps in which the rate rises, and the fewest and most steps that it takes for that."""

FACTORS = {"half": 0.5, "own": 1.0, "twice": 2.0}
BEYOND = "The best is the lowest or the highest rate tried; a still better one may lie beyond."
CHECK_STEPS = 400
STAGE = "Trials"
TOLERATED = 0.01
"""A rule that costs less loss than this is as good as any: one seed tells no finer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How the runs of one trunk learn: windows in a batch, learning rate, and steps in which that rises."""

    batch: int
    learning_rate: float
    warmup_steps: int


def recipe(tokens: Sequence[float], context: int) -> Recipe:
    """The recipe of a trunk whose runs have these token counts, in windows of `context` tokens.

    The batch is right for the shortest run: what is too small for the others costs them time, and hardly any loss.
    """
    shortest = min(tokens)
    factor, exponent = STEP_LAW
    batch = max(1, int(factor * shortest**exponent / context))
    warmup = round(WARMUP_SHARE * shortest / (batch * context))
    return Recipe(batch=batch, learning_rate=LEARNING_RATE, warmup_steps=min(max(warmup, FEWEST_WARMUP), MOST_WARMUP))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One size trained at multiples of its rate: the loss under each name of FACTORS, infinite where a run diverged."""

    shape: Shape
    learning_rate: float
    losses: dict[str, float]

    @property
    def excess(self) -> float:
        """How much more loss the rule's rate gives than the best of the rates tried, as a share of that."""
        own = self.losses["own"]
        return math.inf if math.isinf(own) else own / min(self.losses.values()) - 1

    @property
    def best_rate(self) -> float:
        """The best of the rates tried."""
        return self.learning_rate * FACTORS[min(self.losses, key=lambda name: self.losses[name])]

    @property
    def is_at_edge(self) -> bool:
        """Whether the best of the rates tried is the lowest or the highest of them."""
        return self.best_rate != self.learning_rate and not math.isinf(min(self.losses.values()))

    @property
    def finding(self) -> Finding:
        """What is wrong with the rule's rate."""
        label = self.shape.label
        todo = "Set learning_rate for this size in the sweep's file."
        if math.isinf(min(self.losses.values())):
            return Finding("warning", f"{label} diverges.", "It does so at every learning rate tried.", todo)
        cost = show(self.excess, "fraction")
        return Finding(
            "warning",
            f"{show(self.best_rate, 'count')} is a better learning rate for {label}.",
            "It diverges at its own." if math.isinf(self.excess) else f"Its own costs it {cost} more loss. {BEYOND}",
            todo,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCheck(Sheet):
    """What half and twice the learning rate give for some sizes of a sweep."""

    sweep: str
    steps: int
    trials: tuple[Trial, ...]

    @property
    def title(self) -> str:  # type: ignore[override]
        """The check in one sentence."""
        return f"Learning rates of the sweep {self.sweep}, tried for {self.steps:,} steps"

    @property
    def findings(self) -> tuple[Finding, ...]:  # type: ignore[override]
        """The sizes for which another rate is clearly better."""
        return tuple(trial.finding for trial in self.trials if trial.excess > TOLERATED)

    def rows(self) -> Iterable[Row]:
        """For each size and rate the loss, then by how much the sweep's own rate is worse than the best."""
        for trial in self.trials:
            label = trial.shape.label
            for name, loss in trial.losses.items():
                rate = show(FACTORS[name] * trial.learning_rate, "count")
                yield Row(f"loss_{label}_{name}", f"{label} at {rate}", loss, "nats/token")
            note = BEYOND if trial.is_at_edge else ""
            yield Row(f"excess_{label}", f"{label}, sweep's rate over the best", trial.excess, "fraction", note)


def check_rule(
    sweep: Sweep,
    corpus: Corpus,
    *,
    steps: int = CHECK_STEPS,
    device: str = "cpu",
    tell: Tell = silent,
) -> RuleCheck:
    """Half, once and twice the learning rate of a sweep's smallest and middle size, tried in runs of `steps` steps.

    Args:
        sweep: whose rates, batches and warm-ups are tried.
        corpus: what is learnt; the loss is that of its held-out text.
        steps: the length of each of the six runs; longer runs of the sweep are not looked at.
        device: what torch calls the device to train on.
        tell: called as training goes on.
    """
    tried = list(_tried(sweep, corpus.vocabulary))
    total = len(tried) * len(FACTORS) * steps
    starts = itertools.count(0, steps)

    def loss(config: Config, factor: float) -> float:
        start = next(starts)
        trial = replace(config, tokens=steps * config.tokens_per_step, learning_rate=factor * config.learning_rate)
        return _loss(trial, corpus, device, lambda step, _: tell(STAGE, start + step, total))

    return RuleCheck(
        sweep=sweep.name,
        steps=steps,
        trials=tuple(
            Trial(
                shape=config.shape,
                learning_rate=config.learning_rate,
                losses={name: loss(config, factor) for name, factor in FACTORS.items()},
            )
            for config in tried
        ),
    )


def _tried(sweep: Sweep, vocabulary: int) -> Iterator[Config]:
    """A run of the smallest and one of the middle size."""
    by_size = {config.shape.params: config for config in sweep.configs(vocabulary)}
    params = sorted(by_size)
    for number in sorted({params[0], params[len(params) // 2]}):
        yield by_size[number]


def _loss(config: Config, corpus: Corpus, device: str, tick: Callable[[int, float], None]) -> float:
    from experiments.train import Diverged, train

    with tempfile.TemporaryDirectory() as folder:
        try:
            loss = train(config, corpus, Path(folder), tick=tick, device=device).loss
        except Diverged:
            return math.inf
    return math.inf if loss is None else loss
