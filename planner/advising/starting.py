"""starting_points(...) -> the open models that a project could start from, on a date, under a licence, at a size."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from planner.advising.bases import Base, catalogue, check_date
from planner.advising.usecase import CHOICES, day
from planner.advising.waiting import Device, devices
from planner.errors import UnknownName
from planner.laws import published
from planner.planning.plans import DEFAULT_LAW
from planner.sheet import Finding, Row, Sheet
from planner.units import read, show

LICENCES: dict[str, Callable[[Base], bool]] = {
    "any": lambda base: True,
    "commercial": lambda base: base.commercial != "no",
    "permissive": lambda base: base.commercial == "yes",
    "open_data": lambda base: base.open_data and base.commercial != "no",
}
"""Kinds of licence: whether a model may earn money, without terms, with its training data open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartingPoints(Sheet):
    """Models that exist on `as_of` and that `licence` and size allow, by the loss that a law predicts, least first."""

    as_of: date
    licence: str
    most_params: float
    bases: tuple[Base, ...]

    @property
    def title(self) -> str:  # type: ignore[override]
        limit = show(self.most_params, "params")
        return f"{len(self.bases)} open models of up to {limit} on {self.as_of.isoformat()}, licence: {self.licence}"

    @property
    def findings(self) -> tuple[Finding, ...]:  # type: ignore[override]
        """What to mind about the models that are listed."""
        return tuple(Finding("note", *words) for holds, words in TRAPS if any(map(holds, self.bases)))

    def rows(self) -> Iterable[Row]:
        """Tokens of each model, with its size, licence, release and speed."""
        phone = Device.of("phone")
        for base in self.bases:
            yield Row(base.name, base.title, base.tokens, "tokens", _described(base, phone))

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        asked = {"as_of": self.as_of.isoformat(), "licence": self.licence, "most_params": self.most_params}
        models = [
            {
                "name": base.name,
                "params": base.params,
                "active_params": base.active_params,
                "tokens": base.tokens,
                "tokens_bound": base.tokens_bound,
                "licence": base.licence,
                "release": base.release.isoformat(),
                "untuned": base.untuned,
                "distilled": base.distilled,
                "notes": base.notes,
                "tokens_per_second": {each.name: _speed(base, each) for each in devices()},
            }
            for base in self.bases
        ]
        return {**asked, "models": models, "findings": [finding.to_dict() for finding in self.findings]}


TRAPS: tuple[tuple[Callable[[Base], bool], tuple[str, str, str]], ...] = (
    (
        lambda base: base.commercial == "yes-with-terms",
        ("Some of these licences carry terms.", "They limit uses, users or names.", "Read that of the one you take."),
    ),
    (
        lambda base: base.commercial == "no",
        ("Some of these models are for research only.", "A sibling of the same family may be free.", ""),
    ),
    (
        lambda base: base.tokens is None,
        ("Some makers do not say how much their models have read.", "They may be better than any that does say.", ""),
    ),
    (
        lambda base: base.tokens_bound not in ("", "as stated"),
        ("Some amounts of training text are bounds.", "Makers write '15T+' or 'up to 18T'.", ""),
    ),
    (
        lambda base: base.distilled,
        ("Some small models are distilled from larger ones.", "They are better than size and tokens predict.", ""),
    ),
    (
        lambda base: not base.untuned,
        (
            "Some models were released only as tuned to chat.",
            "Continued pretraining on top of that costs part of the tuning.",
            "To train on, take one released as it was before.",
        ),
    ),
)  # fmt: skip
"""What holds of a model, and what to say where one such is listed."""


def starting_points(
    *,
    as_of: str | date | None = None,
    licence: str = "commercial",
    most_params: str | float = 80e9,
    modality: str = "text",
) -> StartingPoints:
    """What could be started from on `as_of` (default today) under `licence` at a serving size of `most_params`.

    Args:
        licence: "any", "commercial" (may earn money), "permissive" (so, without terms), "open_data" (its training data
            are open too), or the name of one licence such as "Apache-2.0".
        modality: kind of data; "text" and "code" list models of language.

    Raises:
        UnknownName: no such licence or modality.
        InputError: a malformed number or date, or one before the first open model.
    """
    when = date.today() if as_of is None else day(as_of, "as_of")
    check_date(when)
    size = read(most_params, "params", name="most_params")
    if modality not in CHOICES["modality"]:
        raise UnknownName.of("modality", modality, known=CHOICES["modality"])
    name, may = _licence(licence)
    language = modality in {"text", "code"}
    found = [
        base
        for base in catalogue()
        if base.release <= when
        and base.params <= size
        and may(base)
        and (base.reads_language if language else base.modality == modality)
    ]
    found.sort(key=lambda base: (_predicted_loss(base), -base.release.toordinal()))
    return StartingPoints(as_of=when, licence=name, most_params=size, bases=tuple(found))


def _predicted_loss(base: Base) -> float:
    """Loss by size and tokens, for the order only; models that hide their tokens come last."""
    law = published(DEFAULT_LAW).law
    return float(law.loss(base.dense_params, base.tokens)) if base.tokens else float("inf")


def _licence(licence: str) -> tuple[str, Callable[[Base], bool]]:
    wanted = licence.strip().lower()
    kind = wanted.replace("-", "_").replace(" ", "_")
    if kind in LICENCES:
        return kind, LICENCES[kind]
    known = {base.licence.lower(): base.licence for base in catalogue()}
    if wanted not in known:
        raise UnknownName.of("licence", licence, known=(*LICENCES, *known.values()))
    return known[wanted], lambda base: base.licence == known[wanted]


def _speed(base: Base, device: Device) -> float:
    """Answer tokens per second on the device: all parameters must fit, the active ones are read for each token."""
    return device.tokens_per_second(base.active_params) if device.tokens_per_second(base.params) else 0.0


def _described(base: Base, phone: Device) -> str:
    active = f", {show(base.active_params)} active" if base.active_params != base.params else ""
    bound = f"tokens {base.tokens_bound}, " if base.tokens_bound in ("at least", "at most") else ""
    tags = [text for text, holds in (("distilled", base.distilled), ("tuned only", not base.untuned)) if holds]
    speed = _speed(base, phone)
    tags += [f"{show(speed, 'tokens/s')} on a phone"] if speed else []
    extra = f"; {', '.join(tags)}" if tags else ""
    return f"{bound}{show(base.params, 'params')}{active}; {base.licence}; {base.release.isoformat()}{extra}"
