"""Job: runs done one after the other by one worker, which records each as it ends. No backend is known here."""

from __future__ import annotations

import math
import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from traceback import format_exception
from typing import TYPE_CHECKING, Literal

from experiments.config import Config
from experiments.corpus import Corpus
from experiments.ledger import Ledger, Progress, Record, Stop, record_of

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator

REPORT_SECONDS = 1.0
"""How often a run says how far it is, and looks whether it is told to stop."""

POLL_SECONDS = 0.1
"""How often a backend looks what has changed."""

GRACE_SECONDS = 60.0
"""How long workers that are told to stop may take to hold their runs."""

MOST_DEATHS = 3
"""A run that ends this many workers without a word, and is no further than before, counts as failed."""

STOP_SIGNALS = (signal.SIGTERM, signal.SIGUSR2)
"""What systems send before they take a machine away; submitit has Slurm send the second before time is up."""

SHARES = ((3e6, 0.25), (3e7, 0.5))
"""Up to how many parameters a run takes which share of a GPU; larger ones fill it (an assumption)."""

Outcome = Literal["done", "stopped"] | Exception


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Runs, those of one trunk by rising token count, with the corpus they learn and the folder that records them.

    `device` is what torch calls it, and `share` how many GPUs the runs take where it is one: a part of one, or several.
    """

    configs: tuple[Config, ...]
    corpus: Corpus
    folder: Path
    device: str = "cpu"
    share: float = 1.0

    @property
    def processes(self) -> int:
        """How many train a run together: one per GPU."""
        return max(1, int(self.share))

    def name(self, config: Config) -> str:
        """The name under which `config` is recorded."""
        return config.identity(self.corpus.fingerprint)

    def left(self) -> Job | None:
        """What of this job is not recorded yet; None where all is."""
        return self.without(Ledger(self.folder).recorded())

    def without(self, recorded: frozenset[str]) -> Job | None:
        """What of this job is not among the `recorded` runs; None where all is."""
        configs = tuple(config for config in self.configs if self.name(config) not in recorded)
        return replace(self, configs=configs) if configs else None


def share(config: Config, gpus_per_run: int) -> float:
    """The GPUs that a run takes: a part of one, so that others run beside it, or where it fills one, as many as it may.

    Each of several learns at least one window of a batch.
    """
    several = float(min(gpus_per_run, config.batch))
    return next((part for most, part in SHARES if config.shape.params <= most), several)


def work(job: Job) -> Outcome:
    """What became of `job` in a worker process: an error is an outcome too, and told by the process that waits."""
    try:
        do(job)
    except Stop:
        return "stopped"
    except Exception as error:  # noqa: BLE001
        error.add_note("".join(format_exception(error)))
        return error
    return "done"


def do(job: Job, poll: Callable[[], None] = lambda: None) -> None:
    """Train every run of `job` that is not recorded, and record it. Told to stop, hold it and raise Stop.

    A run that diverges, or that torch refuses (it says so in a RuntimeError: memory, mostly), is recorded as failed.
    On a GPU the job then ends early, since a refusal can spoil what follows in the same process. `poll` is called
    between steps, a few times a second.
    """
    from experiments.checkpoints import Trunk
    from experiments.gang import train_together
    from experiments.train import Diverged, train

    ledger, trunks = Ledger(job.folder), job.folder / "trunks"
    trained = train if job.processes == 1 else partial(train_together, processes=job.processes)
    with stop_signals() as told:
        while (left := job.left()) is not None:
            if told.is_set():
                raise Stop
            config = left.configs[0]
            pulse = Pulse(job, config, ledger, device := device_name(job.device), told, poll)
            started = time.perf_counter()
            try:
                record = trained(config, job.corpus, trunks, tick=pulse, device=job.device)
            except (Diverged, MemoryError, RuntimeError) as error:
                record = failure(job, config, _reason(error), time.perf_counter() - started)
            gpu_seconds = None if job.device == "cpu" else record.seconds * job.share
            trunk = config.trunk(job.corpus.fingerprint)
            ledger.write(config, replace(record, trunk=trunk, device=device, gpu_seconds=gpu_seconds))
            Trunk(trunks / trunk, record.run).release()
            poll()
            if record.status == "failed" and job.device != "cpu":
                return


def _reason(error: Exception) -> str:
    """Why a run gave no result; that memory does not suffice torch says in words alone."""
    text = str(error) or type(error).__name__
    short = isinstance(error, MemoryError) or "out of memory" in text or "allocate memory" in text
    return f"Memory does not suffice: {text}" if short else text


def failure(job: Job, config: Config, reason: str, seconds: float) -> Record:
    """The record of a run that gave no result."""
    return record_of(
        config,
        job.name(config),
        loss=None,
        loss_error=None,
        bits_per_byte=None,
        unique_tokens=min(config.tokens, job.corpus.train_tokens),
        tokens_done=0,
        seconds=seconds,
        status="failed",
        reason=reason,
    )


def after_death(job: Job, deaths: Counter[tuple[str, int]], why: str) -> Job | None:
    """What is left of a `job` whose worker ended without a word; a run that does so again and again has failed."""
    from experiments.checkpoints import Trunk

    left = job.left()
    if left is None:
        return None
    config = left.configs[0]
    run = job.name(config)
    place = run, Trunk(job.folder / "trunks" / config.trunk(job.corpus.fingerprint), run).held_at()
    deaths[place] += 1
    if deaths[place] >= MOST_DEATHS:
        Ledger(job.folder).write(config, failure(job, config, why, 0.0))
        return left.left()
    return left


class Pulse:
    """The tick of one run: says how far it is, polls, and raises Stop where the run is told to."""

    def __init__(
        self, job: Job, config: Config, ledger: Ledger, device: str, told: threading.Event, poll: Callable[[], None]
    ) -> None:
        self._config, self._ledger = config, ledger
        self._run, self._device, self._devices = job.name(config), device, job.processes
        self._told, self._poll = told, poll
        self._first: tuple[int, float] | None = None
        self._polled = self._reported = time.monotonic()

    def __call__(self, step: int, loss: float) -> None:
        now = time.monotonic()
        self._first = self._first or (step, now)
        if now - self._polled >= POLL_SECONDS:
            self._polled = now
            self._poll()
        if now - self._reported >= REPORT_SECONDS:
            self._reported = now
            self._report(step, loss, now)
            if self._ledger.is_stopping():
                raise Stop
        if self._told.is_set():
            raise Stop

    def _report(self, step: int, loss: float, now: float) -> None:
        first, since = self._first or (step, now)
        if step > first and math.isfinite(loss):
            rate = (step - first) * self._config.tokens_per_step / (now - since)
            self._ledger.report(
                Progress(
                    run=self._run,
                    step=step,
                    loss=loss,
                    tokens_per_second=rate,
                    device=self._device,
                    devices=self._devices,
                )
            )


def device_name(device: str) -> str:
    """What people call `device`: the name of the GPU, or cpu."""
    if device == "cpu":
        return device
    import torch

    return torch.cuda.get_device_name(device)


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """An event that is set once this process is told to stop; only the main thread can hear it."""
    told = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield told
        return
    before = {number: signal.signal(number, lambda *_: told.set()) for number in STOP_SIGNALS}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
