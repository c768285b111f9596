"""Cost: the bill of a model, as rows, parts, figures and findings. It only draws; the verb computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from planner.constants import constant
from planner.costing.parts import Part
from planner.costing.swinging import Swing, swings_of
from planner.errors import InputError, UnknownName
from planner.estimate import Estimate
from planner.hardware import Cluster
from planner.hardware.energy import Carbon
from planner.planning.clusters import utilisation_rows
from planner.sheet import Finding, Row, Sheet

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

FIGURES = ("waterfall", "tornado")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost(Sheet):
    """The bill of a model. Its size and tokens are taken as decided; hardware and price make its ranges.

    `usd` is the final run; `programme_usd` adds experiments and failed runs around it, `total_usd` everything paid.
    These are None where no price is known, `kwh` and `kg_co2` where the chip's power is not. `items` are the parts of
    the bill, `staff_grows` says that the staff is estimated from the compute.
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
    total_usd: Estimate | None
    kwh: Estimate | None
    kg_co2: Estimate | None
    grid: Carbon
    items: tuple[Part, ...]
    staff_grows: bool
    findings: tuple[Finding, ...] = ()

    title = "Cost of training"

    def rows(self) -> Iterator[Row]:
        """The lines of the bill, its parts below it, each with its basis and the date of its price."""
        price = self.cluster.price_basis
        beyond = constant("costs", "beyond_the_final_run")
        yield Row("params", "Parameters", self.params, "params")
        if self.active_params < self.params:
            yield Row("active_params", "Active parameters", self.active_params, "params", "each token passes these")
        yield Row("tokens", "Training tokens", self.tokens, "tokens")
        yield Row("flops", "Training compute", self.flops, "flops", "6 x parameters that a token passes x tokens")
        yield Row("cluster", "Cluster", str(self.cluster))
        yield from utilisation_rows(self.cluster)
        yield Row("gpu_hours", "GPU time", self.gpu_hours, "gpu_hours", "compute / (bf16 peak x utilisation)")
        yield Row("days", "Wall clock", self.days, "days", "all GPUs, all the time")
        yield Row("price", "Price", self.cluster.price, "usd/gpu_hour", price)
        yield Row("usd", "Final run", self.usd, "usd", price)
        yield Row("programme_usd", "With experiments, failed runs", self.programme_usd, "usd", beyond.basis)
        yield Row("total_usd", "The whole bill", self.total_usd, "usd", self._contents())
        for part in self.items:
            label, basis = (
                (f"Paid: {part.name}", part.basis) if part.in_total else (part.name, f"not added; {part.basis}")
            )
            yield Row(f"part_{part.key}", label, part.usd, "usd", basis)
        yield Row("kwh", "Electricity, final run only", self.kwh, "kwh", "servers and cooling")
        yield Row("kg_co2", "Carbon, final run only", self.kg_co2, "kg_co2", self.grid.basis)

    def _contents(self) -> str:
        """What the whole bill adds to the programme, and what it does not."""
        paid = {part.key: part.name.lower() for part in self.items if part.in_total and part.usd > 0}
        added = [name for key, name in paid.items() if key not in ("final", "experiments")]
        left = [name for key, name in (("staff", "no staff"), ("data", "no data licences")) if key not in paid]
        return f"with {', '.join(added)}" + (f"; {', '.join(left)}" if left else "")

    @property
    def mfu(self) -> Estimate | None:
        """Model FLOPs utilisation of steady steps; None where only the utilisation of the whole run was given."""
        return self.cluster.mfu

    @property
    def price(self) -> Estimate | None:
        """USD per GPU-hour; None where it is not known."""
        return self.cluster.price

    @property
    def parts(self) -> pd.DataFrame:
        """Where the money goes: part, usd, low, high, basis and in_total (whether `total_usd` contains it)."""
        import pandas as pd

        rows = [(part.name, float(part.usd), part.usd.low, part.usd.high, part.basis, part.in_total)
                for part in self.items]  # fmt: skip
        return pd.DataFrame(rows, columns=["part", "usd", "low", "high", "basis", "in_total"])

    @property
    def swings(self) -> pd.DataFrame:
        """What moves the total most: factor, and USD of the whole bill at the low and high end of that factor alone."""
        import pandas as pd

        rows = [(swing.name, swing.low, swing.high, swing.high - swing.low) for swing in self._swings()]
        return pd.DataFrame(rows, columns=["factor", "low", "high", "swing"])

    def _swings(self) -> tuple[Swing, ...]:
        return swings_of(self.items, price=self.cluster.price, staff_grows=self.staff_grows)

    def figure(self, view: str = "waterfall") -> Any:
        """The parts that add up to the whole bill as a "waterfall", or what moves it most as a "tornado".

        Raises:
            UnknownName: there is no such view.
            InputError: no price is known, so that there is nothing to draw.
            MissingExtra: Plotly is not installed.
        """
        from planner.charts import tornado_figure, waterfall_figure

        if view not in FIGURES:
            raise UnknownName.of("figure", view, known=FIGURES)
        if self.total_usd is None:
            raise InputError("A bill without a price has no figure.", mend="Give price=... in US dollars per GPU-hour.")
        if view == "tornado":
            swings = self._swings()
            return tornado_figure(
                [swing.name for swing in swings],
                [swing.low for swing in swings],
                [swing.high for swing in swings],
                centre=float(self.total_usd),
            )
        paid = [part for part in self.items if part.in_total]
        return waterfall_figure(
            [part.name for part in paid],
            [float(part.usd) for part in paid],
            total=("The whole bill", float(self.total_usd), self.total_usd.low, self.total_usd.high),
        )
