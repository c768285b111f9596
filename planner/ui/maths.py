"""Maths: every formula behind a plan and its bill, with its numbers and its source. It computes nothing anew."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING

from planner.laws import Additive, Coupled, DataConstrained, Farseer, Kaplan
from planner.sheet import Row, Sheet
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planner.costing import Cost
    from planner.laws import Law
    from planner.planning import Plan

FORMULAS: dict[type, str] = {
    Additive: "L = E + A / N^alpha + B / D^beta",
    Coupled: "L = E + (A / N^alpha + B / D^beta)^k",
    Farseer: "L = exp(s N^q + S) + exp(B N^b + Q) D^-exp(A N^a + E)",
    Kaplan: "L = ((N_c / N)^(alpha_N / alpha_D) + D_c / D)^alpha_D",
}
_REPEATED = "with N' = u (1 + R_N (1 - exp(-(N/u - 1)/R_N))) and D' = U (1 + R_D (1 - exp(-(D/U - 1)/R_D)))"


@dataclass(frozen=True, slots=True)
class Maths(Sheet):
    """The formulas of a plan and its bill; the value of each row is the formula with its numbers."""

    plan: Plan
    bill: Cost

    title = "The maths"

    def rows(self) -> Iterator[Row]:
        """From compute to loss, to hours, to dollars."""
        yield from self._sizes()
        yield from self._hours()
        yield from self._dollars()

    def _sizes(self) -> Iterator[Row]:
        found, law = self.plan, self.plan.calibration
        size, data = show(found.params, "params"), show(found.tokens, "tokens")
        flops = f"C = 6 N D = 6 x {size} x {data} = {show(found.flops, 'flops')}"
        yield Row("flops", "Training compute", flops, "", "Kaplan et al. 2020, arXiv 2001.08361, section 2.1")
        if found.inference_tokens:
            served = show(found.inference_tokens, "tokens")
            said = f"6 N D + 2 N T with T = {served}: {show(found.lifetime_flops, 'flops')}"
            yield Row("lifetime_flops", "With serving", said, "", "Sardana et al. 2023, arXiv 2401.00448, equation 3")
        yield Row("law", "Law", _formula(law.law), "", f"{law.title}; {law.source}")
        numbers = ", ".join(f"{name} = {text}" for name, text in _coefficients(law.law))
        yield Row("coefficients", "Its numbers", numbers, "", f"range: {law.basis}")
        loss = f"L({size}, {data}) = {show(found.loss, law.loss_unit)}"
        yield Row("loss", "Expected loss", loss, "", "the law at N and D; its range adds run-to-run noise and drift")
        split = (
            "N and D of least L with 6 N D + 2 N T = C" if found.goal.is_budget else "N and D of least C that reach L"
        )
        yield Row("split", "Choice of N and D", split, "", f"D / N = {show(found.tokens_per_param, 'tokens/param')}")

    def _hours(self) -> Iterator[Row]:
        cluster, hours, days = self.plan.cluster, self.plan.gpu_hours, self.plan.days
        if cluster is None or hours is None or days is None:
            return
        used = show(cluster.utilisation, "fraction")
        if cluster.mfu is not None and cluster.goodput is not None:
            said = f"{show(cluster.mfu, 'fraction')} x {show(cluster.goodput, 'fraction')} = {used}"
            yield Row("utilisation", "MFU x goodput", said, "", cluster.utilisation_basis)
        taken, peak = show(hours, "gpu_hours"), show(cluster.accelerator.flops_per_second, "flops/s")
        said = f"C / (peak x utilisation) = {show(self.plan.flops, 'flops')} / ({peak} x {used}) = {taken}"
        yield Row("gpu_hours", "GPU-hours", said, "", f"peak of the {cluster.accelerator.name}, dense 16-bit")
        said = f"GPU-hours / (24 x GPUs) = {taken} / (24 x {show(cluster.gpus, 'gpus')}) = {show(days, 'days')}"
        yield Row("days", "Time", said)

    def _dollars(self) -> Iterator[Row]:
        found, bill = self.plan, self.bill
        if found.cluster is None or found.cluster.price is None or found.gpu_hours is None:
            return
        factors = f"{show(found.gpu_hours, 'gpu_hours')} x {show(found.cluster.price, 'usd/gpu_hour')}"
        said = f"GPU-hours x price = {factors} = {show(found.usd, 'usd')}"
        yield Row("usd", "Rent of the training run", said, "", found.cluster.price_basis)
        paid = [part for part in bill.items if part.in_total]
        said = f"{' + '.join(show(part.usd, 'usd') for part in paid)} = {show(bill.total_usd, 'usd')}"
        yield Row("total_usd", "The whole bill", said, "", ", ".join(part.name.lower() for part in paid))


def _formula(law: Law) -> str:
    if isinstance(law, DataConstrained):
        return f"{_formula(law.law)} {_REPEATED} (Muennighoff et al. 2023, arXiv 2305.16264, equations 5 to 7)"
    return FORMULAS.get(type(law), "given by the caller")


def _coefficients(law: Law) -> Iterator[tuple[str, str]]:
    if isinstance(law, DataConstrained):
        yield from _coefficients(law.law)
        yield "U", show(float(law.unique_tokens), "tokens")
        yield from ((name, show(float(getattr(law, name)))) for name in ("R_D", "R_N"))
    elif is_dataclass(law):
        yield from ((field.name, show(float(getattr(law, field.name)))) for field in fields(law))
