"""run_sweep: a Sweep and a corpus in, records in the ledger out. It reports through `emit` and prints nothing."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.config import Config, Leg, Sweep, chains
from experiments.jobs import Event, Job
from experiments.ledger import Ledger
from experiments.needs import check
from experiments.tokens import Corpus, build
from planner.errors import InputError, MissingExtra, UnknownName

if TYPE_CHECKING:
    from collections.abc import Callable

PROBE_SECONDS = 1.0
PROBE_LEAST_STEPS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast this machine trains: what a worker takes to start, and the work that it then does per second."""

    start_seconds: float
    work_per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Todo:
    """What a sweep still has to do: every trunk's missing runs, longest trunk first."""

    sweep: Sweep
    corpus: Corpus
    chains: tuple[tuple[Leg, ...], ...]

    @property
    def legs(self) -> tuple[Leg, ...]:
        """All missing runs."""
        return tuple(leg for chain in self.chains for leg in chain)

    @property
    def recorded(self) -> int:
        """Runs that are there already."""
        return len(self.sweep.configs()) - len(self.legs)

    @property
    def work(self) -> float:
        """FLOPs that take as long as all steps to do, overheads included."""
        return sum(leg.work for leg in self.legs)

    @property
    def flops(self) -> float:
        """FLOPs of all steps to do: less than the runs' own, since they share trunks."""
        return sum(leg.flops for leg in self.legs)

    def seconds(self, *, pace: Pace, workers: int) -> float:
        """Time that `workers` take if they start side by side and each does the longest chain that is left."""
        busy = [pace.start_seconds] * min(workers, len(self.chains))
        for chain in self.chains:
            busy[busy.index(min(busy))] += _work(chain) / pace.work_per_second
        return max(busy, default=0.0)


def survey(sweep: Sweep, corpus: Corpus, *, ledger: Ledger | None, allow_repeats: bool) -> Todo:
    """What is to do for `sweep`, after checking that the corpus is large enough."""
    check(sweep, corpus, allow_repeats=allow_repeats)
    known = {leg.config for chain in chains(sweep) for leg in chain if _is_done(leg.config, corpus, ledger)}
    missing = (tuple(leg for leg in chain if leg.config not in known) for chain in chains(sweep))
    return Todo(sweep=sweep, corpus=corpus, chains=tuple(sorted(filter(None, missing), key=_work, reverse=True)))


def _is_done(config: Config, corpus: Corpus, ledger: Ledger | None) -> bool:
    return ledger is not None and ledger.finished(config.identity(corpus.fingerprint))


def plan_sweep(sweep: Sweep, source: Path | None, *, out: Path | None, allow_repeats: bool) -> Todo:
    """What `run_sweep` would do; nothing is written, not even into `out`."""
    ledger = Ledger(out) if out is not None else None
    with tempfile.TemporaryDirectory() as folder:
        return survey(sweep, build(source, Path(folder)), ledger=ledger, allow_repeats=allow_repeats)


def run_sweep(
    sweep: Sweep,
    source: Path | None,
    *,
    out: Path,
    backend: str | None = None,
    workers: int | None = None,
    allow_repeats: bool = False,
    emit: Callable[[Event], None] = lambda event: None,
    announce: Callable[[Todo], None] = lambda todo: None,
) -> Ledger:
    """The ledger of `sweep` with every run recorded; runs that it already holds are not done again.

    Args:
        sweep: what to train.
        source: a file or folder of text; None for Python's standard library.
        out: the ledger's folder.
        backend: a key of BACKENDS; None for the pool where there is more than one worker.
        workers: how many runs at once; None for one per core.
        allow_repeats: whether a corpus that is too small may be read more than once.
        emit: called for every event.
        announce: called once with what is to do, before it is done.
    """
    require_torch()
    from experiments.backends import BACKENDS

    workers = cores() if workers is None else workers
    backend = backend or ("pool" if workers > 1 else "serial")
    if backend not in BACKENDS:
        raise UnknownName.of("backend", backend, known=BACKENDS)
    if workers < 1:
        raise InputError(f"workers is {workers}.", mend="Give at least 1.")
    ledger = Ledger(out)
    ledger.open()
    with ledger.lock():
        corpus = build(source, out / "corpus")
        todo = survey(sweep, corpus, ledger=ledger, allow_repeats=allow_repeats)
        ledger.begin(sweep, corpus)
        announce(todo)
        if todo.chains:
            jobs = [Job(tuple(leg.config for leg in chain), corpus, out) for chain in todo.chains]
            BACKENDS[backend](jobs, workers=workers, emit=emit)
    return ledger


def probe(sweep: Sweep) -> Pace:
    """The pace of one core here, overheads included, measured on the sweep's middle size for about a second.

    A worker starts as long as this process takes to import torch and do its first step: ask before torch is imported.
    """
    require_torch()
    begun = time.perf_counter()
    import numpy as np
    import torch

    from experiments.train import Pupil

    torch.set_num_threads(1)
    configs = sorted(sweep.configs(), key=lambda config: config.shape.params)
    config = configs[len(configs) // 2]
    pupil = Pupil(config)
    windows = np.random.default_rng(0).integers(0, config.shape.vocabulary, (config.batch, config.shape.context + 1))
    pupil.learn(windows, rate=0.0)
    started, steps = time.perf_counter(), 0
    while steps < PROBE_LEAST_STEPS or time.perf_counter() - started < PROBE_SECONDS:
        pupil.learn(windows, rate=0.0)
        steps += 1
    spent = time.perf_counter() - started
    return Pace(start_seconds=started - begun, work_per_second=Leg(config, steps).work / spent)


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def require_torch() -> None:
    """Raise where the extra that trains is not installed."""
    for package in ("torch", "tqdm"):
        if find_spec(package) is None:
            raise MissingExtra.of(package, extra="sweep")


def _work(chain: tuple[Leg, ...]) -> float:
    return sum(leg.work for leg in chain)
