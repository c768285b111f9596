"""Pasting: what it costs to put all documents into every prompt.

Providers keep a prompt for minutes only: a request reads the documents at the price of cached tokens where another one
came within that time before it, and at the price of new tokens where none did. Requests are taken as spread evenly over
the month, each independent of the others: our assumption.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from planner.advising.assuming import Draws
from planner.advising.usecase import UseCase

Guesses: TypeAlias = "Mapping[str, Draws] | Mapping[str, float]"
"""Assumptions by name, one of each or one per perturbation."""

MINUTES_PER_MONTH = 730.5 * 60


def pasted_tokens(case: UseCase, guesses: Guesses) -> Draws:
    """Tokens of the documents; where nobody said how long they are, the most that a prompt takes: our assumption."""
    if case.corpus_tokens:
        return np.full_like(_limit(case, guesses), case.corpus_tokens)
    return _limit(case, guesses)


def cached_share(queries_month: float, guesses: Guesses) -> Draws:
    """Share of the requests that find the documents in the cache: 1 - exp(-requests within the time it lasts)."""
    return np.asarray(-np.expm1(-queries_month * guesses["cache_minutes"] / MINUTES_PER_MONTH))


def pasted_usd_month(tokens: Draws | float, queries_month: float, guesses: Guesses) -> Draws:
    """Dollars of a month of `tokens` of documents in every prompt to a hosted model."""
    cached = cached_share(queries_month, guesses)
    usd_per_mtok = cached * guesses["usd_per_mtok_cached"] + (1 - cached) * guesses["usd_per_mtok_in"]
    return np.asarray(queries_month * tokens * usd_per_mtok / 1e6)


def _limit(case: UseCase, guesses: Guesses) -> Draws:
    return np.asarray(guesses["device_context_tokens" if case.deploy == "on_device" else "long_context_tokens"])
