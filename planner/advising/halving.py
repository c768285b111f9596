"""Halving: where a question that is answered no for little and yes for much turns, one amount per perturbation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from planner.advising.assuming import Draws


def least(holds: Callable[[Draws], NDArray[np.bool_]], low: float, high: float, *, size: int, steps: int) -> Draws:
    """The least of the amounts between `low` and `high` for which `holds`, `size` of them; `high` where it never does.

    Their logarithms are halved `steps` times.
    """
    below, above = np.full(size, np.log(low)), np.full(size, np.log(high))
    for _ in range(steps):
        middle = (below + above) / 2
        found = holds(np.exp(middle))
        below, above = np.where(found, below, middle), np.where(found, middle, above)
    return np.asarray(np.exp(above))
