"""Muon for the matrices, AdamW for the embedding and the gains: one optimiser with one learning rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from experiments.model import Decoder

MOMENTUM = 0.85
"""Of Muon. Runs of some hundred to some thousand steps lose up to 3 % with the usual 0.95 (our trials)."""

ADAM_BETAS = (0.9, 0.95)
ADAM_SHARE = 0.5
"""AdamW's learning rate as a share of Muon's."""

EMBEDDED_WIDTH = 32
"""For the embedding the share falls with the width beyond this, since its entries are the smaller the wider a model."""

MLP_BLOCKS = 4
"""Each matrix of the MLP is orthogonalised in so many blocks of rows: half the work, and no worse in our trials."""

POLAR_EXPRESS = ((8.4703, -25.1081, 18.6293), (4.1828, -3.1087, 0.5806), (3.9619, -2.9541, 0.5630))
"""Odd polynomials whose composition brings singular values from 0.001 to 1 as near to 1 as three can: to 0.14 to 1.86.

Each is the best of its degree for what the one before leaves (Amsel et al. 2025, arXiv 2505.16932)."""


class Optimiser:
    """Muon (Jordan et al. 2024) on the decoder's stacked matrices, AdamW on its embedding and gains.

    The matrices of each head are orthogonalised by themselves, and those of the MLP in blocks.
    """

    def __init__(self, model: Decoder) -> None:
        width = model.embedding.shape[1]
        self._matrices = (model.attention, model.mlp)
        self._rows = (width // model.heads, model.mlp.shape[2] // MLP_BLOCKS)
        self._momenta = tuple(torch.zeros_like(matrix) for matrix in self._matrices)
        others = [{"params": [model.embedding]}, {"params": [model.gains]}]
        self._adam = torch.optim.AdamW(others, betas=ADAM_BETAS, weight_decay=0.0, fused=True)
        self._shares = (ADAM_SHARE * min(1.0, EMBEDDED_WIDTH / width), ADAM_SHARE)

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Move the parameters along their gradients, then forget the gradients."""
        for matrix, momentum, rows in zip(self._matrices, self._momenta, self._rows, strict=True):
            gradient = matrix.grad
            if gradient is None:
                raise RuntimeError("step() needs gradients: call backward() first.")
            momentum.lerp_(gradient, 1 - MOMENTUM)
            ahead = gradient.lerp_(momentum, MOMENTUM)
            matrix.add_(orthogonal(ahead.view(-1, rows, matrix.shape[-1])).view_as(matrix), alpha=-rate)
            matrix.grad = None
        for group, share in zip(self._adam.param_groups, self._shares, strict=True):
            group["lr"] = share * rate
        self._adam.step()
        self._adam.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Tensor]:
        """Every tensor that `restore` needs to go on bit for bit."""
        state = {f"momentum.{number}": momentum for number, momentum in enumerate(self._momenta)}
        for number, moments in self._adam.state_dict()["state"].items():
            state |= {f"adam.{number}.{name}": moment for name, moment in moments.items()}
        return state

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a `state`."""
        adam = self._adam.state_dict() | {"state": {}}
        for name, tensor in state.items():
            kind, number, *rest = name.split(".")
            if kind == "momentum":
                self._momenta[int(number)].copy_(tensor)
            else:
                adam["state"].setdefault(int(number), {})[rest[0]] = tensor
        self._adam.load_state_dict(adam)


def orthogonal(matrices: Tensor) -> Tensor:
    """The orthogonal factor of each of `matrices` (count, rows <= columns), roughly: singular values 0.1 to 1.9.

    Every step is (a + b G + c G^2) X with G = X X^T, made anew from X, so that bfloat16 suffices on a GPU.
    """
    factors = matrices.bfloat16() if matrices.is_cuda else matrices
    factors = factors / (1.01 * factors.norm(dim=(-2, -1), keepdim=True) + 1e-12)
    for a, b, c in POLAR_EXPRESS:
        gram = factors @ factors.mT
        raised = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        factors = torch.baddbmm(factors, raised, factors, beta=a)
    return factors
