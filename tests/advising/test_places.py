"""Where a model may run: what a device holds, what is hosted and what is not, and on what the answers are priced."""

from dataclasses import replace

import numpy as np
import pytest

from planner.advising import UseCase, advise
from planner.advising.assuming import central
from planner.advising.bases import catalogue, serving_limit
from planner.advising.pasting import cached_share, pasted_usd_month
from planner.advising.views import options
from planner.errors import InputError

PLAIN = UseCase(as_of="2026-11-20")
DEVICE = replace(PLAIN, deploy="on_device")
DOCUMENTS = replace(PLAIN, task="qa", knowledge="private_static", corpus_tokens=40_000, queries_month=100)


def option(advice, name):
    return next(entry for entry in advice.ranking if entry.option == name)


def said(advice):
    return " ".join(f"{finding.title} {finding.because}" for finding in advice.findings)


def test_a_device_bounds_the_model_by_itself():
    runs = central()["device_params"]
    assert serving_limit(DEVICE) == runs
    assert serving_limit(replace(DEVICE, n_serve_max=1e9)) == 1e9
    advice = advise(DEVICE)
    (equal,) = advice.break_even
    assert equal.params <= runs
    assert next(base for base in catalogue() if base.title == equal.base).params <= runs
    assert "80.0B" not in str(advice)
    assert "a device that runs 4.00B params at most" in said(advice)
    assert len(advise(PLAIN).break_even) == 2
    assert "we took that instead of 70.0B params" in said(advise(replace(DEVICE, n_serve_max=70e9)))
    assert "we took that" not in said(advice)


@pytest.mark.parametrize("place", ["on_prem", "air_gapped", "on_device"])
def test_where_nothing_may_be_hosted_no_hosted_model_is_named(place):
    advice = advise(replace(PLAIN, deploy=place, n_labeled=500))
    assert not [test for test in advice.next_tests if "hosted" in test.text]
    assert not [entry for entry in advice.paybacks if "hosted" in str(entry)]
    assert "Prompt a hosted model" in " ".join(map(str, advise(PLAIN).next_tests))
    assert "Prompt Qwen" in " ".join(map(str, advice.next_tests))


def test_a_volume_beyond_the_budget_is_told_without_offering_a_hosted_model():
    case = replace(PLAIN, deploy="on_prem", queries_month=1e7, latency_ms=50)
    assert "even on a hosted model, which may not be used here" in said(advise(replace(case, team="none")))
    assert "A large model reliably begins" in said(advise(replace(case, team="none")))
    assert "costs about $14,200 on a hosted model;" in said(advise(replace(case, team="none", deploy="api")))


def test_a_device_without_a_connection_meets_no_fresh_facts():
    case = replace(DEVICE, knowledge="live", update_hours=1)
    offline, online = advise(case), advise(replace(case, deploy="api"))
    fresh = "facts as fresh as they change"
    assert offline.verdict.startswith("This cannot be done as asked: without a connection")
    assert fresh not in option(offline, "tools").meets
    assert f"Unmet: {fresh}." in said(offline)
    assert fresh in option(online, "tools").meets
    assert online.verdict.startswith("Use live lookups")


def test_few_requests_read_the_documents_at_the_full_price():
    """100 requests a month that last 10 minutes each: 2.26 % of them find another one before; 4M tokens cost $2.94."""
    guesses = {name: np.array([value]) for name, value in central().items()}
    assert cached_share(100, guesses)[0] == pytest.approx(1 - np.exp(-1000 / 43830))
    assert pasted_usd_month(40_000, 100, guesses)[0] == pytest.approx(4 * (0.75 - 0.675 * 0.022557), rel=1e-3)
    assert pasted_usd_month(40_000, 1e6, guesses)[0] == pytest.approx(40_000 * 0.075, rel=1e-3)
    advice = advise(DOCUMENTS)
    assert advice.headline == "long_context"
    assert option(advice, "long_context").monthly_usd == pytest.approx(2.94 + 0.14, rel=0.05)
    assert "2.26 % of the requests are priced as finding the documents in the provider's cache" in said(advice)
    assert "cache" not in said(advise(PLAIN))


def test_documents_of_unknown_length_cost_more_than_a_prompt():
    advice = advise(replace(DOCUMENTS, corpus_tokens=0))
    assert option(advice, "long_context").monthly_usd > 10 * option(advice, "prompt").monthly_usd
    assert "priced at 200K tokens, our assumption" in option(advice, "long_context").why_not


def test_on_a_device_the_prompt_of_a_device_is_the_limit():
    """A device takes 16K tokens of documents, a hosted model 200K: the reason names the limit that decided."""
    unsaid = replace(DOCUMENTS, deploy="on_device", corpus_tokens=0)
    assert "priced at 16.0K tokens, our assumption" in option(advise(unsaid), "long_context").why_not
    hosted, device = (
        replace(DOCUMENTS, corpus_tokens=50_000),
        replace(DOCUMENTS, corpus_tokens=50_000, deploy="on_device"),
    )
    assert advise(hosted).headline == "long_context"
    assert option(advise(device), "long_context").why_not == ("The documents, 50.0K tokens, are too long for a prompt.")


def test_every_option_says_what_answers_and_on_what():
    hosted, own = advise(PLAIN), advise(replace(PLAIN, deploy="air_gapped", behaviour="hard", n_labeled=500))
    assert set(hosted.served) == set(options())
    assert "a hosted large model, $0.75 a million prompt tokens" in str(hosted)
    assert own.served["ft"] == (
        "a model of about 8.00B params (our assumption), such as Qwen3-8B, on 1x NVIDIA H100 SXM5 80GB"
    )
    assert advise(DEVICE).served["prompt"].endswith("such as Qwen3-4B, on the device")
    protein = advise(replace(PLAIN, modality="protein", domain_gap="modality", task="sequence"))
    assert protein.served["specialist"].startswith("ESM-2-15B, 15.0B params, on 1x")
    assert next(entry for entry in hosted.to_dict()["ranking"] if entry["option"] == "prompt")["served"]


def test_nobody_asked_for_a_model_that_reads_tables():
    case = replace(PLAIN, task="forecast", modality="tabular")
    assert "Unmet" not in said(advise(case))
    assert "a model of your own" not in option(advise(case), "pretrain").meets
    assert "Unmet: a model of your own" in said(advise(replace(case, goal="sell_model", provenance="own_data")))


def test_a_model_of_other_data_is_priced_by_what_it_reads():
    case = replace(PLAIN, task="general", modality="protein", domain_gap="modality", unlabeled_tokens=3e10,
                   budget_usd=5e6, team="infra", weeks=60)  # fmt: skip
    much, none = advise(case), advise(replace(case, unlabeled_tokens=0))
    assert option(much, "pretrain").one_off_usd > 4e4
    assert option(much, "cpt").one_off_usd < 5 * option(much, "pretrain").one_off_usd
    assert option(none, "pretrain").one_off_usd == pytest.approx(float(options()["pretrain"]["usd"]), rel=0.01)
    assert option(much, "pretrain").monthly_usd < 10_000
    poor = advise(replace(case, budget_usd=15_000))
    assert poor.headline == "specialist"
    assert option(poor, "pretrain").one_off_usd == option(none, "pretrain").one_off_usd


def test_accelerators_without_rent_are_priced_as_own_hardware_or_refused_with_others_near():
    owned = advise(PLAIN, cluster="64x mi300x")
    assert "Dollars are those of owning the AMD MI300X." in said(owned)
    assert "own hardware" in owned.prices
    assert "owning" not in said(advise(PLAIN))
    with pytest.raises(InputError, match="b200-sxm-180"):
        advise(PLAIN, cluster="64x gb200")
