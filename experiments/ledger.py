"""Ledger: the folder in which a sweep's runs are recorded, one file each, written whole or not at all.

sweep.json           what the folder was last used for, and by which command; status shows its runs
runs/<run>.json      one result with its configuration and machine: the first one stays, whoever else does the run
failures/<run>.json  why a run gave no result; the next sweep tries it again
running/<run>.json   how far a run is, about once a second
trunks/<trunk>/      checkpoints of the shared steps
corpus/              the text as tokens
lock                 held while a sweep runs here
stop                 there while the runs of a sweep are to hold where they are and end
"""

from __future__ import annotations

import fcntl
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from experiments.config import RECIPE, Config, Shape, Sweep
from experiments.corpus import Corpus
from experiments.files import clear_drafts, note_bytes, reading, write_note, write_once, write_whole
from experiments.machine import this_machine
from experiments.sweeps import sweep_of
from planner.errors import InputError, PlannerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd

Status = Literal["ok", "failed"]

FOLDERS = ("runs", "failures", "running", "trunks", "corpus")

_MEND_RECORD = "Delete this file; the run is then done again."
_MEND_SWEEP = "Run the sweep with this --out again: the file is then written anew, and recorded runs are kept."


class Stop(Exception):
    """Raised where runs are to hold where they are, and end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What one run gave. `loss` is held-out nats per token and `loss_error` its standard error over the windows.

    `flops` count the run as if it were trained alone; `seconds` were spent on it here, on top of the trunk it found,
    and `gpu_seconds` are its share of the GPU meanwhile, None where it had none. Runs of one `trunk` share their first
    steps. `note` says what was odd and mended on the way.
    """

    run: str
    params: int
    tokens: int
    flops: float
    loss: float | None
    loss_error: float | None
    bits_per_byte: float | None
    params_non_embedding: int
    unique_tokens: int
    layers: int
    width: int
    context: int
    vocabulary: int
    batch: int
    learning_rate: float
    seed: int
    tokens_done: int
    seconds: float
    status: Status
    reason: str
    as_of: str
    trunk: str = ""
    device: str = "cpu"
    gpu_seconds: float | None = None
    note: str = ""


def record_of(config: Config, run: str, **measured: Any) -> Record:
    """The record of `run` with what its configuration says and what was measured."""
    shape = config.shape
    return Record(
        run=run,
        params=shape.params,
        tokens=config.tokens,
        flops=config.flops,
        params_non_embedding=shape.params_non_embedding,
        layers=shape.layers,
        width=shape.width,
        context=shape.context,
        vocabulary=shape.vocabulary,
        batch=config.batch,
        learning_rate=config.learning_rate,
        seed=config.seed,
        as_of=datetime.now(UTC).date().isoformat(),
        **measured,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Steps done, the loss of the last, tokens per second since the run began or went on, and on how many devices."""

    run: str
    step: int
    loss: float
    tokens_per_second: float
    device: str
    devices: int = 1


@dataclass(frozen=True, slots=True)
class Ledger:
    """The records under `folder`."""

    folder: Path

    def open(self) -> None:
        """Make the folder, or say why it cannot be written."""
        try:
            for name in FOLDERS:
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            write_whole(self.folder / "writable", lambda file: file.write(b""))
            (self.folder / "writable").unlink()
        except OSError as error:
            raise InputError(
                f"The folder {self.folder} cannot be written: {error.strerror}.", mend="Give another --out."
            ) from error

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep any other sweep out of the folder; the lock ends with this process, however that ends."""
        with (self.folder / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(
                    f"Another sweep is running in {self.folder}.",
                    mend="Wait for it, watch it with `status`, or give another --out.",
                ) from None
            clear_drafts(self.folder)
            self.go_on()
            yield

    def begin(self, sweep: Sweep, corpus: Corpus, *, command: str) -> None:
        """Note the sweep that the folder now serves, and the command that does it again."""
        write_note(self.folder / "sweep.json", {"sweep": asdict(sweep), "corpus": asdict(corpus), "command": command})

    def serves(self) -> tuple[Sweep, Corpus]:
        """The sweep and corpus that the folder was last used for."""
        sweep, corpus, _ = self._served()
        return sweep, corpus

    def _served(self) -> tuple[Sweep, Corpus, str]:
        path = self.folder / "sweep.json"
        if not path.exists():
            raise InputError(
                f"No sweep is recorded in {self.folder}.",
                mend="Run one first: python -m experiments run smoke --out " + str(self.folder),
            )
        with reading(path, mend=_MEND_SWEEP) as note:
            return sweep_of(note["sweep"]), Corpus(**note["corpus"]), str(note["command"])

    def write(self, config: Config, record: Record) -> None:
        """Record a run durably; a result stands from then on, a failure until the run is tried again."""
        note = {"record": asdict(record), "config": asdict(config), "machine": asdict(this_machine())}
        if record.status == "ok":
            write_once(self._result(record.run), lambda file: file.write(note_bytes(note)))
            self.forgive((record.run,))
        else:
            write_note(self._failure(record.run), note)
        self._running(record.run).unlink(missing_ok=True)

    def forgive(self, runs: Iterable[str]) -> None:
        """Forget the failures of `runs`, which are to be tried again, and how far they were."""
        for run in runs:
            self._failure(run).unlink(missing_ok=True)
            self._running(run).unlink(missing_ok=True)

    def recorded(self) -> frozenset[str]:
        """The names of all runs with a result or a failure."""
        return frozenset(path.stem for name in ("runs", "failures") for path in (self.folder / name).glob("*.json"))

    def record(self, run: str) -> Record | None:
        """The record of `run`, or None where there is none."""
        found = self._note(run)
        return None if found is None else found[0]

    def finished(self, run: str) -> bool:
        """Whether `run` has a result; failures count as missing and are tried again."""
        record = self.record(run)
        return record is not None and record.status == "ok"

    def records(self) -> tuple[Record, ...]:
        """The records of the sweep that the folder serves, in its order."""
        return tuple(record for record, _ in self._notes())

    def report(self, progress: Progress) -> None:
        """Note how far a run is."""
        write_note(self._running(progress.run), asdict(progress))

    def progress(self) -> tuple[Progress, ...]:
        """How far every run is that was begun and has not ended."""
        found = []
        for path in sorted((self.folder / "running").glob("*.json")):
            try:
                with reading(path, mend="") as note:
                    found.append(Progress(**note))
            except (FileNotFoundError, PlannerError):
                continue
        return tuple(found)

    def silent_seconds(self, run: str) -> float:
        """How long ago `run` last said how far it is; 0 where it has just ended."""
        try:
            return max(0.0, time.time() - self._running(run).stat().st_mtime)
        except FileNotFoundError:
            return 0.0

    def stop(self) -> None:
        """Tell every run, wherever it is done, to hold where it is and end."""
        write_whole(self.folder / "stop", lambda file: file.write(b""))

    def go_on(self) -> None:
        """Take back what `stop` said."""
        (self.folder / "stop").unlink(missing_ok=True)

    def is_stopping(self) -> bool:
        """Whether runs are to hold and end."""
        return (self.folder / "stop").exists()

    def export(self) -> pd.DataFrame:
        """The Runs table, one row per record, with where it comes from: text, machine, software and command.

        First the sweep that the folder serves, then runs that other sweeps left here on the same text.
        """
        import pandas as pd

        sweep, corpus, command = self._served()
        rows = [asdict(record) | machine for record, machine in (*self._notes(), *self._others())]
        columns = [*Record.__slots__, "processor", "cores", "memory_bytes", "system", "software"]
        return pd.DataFrame(rows, columns=columns).assign(
            source=f"planner experiments, sweep {sweep.name}, {corpus.source} {corpus.fingerprint}",
            corpus=corpus.source,
            fingerprint=corpus.fingerprint,
            tokenizer=corpus.tokenizer,
            bytes_per_token=corpus.bytes_per_token,
            recipe=RECIPE,
            command=command,
        )

    def _notes(self) -> Iterator[tuple[Record, dict[str, Any]]]:
        """Every record of the sweep that the folder serves, with the machine that it was made on."""
        sweep, corpus = self.serves()
        for config in sweep.configs(corpus.vocabulary):
            found = self._note(config.identity(corpus.fingerprint))
            if found is not None:
                yield found

    @property
    def others(self) -> int:
        """How many runs of other sweeps, on the same text and by the same recipe, are exported too."""
        return sum(1 for _ in self._others())

    def _others(self) -> Iterator[tuple[Record, dict[str, Any]]]:
        sweep, corpus = self.serves()
        own = {config.identity(corpus.fingerprint) for config in sweep.configs(corpus.vocabulary)}
        for path in sorted((self.folder / "runs").glob("*.json")):
            if path.stem in own:
                continue
            with reading(path, mend=_MEND_RECORD) as note:
                shape = Shape(**note["config"]["shape"])
                config = Config(**note["config"] | {"shape": shape})
            if config.identity(corpus.fingerprint) == path.stem and (found := self._note(path.stem)) is not None:
                yield found

    def _note(self, run: str) -> tuple[Record, dict[str, Any]] | None:
        for path in (self._result(run), self._failure(run)):
            try:
                with reading(path, mend=_MEND_RECORD) as note:
                    record = Record(**note["record"])
                    if record.run != run:
                        raise ValueError(f"it holds the run {record.run}")
                    return record, dict(note["machine"])
            except FileNotFoundError:
                continue
        return None

    def _result(self, run: str) -> Path:
        return self.folder / "runs" / f"{run}.json"

    def _failure(self, run: str) -> Path:
        return self.folder / "failures" / f"{run}.json"

    def _running(self, run: str) -> Path:
        return self.folder / "running" / f"{run}.json"
