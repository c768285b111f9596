"""api_cost(model) -> ApiCost: what requests to a model behind an API cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from planner.catalog import Record, records
from planner.errors import UnknownName
from planner.estimate import Estimate
from planner.sheet import Row, Sheet
from planner.units import read

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCost(Sheet):
    """The price of so many like requests, in USD; tokens are those of one request."""

    provider: str
    model: str
    requests: float
    input_tokens: float
    output_tokens: float
    usd_per_request: Estimate
    basis: str

    title = "Cost of API requests"

    @property
    def usd(self) -> Estimate:
        """US dollars for all requests."""
        return self.usd_per_request.scaled(self.requests)

    def rows(self) -> Iterator[Row]:
        """The model, its price for one request, and for all of them."""
        yield Row("model", "Model", f"{self.model} of {self.provider}")
        yield Row("input_tokens", "Tokens in", self.input_tokens, "tokens", "of one request")
        yield Row("output_tokens", "Tokens out", self.output_tokens, "tokens", "of one request")
        yield Row("usd_per_request", "One request", self.usd_per_request, "usd", self.basis)
        yield Row("requests", "Requests", self.requests, "count")
        yield Row("usd", "All requests", self.usd, "usd", self.basis)


def api_cost(
    model: str,
    *,
    requests: float | str = 1,
    input_tokens: float | str = 1000,
    output_tokens: float | str = 500,
    provider: str | None = None,
) -> ApiCost:
    """What `requests` of so many tokens each cost.

    One request is priced and multiplied: providers charge long requests more, so a million tokens in one request cost
    other than in a thousand. Prices are those of genai-prices where it is installed, else of api_prices.csv; the range
    holds what both say.

    Raises:
        UnknownName: neither knows the model.
    """
    count = read(requests, "count", name="requests", zero=True)
    sent = read(input_tokens, "tokens", name="input_tokens", zero=True)
    written = read(output_tokens, "tokens", name="output_tokens", zero=True)
    found = _found(model, provider, sent, written)
    return ApiCost(
        provider=found.provider,
        model=found.model,
        requests=count,
        input_tokens=sent,
        output_tokens=written,
        usd_per_request=found.usd,
        basis=found.basis,
    )


@dataclass(frozen=True, slots=True)
class _Request:
    """The price of one request and who says so."""

    provider: str
    model: str
    usd: Estimate
    basis: str


def _found(model: str, provider: str | None, sent: float, written: float) -> _Request:
    row = _tabled(model, provider)
    listed = None if row is None else _listed(row, sent, written)
    packaged = _packaged(model, provider, sent, written)
    if listed is None:
        if packaged is None:
            raise UnknownName.of("API model", model, known={one["model"] for one in records("api_prices")})
        return packaged
    if packaged is None:
        return listed
    usd = Estimate(packaged.usd, min(packaged.usd, listed.usd.low), max(packaged.usd, listed.usd.high))
    return replace(packaged, usd=usd)


def _packaged(model: str, provider: str | None, sent: float, written: float) -> _Request | None:
    """By genai-prices (MIT, prices inside the package), or None where it is not installed or lacks the model."""
    try:
        from genai_prices import Usage, __version__, calc_price
    except ImportError:
        return None
    usage = Usage(input_tokens=round(sent), output_tokens=round(written))
    try:
        found = calc_price(usage, model, provider_id=provider)
    except LookupError:
        return None
    usd = Estimate.exact(float(found.total_price))
    return _Request(found.provider.id, found.model.id, usd, f"genai-prices {__version__}")


def _tabled(model: str, provider: str | None) -> Record | None:
    wanted = model.strip().lower()
    for row in records("api_prices"):
        if row["model"].lower() == wanted and provider in (None, row["provider"]):
            return row
    return None


def _listed(row: Record, sent: float, written: float) -> _Request:
    def usd(price_in: str, price_out: str) -> float:
        return (float(row[price_in]) * sent + float(row[price_out]) * written) / 1e6

    price = Estimate(
        usd("usd_per_million_input", "usd_per_million_output"),
        usd("input_low", "output_low"),
        usd("input_high", "output_high"),
    )
    return _Request(row["provider"], row["model"], price, f"price lists of {row['as_of']}")
