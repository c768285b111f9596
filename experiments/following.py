"""Follower: what happens in a ledger, told as events. Workers write to the ledger alone, wherever they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments.config import Config
from experiments.ledger import Progress, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from experiments.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Went:
    """A run has gone on."""

    config: Config
    progress: Progress


@dataclass(frozen=True, slots=True)
class Ended:
    """A run has ended and is recorded."""

    config: Config
    record: Record


Event = Went | Ended


class Follower:
    """Tells `emit` of everything new in `ledger` about `runs`, each known by its name."""

    def __init__(self, ledger: Ledger, runs: Mapping[str, Config], emit: Callable[[Event], None]) -> None:
        self._ledger, self._emit = ledger, emit
        self._left = dict(runs)
        self._told: dict[str, Progress] = {}

    def poll(self) -> None:
        """Tell what has happened since the last time."""
        for run in sorted(self._ledger.recorded() & self._left.keys()):
            record = self._ledger.record(run)
            if record is not None:
                self._emit(Ended(self._left.pop(run), record))
        for progress in self._ledger.progress():
            config = self._left.get(progress.run)
            if config is not None and self._told.get(progress.run) != progress:
                self._told[progress.run] = progress
                self._emit(Went(config, progress))
