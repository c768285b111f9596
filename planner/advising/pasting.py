"""Pasting: what it costs to put all documents into every prompt.

Providers keep a prompt for minutes only: a request reads the documents at the price of cached tokens where another one
came within that time before it, and at the price of new tokens where none did. Requests are taken as spread evenly over
the month, each independent of the others: our assumption.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np

from planner.advising.assuming import Draws, Guess
from planner.advising.usecase import UseCase
from planner.units import HOURS_PER_MONTH


def prompt_limit(case: UseCase, guesses: Mapping[str, Guess]) -> Guess:
    """Tokens of documents that a prompt takes at most, where the case may run: our assumption."""
    return guesses["device_context_tokens" if case.deploy == "on_device" else "long_context_tokens"]


def pasted_tokens(case: UseCase, guesses: Mapping[str, Draws]) -> Draws:
    """Tokens of the documents; where nobody said how long they are, the most that a prompt takes: our assumption."""
    limit = prompt_limit(case, guesses)
    return np.full_like(limit, case.corpus_tokens) if case.corpus_tokens else limit


def cached_share(queries_month: float, guesses: Mapping[str, Guess]) -> Guess:
    """Share of the requests that find the documents in the cache: 1 - exp(-requests within the time it lasts)."""
    return cast("Guess", -np.expm1(-queries_month * guesses["cache_minutes"] / (60 * HOURS_PER_MONTH)))


def pasted_usd_month(tokens: Guess | float, queries_month: float, guesses: Mapping[str, Guess]) -> Guess:
    """Dollars of a month of `tokens` of documents in every prompt to a hosted model."""
    cached = cached_share(queries_month, guesses)
    usd_per_mtok = cached * guesses["usd_per_mtok_cached"] + (1 - cached) * guesses["usd_per_mtok_in"]
    return queries_month * tokens * usd_per_mtok / 1e6
