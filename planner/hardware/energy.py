"""Electricity of an accelerator-hour and its carbon, from the sourced constants in energy.csv and carbon.csv."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from planner.catalog import Record, records
from planner.errors import InputError, UnknownName
from planner.estimate import Estimate
from planner.hardware.accelerators import Accelerator, squashed


@dataclass(frozen=True, slots=True)
class Carbon:
    """How much CO2 a grid emits, and for which region and year that holds."""

    kg_per_kwh: float
    basis: str


@cache
def kwh_per_gpu_hour(chip: Accelerator) -> Estimate | None:
    """Electricity per accelerator-hour at the meter: rated power x server factor x average load x PUE.

    None where the chip's power was never published. Method: Cottier et al. 2024 (arXiv 2405.21015).
    """
    if chip.power_watts is None:
        return None
    server = factor("server_power_factor", chip).scaled(chip.power_watts / 1000)
    return server.times(factor("average_power_fraction", chip)).times(factor("pue", chip))


def factor(key: str, chip: Accelerator) -> Estimate:
    """The constant `key` of energy.csv for this chip, else for its family, else for all."""
    rows = {row["applies_to"]: row for row in records("energy") if row["key"] == key}
    row = rows.get(chip.key) or rows.get(chip.family) or rows["other"]
    return Estimate(float(row["value"]), float(row["low"]), float(row["high"]))


def carbon(region: str) -> Carbon:
    """The carbon of a kWh in `region`.

    Raises:
        UnknownName: carbon.csv has no such region.
    """
    row = _by_region().get(squashed(region))
    if row is None:
        raise UnknownName.of("region", region, known=(row["region"] for row in records("carbon")))
    return Carbon(float(row["g_co2_per_kwh"]) / 1000, f"{row['region']} grid, {row['year']}")


@cache
def _by_region() -> dict[str, Record]:
    return {
        squashed(name): row
        for row in records("carbon")
        for name in (row["region"], *row["aliases"].split(";"))
        if name.strip()
    }


def missing_power(chip: Accelerator) -> InputError:
    """The error for a chip whose power nobody published."""
    return InputError(
        f"The power of {chip} is not published, so its energy is not known.",
        mend="Choose another accelerator, or leave energy out.",
    )
