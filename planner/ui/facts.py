"""Facts: every table of data/ as people read and search it, each row with its date and a link. It knows no widget."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from planner.catalog import Record, records
from planner.units import show

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Fact:
    """A table of facts: what people call it, and what its rows are."""

    title: str
    about: str


FACTS = {
    "laws": Fact("Scaling laws", "Published laws: coefficients, the span of their runs, how noisy they are."),
    "prices": Fact("Rental prices", "US dollars per GPU-hour by provider, region and tier."),
    "accelerators": Fact("Accelerators", "Chips: dense peak rates, memory, power."),
    "models": Fact("Open models", "Open-weight models: size, training tokens, licence, release."),
    "published_runs": Fact("Published training runs", "Runs with their hours, from which utilisation is predicted."),
    "mfu": Fact("Published utilisation", "Share of peak that steady training steps reach."),
    "costs": Fact("Costs around the run", "What is paid besides the final run."),
    "unit_costs": Fact("Unit costs", "Fine-tuning, embedding and keeping an index."),
    "api_prices": Fact("Prices of hosted models", "US dollars per million tokens behind an API."),
    "purchase_prices": Fact("Purchase prices", "What an accelerator costs to buy."),
    "energy": Fact("Energy", "From rated chip power to electricity."),
    "carbon": Fact("Carbon", "Grams of CO2e per kWh, by region."),
    "advice_assumptions": Fact("Assumptions of the advice", "Numbers that nobody measured for your case, with ranges."),
    "advice_options": Fact("Options of the advice", "Ways to go, with effort, dollars and risk."),
    "evidence": Fact("Evidence of the advice", "Findings that the reasons cite."),
    "layouts": Fact("Layouts", "What we assume about memory and links in training."),
    "serving": Fact("Serving", "What we assume about engines that serve models."),
    "shapes": Fact("Shapes of open models", "Layers, widths, heads and experts."),
    "devices": Fact("Devices", "Memory of phones and computers."),
    "vocabularies": Fact("Tokenizers", "Vocabularies of open models."),
    "law_covariance": Fact("Uncertainty of the laws", "How uncertain coefficients are, and how they move together."),
    "utilisation": Fact("Our fit of utilisation", "Coefficients from which utilisation is predicted."),
    "extrapolation": Fact("Accuracy of forecasts", "How far forecasts of the loss were off when measured."),
}
"""Every table with sources, in the order in which people ask for them."""

_UNITS = {
    "params": "params", "active_params": "params", "params_active": "params", "train_tokens": "tokens",
    "tokens": "tokens", "context_tokens": "tokens", "flops": "flops", "flops_max": "flops",
    "bf16_dense_flops_per_second": "flops/s", "fp8_dense_flops_per_second": "flops/s",
    "fp4_dense_flops_per_second": "flops/s", "memory_bytes": "bytes", "gpu_hours": "gpu_hours", "usd": "usd",
    "usd_per_gpu_hour": "usd/gpu_hour", "usd_per_gpu": "usd", "gpus": "gpus", "kwh": "kwh", "kg_co2": "kg_co2",
    "mfu": "fraction", "reported_mfu": "fraction", "hardware_mfu": "fraction", "days": "days",
}  # fmt: skip
"""Columns whose numbers are written for people, and their unit."""
_APART = ("aliases", "resource", "source", "as_of", "confidence", "notes")
"""Columns that are shown apart from a row's own numbers, or not at all."""
_ARXIV = re.compile(r"(?:arXiv[ :]*|\b)(\d{4}\.\d{4,5})\b")
_ADDRESS = re.compile(r"https?://[^\s;,)\"]+")
_REPOSITORY = re.compile(r"(?<![\w/.])([A-Za-z0-9][\w-]*/[A-Za-z0-9][\w.-]*) (?:README|MODEL_CARD|scripts|@)")


def link_of(source: str) -> str:
    """The address of the page, the arXiv paper or the GitHub repository that a source names; '' where it names none."""
    if found := _ADDRESS.search(source):
        return found[0]
    if found := _ARXIV.search(source):
        return f"https://arxiv.org/abs/{found[1]}"
    if found := _REPOSITORY.search(source):
        return f"https://github.com/{found[1]}"
    return ""


@cache
def hits(table: str, words: str) -> tuple[Record, ...]:
    """The rows of `table` that hold every one of `words`, in any cell and case."""
    wanted = words.lower().split()
    return tuple(row for row in records(table) if all(word in _text(row) for word in wanted))


def _text(row: Record) -> str:
    return " ".join(row.values()).lower()


def shown(table: str, words: str = "") -> pd.DataFrame:
    """The rows of `table` that hold `words`, for people: numbers with their units, then source, date and link."""
    import pandas as pd

    rows = hits(table, words)
    names = [name for name in (rows[0] if rows else ()) if name not in _APART]
    first = [name for name in names if name in ("name", "title")] or names[:1]
    known = [name for name in (*first, "as_of", "source", *names, "confidence", "notes") if rows and name in rows[0]]
    cells: dict[str, list[str | None]] = {}
    for name in dict.fromkeys(known):
        cells[name.replace("_", " ")] = [_cell(name, row[name]) for row in rows]
        if name == "as_of":
            cells["link"] = [link_of(row["source"]) or None for row in rows]
    return pd.DataFrame(cells)


def _cell(name: str, text: str) -> str:
    try:
        return show(float(text), _UNITS[name])
    except (KeyError, ValueError):
        return text
