"""Cost: the bill of one training run, as rows, parts and findings. It only draws; the verb computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.costing.constants import constant
from planner.estimate import Estimate
from planner.hardware import Cluster
from planner.hardware.energy import carbon
from planner.sheet import Finding, Row, Sheet

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

REGION = "USA"
"""Whose grid the electricity is assumed to come from."""


@dataclass(frozen=True, slots=True)
class Part:
    """One item of the bill. Items outside the total are for comparison: they are not paid on top of a rental."""

    name: str
    usd: Estimate
    basis: str
    in_total: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost(Sheet):
    """The bill of one training run. Its size and tokens are taken as decided; hardware and price make its ranges.

    `usd` is the rent of the final run; `programme_usd` adds experiments and failed runs around it. Both are None where
    no price is known, `kwh` and `kg_co2` where the chip's power is not.
    """

    flops: Estimate
    params: float
    active_params: float
    tokens: float
    cluster: Cluster
    gpu_hours: Estimate
    days: Estimate
    usd: Estimate | None
    programme_usd: Estimate | None
    kwh: Estimate | None
    kg_co2: Estimate | None
    findings: tuple[Finding, ...] = ()

    title = "Cost of training"

    def rows(self) -> Iterator[Row]:
        """The lines of the bill, each with its basis and the date of its price."""
        price, used = self.cluster.price_basis, self.cluster.utilisation_basis
        yield Row("params", "Parameters", self.params, "params")
        if self.active_params < self.params:
            yield Row("active_params", "Active parameters", self.active_params, "params", "each token passes these")
        yield Row("tokens", "Training tokens", self.tokens, "tokens")
        yield Row("flops", "Training compute", self.flops, "flops", "6 x parameters that a token passes x tokens")
        yield Row("cluster", "Cluster", str(self.cluster))
        yield Row("utilisation", "Utilisation", self.cluster.utilisation, "fraction", used)
        yield Row("gpu_hours", "GPU time", self.gpu_hours, "gpu_hours", "compute / (bf16 peak x utilisation)")
        yield Row("days", "Wall clock", self.days, "days", "all GPUs, all the time")
        yield Row("price", "Price", self.cluster.price, "usd/gpu_hour", price)
        yield Row("usd", "Final run", self.usd, "usd", price)
        yield Row(
            "programme_usd",
            "With experiments, failed runs",
            self.programme_usd,
            "usd",
            constant("beyond_the_final_run").basis,
        )
        yield Row("kwh", "Electricity", self.kwh, "kwh", "servers and cooling")
        yield Row("kg_co2", "Carbon", self.kg_co2, "kg_co2", carbon(REGION).basis)

    @property
    def parts(self) -> pd.DataFrame:
        """Where the money goes: part, usd, low, high, basis and in_total (whether `programme_usd` contains it)."""
        import pandas as pd

        rows = [(part.name, float(part.usd), part.usd.low, part.usd.high, part.basis, part.in_total)
                for part in self._parts()]  # fmt: skip
        return pd.DataFrame(rows, columns=["part", "usd", "low", "high", "basis", "in_total"])

    def _parts(self) -> Iterator[Part]:
        if self.usd is not None:
            beyond = constant("beyond_the_final_run")
            yield Part("Final run, rented", self.usd, self.cluster.price_basis, True)
            yield Part("Experiments and failed runs", self.usd.times(beyond.value), beyond.basis, True)
        if self.kwh is not None:
            electricity = constant("electricity_usd_per_kwh")
            power = self.kwh.times(electricity.value)
            yield Part("Electricity, if you owned the hardware", power, electricity.basis, False)
        size, storage = constant("bytes_per_stored_token"), constant("storage_usd_per_gb_month")
        month = size.value.scaled(self.tokens / 1e9).times(storage.value)
        yield Part("Storing the tokens for a month", month, f"{storage.basis}, {size.basis}", False)
