"""Windows and Order: an array of tokens cut into pieces of one context, and the order in which a seed meets them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Windows:
    """An array of tokens cut into windows of `context` tokens, each with the token that follows it."""

    data: NDArray[Any]
    context: int

    def __len__(self) -> int:
        return max(0, (len(self.data) - 1) // self.context)

    def take(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """The windows (count, context + 1) with these indices."""
        windows: NDArray[Any] = self.data[indices[:, None] * self.context + np.arange(self.context + 1)]
        return windows.astype(np.int64)

    def spread(self, count: int) -> NDArray[np.int64]:
        """Indices of `count` windows, or of all where there are fewer, evenly spaced."""
        return np.linspace(0, len(self) - 1, min(count, len(self))).astype(np.int64)


class Order:
    """The order in which a seed meets the windows: a permutation per epoch; no step needs the history of another."""

    def __init__(self, windows: int, seed: int) -> None:
        self._windows, self._seed = windows, seed
        self._epoch, self._permutation = -1, np.empty(0, dtype=np.int64)

    def batch(self, step: int, size: int) -> NDArray[np.int64]:
        """Indices of the `size` windows of `step`."""
        places = np.arange(step * size, (step + 1) * size)
        return np.array([self._at(*divmod(int(place), self._windows)) for place in places])

    def _at(self, epoch: int, place: int) -> int:
        if epoch != self._epoch:
            self._epoch = epoch
            self._permutation = np.random.default_rng((self._seed, epoch)).permutation(self._windows)
        return int(self._permutation[place])
