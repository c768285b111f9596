"""Law: what every law of the family can say, and the search for a minimum that those without closed forms need.

Every law is one formula whose coefficients are floats, or arrays of one shape: an ensemble of laws is the same class.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Numbers: TypeAlias = float | Array

FLOPS_PER_PARAM_TOKEN = 6.0
"""Training FLOPs per parameter and token: 2 forward, 4 backward (Kaplan et al. 2020, section 2.1)."""


class Law(Protocol):
    """What every law can say. Arguments and coefficients broadcast against each other."""

    def loss(self, params: Numbers, tokens: Numbers) -> Numbers:
        """Expected loss of a model of `params` parameters trained on `tokens` tokens."""

    def optimum(self, flops: Numbers) -> tuple[Numbers, Numbers]:
        """Params and tokens of least loss among those with 6 * params * tokens = `flops`."""

    def tokens_for(self, loss: Numbers, params: Numbers) -> Numbers:
        """Tokens that bring `params` parameters to `loss`; infinite where no number of tokens does."""

    def floor(self) -> Numbers:
        """The loss that no compute gets below."""


def argmin(function: Callable[[Array], Numbers], low: Numbers, high: Numbers, steps: int = 70) -> Array:
    """Elementwise minimiser of a unimodal `function` between the arrays `low` and `high`: golden-section search."""
    ratio = (math.sqrt(5) - 1) / 2
    bottom, top = np.array(low, dtype=float), np.array(high, dtype=float)
    for _ in range(steps):
        width = ratio * (top - bottom)
        left, right = top - width, bottom + width
        keep_left = np.asarray(function(left)) <= np.asarray(function(right))
        bottom, top = np.where(keep_left, bottom, left), np.where(keep_left, right, top)
    return cast("Array", (bottom + top) / 2)
