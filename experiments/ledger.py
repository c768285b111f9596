"""Ledger: the folder in which a sweep's runs are recorded, one file each, written whole or not at all.

sweep.json         the sweep and corpus that the folder was last used for; status and export show its runs alone
runs/<run>.json    one record with its configuration; runs of earlier sweeps stay and are found again by their name
trunks/<trunk>/    checkpoints of the shared steps, one per branch point
corpus/            the text as bytes
lock               held while a sweep runs here
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from experiments.config import Config, Sweep
from experiments.sweeps import sweep_of
from experiments.tokens import Corpus
from planner.errors import DataError, InputError, PlannerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

DRAFT = ".draft"
"""How the name of a file ends while it is written."""

Status = Literal["ok", "failed"]

_MEND_RECORD = "Delete this file; the run is then done again."
_MEND_SWEEP = "Run the sweep with this --out again: the file is then written anew, and recorded runs are kept."


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What one run gave. `loss` is held-out nats per token and `loss_error` its standard error over the windows.

    `flops` count the run as if it were trained alone; `seconds` were spent on it here, on top of the trunk it found.
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
    seed: int
    tokens_done: int
    seconds: float
    status: Status
    reason: str
    as_of: str


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
        seed=config.seed,
        as_of=datetime.now(UTC).date().isoformat(),
        **measured,
    )


@dataclass(frozen=True, slots=True)
class Ledger:
    """The records under `folder`."""

    folder: Path

    def open(self) -> None:
        """Make the folder, or say why it cannot be written."""
        try:
            for name in ("runs", "trunks", "corpus"):
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
            for draft in self.folder.rglob(f"*{DRAFT}"):
                draft.unlink()
            yield

    def begin(self, sweep: Sweep, corpus: Corpus) -> None:
        """Note the sweep that the folder now serves."""
        note = {"sweep": asdict(sweep), "corpus": asdict(corpus)}
        write_json(self.folder / "sweep.json", note)

    def serves(self) -> tuple[Sweep, Corpus]:
        """The sweep and corpus that the folder was last used for."""
        path = self.folder / "sweep.json"
        if not path.exists():
            raise InputError(
                f"No sweep is recorded in {self.folder}.",
                mend="Run one first: python -m experiments run smoke --out " + str(self.folder),
            )
        with _reading(path, mend=_MEND_SWEEP):
            note = json.loads(path.read_text())
            return sweep_of(note["sweep"]), Corpus(**note["corpus"])

    def write(self, config: Config, record: Record) -> None:
        """Record a run durably; a failure of the same run is replaced."""
        note = {"record": asdict(record), "config": asdict(config), "environment": _environment()}
        write_json(self._path(record.run), note)

    def record(self, run: str) -> Record | None:
        """The record of `run`, or None where there is none."""
        path = self._path(run)
        if not path.exists():
            return None
        with _reading(path, mend=_MEND_RECORD):
            return Record(**json.loads(path.read_text())["record"])

    def finished(self, run: str) -> bool:
        """Whether `run` has a result; failures count as missing and are tried again."""
        record = self.record(run)
        return record is not None and record.status == "ok"

    def records(self) -> tuple[Record, ...]:
        """The records of the sweep that the folder serves, in its order."""
        sweep, corpus = self.serves()
        found = (self.record(config.identity(corpus.fingerprint)) for config in sweep.configs())
        return tuple(record for record in found if record is not None)

    def export(self) -> pd.DataFrame:
        """The Runs table, one row per record, with the sweep and corpus it comes from."""
        import pandas as pd

        sweep, corpus = self.serves()
        table = pd.DataFrame([asdict(record) for record in self.records()], columns=list(Record.__slots__))
        return table.assign(source=f"planner experiments, sweep {sweep.name}, {corpus.source} {corpus.fingerprint}")

    def _path(self, run: str) -> Path:
        return self.folder / "runs" / f"{run}.json"


def _environment() -> dict[str, str]:
    packages = {name: version(name) for name in ("torch", "numpy")}
    return {"python": platform.python_version(), "platform": platform.platform(), **packages}


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file so that a crash at any moment leaves the old one or the new one."""
    draft = path.with_name(f"{path.name}.{os.getpid()}{DRAFT}")
    with draft.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write `value` as a whole file of JSON."""
    write_whole(path, lambda file: file.write((json.dumps(value, indent=2) + "\n").encode()))


@contextmanager
def _reading(path: Path, *, mend: str) -> Iterator[None]:
    """Turn what a file that is not ours, or not whole, brings up into an error that names it."""
    try:
        yield
    except (LookupError, TypeError, PlannerError) as error:
        what = error.problem.rstrip(".") if isinstance(error, PlannerError) else error
        raise DataError(f"{path} was written by another version of this program: {what}.", mend=mend) from error
    except ValueError as error:
        raise DataError(f"{path} is damaged: {error}.", mend=mend) from error
