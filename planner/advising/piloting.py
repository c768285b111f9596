"""Pilots: small measurements on the user's own text that replace our assumptions. It reads and checks them.

All losses are in bits per byte, because models cut text into different tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from planner.advising.bases import Base, base_of
from planner.advising.usecase import UseCase
from planner.errors import DataError, InputError, UnknownName
from planner.units import read, show

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

KINDS = ("zero_shot", "cpt")
_MOST_BITS = 8.0
_COLUMNS = ("kind", "model", "bits_per_byte", "domain_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pilot:
    """The loss of an open model on held-out own text: as it comes, or after reading some of the own text.

    Args:
        kind: "zero_shot" (as it comes) or "cpt" (after continued pretraining on `domain_tokens`).
        model: a model of `models()`, such as "llama-3.1-8b".
        bits_per_byte: its mean loss on the held-out text.
        domain_tokens: own text that it had read before; 0 for "zero_shot".

    Raises:
        InputError: a number is malformed or contradicts the kind.
        UnknownName: no such kind or model.
    """

    kind: str
    model: str
    bits_per_byte: float
    domain_tokens: float = 0.0

    def __post_init__(self) -> None:
        kind = str(self.kind).strip().lower().replace("-", "_").replace(" ", "_")
        if kind not in KINDS:
            raise UnknownName.of("kind of pilot", str(self.kind), known=KINDS)
        bits = read(self.bits_per_byte, "bits/byte", name="bits_per_byte")
        tokens = read(self.domain_tokens, "tokens", name="domain_tokens", zero=True)
        if bits > _MOST_BITS:
            raise InputError(
                f"bits_per_byte is {show(bits)}: a byte holds 8 bits.",
                mend="Divide nats per token by 0.693 and by the bytes per token.",
            )
        if (tokens > 0) != (kind == "cpt"):
            raise InputError(
                f"A pilot of kind {kind!r} has read {show(tokens, 'tokens')} of your text.",
                mend='Give domain_tokens with "cpt", and leave them out with "zero_shot".',
            )
        for name, value in {"kind": kind, "bits_per_byte": bits, "domain_tokens": tokens}.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "model", base_of(str(self.model)).name)

    @property
    def base(self) -> Base:
        """The model in our catalogue."""
        return base_of(self.model)

    def __str__(self) -> str:
        read_text = f" after {show(self.domain_tokens, 'tokens')}" if self.domain_tokens else ""
        return f"{self.base.title}{read_text}: {show(self.bits_per_byte, 'bits/byte')}"


Pilots: TypeAlias = "str | Path | pd.DataFrame | Iterable[Pilot | Mapping[str, object]]"


def pilots_of(source: Pilots) -> tuple[Pilot, ...]:
    """The pilots that `source` holds: a .csv with the columns kind, model, bits_per_byte, domain_tokens, a DataFrame,
    or pilots and mappings.

    Raises:
        DataError: the table cannot be read or lacks a column.
        InputError: continued pretraining without the loss of the same model as it came, or one thing measured twice.
    """
    from pathlib import Path

    import pandas as pd

    if isinstance(source, str | Path):
        source = _table(str(source))
    if isinstance(source, pd.DataFrame):
        source = _records(source)
    if isinstance(source, Pilot | Mapping):
        source = (source,)
    if not isinstance(source, Iterable):
        raise InputError(f"pilots is {source!r}, which holds none.", mend="Write pilots=[Pilot(kind=..., model=...)].")
    found = tuple(entry if isinstance(entry, Pilot) else _pilot(entry) for entry in source)
    _check(found)
    return found


def _table(path: str) -> pd.DataFrame:
    import pandas as pd

    try:
        with open(path, encoding="utf-8") as file:
            return pd.read_csv(file)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.", mend="Check the path.") from None
    except ValueError as error:
        raise DataError(f"{path} is no table of pilots: {str(error).strip()}.", mend="Give a .csv file.") from None


def _records(table: pd.DataFrame) -> list[Mapping[str, object]]:
    missing = [name for name in _COLUMNS[:3] if name not in table]
    if missing:
        raise DataError(f"The pilots lack the column {missing[0]}.", mend=f"Columns: {', '.join(_COLUMNS)}.")
    rows = table[[name for name in _COLUMNS if name in table]].to_dict("records")
    return [{str(name): value for name, value in row.items() if value == value} for row in rows]


def _pilot(entry: object) -> Pilot:
    if not isinstance(entry, Mapping):
        raise InputError(f"A pilot is no {type(entry).__name__}.", mend="Write Pilot(kind=..., model=...).")
    unknown = [name for name in entry if name not in _COLUMNS]
    if unknown:
        raise UnknownName.of("field of a pilot", str(unknown[0]), known=_COLUMNS)
    missing = [name for name in _COLUMNS[:3] if name not in entry]
    if missing:
        raise InputError(f"A pilot lacks {missing[0]}.", mend=f"It has {', '.join(_COLUMNS)}.")
    return Pilot(**entry)


def _check(pilots: tuple[Pilot, ...]) -> None:
    keys = [(pilot.kind, pilot.model, pilot.domain_tokens) for pilot in pilots]
    twice = next((pilot for pilot, key in zip(pilots, keys, strict=True) if keys.count(key) > 1), None)
    if twice is not None:
        raise InputError(f"There are two pilots of {twice.base.title} alike.", mend="Give their mean.")
    known = {pilot.model for pilot in pilots if pilot.kind == "zero_shot"}
    for pilot in pilots:
        if pilot.kind == "cpt" and pilot.model not in known:
            raise InputError(
                f"{pilot.base.title} was measured after training but not as it came.",
                mend='Measure it on the same text before, and give that as kind "zero_shot": the difference counts.',
            )


def check_pilots(pilots: tuple[Pilot, ...], case: UseCase) -> None:
    """Raise where a pilot cannot be one of `case`.

    Raises:
        InputError: its model is for another kind of data or was released later, or it has read more than there is.
    """
    for pilot in pilots:
        base = pilot.base
        if not (base.reads_language if case.is_language else base.modality == case.modality):
            raise InputError(
                f"{base.title} is a model of {base.modality}; the case is about {case.modality}.",
                mend="Measure a model of that kind of data, or say another modality.",
            )
        if base.release > case.as_of:
            raise InputError(
                f"{base.title} was released on {base.release.isoformat()}, after as_of {case.as_of.isoformat()}.",
                mend="Decide on a later date, or measure a model of that day.",
            )
        if not case.leaves_open("unlabeled_tokens") and pilot.domain_tokens > case.unlabeled_tokens:
            raise InputError(
                f"A pilot of {base.title} has read {show(pilot.domain_tokens, 'tokens')} of your own text, of which"
                f" there are {show(case.unlabeled_tokens, 'tokens')}.",
                mend="Count the text once, however often it was read, or correct unlabeled_tokens.",
            )
