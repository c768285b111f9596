"""The values that speak of utilisation: its two factors, and the work that it depends on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from planner.estimate import Estimate

Kind = Literal["dense", "moe"]
Precision = Literal["bf16", "fp16", "fp8"]

KINDS: tuple[Kind, ...] = ("dense", "moe")
PRECISIONS: tuple[Precision, ...] = ("bf16", "fp16", "fp8")


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor of a utilisation, a fraction, and where it comes from."""

    value: Estimate
    basis: str


@dataclass(frozen=True, slots=True)
class Utilisation:
    """The utilisation of a whole run and where it comes from; its factors are None where only the whole was given."""

    value: Estimate
    basis: str
    mfu: Factor | None = None
    goodput: Factor | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """What is trained: parameters that each token passes, and training tokens; None is not known yet."""

    active_params: float | None = None
    tokens: float | None = None

    @property
    def flops(self) -> float | None:
        """6 x active parameters x tokens."""
        if self.active_params is None or self.tokens is None:
            return None
        return 6 * self.active_params * self.tokens


UNKNOWN_WORK = Work()
