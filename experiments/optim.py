"""Muon for the matrices, AdamW for the embedding and the gains: one optimiser with one learning rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from experiments.model import Decoder

MOMENTUM = 0.95
ADAM_BETAS = (0.9, 0.95)
ADAM_SHARE = 0.5
"""AdamW's learning rate as a share of Muon's."""

POLAR_EXPRESS = (
    (8.28721201814563, -23.595886519098837, 17.300387312530933),
    (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
    (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
    (3.3184196573706015, -2.488488024314874, 0.51004894012372),
)
"""Coefficients of odd polynomials whose composition brings every singular value near 1 (Amsel et al. 2025)."""


class Optimiser:
    """Muon (Jordan et al. 2024) on the decoder's stacked matrices, AdamW on its embedding and gains."""

    def __init__(self, model: Decoder) -> None:
        self._matrices = (model.attention, model.mlp)
        self._momenta = tuple(torch.zeros_like(matrix) for matrix in self._matrices)
        others = [model.embedding, model.gains]
        self._adam = torch.optim.AdamW(others, betas=ADAM_BETAS, weight_decay=0.0, fused=True)

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Move the parameters along their gradients, then forget the gradients."""
        for matrix, momentum in zip(self._matrices, self._momenta, strict=True):
            gradient = matrix.grad
            if gradient is None:
                raise RuntimeError("step() needs gradients: call backward() first.")
            momentum.lerp_(gradient, 1 - MOMENTUM)
            ahead = gradient.lerp_(momentum, MOMENTUM)
            rows, columns = matrix.shape[-2:]
            matrix.add_(orthogonal(ahead.flatten(0, 1)).view_as(matrix), alpha=-rate * (rows / columns) ** 0.5)
            matrix.grad = None
        self._adam.param_groups[0]["lr"] = ADAM_SHARE * rate
        self._adam.step()
        self._adam.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Any]:
        """Everything that `restore` needs to go on bit for bit."""
        return {"momenta": list(self._momenta), "adam": self._adam.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        for momentum, kept in zip(self._momenta, state["momenta"], strict=True):
            momentum.copy_(kept)
        self._adam.load_state_dict(state["adam"])


def orthogonal(matrices: Tensor) -> Tensor:
    """The orthogonal factor of each of `matrices` (count, rows >= columns), roughly: singular values 0.4 to 1.6.

    One step X (a + b G + c G^2) with G = X^T X multiplies X by a polynomial P of G, and G becomes P G P. So all
    products but the first and the last are between square matrices of the smaller side.
    """
    scaled = matrices / (1.01 * matrices.norm(dim=(-2, -1), keepdim=True) + 1e-12)
    gram = scaled.mT @ scaled
    total = _polynomial(gram, *POLAR_EXPRESS[0])
    factor = total
    for coefficients in POLAR_EXPRESS[1:]:
        gram = factor @ gram @ factor
        factor = _polynomial(gram, *coefficients)
        total = total @ factor
    factors: Tensor = scaled @ total
    return factors


def _polynomial(gram: Tensor, a: float, b: float, c: float) -> Tensor:
    factor = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
    factor.diagonal(dim1=-2, dim2=-1).add_(a)
    return factor
