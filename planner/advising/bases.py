"""Bases: the models that a case could start from, by date, licence, provenance and size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from functools import cache

from planner.advising.usecase import UseCase
from planner.catalog import Record, records
from planner.errors import InputError

NOT_RELEASED = "not released"


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A model with open weights. `tokens` is None where its maker does not say how much it has read."""

    name: str
    title: str
    release: date
    params: float
    active_params: float
    tokens: float | None
    context_tokens: float
    commercial: bool
    open_data: bool
    modality: str

    @property
    def dense_params(self) -> float:
        """Parameters of the dense model of equal quality: the geometric mean of all and active ones."""
        return math.sqrt(self.params * self.active_params)

    @property
    def reads_language(self) -> bool:
        """Whether it is a model of text or program code."""
        return self.modality.startswith(("text", "code"))


@cache
def catalogue() -> tuple[Base, ...]:
    """Every model of models.csv whose weights can be had, oldest first."""
    found = [_base(row) for row in records("models") if row["licence"] != NOT_RELEASED]
    return tuple(sorted(found, key=lambda base: base.release))


def _base(row: Record) -> Base:
    return Base(
        name=row["name"],
        title=row["title"],
        release=date.fromisoformat(row["release"]),
        params=float(row["params"]),
        active_params=float(row["active_params"] or row["params"]),
        tokens=float(row["train_tokens"]) if row["train_tokens"] else None,
        context_tokens=float(row["context_tokens"] or 0),
        commercial=row["commercial"] != "no",
        open_data=row["open_data"] == "yes",
        modality=row["modality"],
    )


def allowed(case: UseCase) -> tuple[Base, ...]:
    """Models that exist at the date of the case and that its rules on licence and training data allow.

    Raises:
        InputError: the date lies before the first model that we know of.
    """
    first = catalogue()[0]
    if case.as_of < first.release:
        raise InputError(
            f"as_of is {case.as_of.isoformat()}, before the first open model that we know of.",
            mend=f"Our catalogue starts with {first.title} on {first.release.isoformat()}: choose a later date.",
        )
    if case.provenance == "own_data":
        return ()
    return tuple(
        base
        for base in catalogue()
        if base.release <= case.as_of
        and (base.commercial or case.goal == "public_good")
        and (base.open_data or case.provenance == "any")
    )


def adaptable(case: UseCase) -> tuple[Base, ...]:
    """Language models that fit the serving size, newest first, without those that another beats in every way.

    Models that do not say how much they have read are left out.
    """
    fits = [base for base in reversed(allowed(case)) if base.reads_language and base.params <= case.n_serve_max]
    known = [base for base in fits if base.tokens is not None]
    return tuple(base for base in known if not any(_beats(other, base) for other in known))


def _beats(other: Base, base: Base) -> bool:
    mine = (-base.dense_params, -(base.tokens or 0), base.active_params)
    theirs = (-other.dense_params, -(other.tokens or 0), other.active_params)
    return theirs != mine and all(better <= worse for better, worse in zip(theirs, mine, strict=True))


def specialist(case: UseCase) -> Base | None:
    """The newest model for the kind of data of the case, other than text and code."""
    found = [base for base in allowed(case) if base.modality == case.modality and not base.reads_language]
    return found[-1] if found else None


def largest_window(case: UseCase) -> float:
    """Tokens that the longest prompt of any allowed language model takes."""
    hosted = case.deploy in {"api", "vpc"}
    windows = [
        base.context_tokens
        for base in allowed(case)
        if base.reads_language and (hosted or base.params <= case.n_serve_max)
    ]
    return max(windows, default=0.0)
