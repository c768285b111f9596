from __future__ import annotations

import pytest
import torch

from experiments.config import Shape
from experiments.model import Decoder, squared_relu
from experiments.optim import Optimiser, orthogonal


def decoder(shape: Shape, seed: int = 0) -> Decoder:
    generator = torch.Generator().manual_seed(seed)
    model = Decoder(shape, generator)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3, generator=generator)
    return model


@pytest.mark.parametrize(("layers", "width"), [(1, 16), (2, 48), (3, 64), (4, 128)])
def test_the_counted_parameters_are_those_that_are_trained(layers: int, width: int) -> None:
    shape = Shape(layers=layers, width=width, context=16)
    model = Decoder(shape, torch.Generator())
    assert sum(parameter.numel() for parameter in model.parameters()) == shape.params
    assert shape.params - shape.params_non_embedding == model.embedding.numel()


def test_later_tokens_do_not_change_earlier_predictions() -> None:
    model = decoder(Shape(layers=2, width=32, context=16))
    tokens = torch.randint(0, 256, (3, 16), generator=torch.Generator().manual_seed(1))
    changed = tokens.clone()
    changed[:, 9:] = (changed[:, 9:] + 1) % 256
    before, after = model(tokens), model(changed)
    torch.testing.assert_close(before[:, :9], after[:, :9])
    assert not torch.allclose(before[:, 9:], after[:, 9:])


def test_the_order_of_earlier_tokens_matters() -> None:
    model = decoder(Shape(layers=2, width=32, context=16))
    tokens = torch.arange(16)[None]
    swapped = tokens.clone()
    swapped[0, [2, 5]] = tokens[0, [5, 2]]
    assert not torch.allclose(model(tokens)[0, -1], model(swapped)[0, -1])


def test_a_new_model_passes_its_input_through() -> None:
    """Blocks add nothing at first, so the most likely next token is the token itself."""
    model = Decoder(Shape(layers=3, width=64, context=8), torch.Generator().manual_seed(0))
    tokens = torch.arange(40, 48)[None]
    assert model(tokens).argmax(-1).equal(tokens)


def test_the_gradient_of_the_squared_relu_is_right() -> None:
    raw = torch.randn(4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert torch.autograd.gradcheck(squared_relu, raw)


@pytest.mark.parametrize("shape", [(3, 16, 16), (2, 64, 16)])
def test_orthogonal_keeps_directions_and_levels_their_strengths(shape: tuple[int, ...]) -> None:
    matrices = torch.randn(*shape, generator=torch.Generator().manual_seed(0))
    left, _, right = torch.linalg.svd(matrices, full_matrices=False)
    strengths = left.mT @ orthogonal(matrices) @ right.mT
    diagonal = strengths.diagonal(dim1=-2, dim2=-1)
    assert diagonal.min() > 0.2
    assert diagonal.max() < 1.7
    torch.testing.assert_close(strengths, torch.diag_embed(diagonal), atol=2e-3, rtol=0)


def test_a_zero_gradient_moves_nothing_and_breaks_nothing() -> None:
    model = decoder(Shape(layers=1, width=16, context=8))
    before = [parameter.clone() for parameter in model.parameters()]
    (model(torch.zeros(1, 8, dtype=torch.long)) * 0).sum().backward()
    Optimiser(model).step(0.1)
    for old, new in zip(before, model.parameters(), strict=True):
        torch.testing.assert_close(old, new)
