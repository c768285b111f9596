from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from experiments.norms import scaled, turned


def some(*size: int) -> Tensor:
    return torch.randn(*size, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)


def turns(time: int, width: int) -> tuple[Tensor, Tensor]:
    angles = torch.rand(time, 1, width // 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    sine = angles.sin()
    return torch.cat((angles.cos(), angles.cos()), -1), torch.cat((-sine, sine), -1)


def test_scaling_is_rmsnorm_and_its_gradient_is_right() -> None:
    raw, gains = some(2, 3, 8), some(8)
    torch.testing.assert_close(scaled(raw, gains), F.rms_norm(raw, (8,), gains, eps=1e-6))
    assert torch.autograd.gradcheck(scaled, (raw, gains))


def test_turning_is_rmsnorm_and_a_rotation_and_its_gradient_is_right() -> None:
    raw, (cosine, sine) = some(2, 3, 2, 8), turns(3, 8)
    result = turned(raw, cosine, sine)
    first, second = F.rms_norm(raw, (8,), eps=1e-6).chunk(2, -1)
    cos, sin = cosine[..., :4], sine[..., 4:]
    torch.testing.assert_close(result, torch.cat((first * cos - second * sin, first * sin + second * cos), -1))
    assert torch.autograd.gradcheck(lambda raw: turned(raw, cosine, sine), (raw,))


def test_vectors_of_zeros_are_left_alone() -> None:
    nothing = torch.zeros(2, 4, requires_grad=True)
    scaled(nothing, torch.ones(4)).sum().backward()
    assert nothing.grad is not None
    assert nothing.grad.isfinite().all()
