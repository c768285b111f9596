"""Trunk: the states of training that are kept as safetensors files, verified when they are read again.

<step>.safetensors   where a run leaves the trunk: every longer run of this trunk goes on from there
<run>.safetensors    where a run was when it was stopped, or last held; it ends with the run

A file says in its header which trunk and step it belongs to, and a checksum of everything in it.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from experiments.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

SUFFIX = ".safetensors"

DAMAGED = ".damaged"
"""How the name of a checkpoint ends once it was found to be damaged."""

HOLD_SECONDS = 60.0
"""A run that goes on for longer is held this often: what a crash costs it at most."""


class State(Protocol):
    """What can be kept and restored: anything whose whole state is named tensors."""

    def state(self) -> dict[str, Tensor]: ...

    def restore(self, state: Mapping[str, Tensor]) -> None: ...


@dataclass(frozen=True, slots=True)
class Start:
    """The step from which a run goes on, and what was odd about the checkpoints that were found."""

    step: int
    note: str


@dataclass(frozen=True, slots=True)
class Trunk:
    """The checkpoints of one trunk under `folder`, which is called like the trunk, as `run` sees them."""

    folder: Path
    run: str

    def keep(self, pupil: State, step: int) -> None:
        """Keep the state before `step` for all runs of this trunk."""
        path = self.folder / f"{step}{SUFFIX}"
        if not path.exists():
            self._write(path, pupil, step)

    def hold(self, pupil: State, step: int) -> None:
        """Keep the state before `step` for this run alone, instead of what it held before."""
        self._write(self._own, pupil, step)

    def release(self) -> None:
        """Drop what this run held."""
        self._own.unlink(missing_ok=True)

    def held_at(self) -> int:
        """When this run was last held, in nanoseconds; 0 where it is not."""
        return self._own.stat().st_mtime_ns if self._own.exists() else 0

    def resume(self, pupil: State, *, latest: int) -> Start:
        """Restore what this run held, or the trunk's furthest state up to `latest`; damaged files are set aside."""
        notes = []
        for path in self._found(latest):
            try:
                step, state = read(path, trunk=self.folder.name)
            except FileNotFoundError:
                continue
            except Damage as damage:
                with suppress(FileNotFoundError):
                    path.replace(path.with_name(path.name + DAMAGED))
                notes.append(f"The checkpoint {path} was damaged ({damage}) and is set aside as {path.name}{DAMAGED}.")
                continue
            pupil.restore(state)
            return Start(step, " ".join(notes))
        return Start(0, " ".join(notes))

    @property
    def _own(self) -> Path:
        return self.folder / f"{self.run}{SUFFIX}"

    def _found(self, latest: int) -> Iterator[Path]:
        yield self._own
        names = (path.name.removesuffix(SUFFIX) for path in self.folder.glob(f"*{SUFFIX}"))
        for step in sorted((int(name) for name in names if name.isdecimal() and name != self.run), reverse=True):
            if step <= latest:
                yield self.folder / f"{step}{SUFFIX}"

    def _write(self, path: Path, pupil: State, step: int) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {name: tensor.detach().cpu().contiguous() for name, tensor in pupil.state().items()}
        header = {"trunk": self.folder.name, "step": str(step)}
        raw = save(state, header | {"checksum": _checksum(state, header)})
        write_whole(path, lambda file: file.write(raw))


class Damage(Exception):
    """What is wrong with a file that should be a checkpoint."""


def read(path: Path, *, trunk: str) -> tuple[int, dict[str, Tensor]]:
    """The step and state in the checkpoint at `path`, after making sure that they are those of `trunk` and whole."""
    try:
        with safe_open(path, framework="pt") as file:
            header: dict[str, str] = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        said = header.pop("checksum")
        step = int(header["step"])
    except (SafetensorError, LookupError, ValueError) as error:
        raise Damage("it cannot be read") from error
    if said != _checksum(state, header):
        raise Damage("its checksum is wrong")
    if header["trunk"] != trunk:
        raise Damage("it belongs to another trunk")
    return step, state


def _checksum(state: Mapping[str, Tensor], header: Mapping[str, str]) -> str:
    total = hashlib.sha256(repr(sorted(header.items())).encode())
    for name, tensor in sorted(state.items()):
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()
