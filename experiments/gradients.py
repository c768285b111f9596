"""Gradients: the gradient of a batch, taken whole or, where memory is short, in parts; on a GPU as one launch.

On a CPU every operation runs as it is written. On a GPU the products are taken in bfloat16 (autocast), long runs are
compiled, and a batch that fits whole is replayed as a CUDA graph, since small models wait for launches most.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from experiments.model import Decoder

    MeanLoss = Callable[[Decoder, Tensor], Tensor]

Answer = TypeVar("Answer")

MEMORY = (MemoryError, torch.OutOfMemoryError)
"""What is raised where memory does not suffice."""

COMPILED_FROM_FLOPS = 5e15
"""Compiling takes about a minute, which shorter runs do not win back (an assumption)."""

WARM_UP_PASSES = 3
"""Passes before a graph is captured, in which libraries choose their kernels."""


class Gradients:
    """Leaves the gradient of a batch's mean loss in a model's parameters; `part` is how many windows fit at once."""

    def __init__(self, model: Decoder, *, batch: int, flops: float) -> None:
        self.part = batch
        self._model = model
        self._mean_loss = _compiled(mean_loss) if _pays(model, flops) else mean_loss
        self._graph: _Graph | None = None

    def take(self, windows: Tensor) -> Tensor:
        """The mean loss of `windows` (batch, context + 1), after leaving its gradient, and nothing else, in `grad`."""
        loss, self.part = halving(lambda part: self._take(windows, part), self.part)
        return loss

    def _take(self, windows: Tensor, part: int) -> Tensor:
        self._model.zero_grad(set_to_none=True)
        if windows.is_cuda and part >= len(windows):
            self._graph = self._graph or _Graph(self._model, self._mean_loss, windows)
            return self._graph.replay(windows)
        self._graph = None
        total = torch.zeros((), device=windows.device)
        for some in torch.split(windows, part):
            loss = self._mean_loss(self._model, some) * (len(some) / len(windows))
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        return total


def mean_loss(model: Decoder, windows: Tensor) -> Tensor:
    """The mean cross-entropy of `windows`; products in bfloat16 where they are on a GPU."""
    return losses(model, windows).mean()


def losses(model: Decoder, windows: Tensor) -> Tensor:
    """Cross-entropy of every token of `windows` but the first; products in bfloat16 where they are on a GPU."""
    with torch.autocast(windows.device.type, torch.bfloat16, enabled=windows.is_cuda):
        return model.losses(windows)


def halving(work: Callable[[int], Answer], most: int) -> tuple[Answer, int]:
    """What `work` gives for the largest part for which memory suffices, halved from `most` on, and that part.

    Raises:
        MemoryError: memory does not even suffice for 1. On a GPU it is torch.OutOfMemoryError.
    """
    while True:
        try:
            return work(most), most
        except MEMORY:
            if most == 1:
                raise
        # Only here are the tensors gone that the error's traceback held.
        most = (most + 1) // 2
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


class _Graph:
    """Both passes over one batch as a CUDA graph: one launch instead of hundreds."""

    def __init__(self, model: Decoder, mean_loss: MeanLoss, windows: Tensor) -> None:
        self._model, self._mean_loss = model, mean_loss
        self._windows = windows.clone()
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP_PASSES):
                self._pass()
        torch.cuda.current_stream().wait_stream(side)
        model.zero_grad(set_to_none=True)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._loss = self._pass()
        self._gradients = [parameter.grad for parameter in model.parameters()]

    def _pass(self) -> Tensor:
        self._model.zero_grad(set_to_none=True)
        loss = self._mean_loss(self._model, self._windows)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def replay(self, windows: Tensor) -> Tensor:
        """The mean loss of `windows`; a replay writes the gradients where the capture put them."""
        self._windows.copy_(windows)
        self._graph.replay()
        for parameter, gradient in zip(self._model.parameters(), self._gradients, strict=True):
            parameter.grad = gradient
        return self._loss.clone()


def _pays(model: Decoder, flops: float) -> bool:
    return model.embedding.is_cuda and flops >= COMPILED_FROM_FLOPS and find_spec("triton") is not None


def _compiled(mean_loss: MeanLoss) -> MeanLoss:
    compiled: MeanLoss = torch.compile(mean_loss, dynamic=False)
    return compiled
