"""train: one run, from its configuration and corpus to its record."""

from __future__ import annotations

import io
import math
import pickle
import struct
import time
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F

from experiments.ledger import Record, record_of, write_whole
from experiments.model import Decoder
from experiments.optim import Optimiser
from experiments.tokens import Corpus, Order, Windows
from planner.errors import DataError, PlannerError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from experiments.config import Config

EVALUATION_BATCH = 32

DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    pickle.UnpicklingError,
    struct.error,
    RuntimeError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    EOFError,
    OSError,
)
"""What bytes that are no checkpoint of ours bring up, in zipfile, torch and our own models."""


class Diverged(PlannerError):
    """The loss of a run is no number any more."""


def train(config: Config, corpus: Corpus, trunks: Path, *, tick: Callable[[], None] = lambda: None) -> Record:
    """Train from the latest checkpoint of the trunk, leave one where the decay begins, and measure the held-out loss.

    Args:
        config: what to train.
        corpus: what to train on and to measure with.
        trunks: the folder of all trunks' checkpoints.
        tick: called after every step; what it raises stops the run, which then leaves no record.
    """
    started = time.perf_counter()
    torch.set_num_threads(1)
    text = Windows(corpus.train(), config.shape.context)
    order = Order(len(text), config.seed)
    trunk = Trunk(trunks / config.trunk(corpus.fingerprint))
    pupil = Pupil(config)
    first = trunk.resume(pupil, latest=config.branch_step)
    for step in range(first, config.steps):
        if step == config.branch_step:
            trunk.keep(pupil, step)
        loss = pupil.learn(text.take(order.batch(step, config.batch)), rate=config.rate(step))
        if not math.isfinite(loss):
            raise Diverged(f"The loss became {loss} at step {step} of {config.steps}.")
        tick()
    losses = pupil.examine(Windows(corpus.held_out(), config.shape.context), config.evaluation_windows)
    return record_of(
        config,
        config.identity(corpus.fingerprint),
        loss=float(losses.mean()),
        loss_error=float(losses.std() / len(losses) ** 0.5),
        bits_per_byte=float(losses.mean() / math.log(2)),
        unique_tokens=min(config.tokens, len(text) * config.shape.context),
        tokens_done=(config.steps - first) * config.tokens_per_step,
        seconds=time.perf_counter() - started,
        status="ok",
        reason="",
    )


class Pupil:
    """A model and its optimiser: it learns a batch at a time and can be examined."""

    def __init__(self, config: Config) -> None:
        self.model = Decoder(config.shape, torch.Generator().manual_seed(config.seed))
        self.optimiser = Optimiser(self.model)

    def learn(self, windows: NDArray[np.int64], *, rate: float) -> float:
        """Take one step on `windows` and return the loss before it."""
        loss = self._losses(torch.from_numpy(windows)).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step(rate)
        return loss.item()

    @torch.no_grad()
    def examine(self, windows: Windows, count: int) -> NDArray[np.float64]:
        """The mean loss on each of `count` windows, evenly spread."""
        chosen = windows.spread(count)
        batches = np.array_split(chosen, math.ceil(len(chosen) / EVALUATION_BATCH))
        losses = [self._losses(torch.from_numpy(windows.take(batch))).mean(1).double().numpy() for batch in batches]
        return np.concatenate(losses)

    def _losses(self, windows: torch.Tensor) -> torch.Tensor:
        """Cross-entropy (windows, context) of every next token."""
        logits = self.model(windows[:, :-1])
        return F.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten(), reduction="none").view(len(windows), -1)


@dataclass(frozen=True, slots=True)
class Trunk:
    """Checkpoints of the steps that runs of one trunk share; `folder` holds one file per branch point."""

    folder: Path

    def keep(self, pupil: Pupil, step: int) -> None:
        """Write the state before `step`, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {"model": pupil.model.state_dict(), "optimiser": pupil.optimiser.state()}
        write_whole(self.folder / f"{step}.pt", lambda file: torch.save(state, file))

    def resume(self, pupil: Pupil, *, latest: int) -> int:
        """Restore the furthest state not beyond the step `latest` and return its step; 0 where there is none."""
        steps = [int(path.stem) for path in self.folder.glob("*.pt") if path.stem.isdecimal()]
        step = max((step for step in steps if step <= latest), default=0)
        if step:
            path = self.folder / f"{step}.pt"
            raw = path.read_bytes()
            try:
                state = _state(raw)
                pupil.model.load_state_dict(state["model"])
                pupil.optimiser.restore(state["optimiser"])
            except DAMAGE as error:
                raise DataError(
                    f"The checkpoint {path} is damaged.",
                    mend="Delete this file and run the same command again; its steps are then repeated.",
                ) from error
        return step


def _state(raw: bytes) -> dict[str, Any]:
    """The state in a checkpoint, whose checksums torch does not look at; nothing in it is executed."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        if archive.testzip() is not None:
            raise zipfile.BadZipFile
    state: dict[str, Any] = torch.load(io.BytesIO(raw), weights_only=True)
    return state
