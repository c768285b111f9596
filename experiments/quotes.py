"""Quote: what a sweep will take, with the dollars that a rented machine would cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments.machine import peak
from planner.hardware import Cluster
from planner.sheet import Finding, Row, Sheet
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Iterable

    from experiments.watching import Forecast

SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote(Sheet):
    """A forecast, and what its time costs at `price_per_hour` dollars for the whole machine.

    Where that is None, GPUs cost what the price snapshot says, and other machines count as one's own.
    """

    forecast: Forecast
    price_per_hour: float | None

    @property
    def title(self) -> str:  # type: ignore[override]
        """The sweep's own title."""
        return self.forecast.title

    @property
    def findings(self) -> tuple[Finding, ...]:  # type: ignore[override]
        """Those of the forecast."""
        return self.forecast.findings

    def rows(self) -> Iterable[Row]:
        """The rows of the forecast, then the dollars."""
        yield from self.forecast.rows()
        hours = self.forecast.seconds / SECONDS_PER_HOUR
        usd, note = self._usd_per_hour()
        yield Row("usd", "Estimated cost", hours * usd, "usd", note)

    def _usd_per_hour(self) -> tuple[float, str]:
        """What an hour of all workers costs, and on what that rests."""
        if self.price_per_hour is not None:
            return self.price_per_hour, f"at the {show(self.price_per_hour, 'usd')} per hour that you gave"
        chip = peak(self.forecast.pace.device)
        hired = None if chip is None else Cluster(chip, self.forecast.workers)
        if hired is not None and hired.price is not None:
            return self.forecast.workers * hired.price, f"at {show(hired.price, 'usd/gpu_hour')}: {hired.price_basis}"
        return 0.0, "your own machine costs nothing here; give --price-per-hour for a rented one"
