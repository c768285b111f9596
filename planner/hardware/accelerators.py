"""Accelerator: one chip with its dense peak rates, memory and rated power, found by any common name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Self

from planner.catalog import Record, records
from planner.errors import UnknownName

_VENDORS = re.compile(r"^(nvidia|amd|google|aws|intel|huawei)[\s_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Accelerator:
    """One chip. Peak rates are dense: the doubled figures printed for structured sparsity are not for training.

    `flops_per_second` is the bf16 peak (fp16 on chips without bf16), the yardstick of every utilisation here; the FP8
    and FP4 peaks are None on chips without. `scaleup_domain` accelerators share fast links of
    `scaleup_bytes_per_second` each, both ways together; beyond it one sends `scaleout_bytes_per_second`, as typically
    rented. None is unpublished. `release` is the month such as "2022-10" from which it could be had.
    """

    key: str
    name: str
    family: str
    release: str
    flops_per_second: float
    fp8_flops_per_second: float | None
    fp4_flops_per_second: float | None
    memory_bytes: float
    memory_bytes_per_second: float
    power_watts: float | None
    scaleup_domain: int
    scaleup_bytes_per_second: float | None
    scaleout_bytes_per_second: float | None

    @classmethod
    def of(cls, name: str) -> Self:
        """The accelerator that people call `name`, as "h100", "A100 80GB" or "tpu v4".

        Raises:
            UnknownName: no accelerator is called so; the message offers the closest names.
        """
        row = _by_name().get(squashed(name))
        if row is None:
            raise UnknownName.of("accelerator", name.strip(), known=_common_names())
        return cls(
            key=row["key"],
            name=row["name"],
            family=row["family"],
            release=row["release"],
            flops_per_second=float(row["bf16_dense_flops_per_second"]),
            fp8_flops_per_second=_number(row["fp8_dense_flops_per_second"]),
            fp4_flops_per_second=_number(row["fp4_dense_flops_per_second"]),
            memory_bytes=float(row["memory_bytes"]),
            memory_bytes_per_second=float(row["memory_bandwidth_bytes_per_second"]),
            power_watts=_number(row["power_watts"]),
            scaleup_domain=int(row["scaleup_domain"]),
            scaleup_bytes_per_second=_number(row["scaleup_bytes_per_second"]),
            scaleout_bytes_per_second=_number(row["scaleout_bytes_per_second"]),
        )

    def __str__(self) -> str:
        return self.name


def squashed(name: str) -> str:
    """`name` without vendor, case, spaces, dashes and underscores: how names are compared."""
    return re.sub(r"[\s_-]+", "", _VENDORS.sub("", name.strip().lower()))


@cache
def _by_name() -> dict[str, Record]:
    """Every row of accelerators.csv under its key, its name and its aliases."""
    return {
        squashed(name): row for row in records("accelerators") for name in (row["key"], row["name"], *_aliases(row))
    }


def _common_names() -> list[str]:
    """One short name per accelerator: what error messages list."""
    return [row["key"] if len(row["key"]) <= 8 else _aliases(row)[0] for row in records("accelerators")]


def _aliases(row: Record) -> list[str]:
    return [alias.strip() for alias in row["aliases"].split(";") if alias.strip()]


def _number(cell: str) -> float | None:
    return float(cell) if cell else None
