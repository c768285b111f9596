"""Landscape: the losses that free models and models of one's own reach on the text of a case, under one law.

L = law(N, D' + transfer D_general) + gap (1 + D' / gap_tokens)^-gap_decay with D' the own tokens, repeats discounted
(Muennighoff et al. 2023) and, for a model that was already trained, times `reuse`. The law's coefficients are published
or fitted; transfer, gap and reuse are our assumptions, unless pilots measured what they stand for: under a law of the
own text a measured loss sets the gap of the free models, and a new model has none; measured continued pretraining
replaces the fall of their loss, and under a published law the gap of both sides. Every quantity has one entry per
perturbation, central first. It knows losses and FLOPs; it knows no dollars and takes no decision.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from planner.advising.assuming import Draws
from planner.advising.bases import Base, adaptable, base_of, catalogue, serving_limit
from planner.advising.halving import least
from planner.advising.measuring import Measured, nats_per_unit
from planner.advising.usecase import UseCase
from planner.laws import FLOPS_PER_PARAM_TOKEN, Calibration, DataConstrained, Law

LEAST_FLOPS, MOST_FLOPS = 1e15, 1e30
_STEPS = 24
_SIZES = np.logspace(-1.2, 1.2, 25)[:, None]
"""Sizes that are tried, as multiples of the law's own optimum."""


@dataclass(frozen=True, kw_only=True)
class Landscape:
    """What can be reached on the text of one case; `bases` are the free models it may start from.

    `adaptation_share` is how many FLOPs of adaptation cost as much as one FLOP of a new model's final run, each with
    the programme around it.
    """

    bases: tuple[Base, ...]
    law: Law
    own_tokens: float
    serve_params: float
    open_tokens: Draws
    transfer: Draws
    reuse: Draws
    gap: Draws
    gap_tokens: Draws
    gap_decay: Draws
    tuned_tokens: Draws
    epochs: Draws
    replay: Draws
    repeats: float
    adaptation_share: Draws
    measured: Measured

    @classmethod
    def of(cls, case: UseCase, calibration: Calibration, guesses: dict[str, Draws], found: Measured) -> Landscape:
        """The landscape of `case` over the perturbations in `guesses`, with what pilots `found`."""
        kind = gap_of(case)
        shared = ("reuse", "tuned_tokens", "epochs", "replay")
        gap = guesses[f"gap_{kind}"] / nats_per_unit(calibration), guesses["gap_tokens"], guesses["gap_decay"]
        if found.curve is not None and not found.level:
            gap = found.curve
        return cls(
            bases=adaptable(case, found.names),
            law=_with_centre(calibration, guesses["reuse"].size),
            own_tokens=case.unlabeled_tokens,
            serve_params=serving_limit(case),
            open_tokens=guesses["open_text_tokens"] * (case.provenance != "own_data"),
            transfer=guesses[f"transfer_{kind}"],
            gap=gap[0],
            gap_tokens=gap[1],
            gap_decay=gap[2],
            repeats=calibration.repeats[0],
            measured=found,
            adaptation_share=guesses["programme_pretrain"] / guesses["programme_continue"],
            **{name: guesses[name] for name in shared},
        )

    def scratch_loss(self, flops: Draws, most_params: float) -> Draws:
        """Least loss of a new model of up to `most_params` parameters for `flops` of training."""
        return cast("Draws", self._scratch_losses(flops, most_params)[1].min(axis=0))

    def scratch_params(self, flops: Draws, most_params: float) -> Draws:
        """Parameters of that model."""
        params, losses = self._scratch_losses(flops, most_params)
        return np.asarray(np.take_along_axis(params, losses.argmin(axis=0)[None], axis=0)[0])

    def _scratch_losses(self, flops: Draws, most_params: float) -> tuple[Draws, Draws]:
        """The sizes that are tried, one per row, and their losses."""
        best, _ = self.law.optimum(flops)
        params = np.minimum(np.asarray(best) * _SIZES, most_params)
        tokens = flops / (FLOPS_PER_PARAM_TOKEN * params)
        own = np.minimum(tokens, self.own_tokens * self._useful_epochs)
        own = np.where(self.open_tokens > 0, own, tokens * (self.own_tokens > 0))
        general = self._discounted(tokens - own, self.open_tokens)
        gap = self.gap * (not self.measured.level)
        return params, np.asarray(self._loss(params, self._discounted(own, self.own_tokens), general, gap))

    def untuned_losses(self) -> Draws:
        """Loss of each base as it comes; one row per base."""
        return self._adapted(0.0 * self._params)

    def tuned_losses(self) -> Draws:
        """Loss of each base after a small tune on the own text; one row per base."""
        return self._adapted(np.minimum(self.own_tokens, self.tuned_tokens) + 0.0 * self._params)

    def adapted_losses(self, flops: Draws) -> Draws:
        """Loss of each base after continued pretraining for up to `flops`, or a small tune where that is better."""
        tokens = flops / (FLOPS_PER_PARAM_TOKEN * self._active) * (1 - self.replay)
        least = np.minimum(self.own_tokens, self.tuned_tokens)
        return self._adapted(np.clip(tokens, least, self.own_tokens * self.epochs))

    def gain(self, flops: Draws) -> Draws:
        """How much lower `flops` of continued pretraining bring the best base than a small tune does."""
        if not self.bases:
            return np.zeros_like(flops)
        return cast("Draws", self.tuned_losses().min(axis=0) - self.adapted_losses(flops).min(axis=0))

    def best_base(self, flops: Draws) -> Base:
        """The base of least loss after adaptation for the central `flops`."""
        return self.bases[int(np.argmin(self.adapted_losses(flops)[:, 0]))]

    def best_start(self, flops: Draws) -> Base:
        """The same among those released as they were before tuning to chat, where there is one."""
        losses = self.adapted_losses(flops)[:, 0]
        order = [self.bases[int(index)] for index in np.argsort(losses, kind="stable")]
        return next((base for base in order if base.untuned), order[0])

    @cached_property
    def equal_break_even(self) -> Draws:
        """FLOPs of the final run from which a new model within the serving size beats the best base; inf is never."""
        return self._break_even(self.serve_params)

    @cached_property
    def free_break_even(self) -> Draws:
        """The same for a new model of any size."""
        return self._break_even(np.inf)

    def base_to_beat(self, flops: Draws) -> Base:
        """The base that is best for as much money as a final run of the central `flops` takes."""
        return self.best_base(flops * self.adaptation_share)

    def _break_even(self, most_params: float) -> Draws:
        if not self.bases:
            return np.full(self.reuse.shape, np.inf)

        def wins(flops: Draws) -> NDArray[np.bool_]:
            return self._wins(flops, most_params)

        ever = wins(np.full(self.reuse.shape, MOST_FLOPS))
        return np.where(ever, least(wins, LEAST_FLOPS, MOST_FLOPS, size=self.reuse.size, steps=_STEPS), np.inf)

    def _wins(self, flops: Draws, most_params: float) -> NDArray[np.bool_]:
        adapted = self.adapted_losses(flops * self.adaptation_share).min(axis=0)
        return np.asarray(self.scratch_loss(flops, most_params) <= adapted)

    def _adapted(self, own: Draws) -> Draws:
        """Loss of each base after `own` tokens of own text: an excess that was measured closes, a lead stays."""
        found, discounted = self.measured, self._discounted(own, self.own_tokens)
        if found.curve is None:
            gap, lead = np.maximum(self._excess, 0.0), np.minimum(self._excess, 0.0)
            return self._loss(self._params, self.reuse * discounted, self._read, gap) + lead
        fall, tokens, decay = found.curve
        fell = fall * (1 - (1 + discounted / tokens) ** -decay)
        return self._loss(self._params, np.zeros_like(discounted), self._read, self._excess) - fell

    @property
    def measured_gap(self) -> Draws:
        """Loss of measured models over what the law gives for them; 0 where they are better than that."""
        return np.asarray(np.maximum(self._excess.mean(axis=0), 0.0))

    @cached_property
    def _excess(self) -> Draws:
        """Loss of each base as it comes over what the law gives for its size and tokens: measured, or the gap assumed.

        Models that were not measured share the mean of those that were.
        """
        level = self.measured.level
        if not level:
            return self.gap + 0.0 * self._params
        law = self._loss(self._params, 0.0 * self._params, self._read, np.zeros(1))
        told = np.array([[level.get(base.name, np.nan)] for base in self.bases])
        over = told - law
        others = self._excess_elsewhere(level) if np.isnan(told).all() else np.nanmean(over, axis=0)
        return np.asarray(np.where(np.isnan(over), others, over))

    def _excess_elsewhere(self, level: dict[str, float]) -> Draws:
        """Mean excess of measured models of which none is among the bases."""
        bases = [base_of(name) for name in level]
        sizes, read = (
            np.array([[value] for value in values])
            for values in zip(*((base.dense_params, base.tokens or self._most_read) for base in bases), strict=True)
        )
        law = self._loss(sizes, 0.0 * sizes, read, np.zeros(1))
        return np.asarray((np.array([[loss] for loss in level.values()]) - law).mean(axis=0))

    def _loss(self, params: Draws, own: Draws, general: Draws, gap: Draws) -> Draws:
        effective = np.maximum(own + self.transfer * general, 1.0)
        return self.law.loss(params, effective) + gap * (1 + own / self.gap_tokens) ** -self.gap_decay

    def _discounted(self, tokens: Draws, unique: Draws | float) -> Draws:
        """D' = U (1 + R* (1 - exp(-R / R*))) with R = D/U - 1 repeats (Muennighoff et al. 2023, equation 5)."""
        have = np.maximum(unique, 1.0)
        repeats = np.maximum(tokens / have - 1, 0.0)
        return cast(
            "Draws", np.where(repeats > 0, have * (1 - self.repeats * np.expm1(-repeats / self.repeats)), tokens)
        )

    @property
    def _useful_epochs(self) -> Draws:
        """Repeats until one more is worth less than general text: exp(-R/R*) = transfer; at most `epochs`."""
        return cast("Draws", np.clip(1 - self.repeats * np.log(np.maximum(self.transfer, 1e-9)), 1.0, self.epochs))

    @cached_property
    def _params(self) -> Draws:
        return np.array([[base.dense_params] for base in self.bases])

    @cached_property
    def _active(self) -> Draws:
        return np.array([[base.active_params] for base in self.bases])

    @cached_property
    def _read(self) -> Draws:
        return np.array([[base.tokens or self._most_read] for base in self.bases])

    @property
    def _most_read(self) -> float:
        """Tokens that stand for those of a measured model that does not say how much it has read."""
        said = [base.tokens for base in self.bases if base.tokens]
        return max(said or [base.tokens for base in catalogue() if base.tokens])


def gap_of(case: UseCase) -> str:
    """How far the text of the case is from ordinary text; text cannot be another modality."""
    return "nonstandard" if case.domain_gap == "modality" else case.domain_gap


def _with_centre(calibration: Calibration, size: int) -> Law:
    """One law whose coefficients are arrays: the central one, then draws of the ensemble, `size` in all.

    A limit on unique tokens is dropped: which text is own and repeated, the landscape knows itself.
    """
    centre, ensemble = calibration.law, calibration.ensemble
    if isinstance(centre, DataConstrained) and isinstance(ensemble, DataConstrained):
        centre, ensemble = centre.law, ensemble.law
    return cast("Law", _stacked(centre, ensemble, size))


def _stacked(centre: Any, ensemble: Any, size: int) -> Any:
    if is_dataclass(centre) and not isinstance(centre, type):
        names = [entry.name for entry in fields(centre)]
        parts = {name: _stacked(getattr(centre, name), getattr(ensemble, name), size) for name in names}
        return replace(centre, **parts)
    return np.concatenate([[float(centre)], np.resize(np.asarray(ensemble, dtype=float), size - 1)])
