"""run_sweep: a Sweep and a corpus in, records in the ledger out. It reports through `emit` and prints nothing."""

from __future__ import annotations

import tempfile
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.cautions import cautions
from experiments.commands import command_of
from experiments.config import Config, Leg, Sweep, chains
from experiments.corpus import Corpus, Source, build
from experiments.corpus.workers import silent
from experiments.following import Event, Follower
from experiments.jobs import Job, device_name, share, stop_signals
from experiments.ledger import Ledger, Stop
from experiments.machine import cores, device_here, gpus, known_device, memory_bytes, require_torch
from experiments.needs import check
from planner.errors import InputError, PlannerError, UnknownName
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Callable

    from experiments.corpus.workers import Tell
    from planner.sheet import Finding

PROBE_SECONDS = 1.0
PROBE_LEAST_STEPS = 3

BYTES_PER_PARAM = 12
"""Weights, gradients and momenta of 32 bits: what training takes at least, whatever the batch."""

PARTS_PER_WORKER = 8
"""Chains shorter than this part of a worker's share of a sweep are done as one job, which spares its start."""


class Stopped(PlannerError):
    """The process was told to stop (SIGTERM); every run was held where it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast a core or a GPU trains: what a worker takes to start, and then each step of a run.

    A token takes as long as a model with `overhead_params` more than it has would at `params_per_second`.
    """

    device: str
    start_seconds: float
    params_per_second: float
    overhead_params: float

    def seconds(self, chain: tuple[Leg, ...]) -> float:
        """Time that the steps of `chain` take."""
        return (
            sum((leg.config.shape.params + self.overhead_params) * leg.tokens for leg in chain) / self.params_per_second
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Todo:
    """What a sweep still has to do: every trunk's missing runs, longest trunk first."""

    sweep: Sweep
    corpus: Corpus
    chains: tuple[tuple[Leg, ...], ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is odd about the text, and what the sweep does not do as asked."""
        return (*self.corpus.findings, *cautions(self.sweep, self.corpus))

    @property
    def legs(self) -> tuple[Leg, ...]:
        """All missing runs."""
        return tuple(leg for chain in self.chains for leg in chain)

    @property
    def recorded(self) -> int:
        """Runs that are there already."""
        return len(self.sweep.configs(self.corpus.vocabulary)) - len(self.legs)

    @property
    def work(self) -> float:
        """FLOPs that take as long as all steps to do, overheads included."""
        return sum(leg.work for leg in self.legs)

    @property
    def flops(self) -> float:
        """FLOPs of all steps to do: less than the runs' own, since they share trunks."""
        return sum(leg.flops for leg in self.legs)

    @property
    def checkpoint_bytes(self) -> float:
        """What the checkpoints of all missing runs take: weights and one momentum, of the embedding two."""
        shapes = [leg.config.shape for leg in self.legs]
        return sum(8.0 * shape.params_non_embedding + 12.0 * shape.vocabulary * shape.width for shape in shapes)

    def seconds(self, *, pace: Pace, workers: int) -> float:
        """Time that `workers` take if they start side by side and each does the first chain that is left."""
        busy = [pace.start_seconds] * min(workers, len(self.chains))
        for chain in self.chains:
            busy[busy.index(min(busy))] += pace.seconds(chain)
        return max(busy, default=0.0)


def survey(sweep: Sweep, corpus: Corpus, *, ledger: Ledger | None, allow_repeats: bool) -> Todo:
    """What is to do for `sweep`, after checking that the corpus is large enough."""
    check(sweep, corpus, allow_repeats=allow_repeats)
    every = chains(sweep, corpus.vocabulary)
    known = {leg.config for chain in every for leg in chain if _is_done(leg.config, corpus, ledger)}
    missing = (tuple(leg for leg in chain if leg.config not in known) for chain in every)
    return Todo(sweep=sweep, corpus=corpus, chains=tuple(sorted(filter(None, missing), key=_work, reverse=True)))


def _is_done(config: Config, corpus: Corpus, ledger: Ledger | None) -> bool:
    return ledger is not None and ledger.finished(config.identity(corpus.fingerprint))


def check_fits(todo: Todo, device: str) -> None:
    """Raise where the largest model of `todo` cannot be trained in this machine's memory."""
    largest = max((leg.config.shape.params for leg in todo.legs), default=0)
    needed, there = largest * BYTES_PER_PARAM, memory_bytes(device)
    if needed > there:
        raise InputError(
            f"A model of {show(largest, 'params')} cannot be trained here: it takes at least {show(needed, 'bytes')} "
            f"of memory, and there are {show(there, 'bytes')}.",
            mend=f"Leave out sizes above {show(there / BYTES_PER_PARAM, 'params')}, or use a larger machine.",
        )


def plan_sweep(
    sweep: Sweep, source: Source | Path | None, *, out: Path | None, allow_repeats: bool, tell: Tell = silent
) -> Todo:
    """What `run_sweep` would do; nothing is written, not even into `out`. `tell` hears how the corpus is built."""
    ledger = Ledger(out) if out is not None else None
    with tempfile.TemporaryDirectory() as folder:
        return survey(sweep, build(source, Path(folder), tell=tell), ledger=ledger, allow_repeats=allow_repeats)


def run_sweep(
    sweep: Sweep,
    source: Source | Path | None,
    *,
    out: Path,
    backend: str | None = None,
    workers: int | None = None,
    device: str | None = None,
    gpus_per_run: int = 1,
    allow_repeats: bool = False,
    tell: Tell = silent,
    emit: Callable[[Event], None] = lambda event: None,
    announce: Callable[[Todo], None] = lambda todo: None,
) -> Ledger:
    """The ledger of `sweep` with every run recorded; runs that it already holds are not done again.

    Args:
        sweep: what to train.
        source: what to read; a path alone is a file or folder of text, and None is Python's standard library.
        out: the ledger's folder; where the backend is a cluster, one that all its machines see.
        backend: a key of BACKENDS; None for the pool where several runs fit at once.
        workers: how many runs at once; None for as many as the backend has cores or GPUs for.
        device: cpu or cuda; None for a GPU where this machine has one.
        gpus_per_run: how many GPUs of one machine a run may take that fills one; each learns its part of a batch.
        allow_repeats: whether a corpus that is too small may be read more than once.
        tell: called while the corpus is built.
        emit: called for every event.
        announce: called once with what is to do, before it is done.

    Raises:
        Stopped: the process was told to.
    """
    require_torch()
    from experiments.backends import BACKENDS, CLUSTERS

    if workers is not None and workers < 1:
        raise InputError(f"workers is {workers}.", mend="Give at least 1.")
    backend = backend or ("serial" if (workers or cores()) == 1 else "pool")
    if backend not in BACKENDS:
        raise UnknownName.of("backend", backend, known=BACKENDS)
    device = known_device(device) if device and backend in CLUSTERS else device_here(device)
    _check_gpus(gpus_per_run, device, None if backend in CLUSTERS else len(gpus()))
    ledger = Ledger(out.resolve())
    ledger.open()
    with ledger.lock():
        corpus = build(source, ledger.folder / "corpus", tell=tell)
        todo = survey(sweep, corpus, ledger=ledger, allow_repeats=allow_repeats)
        if backend not in CLUSTERS:
            check_fits(todo, device)
        ledger.begin(sweep, corpus, command=command_of(sweep, source, out=out, allow_repeats=allow_repeats))
        announce(todo)
        runs = {leg.config.identity(corpus.fingerprint): leg.config for leg in todo.legs}
        ledger.forgive(runs)
        follower = Follower(ledger, runs, emit)
        with stop_signals() as told:
            if jobs := jobs_of(
                todo, ledger.folder, device=device, workers=workers or cores(), gpus_per_run=gpus_per_run
            ):
                try:
                    BACKENDS[backend](jobs, workers=workers, poll=lambda: _watch(follower, told))
                except Stop:
                    raise Stopped(
                        "The sweep was told to stop.", mend="Every run was held where it was; the same command goes on."
                    ) from None
        follower.poll()
    return ledger


def _check_gpus(per_run: int, device: str, here: int | None) -> None:
    """Raise where runs cannot take so many GPUs; `here` is None where they may be on other machines."""
    if per_run < 1:
        raise InputError(f"gpus_per_run is {per_run}.", mend="Give at least 1.")
    if per_run > 1 and device == "cpu":
        raise InputError(f"{per_run} GPUs were asked for each run, but it trains on the CPU.", mend="Give 1.")
    if here is not None and per_run > max(1, here):
        raise InputError(f"{per_run} GPUs were asked for each run; there are {here}.", mend=f"Give at most {here}.")


def _watch(follower: Follower, told: threading.Event) -> None:
    """Tell what is new; told to stop, raise Stop."""
    follower.poll()
    if told.is_set():
        raise Stop


def jobs_of(todo: Todo, folder: Path, *, device: str, workers: int, gpus_per_run: int = 1) -> list[Job]:
    """The jobs of a sweep, longest first: a trunk each, but short ones that take as much of a GPU are done together."""
    least = todo.work / (PARTS_PER_WORKER * workers)
    jobs: list[Job] = []
    room = 0.0
    for chain in todo.chains:
        configs, part = tuple(leg.config for leg in chain), share(chain[0].config, gpus_per_run)
        if jobs and room > 0 and jobs[-1].share == part:
            jobs[-1] = replace(jobs[-1], configs=jobs[-1].configs + configs)
            room -= _work(chain)
        else:
            jobs.append(Job(configs=configs, corpus=todo.corpus, folder=folder, device=device, share=part))
            room = least - _work(chain)
    return jobs


def probe(todo: Todo, *, device: str | None = None) -> Pace:
    """The pace of one core or GPU here, measured for a few seconds on two sizes of a sweep.

    On a core these are the smallest and the middle size, on a GPU, which larger models use better, the smallest and
    the largest. A worker starts as long as this process takes to import torch and do its first step: ask before torch
    is imported.
    """
    require_torch()
    begun = time.perf_counter()
    device = device_here(device)
    check_fits(todo, device)
    import torch

    torch.set_num_threads(1)
    configs = sorted(todo.sweep.configs(todo.corpus.vocabulary), key=lambda config: config.shape.params)
    small, large = configs[0], configs[-1 if device == "cuda" else len(configs) // 2]
    ready, seconds = _seconds_per_token(large, device)
    slope = 0.0
    if large.shape.params > small.shape.params:
        slope = (seconds - _seconds_per_token(small, device)[1]) / (large.shape.params - small.shape.params)
    slope = slope if 0 < slope < seconds / large.shape.params else seconds / large.shape.params
    return Pace(
        device=device_name(device),
        start_seconds=ready - begun,
        params_per_second=1 / slope,
        overhead_params=max(0.0, seconds / slope - large.shape.params),
    )


def _seconds_per_token(config: Config, device: str) -> tuple[float, float]:
    """When the first step of `config` was done, by the clock, and what a token takes after it."""
    import numpy as np

    from experiments.train import Pupil

    pupil = Pupil(config, device=device)
    windows = np.random.default_rng(0).integers(0, config.shape.vocabulary, (config.batch, config.shape.context + 1))
    pupil.learn(windows, rate=0.0).item()
    started, steps = time.perf_counter(), 0
    while steps < PROBE_LEAST_STEPS or time.perf_counter() - started < PROBE_SECONDS:
        pupil.learn(windows, rate=0.0).item()
        steps += 1
    return started, (time.perf_counter() - started) / steps / config.tokens_per_step


def _work(chain: tuple[Leg, ...]) -> float:
    return sum(leg.work for leg in chain)
