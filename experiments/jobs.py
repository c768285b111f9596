"""Job: the runs that share a trunk, done one after the other by one worker, which records each as it ends."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.config import Config
from experiments.ledger import Ledger, Record, record_of
from experiments.tokens import Corpus

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Job:
    """Runs by rising token count, the corpus they learn and the folder that records them."""

    configs: tuple[Config, ...]
    corpus: Corpus
    folder: Path


@dataclass(frozen=True, slots=True)
class Step:
    """One optimiser step of a run was taken."""

    config: Config


@dataclass(frozen=True, slots=True)
class Ended:
    """A run has ended and is recorded."""

    record: Record


Event = Step | Ended


def do(job: Job, emit: Callable[[Event], None]) -> None:
    """Train every run of `job`, record it, and tell `emit`.

    A run that diverges, or that torch refuses (it says so in a RuntimeError: memory, mostly), is recorded as failed.
    """
    from experiments.train import Diverged, train

    ledger = Ledger(job.folder)
    for config in job.configs:
        started = time.perf_counter()
        try:
            record = train(config, job.corpus, job.folder / "trunks", tick=partial(emit, Step(config)))
        except (Diverged, MemoryError, RuntimeError) as error:
            record = record_of(
                config,
                config.identity(job.corpus.fingerprint),
                loss=None,
                loss_error=None,
                bits_per_byte=None,
                unique_tokens=min(config.tokens, job.corpus.train_bytes),
                tokens_done=0,
                seconds=time.perf_counter() - started,
                status="failed",
                reason=str(error) or type(error).__name__,
            )
        ledger.write(config, record)
        emit(Ended(record))
