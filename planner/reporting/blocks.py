"""Blocks: what a report consists of, said once; a page and a paper draw the same ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from planner.sheet import Finding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.estimate import Estimate


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of the 1st, 2nd or 3rd level."""

    text: str
    level: Literal[1, 2, 3] = 2


@dataclass(frozen=True, slots=True)
class Line:
    """A paragraph: plain, leading to an answer, the answer, or a contradiction."""

    text: str
    kind: Literal["plain", "lead", "answer", "problem"] = "plain"


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of the library that give the same answers again."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Points:
    """One bullet per text."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of texts under a head."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A loss and its 90 % range over compute in FLOPs, a chosen point, runs, and the largest run of the law.

    `chosen` and `runs` are compute and loss; `fitted_to` is 0 where no largest run is known.
    """

    flops: NDArray[Any]
    loss: NDArray[Any]
    low: NDArray[Any]
    high: NDArray[Any]
    chosen: tuple[float, float] | None = None
    runs: tuple[NDArray[Any], NDArray[Any]] | None = None
    fitted_to: float
    x_title: str
    y_title: str


@dataclass(frozen=True, slots=True)
class Steps:
    """Names and US dollars of steps, and the total to which they lead, with its 90 % range."""

    names: tuple[str, ...]
    usd: tuple[float, ...]
    total: tuple[str, Estimate]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure: in words, as Plotly draws it on a page, and the values that a paper draws, None where it draws none."""

    says: str
    plotly: Callable[[], Any]
    values: Curve | Steps | None = None


Block: TypeAlias = Heading | Line | Calls | Points | Grid | Figure | Finding
