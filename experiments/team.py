"""Team: what the processes that train one run together do together. A process by itself is a team of one."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
import torch.distributed as dist

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor, nn


class Lost(Exception):
    """Another process of a team is gone."""


@dataclass(frozen=True, slots=True)
class Team:
    """One of `size` processes, all of which do the same steps; each learns a part of every batch."""

    rank: int = 0
    size: int = 1
    device: str = "cpu"

    @classmethod
    @contextmanager
    def meeting(cls, place: Path, *, rank: int, size: int, device: str) -> Iterator[Self]:
        """The team of the processes that name the same file, which none has used before, for `place`."""
        if device != "cpu":
            torch.cuda.set_device(device)
        backend = "gloo" if device == "cpu" else "nccl"
        dist.init_process_group(backend, init_method=place.resolve().as_uri(), rank=rank, world_size=size)
        yield cls(rank, size, device)
        dist.destroy_process_group()

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes for all."""
        return self.rank == 0

    def part(self, batch: NDArray[np.int64]) -> NDArray[np.int64]:
        """This process's windows of a `batch`."""
        return np.array_split(batch, self.size)[self.rank]

    def pool(self, model: nn.Module, loss: Tensor, share: float) -> Tensor:
        """The mean loss of the whole batch, and its gradient in `model`, from those of each part and its `share`."""
        if self.size == 1:
            return loss
        loss = loss * share
        _reduce(loss, dist.ReduceOp.SUM)
        for parameter in model.parameters():
            if parameter.grad is not None:
                _reduce(parameter.grad.mul_(share), dist.ReduceOp.SUM)
        return loss

    def any(self, said: bool) -> bool:
        """Whether any process of the team says so."""
        return self.most(int(said)) > 0

    def most(self, number: int) -> int:
        """The largest of the numbers that the processes give."""
        if self.size == 1:
            return number
        largest = torch.tensor(number, device=self.device)
        _reduce(largest, dist.ReduceOp.MAX)
        return int(largest)

    def wait(self) -> None:
        """Until all are here."""
        self.most(0)


def _reduce(tensor: Tensor, how: dist.ReduceOp.RedOpType) -> None:
    """Make `tensor` the sum, or whatever, of those of all processes."""
    try:
        dist.all_reduce(tensor, how)
    except RuntimeError as error:
        raise Lost from error
