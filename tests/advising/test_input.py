"""Bad input: an answer or a clear error, never silence; and the tables behind the advice."""

import pytest

from planner.advising import UseCase, advise
from planner.advising.assuming import assumptions
from planner.catalog import records
from planner.errors import InputError, UnknownName

TODAY = "2026-11-20"


@pytest.mark.parametrize(
    ("record", "hint"),
    [
        ({"task": "clasification"}, "classification"),
        ({"knowledge": "private"}, "private_static"),
        ({"taks": "qa"}, "task"),
        ({"deploy": "on_premm"}, "on_prem"),
    ],
)
def test_unknown_names_are_answered_with_the_closest(record, hint):
    with pytest.raises(UnknownName, match=f"Did you mean .*{hint}"):
        UseCase.from_dict(record)


@pytest.mark.parametrize(
    "record",
    [
        {"budget_usd": -5}, {"budget_usd": float("nan")}, {"weeks": float("inf")}, {"budget_usd": "a lot"},
        {"citations": "perhaps"}, {"as_of": "yesterday"}, {"as_of": 2022}, {"task": 3}, {"n_serve_max": 0},
        {"n_serve_max": 1},
        {"corpus_tokens": None}, {"unlabeled_tokens": "$3M"},
    ],
)  # fmt: skip
def test_malformed_values_are_refused(record):
    with pytest.raises(InputError) as caught:
        UseCase.from_dict(record)
    assert caught.value.mend


def test_text_is_read_as_magnitudes():
    case = UseCase(budget_usd="$2M", n_serve_max="80B", unlabeled_tokens="363B", as_of="2022-06-01")
    assert (case.budget_usd, case.n_serve_max, case.unlabeled_tokens) == (2e6, 80e9, 363e9)
    assert UseCase.from_dict(case.to_dict()) == case


def test_a_case_that_is_no_table_is_refused():
    with pytest.raises(InputError, match="table of fields"):
        UseCase.from_dict([1, 2])
    with pytest.raises(InputError, match="UseCase"):
        advise({"task": "qa"})


def test_a_date_before_the_first_model_is_refused():
    with pytest.raises(InputError, match="before the first open model"):
        advise(UseCase(as_of="2019-01-01"))


def test_a_date_after_the_catalogue_is_answered_and_said():
    found = " ".join(finding.title for finding in advise(UseCase(as_of="2031-01-01")).findings)
    assert "catalogue ends in" in found
    assert "catalogue ends in" not in " ".join(entry.title for entry in advise(UseCase(as_of=TODAY)).findings)


def test_unknown_laws_and_accelerators_are_refused():
    with pytest.raises(UnknownName, match="besiroglu-2024"):
        advise(UseCase(), law="besiroglu-2023")
    with pytest.raises(InputError, match="no law"):
        advise(UseCase(), law=7)
    with pytest.raises(UnknownName):
        advise(UseCase(), cluster="h10O")


def test_the_tables_are_complete():
    cited = {row["id"] for row in records("evidence")}
    assert len(cited) == len(records("evidence"))
    for table in (
        "advice_assumptions",
        "advice_options",
        "devices",
        "evidence",
        "models",
        "vocabularies",
        "common_words",
    ):
        assert all(row["source"] and row["as_of"] for row in records(table))
    for entry in assumptions():
        assert entry.value.low <= entry.value <= entry.value.high
        assert entry.source.startswith("ours") == (entry.confidence == "assumption")


@pytest.mark.parametrize(
    ("record", "flag", "words"),
    [
        ({"knowledge": "live", "deploy": "on_device"}, "contradiction_live_vs_offline", "exclude each other"),
        ({"task": "classification"}, "label_more_data", "too few labelled examples"),
        (
            {"provenance": "own_data", "unlabeled_tokens": 1e6, "wish": "pretrain", "budget_usd": 1e9, "team": "infra"},
            "provenance_infeasible",
            "cannot be met",
        ),
        ({"budget_usd": 0, "wish": "pretrain"}, "pretrain_not_advised", "advise against it"),
        ({"budget_usd": 1e12, "wish": "pretrain", "weeks": 99}, "pretrain_not_advised", "advise against it"),
    ],
)
def test_what_cannot_be_is_answered_and_said(record, flag, words):
    advice = advise(UseCase.from_dict({"as_of": TODAY, **record}))
    assert flag in advice.flags
    assert words in " ".join(str(finding) for finding in advice.findings)
    assert str(advice)
