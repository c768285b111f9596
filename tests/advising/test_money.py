"""Money and time per option: what is paid once and each month, and when one way has paid for itself."""

from dataclasses import replace

import pytest

from planner.advising import UseCase, advise

PLAIN = UseCase(queries_month=100_000, tok_in=400, tok_out=250, as_of="2026-11-20")


def option(case, name):
    return next(entry for entry in advise(case).ranking if entry.option == name)


def test_a_month_of_requests_costs_what_was_reckoned():
    """100,000 requests at $0.75 and $4.50 a million tokens: $142 plain, about $360 with retrieval, by independent hand;
    80,000 tokens pasted and read again cost $600 more."""
    assert option(PLAIN, "prompt").monthly_usd == pytest.approx(142, rel=0.02)
    with_documents = replace(PLAIN, knowledge="private_static", corpus_tokens=80_000)
    added = 100_000 * 4000 * 0.75e-6
    assert option(with_documents, "rag").monthly_usd == pytest.approx(142 + added, rel=0.02)
    assert option(with_documents, "long_context").monthly_usd == pytest.approx(742, rel=0.02)


def test_what_is_paid_once_is_the_sum_of_its_parts():
    for entry in advise(replace(PLAIN, n_labeled=40, unlabeled_tokens=1e10)).ranking:
        parts = entry.compute_usd + entry.labels_usd + entry.setup_usd
        assert entry.one_off_usd == pytest.approx(parts, rel=0.06, abs=1)
        assert entry.total_usd == pytest.approx(entry.one_off_usd + 12 * entry.monthly_usd, rel=0.06, abs=1)


def test_missing_labels_are_paid_for():
    none, enough = (option(replace(PLAIN, task="classification", n_labeled=n), "classifier") for n in (0, 5000))
    assert none.labels_usd == pytest.approx(200)
    assert enough.labels_usd == 0


def test_a_tune_pays_back_against_a_longer_prompt_as_reckoned():
    """$200 that remove 1,500 tokens at $0.75 a million have paid after 178,000 requests."""
    advice = advise(replace(PLAIN, n_labeled=2000))
    tune = option(replace(PLAIN, n_labeled=2000), "ft")
    payback = next(entry for entry in advice.paybacks if "longer" in entry.than)
    assert payback.requests / tune.one_off_usd == pytest.approx(178_000 / 200, rel=0.06)
    assert payback.months == pytest.approx(payback.requests / 100_000)
    assert payback.requests.low < payback.requests < payback.requests.high


def test_twice_the_volume_pays_back_in_half_the_time():
    slow, fast = (advise(replace(PLAIN, n_labeled=2000, queries_month=n)).paybacks[0] for n in (1e5, 2e5))
    assert fast.months == pytest.approx(slow.months / 2)
    assert fast.requests == slow.requests


def test_a_small_model_of_ones_own_needs_volume():
    monthly = next(entry for entry in advise(PLAIN).paybacks if entry.monthly)
    host = option(replace(PLAIN, deploy="on_prem"), "ft").monthly_usd
    assert monthly.requests == pytest.approx(host / (142.5 / 100_000), rel=0.02)
    assert "a month" in str(monthly)


def test_nothing_pays_back_where_no_model_of_others_may_be_used():
    assert not advise(replace(PLAIN, provenance="own_data")).paybacks
    assert not advise(UseCase(modality="tabular", as_of="2026-11-20")).paybacks


def test_a_wait_that_no_hosted_model_keeps_asks_for_a_small_one():
    assert advise(replace(PLAIN, latency_ms=100)).headline == "distill"
    assert advise(replace(PLAIN, latency_ms=100, n_labeled=2000)).headline == "ft"
    assert advise(PLAIN).headline == "prompt"
    slow = advise(replace(PLAIN, knowledge="live", latency_ms=400))
    assert any("begin later" in finding.title for finding in slow.findings)


def test_a_phone_reads_long_prompts_slowly():
    case = replace(PLAIN, knowledge="private_static", corpus_tokens=10_000, deploy="on_device")
    waits = {entry.option: entry.wait_ms for entry in advise(case).ranking}
    assert waits["long_context"] > waits["rag"] > waits["prompt"]
    assert waits["prompt"] == pytest.approx(2000 * 4e9 * 400 / 2e12)


def test_weeks_and_dollars_that_are_missing_are_named():
    rushed = option(replace(PLAIN, weeks=0.5, n_labeled=500), "ft")
    assert "weeks or more" in rushed.why_not
    assert "$10,000.00" not in option(replace(PLAIN, budget_usd=100), "prompt").why_not
