"""train: one run, from its configuration and corpus to its record."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import numpy as np
import torch

from experiments.checkpoints import HOLD_SECONDS, Start, Trunk
from experiments.corpus import Corpus, Order, Windows
from experiments.gradients import Gradients, halving, losses
from experiments.ledger import Record, Stop, record_of
from experiments.model import Decoder
from experiments.optim import Optimiser
from experiments.team import Team
from planner.errors import PlannerError
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from experiments.config import Config

    Tick = Callable[[int, float], None]

EVALUATION_TOKENS = 4096
"""Held-out tokens that are met at once."""

LOOKS = {"cpu": 1, "cuda": 16}
"""Every so many steps the loss is looked at; to look is to wait for a GPU, which has then nothing to do."""

MODEL = "model."

ALONE = Team()

NO_BETTER_SHARE = 0.999
"""A held-out loss of this share of what guessing costs, or more, is that of a model that has learnt nothing."""


class Diverged(PlannerError):
    """The loss of a run is no number any more, or no better than guessing."""


def train(
    config: Config,
    corpus: Corpus,
    trunks: Path,
    *,
    tick: Tick = lambda step, loss: None,
    device: str = "cpu",
    team: Team = ALONE,
) -> Record:
    """Train from the latest checkpoint of the trunk, leave one where the decay begins, and measure the held-out loss.

    Args:
        config: what to train.
        corpus: what to train on and to measure with.
        trunks: the folder of all trunks' checkpoints.
        tick: called as training goes on with the steps done and the latest loss; what it raises ends the run, which
            then leaves no record. Where it raises Stop, the run is held first, and goes on from there the next time.
        device: what torch calls the device to train on.
        team: the processes that train this run together; every one gives the record, and the first one writes.
    """
    started = time.perf_counter()
    torch.set_num_threads(1)
    text = Windows(corpus.train(), config.shape.context)
    order = Order(len(text), config.seed)
    run = config.identity(corpus.fingerprint)
    trunk = Trunk(trunks / config.trunk(corpus.fingerprint), run)
    pupil = Pupil(config, device=device, team=team)
    looks = LOOKS[torch.device(device).type]
    start = _start(trunk, pupil, config.branch_step, team)
    held = time.monotonic()
    for step in range(start.step, config.steps):
        if step == config.branch_step and team.leads:
            trunk.keep(pupil, step)
        batch = order.batch(step, config.batch)
        unknown = pupil.learn(text.take(team.part(batch)), rate=config.rate(step))
        if (step + 1) % looks and step + 1 not in (config.branch_step, config.steps):
            continue
        if not math.isfinite(loss := unknown.item()):
            raise Diverged(f"It diverged: the loss became {loss} at step {step} of {config.steps}.")
        told = team.any(_told(tick, step + 1, loss))
        if (told or time.monotonic() - held > HOLD_SECONDS) and team.leads:
            trunk.hold(pupil, step + 1)
            held = time.monotonic()
        if told:
            raise Stop
    each = pupil.examine(Windows(corpus.held_out(), config.shape.context), config.evaluation_windows)
    _check_learnt(float(each.mean()), config.shape.vocabulary)
    return record_of(
        config,
        run,
        loss=float(each.mean()),
        loss_error=float(each.std() / len(each) ** 0.5),
        bits_per_byte=float(each.mean() / math.log(2) / corpus.bytes_per_token),
        unique_tokens=min(config.tokens, len(text) * config.shape.context),
        tokens_done=(config.steps - start.step) * config.tokens_per_step,
        seconds=time.perf_counter() - started,
        status="ok",
        reason="",
        note=start.note,
    )


def _start(trunk: Trunk, pupil: Pupil, latest: int, team: Team) -> Start:
    """Where the run begins; the first process looks before the others do, since it sets damaged files aside."""
    if team.leads:
        start = trunk.resume(pupil, latest=latest)
    team.wait()
    if not team.leads:
        start = trunk.resume(pupil, latest=latest)
    if team.most(start.step) != start.step:
        raise RuntimeError(f"The processes of this run do not see the same checkpoints in {trunk.folder}.")
    return start


def _told(tick: Tick, step: int, loss: float) -> bool:
    """Whether `tick` says to stop."""
    try:
        tick(step, loss)
    except Stop:
        return True
    return False


def _check_learnt(loss: float, vocabulary: int) -> None:
    """Raise where a held-out loss is no better than that of giving every token the same chance."""
    guessing = math.log(vocabulary)
    if not loss < NO_BETTER_SHARE * guessing:
        raise Diverged(
            f"It diverged: its held-out loss of {show(loss, 'nats/token')} is no better than guessing, which costs "
            f"{show(guessing, 'nats/token')} with a vocabulary of {vocabulary:,}.",
            mend="Give a lower learning_rate.",
        )


class Pupil:
    """A model and its optimiser on one device: it learns a batch, or its team's part, at a time and can be examined."""

    def __init__(self, config: Config, *, device: str = "cpu", team: Team = ALONE) -> None:
        self.model = Decoder(config.shape, torch.Generator().manual_seed(config.seed)).to(device)
        self.optimiser = Optimiser(self.model)
        self.gradients = Gradients(self.model, batch=config.batch, flops=config.flops)
        self._batch, self._team = config.batch, team

    def learn(self, windows: NDArray[np.int64], *, rate: float) -> Tensor:
        """Take one step on `windows`, the team's part of a batch, and return the loss of the batch before it.

        On a GPU it need not be known yet.
        """
        loss = self.gradients.take(self._moved(windows))
        loss = self._team.pool(self.model, loss, len(windows) / self._batch)
        self.optimiser.step(rate)
        return loss

    @torch.no_grad()
    def examine(self, windows: Windows, count: int) -> NDArray[np.float64]:
        """The mean loss on each of `count` windows, evenly spread."""
        chosen = windows.spread(count)
        at_once = max(1, EVALUATION_TOKENS // windows.context)
        return halving(lambda part: self._examine(windows, chosen, part), at_once)[0]

    def _examine(self, windows: Windows, chosen: NDArray[np.int64], part: int) -> NDArray[np.float64]:
        batches = np.array_split(chosen, math.ceil(len(chosen) / part))
        return np.concatenate(
            [losses(self.model, self._moved(windows.take(batch))).mean(1).double().cpu().numpy() for batch in batches]
        )

    def _moved(self, windows: NDArray[np.int64]) -> Tensor:
        tokens = torch.from_numpy(windows)
        device = self.model.embedding.device
        return tokens if device.type == "cpu" else tokens.pin_memory().to(device, non_blocking=True)

    def state(self) -> dict[str, Tensor]:
        """Every tensor that `restore` needs to go on bit for bit."""
        model = {f"{MODEL}{name}": tensor for name, tensor in self.model.state_dict().items()}
        return model | self.optimiser.state()

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a `state`."""
        model = {name: tensor for name, tensor in state.items() if name.startswith(MODEL)}
        self.model.load_state_dict({name.removeprefix(MODEL): tensor for name, tensor in model.items()})
        self.optimiser.restore({name: tensor for name, tensor in state.items() if name not in model})
