"""Bases: the models that a case could start from, by date, licence, provenance and size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from functools import cache

import numpy as np

from planner.advising.assuming import central
from planner.advising.usecase import UseCase
from planner.catalog import Record, records
from planner.errors import InputError, UnknownName

NOT_RELEASED = "not released"


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A model with open weights. `tokens` is None where its maker does not say how much it has read.

    `tokens_bound` says whether that amount is "as stated", "at least" or "at most"; a `distilled` model has learned
    from a larger one, so that its loss lies below what size and tokens predict; `untuned` is whether its maker released
    the model as it was before tuning to chat.
    """

    name: str
    title: str
    release: date
    params: float
    active_params: float
    tokens: float | None
    tokens_bound: str
    context_tokens: float
    licence: str
    commercial: str
    open_data: bool
    modality: str
    untuned: bool
    distilled: bool
    notes: str

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


@cache
def known_until() -> str:
    """The month up to which the catalogue is complete, as ISO text."""
    return max(row["as_of"] for row in records("models"))


def base_of(name: str) -> Base:
    """The model of the catalogue with this name or title.

    Raises:
        UnknownName: there is none; the message offers the closest.
    """
    wanted = "-".join(name.strip().lower().split())
    for base in catalogue():
        if wanted in (base.name, base.title.lower()):
            return base
    raise UnknownName.of("open model", name, known=(base.name for base in catalogue()))


def _base(row: Record) -> Base:
    return Base(
        name=row["name"],
        title=row["title"],
        release=date.fromisoformat(row["release"]),
        params=float(row["params"]),
        active_params=float(row["active_params"] or row["params"]),
        tokens=float(row["train_tokens"]) if row["train_tokens"] else None,
        tokens_bound=row["tokens_bound"],
        context_tokens=float(row["context_tokens"] or 0),
        licence=row["licence"],
        commercial=row["commercial"],
        open_data=row["open_data"] == "yes",
        modality=row["modality"],
        untuned=row["base_released"] != "no",
        distilled=row["distilled"] == "yes",
        notes=row["notes"],
    )


def check_date(as_of: date) -> None:
    """Raise where `as_of` lies before the first open model that we know of."""
    first = catalogue()[0]
    if as_of < first.release:
        raise InputError(
            f"as_of is {as_of.isoformat()}, before the first open model that we know of.",
            mend=f"Our catalogue starts with {first.title} on {first.release.isoformat()}: choose a later date.",
        )


def allowed(case: UseCase) -> tuple[Base, ...]:
    """Models that exist at the date of the case and that its rules on licence and training data allow.

    Raises:
        InputError: the date lies before the first model that we know of.
    """
    check_date(case.as_of)
    if case.provenance == "own_data":
        return ()
    return tuple(
        base
        for base in catalogue()
        if base.release <= case.as_of
        and (base.commercial != "no" or case.goal == "public_good")
        and (base.open_data or case.provenance == "any")
    )


def serving_limit(case: UseCase) -> float:
    """The largest model that may be served, in parameters: what is said, and on a device no more than that runs."""
    return min(case.n_serve_max, central()["device_params"]) if case.deploy == "on_device" else case.n_serve_max


def adaptable(case: UseCase, measured: frozenset[str] = frozenset()) -> tuple[Base, ...]:
    """Language models that fit the serving size, newest first, without those that another beats in every way.

    Models that do not say how much they have read are left out, unless their name is among those `measured` on the text
    of the case.
    """
    fits = [base for base in reversed(allowed(case)) if base.reads_language and base.params <= serving_limit(case)]
    kept = _unbeaten([base for base in fits if base.tokens is not None])
    return tuple(base for base in fits if base in kept or base.name in measured)


def _unbeaten(bases: list[Base]) -> list[Base]:
    """Those for which no other is at least as large and as well read and runs on as few parameters, and differs."""
    sizes = np.array([(-base.dense_params, -(base.tokens or 0), base.active_params) for base in bases]).reshape(-1, 3)
    as_good = np.all(sizes <= sizes[:, None], axis=2)
    beaten = np.any(as_good & np.any(sizes < sizes[:, None], axis=2), axis=1)
    return [bases[index] for index in np.flatnonzero(~beaten)]


def specialist(case: UseCase) -> Base | None:
    """The newest model for the kind of data of the case, other than text and code."""
    found = [base for base in allowed(case) if base.modality == case.modality and not base.reads_language]
    return found[-1] if found else None


def largest_window(case: UseCase) -> float:
    """Tokens that the longest prompt of any allowed language model takes."""
    windows = [
        base.context_tokens
        for base in allowed(case)
        if base.reads_language and (case.may_be_hosted or base.params <= serving_limit(case))
    ]
    return max(windows, default=0.0)
