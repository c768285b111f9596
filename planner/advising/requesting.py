"""Requesting: what requests to a hosted model cost.

Tokens of requests and answers are counted as for English; text of a higher fertility takes, and costs, as much more.
"""

from __future__ import annotations

from collections.abc import Mapping

from planner.advising.assuming import Guess
from planner.advising.usecase import UseCase


def large_usd(
    requests: Guess | float, case: UseCase, guesses: Mapping[str, Guess], more_tokens: Guess | float = 0.0
) -> Guess:
    """Dollars of `requests` to a large model, with `more_tokens` in every prompt."""
    prompt = (case.tok_in + more_tokens) * guesses["usd_per_mtok_in"]
    return requests * (case.stretch * (prompt + case.tok_out * guesses["usd_per_mtok_out"]) / 1e6)


def small_usd(requests: float, case: UseCase, guesses: Mapping[str, Guess]) -> Guess:
    """Dollars of `requests` to a small tuned model that is hosted by the token."""
    return requests * case.stretch * (case.tok_in + case.tok_out) * guesses["usd_per_mtok_small"] / 1e6
