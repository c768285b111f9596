"""Comparing: a table of prices before and after a refresh, and what a refresh must not change."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Literal

from planner.catalog import Record
from planner.errors import DataError
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Key = tuple[str, str, str]
"""Accelerator, provider, tier."""

REFRESHED_TIERS = ("on-demand", "spot", "marketplace")
"""What catalogues list. Commitments are negotiated: those of the old snapshot stay."""
MOST_TIMES = 4.0
"""A price that is so many times higher or lower than before is a slip of the catalogue: our assumption. A server with
8 GPUs that is listed as one GPU is eight times too dear."""
MOST_GONE, FEW = 0.5, 4
"""A catalogue is cut off that lacks more than this share of a provider's accelerators, or of its prices in a tier: our
assumption. Of so few or less no share is counted."""
_UNCHANGED = 0.005
_SHOWN = 3
_MEND = "Get the whole catalogue, leave that provider out with --provider, or try again when it is mended."


@dataclass(frozen=True, slots=True)
class Change:
    """One price before and after, USD per GPU-hour; None where there was or is none."""

    key: Key
    before: float | None
    after: float | None

    @property
    def kind(self) -> Literal["new", "gone", "up", "down", "unchanged"]:
        """What happened to it; within half a per cent nothing did."""
        if self.before is None:
            return "new"
        if self.after is None:
            return "gone"
        if abs(self.after / self.before - 1) <= _UNCHANGED:
            return "unchanged"
        return "up" if self.after > self.before else "down"

    @property
    def words(self) -> str:
        """The same for people."""
        if self.before is None or self.after is None or self.kind == "unchanged":
            return self.kind if self.after is not None else f"gone, was {show(self.before, 'usd')}"
        by = show(abs(self.after / self.before - 1), "fraction")
        return f"{self.kind} {by} from {show(self.before, 'usd')}"

    @property
    def jumps(self) -> bool:
        """Whether no price moves so far."""
        if self.before is None or self.after is None:
            return False
        return not 1 / MOST_TIMES < self.after / self.before < MOST_TIMES


def changes_between(old: Sequence[Record], merged: Sequence[Record], new: Sequence[Record]) -> Iterator[Change]:
    """What becomes of every refreshed price of the providers in `new` when `merged` takes the place of `old`."""
    before, after = _latest(old), _latest(merged)
    providers = {row["provider"] for row in new}
    for key in sorted(before.keys() | after.keys()):
        if key[1] in providers and key[2] in REFRESHED_TIERS:
            yield Change(key, before.get(key), after.get(key))


def refuse_jumps(changes: Sequence[Change]) -> None:
    """Raise a DataError where a price is many times what it was."""
    far = [
        f"{', '.join(change.key)}: {show(change.after, 'usd')} is {change.words}" for change in changes if change.jumps
    ]
    if far:
        more = f" And {len(far) - _SHOWN} more." if len(far) > _SHOWN else ""
        raise DataError(
            f"The new prices are off, so the old ones stay. {'. '.join(far[:_SHOWN])}; "
            f"{show(MOST_TIMES)} times is too much.{more}",
            mend=_MEND,
        )


def refuse_gaps(changes: Sequence[Change]) -> None:
    """Raise a DataError where most accelerators of a provider would vanish, or most of its prices in one tier."""
    for provider in sorted({change.key[1] for change in changes}):
        own = [change for change in changes if change.key[1] == provider]
        known = {change.key[0] for change in own if change.before is not None}
        stay = {change.key[0] for change in own if change.after is not None}
        _refuse_gap(len(known - stay), len(known), f"accelerators of {provider}")
        for tier in REFRESHED_TIERS:
            listed = [change for change in own if change.key[2] == tier and change.before is not None]
            _refuse_gap(sum(change.after is None for change in listed), len(listed), f"{tier} prices of {provider}")


def _refuse_gap(gone: int, known: int, what: str) -> None:
    if known > FEW and gone > MOST_GONE * known:
        raise DataError(f"The new prices are off, so the old ones stay. {gone} of {known} {what} are gone.", mend=_MEND)


def _latest(rows: Sequence[Record]) -> dict[Key, float]:
    """Median of the newest month of each accelerator, provider and tier, whole servers where there are any."""
    groups: dict[Key, list[Record]] = {}
    for row in rows:
        groups.setdefault(key_of(row), []).append(row)
    found = {}
    for key, group in groups.items():
        servers = [row for row in group if int(row["gpus"]) > 1] or group
        month = max(row["as_of"] for row in servers)
        found[key] = median(float(row["usd_per_gpu_hour"]) for row in servers if row["as_of"] == month)
    return found


def key_of(row: Record) -> Key:
    """What a price is of."""
    return row["accelerator"], row["provider"], row["tier"]
