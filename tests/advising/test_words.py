"""The words of an advice: what leads, what is said and what is not, prices and pace, flips and next tests."""

import re
from dataclasses import replace

import pytest

from planner.advising import Advice, UseCase, advise
from planner.advising.assuming import assumptions
from planner.advising.flipping import Flip
from planner.advising.usecase import ENGLISH_FERTILITY
from planner.catalog import records
from planner.fitting import fit
from planner.laws import published
from planner.units import show

TODAY = "2026-11-20"
LAW = published("besiroglu-2024")


def titles(advice: Advice) -> str:
    """All findings as one text."""
    return " ".join(str(finding) for finding in advice.findings)


def option(advice: Advice, name: str):
    return next(option for option in advice.ranking if option.option == name)


def test_chosen_options_lead_the_ranking_in_their_order():
    advice = advise(UseCase(task="qa", behaviour="hard", knowledge="private_static", corpus_tokens=2e7, n_labeled=900))
    assert advice.components == ("ft", "rag")
    assert [option.option for option in advice.ranking[:2]] == ["ft", "rag"]


def test_contradictions_come_first():
    advice = advise(UseCase(knowledge="live", deploy="air_gapped"))
    assert advice.contradictions
    assert str(advice).startswith("CONTRADICTION")


def test_an_unmet_need_is_said():
    hard = advise(UseCase(behaviour="hard", n_labeled=0))
    assert "label_more_data" in hard.flags
    assert any("Unmet" in finding.title for finding in hard.findings)
    rushed = advise(UseCase(knowledge="private_static", corpus_tokens=1e8, weeks=0.2))
    assert any("obstacle" in finding.title for finding in rushed.findings)


def test_the_verdict_names_the_gap_in_dollars(bloomberg):
    verdict = advise(bloomberg, as_of=TODAY).verdict
    assert verdict.startswith("Use ")
    assert "from scratch wins only from about $" in verdict
    assert "you have $3.30M" in verdict


def test_money_without_text_does_not_pretrain():
    advice = advise(UseCase(task="general", budget_usd=1e12, weeks=100, team="infra", as_of=TODAY))
    assert "pretrain" not in advice.components
    assert "Do not pretrain: you have too little text of your own" in advice.verdict


def test_what_nobody_said_is_named_and_never_told_as_a_fact():
    silent = advise(UseCase(as_of=TODAY))
    assert "Not said, so assumed: a budget of $50,000" in titles(silent)
    assert "no labelled examples" in titles(silent)
    assert "we assumed $50,000" in silent.verdict
    assert "you have $50,000" not in str(silent)
    assert "you have 0" not in str(silent)
    spoken = advise(UseCase(budget_usd="$70K", n_labeled=30, as_of=TODAY))
    assert "you have $70,000" in spoken.verdict
    assert "you have 30." in option(spoken, "ft").why_not
    assert "a budget of" not in titles(spoken)


def test_guesses_never_give_high_confidence():
    sure = advise(UseCase(as_of=TODAY))
    assert sure.confidence >= 0.95
    assert sure.rests_on_guesses
    assert sure.confidence_text.startswith("Fair: the advice stays the same in 200 of 200 variations")
    measured = replace(sure, assumptions=())
    assert measured.confidence_text.startswith("High")
    programme = sure.break_even[0].programme_usd
    edge = replace(measured, case=replace(sure.case, budget_usd=programme.low))
    assert edge.confidence_text.startswith("Fair")


def test_the_programme_says_what_it_holds():
    advice = advise(UseCase(as_of=TODAY))
    assert "for the whole programme" in advice.verdict
    assert "once the rest of a programme is paid" in str(advice)


def test_measured_flips_change_the_advice():
    case = UseCase(task="style", behaviour="hard", n_labeled=400)
    for flip in advise(case).flips:
        assert advise(replace(case, **{flip.field: flip.at})).headline == flip.becomes != advise(case).headline


def test_flips_are_in_the_users_words():
    texts = [str(flip) for flip in advise(UseCase(task="chat", as_of=TODAY)).flips]
    assert "If it must know private documents: retrieval from your documents." in texts
    assert "hours" not in str(Flip("update_hours", 2160.0, 0.88, "tools", ("tools",)))
    assert "52.8 minutes" in str(Flip("update_hours", 2160.0, 0.88, "tools", ("tools",)))
    assert not [flip for flip in advise(UseCase(task="translate", as_of=TODAY)).flips if flip.field == "citations"]


def test_the_fertility_of_english_is_the_one_that_requests_are_counted_in():
    assert f"English has about {show(ENGLISH_FERTILITY)}: cost" in titles(advise(UseCase(fertility=4, as_of=TODAY)))


def test_live_facts_have_no_made_up_pace():
    assert "2,160" not in str(advise(UseCase(knowledge="live", as_of=TODAY)))
    changing = advise(UseCase(knowledge="private_changing", update_hours=12, corpus_tokens=1e6, as_of=TODAY))
    assert "every 12.0 hours" in titles(changing)


def test_other_data_are_priced_and_hosted_by_their_own_models():
    dna = UseCase(task="sequence", modality="dna", domain_gap="modality", wish="pretrain", weeks=30, team="infra")
    advice = advise(replace(dna, unlabeled_tokens=1e11, as_of=TODAY))
    assert advice.headline == "specialist"
    assert option(advice, "specialist").monthly_usd > 1000
    assert "does not cover the hosting" in titles(advice)
    assert option(advice, "pretrain").one_off_usd < 1e5
    assert "learned from this kind of data already" in titles(advice)
    assert "ESM" not in titles(advice)
    series = advise(UseCase(task="forecast", modality="timeseries", as_of=TODAY))
    assert option(series, "specialist").monthly_usd < 1000


def test_a_hard_reason_is_priced_by_what_the_budget_buys():
    case = UseCase(task="general", mandate_from_scratch=True, budget_usd=60e6, team="infra", weeks=60, as_of=TODAY)
    advice = advise(case)
    assert advice.headline == "pretrain"
    assert option(advice, "pretrain").one_off_usd == pytest.approx(60e6)
    assert "The smallest useful model of your own takes about $" in titles(advice)
    assert "Your budget of $60.0M buys" in titles(advice)


def test_a_translator_with_many_pairs_gets_both_kinds_of_training():
    case = UseCase(task="translate", domain_gap="lowres_language", n_labeled=1e5, unlabeled_tokens=5e8, budget_usd=1e5)
    assert advise(replace(case, as_of=TODAY)).components == ("cpt", "ft")


def test_small_sums_show_no_cents():
    advice = advise(UseCase(task="style", behaviour="hard", n_labeled=400, as_of=TODAY))
    assert not re.findall(r"[$][0-9]{2,}[.][0-9]{2} ", str(advice))


def test_a_law_of_tiny_runs_is_called_hopeless():
    tiny = replace(LAW, flops_max=3.8e12)
    first = advise(UseCase(as_of=TODAY), law=tiny).findings[0]
    assert first.level == "problem"
    assert "extrapolation" in first.title
    assert not [finding for finding in advise(UseCase(as_of=TODAY)).findings if finding.level == "problem"]


def test_a_law_may_be_a_name_a_calibration_or_a_fit(chinchilla, bloomberg):
    names = ("hoffmann-2022", "muennighoff-2023", "kaplan-2020")
    found = [advise(bloomberg, law=law) for law in (*names, LAW, LAW.limited_to(1e11))]
    own = advise(bloomberg, law=fit(chinchilla, draws=20))
    assert all(isinstance(advice, Advice) for advice in [*found, own])
    assert found[3].break_even == found[4].break_even
    assert own.break_even[0].flops == pytest.approx(found[3].break_even[0].flops, rel=0.3)


def test_next_tests_cost_less_than_200_dollars_and_can_be_fed_back(bloomberg):
    advice = advise(bloomberg, as_of=TODAY)
    trial = next(test for test in advice.next_tests if "--pilot cpt:" in test.command)
    assert 0 < trial.usd <= 200
    assert "zero_shot:" in trial.command
    assert all(test.usd <= 200 for test in advice.next_tests)
    fed = advise(
        bloomberg,
        as_of=TODAY,
        pilots=[
            {"kind": "zero_shot", "model": "qwen2.5-32b", "bits_per_byte": 0.7},
            {"kind": "cpt", "model": "qwen2.5-32b", "bits_per_byte": 0.69, "domain_tokens": 1e8},
        ],
    )
    assert not any("--pilot cpt:" in test.command for test in fed.next_tests)


def test_prices_of_hosted_models_are_those_of_the_price_list():
    row = next(row for row in records("api_prices") if row["model"] == "gpt-5.4-mini")
    for name, column in (("usd_per_mtok_in", "input"), ("usd_per_mtok_out", "output")):
        assumed = next(entry for entry in assumptions() if entry.name == name)
        assert assumed.value == float(row[f"usd_per_million_{column}"])
        assert assumed.as_of == row["as_of"]


def test_where_no_open_model_fits_the_place_a_model_of_ones_own_has_no_rival():
    case = UseCase(task="qa", domain_gap="nonstandard", unlabeled_tokens=5e10, budget_usd=1e6, weeks=30, team="infra",
                   n_serve_max=3e9, deploy="on_prem", as_of="2022-09-01")  # fmt: skip
    assert advise(case).headline == "pretrain"
    assert "no open model of the size" in advise(case).verdict
    assert advise(replace(case, deploy="api")).headline != "pretrain"
    assert advise(replace(case, as_of=TODAY)).headline != "pretrain"
    assert advise(replace(case, unlabeled_tokens=1e8)).headline != "pretrain"


def test_time_series_are_forecast_by_a_specialist_and_sorted_by_simpler_methods():
    series = {"modality": "timeseries", "domain_gap": "modality", "n_labeled": 5000, "as_of": TODAY}
    assert advise(UseCase(task="forecast", **series)).headline == "specialist"
    assert advise(UseCase(task="classification", **series)).headline == "classical"


def test_flips_come_nearest_first_and_are_three_to_five():
    for case in (UseCase(task="style", behaviour="hard", n_labeled=400), UseCase(task="qa", citations=True)):
        found = advise(replace(case, as_of=TODAY)).flips
        assert 3 <= len(found) <= 5
        assert len({flip.field for flip in found}) == len(found)
        leading = [flip.distance for flip in found if flip.becomes != advise(replace(case, as_of=TODAY)).headline]
        assert leading == sorted(leading)


def test_a_flip_names_its_threshold_on_the_near_side():
    case = UseCase(task="style", behaviour="hard", n_labeled=400, as_of=TODAY)
    (flip,) = [flip for flip in advise(case).flips if flip.field == "n_labeled"]
    assert advise(replace(case, n_labeled=flip.at)).headline != "ft"
    assert advise(replace(case, n_labeled=1.1 * flip.at)).headline == "ft"


def test_an_impossible_wish_is_told_with_all_that_it_lacks():
    case = UseCase(provenance="own_data", unlabeled_tokens=1e6, budget_usd=1000, wish="pretrain", as_of=TODAY)
    verdict = advise(case).verdict
    assert verdict.startswith("This cannot be done as asked")
    assert "of your own data" in verdict
    assert "large clusters" in verdict


def test_what_is_advised_comes_with_its_risk():
    text = str(advise(UseCase(task="qa", knowledge="private_static", corpus_tokens=3e8, as_of=TODAY)))
    assert "Risk: a wrong passage gives a wrong answer." in text


def test_a_flip_to_the_impossible_names_nothing_beside():
    flip = Flip("provenance", "any", "own_data", "infeasible", ("infeasible", "rag"))
    assert flip.components == ("infeasible", "rag")
    assert str(replace(flip, field="weeks", now=12.0, at=1.0)).endswith("it cannot be done as asked.")
