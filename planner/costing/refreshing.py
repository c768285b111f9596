"""refresh() -> PriceChanges: takes current prices into the user's snapshot, or keeps the old one and says why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from planner.catalog import Record
from planner.costing.comparing import REFRESHED_TIERS, Change, changes_between, key_of, refuse_gaps, refuse_jumps
from planner.errors import DataError, InputError
from planner.hardware.prices.checking import flaws
from planner.hardware.prices.hunting import hunt
from planner.hardware.prices.keeping import forget, in_use, keep
from planner.hardware.prices.vms import read_vms
from planner.sheet import Row, Sheet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SHOWN_FLAWS = 3


@dataclass(frozen=True, slots=True)
class PriceChanges(Sheet):
    """What a refresh changed, the month of the new prices, and where the snapshot is kept."""

    changes: tuple[Change, ...]
    as_of: str
    kept_at: str

    @property
    def title(self) -> str:  # type: ignore[override]
        """How much was read."""
        return f"Prices of {self.as_of} are in use now"

    def rows(self) -> Iterator[Row]:
        """How many prices are new, gone, up, down and unchanged, then every one that changed."""
        kinds = [change.kind for change in self.changes]
        for kind in ("new", "gone", "up", "down", "unchanged"):
            yield Row(kind, kind.capitalize(), float(kinds.count(kind)), "count")
        yield Row("kept_at", "Kept at", self.kept_at)
        for change in self.changes:
            if change.kind != "unchanged":
                yield Row(" ".join(change.key), ", ".join(change.key), change.after, "usd/gpu_hour", change.words)


@dataclass(frozen=True, slots=True)
class PriceReset(Sheet):
    """Which prices are in use after a reset, and whether there was anything to reset."""

    removed: bool
    as_of: str

    title = "The shipped prices are in use"

    def rows(self) -> Iterator[Row]:
        """Whether refreshed prices were removed, and how new the shipped ones are."""
        yield Row("removed", "Refreshed prices", "removed" if self.removed else "there were none")
        yield Row("as_of", "Shipped prices up to", self.as_of)


def refresh(*, from_file: str | None = None, providers: Sequence[str] = (), today: date | None = None) -> PriceChanges:
    """Take the prices of `providers` of today into the user's snapshot.

    What a provider lists no more is dropped; what it lists gets a new month, and older months stay for `when=`.

    Args:
        from_file: a vms.csv of the SkyPilot catalogue, of the one provider named; else gpuhunt fetches them.
        providers: such as "aws"; by default all that gpuhunt publishes.
        today: the date of the prices.

    Raises:
        DataError: something is off with the new prices; the old snapshot stays as it is. A price four times as high
            or low as before is off, and so is a catalogue without most of a provider's accelerators.
        UnknownName: no provider is called so.
        MissingExtra: gpuhunt is needed and not installed.
    """
    day = today or date.today()
    if from_file is not None:
        if len(providers) != 1:
            raise InputError("A vms.csv is of one provider.", mend="Name it: --provider aws.")
        new = read_vms(from_file, provider=providers[0], today=day)
    else:
        new = hunt(providers, month=f"{day:%Y-%m}")
    old = in_use().rows
    _refuse_flaws(new)
    _refuse_older(old, new)
    merged = _merged(old, new)
    changes = tuple(changes_between(old, merged, new))
    refuse_jumps(changes)
    refuse_gaps(changes)
    path = keep(merged)
    return PriceChanges(changes, new[0]["as_of"], str(path))


def reset() -> PriceReset:
    """Go back to the prices that came with planner."""
    removed = forget()
    return PriceReset(removed, max(row["as_of"] for row in in_use().rows))


def _refuse_flaws(new: Sequence[Record]) -> None:
    found = flaws(new)
    if found:
        more = f" And {len(found) - _SHOWN_FLAWS} more." if len(found) > _SHOWN_FLAWS else ""
        raise DataError(
            f"The new prices are off, so the old ones stay. {'. '.join(found[:_SHOWN_FLAWS])}.{more}",
            mend="Leave that provider out with --provider, or try again when its catalogue is mended.",
        )


def _refuse_older(old: Sequence[Record], new: Sequence[Record]) -> None:
    """Raise where the new prices of a provider are older than those that are in use."""
    for provider in sorted({row["provider"] for row in new}):
        known = max((row["as_of"] for row in old if row["provider"] == provider), default="")
        if new[0]["as_of"] < known:
            raise DataError(
                f"These prices of {provider} are of {new[0]['as_of']}, those in use of {known}; the old ones stay.",
                mend="Get a newer file.",
            )


def _merged(old: Sequence[Record], new: Sequence[Record]) -> list[Record]:
    """The old rows but those that the new ones replace or that their providers no longer list, then the new ones."""
    month, providers = new[0]["as_of"], {row["provider"] for row in new}
    listed = {(key_of(row), int(row["gpus"]) > 1) for row in new}

    def stays(row: Record) -> bool:
        if row["provider"] not in providers or row["tier"] not in REFRESHED_TIERS:
            return True
        return row["as_of"] < month and (key_of(row), int(row["gpus"]) > 1) in listed

    return [*(row for row in old if stays(row)), *new]
