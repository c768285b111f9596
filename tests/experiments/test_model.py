from __future__ import annotations

import pytest
import torch
from torch import Tensor

from experiments.config import Shape
from experiments.gradients import mean_loss
from experiments.model import Decoder, cross_entropy
from experiments.optim import Optimiser, orthogonal
from planner.transformer import Transformer


def shape_of(layers: int, width: int, *, context: int = 16, vocabulary: int = 256) -> Shape:
    return Shape(layers=layers, width=width, context=context, vocabulary=vocabulary)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def decoder(shape: Shape, seed: int = 0) -> Decoder:
    model = Decoder(shape, seeded(seed))
    generator = seeded(seed)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3, generator=generator)
    return model


def some_tokens(*size: int) -> Tensor:
    return torch.randint(0, 256, size, generator=seeded(1))


@pytest.mark.parametrize(
    ("layers", "width", "vocabulary"), [(1, 16, 256), (2, 40, 256), (3, 72, 256), (4, 128, 1000), (2, 160, 8192)]
)
def test_the_parameters_trained_are_those_counted_by_the_shape_and_by_the_planner(
    layers: int, width: int, vocabulary: int
) -> None:
    shape = shape_of(layers, width, vocabulary=vocabulary)
    model = Decoder(shape, seeded())
    trained = sum(parameter.numel() for parameter in model.parameters())
    known = Transformer(
        layers=layers,
        width=width,
        heads=shape.heads,
        kv_heads=shape.heads,
        head_dim=width // shape.heads,
        ff_width=shape.hidden,
        vocab=vocabulary,
        gated=True,
        tied=True,
    )
    assert trained == shape.params == known.params
    assert trained - model.embedding.numel() == shape.params_non_embedding == known.params_non_embedding


def test_later_tokens_do_not_change_earlier_predictions() -> None:
    model = decoder(shape_of(2, 32))
    tokens = some_tokens(3, 16)
    changed = tokens.clone()
    changed[:, 9:] = (changed[:, 9:] + 1) % 256
    before, after = model(tokens), model(changed)
    torch.testing.assert_close(before[:, :9], after[:, :9])
    assert not torch.allclose(before[:, 9:], after[:, 9:])


def test_the_order_of_earlier_tokens_matters() -> None:
    model = decoder(shape_of(2, 32))
    tokens = torch.arange(16)[None]
    swapped = tokens.clone()
    swapped[0, [2, 5]] = tokens[0, [5, 2]]
    assert not torch.allclose(model(tokens)[0, -1], model(swapped)[0, -1])


def test_a_new_model_passes_its_input_through() -> None:
    """Blocks add nothing at first, so the most likely next token is the token itself."""
    model = Decoder(shape_of(3, 64, context=8), seeded())
    tokens = torch.arange(40, 48)[None]
    assert model(tokens).argmax(-1).equal(tokens)


def test_the_losses_are_those_of_the_logits() -> None:
    model = decoder(shape_of(2, 32))
    windows = some_tokens(3, 17)
    expected = torch.nn.functional.cross_entropy(model(windows[:, :-1]).mT, windows[:, 1:], reduction="none")
    torch.testing.assert_close(model.losses(windows), expected)


@pytest.mark.parametrize("rows", [1, 7, 16, 30])
def test_chunks_of_logits_give_the_same_losses_and_gradients(rows: int) -> None:
    generator = seeded()
    stream = torch.randn(30, 8, dtype=torch.float64, generator=generator, requires_grad=True)
    head = torch.randn(11, 8, dtype=torch.float64, generator=generator, requires_grad=True)
    wanted = torch.randint(0, 11, (30,), generator=generator)
    weights = torch.rand(30, dtype=torch.float64, generator=generator)
    whole = cross_entropy(stream, head, wanted, 30 * 11)
    chunked = cross_entropy(stream, head, wanted, rows * 11)
    torch.testing.assert_close(chunked, whole)
    expected = torch.autograd.grad((whole * weights).sum(), (stream, head))
    torch.testing.assert_close(torch.autograd.grad((chunked * weights).sum(), (stream, head)), expected)


def most_kept(most_logits: int) -> int:
    """Numbers in the largest tensor that waits for the backward pass of 64 tokens' losses over 32 words."""
    stream, head = torch.randn(64, 8, requires_grad=True), torch.randn(32, 8, requires_grad=True)
    kept: list[int] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        cross_entropy(stream, head, torch.zeros(64, dtype=torch.long), most_logits).sum()
    return max(kept, default=0)


def test_beyond_the_limit_the_logits_are_not_kept_whole() -> None:
    assert most_kept(8 * 32) < 64 * 32 <= most_kept(64 * 32)


def test_the_model_works_in_bfloat16_as_on_a_gpu() -> None:
    model, windows = decoder(shape_of(2, 32)), some_tokens(4, 17)
    with torch.no_grad():
        exact = model.losses(windows).mean()
        with torch.autocast("cpu", torch.bfloat16):
            rounded = model.losses(windows).mean()
    assert rounded.dtype == torch.float32
    assert 0 < abs(float(rounded / exact) - 1) < 0.01


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # torch does so itself
def test_the_compiler_takes_the_model_in_one_piece_and_once_for_every_model_of_a_shape() -> None:
    torch.compiler.reset()
    compiled = torch.compile(mean_loss, fullgraph=True, dynamic=False, backend="aot_eager")
    windows = some_tokens(2, 17)
    for seed, stance in ((0, "default"), (1, "fail_on_recompile")):
        model = decoder(shape_of(2, 32), seed)
        with torch.compiler.set_stance(stance):
            taken = torch.autograd.grad(compiled(model, windows), list(model.parameters()))
        expected = torch.autograd.grad(mean_loss(model, windows), list(model.parameters()))
        torch.testing.assert_close(taken, expected)


@pytest.mark.parametrize("shape", [(3, 16, 16), (2, 16, 64)])
def test_orthogonal_keeps_directions_and_levels_their_strengths(shape: tuple[int, ...]) -> None:
    matrices = torch.randn(*shape, generator=seeded())
    left, _, right = torch.linalg.svd(matrices, full_matrices=False)
    strengths = left.mT @ orthogonal(matrices) @ right.mT
    diagonal = strengths.diagonal(dim1=-2, dim2=-1)
    assert diagonal.min() > 0.13
    assert diagonal.max() < 1.87
    torch.testing.assert_close(strengths, torch.diag_embed(diagonal), atol=2e-3, rtol=0)


def test_orthogonal_is_safe_in_bfloat16_as_on_a_gpu() -> None:
    """Even of matrices of low rank, whose small singular values are all rounding."""
    generator = seeded()
    low = torch.randn(2, 32, 3, generator=generator) @ torch.randn(2, 3, 64, generator=generator)
    strengths = torch.linalg.svdvals(orthogonal(low.bfloat16()).float())
    assert strengths.isfinite().all()
    assert strengths.max() < 2


def test_a_zero_gradient_moves_nothing_and_breaks_nothing() -> None:
    model = decoder(shape_of(1, 16, context=8))
    before = [parameter.clone() for parameter in model.parameters()]
    (model(torch.zeros(1, 8, dtype=torch.long)) * 0).sum().backward()
    Optimiser(model).step(0.1)
    for old, new in zip(before, model.parameters(), strict=True):
        torch.testing.assert_close(old, new)


def test_an_optimiser_restored_goes_on_bit_for_bit() -> None:
    windows = some_tokens(4, 17)

    def go_on(model: Decoder, optimiser: Optimiser) -> None:
        model.losses(windows).mean().backward()
        optimiser.step(0.02)

    first, second = decoder(shape_of(2, 32)), decoder(shape_of(2, 32), seed=1)
    of_first, of_second = Optimiser(first), Optimiser(second)
    for _ in range(3):
        go_on(first, of_first)
    second.load_state_dict(first.state_dict())
    of_second.restore({name: tensor.clone() for name, tensor in of_first.state().items()})
    go_on(first, of_first)
    go_on(second, of_second)
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)
