from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from experiments.config import Shape
from experiments.gradients import Gradients, halving, mean_loss
from experiments.model import Decoder

if TYPE_CHECKING:
    from torch import Tensor


@pytest.fixture
def model() -> Decoder:
    return Decoder(Shape(layers=2, width=32, context=16, vocabulary=256), torch.Generator().manual_seed(0))


@pytest.fixture
def windows() -> Tensor:
    return torch.randint(0, 256, (6, 17), generator=torch.Generator().manual_seed(1))


def gradients_of(model: Decoder) -> list[Tensor]:
    return [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]


def short_of_memory(model: Decoder, most: int) -> list[int]:
    """Lets `model` take no more windows at once than `most`; what it was asked to take is in the list."""
    asked: list[int] = []
    within = model.losses

    def losses(windows: Tensor) -> Tensor:
        asked.append(len(windows))
        if len(windows) > most:
            raise MemoryError
        return within(windows)

    model.losses = losses  # type: ignore[method-assign]
    return asked


def test_the_gradient_is_that_of_the_mean_loss(model: Decoder, windows: Tensor) -> None:
    loss = Gradients(model, batch=6, flops=1e9).take(windows)
    taken = gradients_of(model)
    expected = torch.autograd.grad(mean_loss(model, windows), list(model.parameters()))
    assert torch.equal(loss, mean_loss(model, windows))
    assert all(torch.equal(one, other) for one, other in zip(taken, expected, strict=True))


def test_the_gradient_of_one_batch_knows_nothing_of_the_last(model: Decoder, windows: Tensor) -> None:
    gradients = Gradients(model, batch=6, flops=1e9)
    gradients.take(windows)
    once = gradients_of(model)
    gradients.take(windows)
    assert all(torch.equal(one, other) for one, other in zip(once, gradients_of(model), strict=True))


@pytest.mark.parametrize(("most", "asked"), [(5, [6, 3, 3]), (2, [6, 3, 2, 2, 2]), (1, [6, 3, 2, *[1] * 6])])
def test_a_batch_that_memory_does_not_hold_is_taken_in_parts(
    model: Decoder, windows: Tensor, most: int, asked: list[int]
) -> None:
    whole = Gradients(model, batch=6, flops=1e9).take(windows)
    expected = gradients_of(model)
    seen = short_of_memory(model, most)
    gradients = Gradients(model, batch=6, flops=1e9)
    torch.testing.assert_close(gradients.take(windows), whole)
    torch.testing.assert_close(gradients_of(model), expected)
    assert seen == asked
    assert gradients.part == asked[-1]


def test_what_does_not_fit_is_not_tried_again(model: Decoder, windows: Tensor) -> None:
    seen = short_of_memory(model, 3)
    gradients = Gradients(model, batch=6, flops=1e9)
    gradients.take(windows)
    seen.clear()
    gradients.take(windows)
    assert seen == [3, 3]


def test_memory_that_holds_not_even_one_window_is_told(model: Decoder, windows: Tensor) -> None:
    short_of_memory(model, 0)
    with pytest.raises(MemoryError):
        Gradients(model, batch=6, flops=1e9).take(windows)


def test_only_a_lack_of_memory_is_answered_by_less() -> None:
    def refuse(part: int) -> None:
        raise RuntimeError(f"no part, not even of {part}")

    with pytest.raises(RuntimeError, match="of 8"):
        halving(refuse, 8)
