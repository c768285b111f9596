"""Fine-tuning, retrieval and API requests: formulas by hand, tables against each other."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from planner import catalog
from planner.costing import adapt_cost, api_cost
from planner.errors import InputError, UnknownName
from planner.hardware import Cluster


@pytest.fixture(autouse=True)
def _without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)


def packaged(monkeypatch: pytest.MonkeyPatch, *, known: str, usd: float) -> list[Any]:
    """A stand-in for genai-prices that knows one model; what it was asked comes back."""
    asked: list[Any] = []

    def calc_price(usage: Any, model: str, *, provider_id: str | None) -> Any:
        asked.append(usage)
        if model != known:
            raise LookupError(model)
        return SimpleNamespace(
            total_price=usd, provider=SimpleNamespace(id=provider_id or "them"), model=SimpleNamespace(id=model)
        )

    package = ModuleType("genai_prices")
    package.__dict__.update(Usage=SimpleNamespace, calc_price=calc_price, __version__="0.2.3")
    monkeypatch.setitem(sys.modules, "genai_prices", package)
    return asked


def test_retrieved_chunks_cost_their_tokens() -> None:
    """5 chunks of 500 tokens at 1.25 USD per million are 0.003125 USD."""
    assert adapt_cost(model="gpt-5", chunks=5, chunk_tokens=500).question_usd == pytest.approx(0.003125)


def test_tuning_costs_six_flops_and_lora_between_four_and_six() -> None:
    cluster = Cluster("h100", 8, utilisation=0.4, price=2)
    sheet = adapt_cost(params="70B", tokens="50M", cluster=cluster)
    assert sheet.full_usd == cluster.usd(6 * 70e9 * 50e6)
    assert sheet.full_usd is not None and sheet.lora_usd is not None  # noqa: PT018
    assert (sheet.lora_usd.low, sheet.lora_usd.high) == pytest.approx((sheet.full_usd * 4 / 6, sheet.full_usd))
    assert adapt_cost(cluster="8x gaudi3").full_usd is None


def test_an_index_costs_its_bytes() -> None:
    """10M vectors of 1536 dimensions are 57 GiB, 86 with the index; at 0.33 USD per GB and month."""
    sheet = adapt_cost(document_tokens=10e6 * 500, chunk_tokens=500)
    assert sheet.storage_usd_per_month == pytest.approx(10e6 * 1536 * 4 * 1.5 / 1e9 * 0.33)
    assert sheet.embedding_usd.low == pytest.approx(5000 * 0.02)
    assert sheet.embedding_usd.high == pytest.approx(5000 * 0.18)


def test_requests_are_priced_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = packaged(monkeypatch, known="gpt-5", usd=0.01)
    bill = api_cost("gpt-5", requests="1M", input_tokens=3000, output_tokens=500)
    assert (asked[0].input_tokens, asked[0].output_tokens) == (3000, 500)
    assert bill.usd == pytest.approx(1e4)
    assert "genai-prices 0.2.3" in str(bill)


def test_the_range_holds_what_both_sources_say(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = api_cost("deepseek-chat", input_tokens=1e6, output_tokens=0).usd_per_request
    assert (listed, listed.low, listed.high) == (0.27, 0.27, 0.28)
    packaged(monkeypatch, known="deepseek-chat", usd=0.5)
    both = api_cost("deepseek-chat", input_tokens=1e6, output_tokens=0).usd_per_request
    assert (both, both.low, both.high) == (0.5, 0.27, 0.5)


def test_a_model_that_only_the_table_knows_is_priced(monkeypatch: pytest.MonkeyPatch) -> None:
    packaged(monkeypatch, known="other", usd=1)
    assert "2026-10" in api_cost("gpt-5").basis
    assert api_cost("other").usd == 1


def test_unknown_models_and_bad_counts_are_refused() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'gpt-5'"):
        api_cost("gpt5")
    with pytest.raises(InputError, match="0 or more"):
        api_cost("gpt-5", requests=-1)
    with pytest.raises(InputError, match="positive"):
        adapt_cost(chunk_tokens=0)


@pytest.mark.parametrize("table", ["api_prices", "unit_costs", "purchase_prices", "price_names"])
def test_every_row_is_sourced_dated_and_ordered(table: str) -> None:
    for row in catalog.records(table):
        assert row["source"]
        assert row["confidence"]
        assert row["as_of"][:3] == "202"
        if "value" in row:
            assert float(row["low"]) <= float(row["value"]) <= float(row["high"])


def test_the_package_itself_agrees_with_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "genai_prices")
    pytest.importorskip("genai_prices")
    bill = api_cost("gpt-4o", provider="openai", input_tokens=3000, output_tokens=500)
    assert bill.usd == pytest.approx((2.5 * 3000 + 10 * 500) / 1e6)
    assert "genai-prices" in bill.basis
