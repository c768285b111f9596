"""Laws that every answer keeps, whatever the case: 2,000 generated cases for those that need no ranges."""

import json
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.advising import advise
from planner.advising.bases import allowed, catalogue
from planner.advising.explaining import REASONS
from planner.advising.flipping import Flip, changes
from planner.advising.gates import blocked
from planner.advising.needs import unmet
from planner.advising.rules import flags
from planner.advising.spending import MONTHLY
from planner.advising.views import options
from planner.advising.warning import findings
from planner.catalog import records

THIRD_PARTY = {"prompt", "long_context", "classifier", "distill", "cpt", "specialist"}
SOURCES = {"rag", "tools", "long_context"}


def many(examples):
    return settings(max_examples=examples, suppress_health_check=list(HealthCheck))


def test_every_answer_keeps_the_laws(some_case, assess):
    @many(2000)
    @given(some_case)
    def holds(case):
        assessed = assess(case)
        parts, view = set(assessed.choice.components), assessed.view
        raised = flags(view, assessed.choice)
        assert parts <= {*options(), "infeasible"}
        if case.citations or (case.access_control and view.is_language):
            assert parts & SOURCES
        if view.changes_within_a_day:
            assert parts & SOURCES
            assert "data_changes_faster_than_training" in raised
        if case.provenance == "own_data":
            assert not parts & THIRD_PARTY
            assert "pretrain" in parts or "ft" not in parts
        if case.n_labeled == 0:
            assert "classifier" not in parts
            if case.task == "classification" and case.prompt_tried != "works":
                assert "label_more_data" in raised
        if "pretrain" in parts and not view.hard_reason:
            assert case.unlabeled_tokens * 4 >= view.useful_tokens / 2
        if not case.teacher_allowed:
            assert "distill" not in parts
        if case.wish == "pretrain" and "pretrain" not in parts:
            assert "pretrain_not_advised" in raised
        said = " ".join(str(finding) for finding in findings(assessed))
        for need in unmet(view, assessed.choice.components):
            assert f"Unmet: {need.label}." in said
        found = [reason for rule in REASONS if (reason := rule(assessed))]
        assert found
        assert all(reason.citation for reason in found)
        assert all(base.release <= case.as_of for base in (*allowed(case), *assessed.landscape.bases))

    holds()


def test_more_budget_never_makes_pretraining_less_feasible_nor_leaves_more_needs_open(some_case, assess):
    @many(400)
    @given(some_case, st.sampled_from([2.0, 30.0, 1e4]))
    def holds(case, factor):
        poorer, richer = assess(case), assess(replace(case, budget_usd=max(case.budget_usd, 1.0) * factor))
        assert not (blocked(richer.view, "pretrain") and not blocked(poorer.view, "pretrain"))
        assert richer.view.from_scratch_wins >= poorer.view.from_scratch_wins
        now = {need.name for need in unmet(richer.view, richer.choice.components)}
        assert now <= {need.name for need in unmet(poorer.view, poorer.choice.components)}

    holds()


def test_more_budget_never_raises_the_predicted_loss_of_the_advice(some_case, assess):
    def predicted(assessed):
        parts, landscape = assessed.choice.components, assessed.landscape
        if "pretrain" in parts:
            return landscape.scratch_loss(assessed.run_flops, assessed.case.n_serve_max)[0]
        if "cpt" in parts:
            return landscape.adapted_losses(assessed.adaptation_flops).min(axis=0)[0]
        losses = landscape.tuned_losses() if "ft" in parts else landscape.untuned_losses()
        return losses.min(axis=0)[0]

    @many(150)
    @given(some_case, st.sampled_from([2.0, 30.0, 1e4]))
    def holds(case, factor):
        poorer, richer = assess(case), assess(replace(case, budget_usd=max(case.budget_usd, 1.0) * factor))
        if poorer.view.is_language and poorer.landscape.bases and not poorer.view.hard_reason:
            assert predicted(richer) <= predicted(poorer) + 1e-9

    holds()


def test_fertility_raises_the_cost_linearly(some_case, assess):
    @many(150)
    @given(some_case, st.sampled_from([1.5, 2.0, 4.0]))
    def holds(case, factor):
        dearer = assess(replace(case, fertility=case.fertility * factor))
        if case.deploy in {"api", "vpc"}:
            for option in ("prompt", "rag", "tools", "ft"):
                now, then = MONTHLY[option](assess(case))[0], MONTHLY[option](dearer)[0]
                assert abs(then - factor * now) <= 1e-9 * max(then, 1.0)
        assert abs(dearer.view.prompt_usd_month - factor * assess(case).view.prompt_usd_month) < 1e-6

    holds()


def test_no_reason_names_a_model_that_does_not_exist_yet(some_case, assess):
    @many(150)
    @given(some_case)
    def holds(case):
        assessed = assess(case)
        texts = " ".join(reason.text for rule in REASONS if (reason := rule(assessed)))
        later = [base.title for base in catalogue() if base.release > case.as_of and len(base.title) > 8]
        earlier = {base.title for base in catalogue()} - set(later)
        assert not [title for title in later if title in texts and not any(title in other for other in earlier)]

    holds()


def test_every_answer_is_drawn_sourced_and_repeatable(some_case):
    @many(25)
    @given(some_case)
    def holds(case):
        advice = advise(case)
        assert advice.to_dict() == advise(case).to_dict()
        record = json.loads(json.dumps(advice.to_dict(), allow_nan=False))
        names = {"headline", "components", "flags", "confidence", "reasons", "ranking", "break_even", "flips",
                 "findings", "paybacks", "next_tests"}  # fmt: skip
        assert names <= record.keys()
        assert {row["option"] for row in record["ranking"]} == set(options())
        evidence = {row["id"] for row in records("evidence")}
        assert all(row["chosen"] or row["why_not"] for row in record["ranking"])
        assert all(row["chosen"] or row["why_not_source"] in evidence for row in record["ranking"])
        assert all(reason["source"] in evidence for reason in record["reasons"])
        assert 1 <= len(advice.reasons) <= 4
        assert len(advice.flips) <= 5
        assert all(test.usd <= 200 for test in advice.next_tests)
        assert 0 <= advice.confidence <= 1
        assert advice.verdict in str(advice)
        assert advice._repr_html_()
        assert len(advice.to_frame())

    holds()


def test_every_change_that_is_tried_can_be_said(some_case, assess):
    @many(60)
    @given(some_case)
    def holds(case):
        for name, value in changes(assess(case)):
            assert str(Flip(name, getattr(case, name), value, "rag", ("rag",))).startswith("If ")

    holds()
