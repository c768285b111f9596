"""Kaplan: the first joint law, coupled with tied exponents and without a floor, and its authors' own allocation."""

from __future__ import annotations

from dataclasses import dataclass

from planner.laws.coupled import Coupled
from planner.laws.law import Numbers
from planner.units import PETAFLOPS_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Kaplan:
    """L = ((N_c/N)^(alpha_N/alpha_D) + D_c/D)^alpha_D, N without embeddings (Kaplan et al. 2020, equation 1.5)."""

    N_c: Numbers
    D_c: Numbers
    alpha_N: Numbers
    alpha_D: Numbers

    def loss(self, params: Numbers, tokens: Numbers) -> Numbers:
        """Expected loss in nats/token."""
        return self._coupled.loss(params, tokens)

    def optimum(self, flops: Numbers) -> tuple[Numbers, Numbers]:
        """The optimum of L(N, D) itself: N ~ C^0.58. It is not the paper's own N ~ C^0.73 (`kaplan_allocation`)."""
        return self._coupled.optimum(flops)

    def tokens_for(self, loss: Numbers, params: Numbers) -> Numbers:
        """D = D_c / (L^(1/alpha_D) - (N_c/N)^(alpha_N/alpha_D))."""
        return self._coupled.tokens_for(loss, params)

    def floor(self) -> Numbers:
        """This law has no irreducible loss."""
        return 0.0 * self.alpha_D

    @property
    def _coupled(self) -> Coupled:
        ratio = self.alpha_N / self.alpha_D
        return Coupled(E=0.0, A=self.N_c**ratio, B=self.D_c, alpha=ratio, beta=1.0, k=self.alpha_D)


def kaplan_allocation(flops: float) -> float:
    """Parameters that Kaplan et al. 2020 advise for a budget: 1.3e9 (C / PF-day)^0.73 (their appendix A)."""
    return float(1.3e9 * (flops / PETAFLOPS_DAY) ** 0.73)
