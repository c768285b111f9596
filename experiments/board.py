"""Board: a sweep's events as TensorBoard curves, one for each run, beside its records. The ledger stays the truth."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from experiments.following import Ended, Event
from planner.errors import MissingExtra
from planner.units import show

if TYPE_CHECKING:
    from experiments.config import Config

FOLDER = "board"
"""Where the curves lie in a sweep's folder: tensorboard --logdir OUT/board shows them."""


class Board:
    """Writes every event that it is called with as points of curves over the tokens seen, under `out`/board."""

    def __init__(self, out: Path) -> None:
        if find_spec("tensorboardX") is None:
            raise MissingExtra.of("tensorboardX", extra="board")
        self._folder = out / FOLDER
        self._writers: dict[Config, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __call__(self, event: Event) -> None:
        config, writer = event.config, self._writer(event.config)
        if isinstance(event, Ended):
            if event.record.loss is not None:
                writer.add_scalar("loss/held_out", event.record.loss, config.tokens)
            self._writers.pop(config).close()
            return
        tokens = event.progress.step * config.tokens_per_step
        writer.add_scalar("loss/training", event.progress.loss, tokens)
        writer.add_scalar("tokens_per_second", event.progress.tokens_per_second, tokens)

    def _writer(self, config: Config) -> Any:
        from tensorboardX import SummaryWriter

        if config not in self._writers:
            name = f"{config.shape.label}, {show(config.tokens, 'tokens')}, seed {config.seed}"
            self._writers[config] = SummaryWriter(str(self._folder / name))
        return self._writers[config]

    def __exit__(self, *_: object) -> None:
        for writer in self._writers.values():
            writer.close()
