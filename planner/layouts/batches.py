"""Batches: how many tokens a training step should have, and what more of them cost."""

from __future__ import annotations

from typing import Any

from planner.constants import constant
from planner.estimate import Estimate
from planner.layouts.splits import BATCH_TOLERANCE

TOKENS_PER_PARAM = 20.0
"""Training tokens per parameter where nobody said: Hoffmann et al. 2022 (arXiv 2203.15556)."""


def usual_batch(tokens: float) -> float:
    """Tokens per step that suit a run of `tokens`: 0.58 D^0.571 (Step Law, Li et al. 2025, arXiv 2503.04715)."""
    return float(0.58 * tokens**0.571)


def default_batch(tokens: float, loss: float) -> float:
    """Tokens per step where nobody said: the usual ones of a run of `tokens`, but too few to come above critical_batch.

    A layout may move them by BATCH_TOLERANCE.
    """
    return min(usual_batch(tokens), float(critical_batch(loss)) / (1 + BATCH_TOLERANCE))


def critical_batch(loss: float) -> Estimate:
    """Tokens per step at which a run to `loss` (nats/token) needs twice the fewest steps and twice the fewest tokens.

    2e8 L^-4.76 (Kaplan et al. 2020, arXiv 2001.08361, section 5.1); the range is our assumption.
    """
    return constant("layouts", "critical_batch_factor").value.scaled(2e8 * loss**-4.76)


def tokens_at(batch: Any, *, tokens: float, usual: float, critical: float) -> Any:
    """Tokens that reach with another `batch` what `tokens` reach with the `usual` one.

    E = E_min (1 + B/B*) (McCandlish et al. 2018, arXiv 1812.06162, section 2.3). Takes arrays.
    """
    return tokens * (1 + batch / critical) / (1 + usual / critical)
