"""Estimate: a number that carries its interval. It computes as the float it is; arithmetic gives plain floats."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

LEVEL = 0.9


class Estimate(float):
    """A float with `low` and `high`, the bounds of its central interval of probability `level`."""

    __slots__ = ("high", "level", "low")

    low: float
    high: float
    level: float

    def __new__(cls, value: float, low: float, high: float, level: float = LEVEL) -> Self:
        """Args are in one unit; bounds that rounding put on the wrong side of `value` are moved to it."""
        self = super().__new__(cls, value)
        self.low = min(float(low), float(value))
        self.high = max(float(high), float(value))
        self.level = float(level)
        return self

    @classmethod
    def exact(cls, value: float) -> Self:
        """A number that was given, not estimated: both bounds are the value."""
        return cls(value, value, value)

    @classmethod
    def of_draws(cls, value: float, draws: ArrayLike, level: float = LEVEL) -> Self:
        """The central interval of `draws` (any shape) around `value`; NaN draws are left out, infinite ones are not."""
        tail = (1 - level) / 2
        low, high = np.nanquantile(np.asarray(draws, dtype=float), [tail, 1 - tail], method="nearest")
        return cls(value, low, high, level)

    @classmethod
    def from_dict(cls, record: dict[str, float]) -> Self:
        """The estimate that `to_dict` wrote."""
        return cls(record["value"], record["low"], record["high"], record["level"])

    @property
    def is_exact(self) -> bool:
        """Whether the interval has no width."""
        return self.low == self.high

    def scaled(self, factor: float) -> Self:
        """The estimate in another unit: value and bounds times the positive, exact `factor`."""
        return type(self)(self * factor, self.low * factor, self.high * factor, self.level)

    def times(self, other: float) -> Self:
        """The product with another estimate, as if both were log-normal and independent."""
        return self._combined(other, self * other)

    def over(self, other: float) -> Self:
        """The quotient by another estimate, as if both were log-normal and independent."""
        if not isinstance(other, Estimate):
            return self.scaled(1 / other)
        return self._combined(Estimate(1 / other, 1 / other.high, 1 / other.low, other.level), self / other)

    def plus(self, other: float) -> Self:
        """The sum with another estimate, as if both erred independently: deviations add in quadrature."""
        low, high = (other.low, other.high) if isinstance(other, Estimate) else (other, other)
        below, above = math.hypot(self - self.low, other - low), math.hypot(self.high - self, high - other)
        return type(self)(self + other, self + other - below, self + other + above, self.level)

    def _combined(self, other: float, value: float) -> Self:
        if not isinstance(other, Estimate):
            return self.scaled(other)
        below = math.hypot(math.log(self / self.low), math.log(other / other.low)) if self > 0 else 0.0
        above = math.hypot(math.log(self.high / self), math.log(other.high / other)) if self > 0 else 0.0
        return type(self)(value, value * math.exp(-below), value * math.exp(above), self.level)

    def draws(self, deviations: ArrayLike) -> NDArray[np.float64]:
        """Log-normal draws, one per standard normal deviation: each side has its own spread, so that low and high hold.

        The value must be positive.
        """
        steps = np.asarray(deviations, dtype=float) / NormalDist().inv_cdf((1 + self.level) / 2)
        above, below = math.log(self.high / self), math.log(self / self.low)
        return np.asarray(float(self) * np.exp(np.where(steps > 0, above, below) * steps), dtype=float)

    def to_dict(self) -> dict[str, float]:
        """`value`, `low`, `high` and `level`, ready for JSON."""
        return {"value": float(self), "low": self.low, "high": self.high, "level": self.level}

    def __repr__(self) -> str:
        return f"Estimate({float(self)!r}, low={self.low!r}, high={self.high!r}, level={self.level!r})"

    def __str__(self) -> str:
        return float.__repr__(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (float(self), self.low, self.high, self.level)
