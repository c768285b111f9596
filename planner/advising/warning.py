"""findings(assessment) -> what the reader must know beside the advice: warning flags in words, and unmet needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta

from planner.advising.assessing import Assessment
from planner.advising.bases import allowed, known_until, serving_limit
from planner.advising.caveats import (
    far_from_the_law,
    made_worse,
    no_loss_of_text,
    pasted_at,
    told_by_pilots,
    too_dear_to_serve,
    too_slow,
    unrented,
    unsaid,
    what_the_budget_buys,
)
from planner.advising.gates import against_pretraining, all_obstacles, blocked
from planner.advising.needs import unmet
from planner.advising.rules import flags
from planner.advising.usecase import ENGLISH_FERTILITY, UseCase
from planner.advising.views import View, have, options
from planner.sheet import Finding
from planner.units import show

OLD = timedelta(days=365)

_Words = tuple[str, str, str]


def _pace(case: UseCase) -> str:
    if case.knowledge == "live" and case.leaves_open("update_hours"):
        return "The facts are live"
    return f"The facts change every {show(case.update_hours / 24, 'days')}"


FLAGS: dict[str, Callable[[View], _Words]] = {
    "contradiction_live_vs_offline": lambda view: (
        "Fresh facts and no connection exclude each other.",
        "The facts change within a day, and the model cannot reach them.",
        "Bring a data feed inside, or accept older facts.",
    ),
    "provenance_infeasible": lambda view: (
        "The rule on training data cannot be met.",
        all_obstacles(view, "pretrain"),
        "Ask whether models with documented, open training data would be accepted.",
    ),
    "mandate_infeasible": lambda view: (
        "The demand for a model trained from scratch cannot be met.",
        all_obstacles(view, "pretrain"),
        "Ask for the missing means, or for leave to continue an open model.",
    ),
    "pretrain_not_advised": lambda view: (
        "You wished to pretrain; we advise against it.",
        against_pretraining(view),
        "",
    ),
    "facts_need_retrieval": lambda view: (
        "Training is a poor way to bring in facts or sources.",
        "Few of the facts stay, and none can be cited, updated or kept from a user.",
        "Look facts up at question time; tune for manner only.",
    ),
    "data_changes_faster_than_training": lambda view: (
        "The data change faster than a model can be trained.",
        f"{_pace(view.case)}; a tune takes a week.",
        "Look them up.",
    ),
    "label_more_data": lambda view: (
        "There are too few labelled examples.",
        f"A few hundred are needed; {have(view.case, 'n_labeled')}.",
        "Prompt a model now, let it propose labels, correct 500 by hand, then train.",
    ),
    "too_little_domain_text": lambda view: (
        "There is too little of your own text to continue pretraining.",
        f"It takes {show(view.guess['continue_tokens'], 'tokens')} or more; {have(view.case, 'unlabeled_tokens')}.",
        "Put a glossary into the prompt, tune on what is labelled, and collect text.",
    ),
    "tokenizer_mismatch": lambda view: (
        "The tokenizers of open models do not suit this language.",
        f"{show(view.case.fertility, 'count')} tokens per word, English has about {show(ENGLISH_FERTILITY)}: cost and"
        " wait grow in proportion.",
        "Compare the tokenizers of several open models on your text; extend one if you train on.",
    ),
    "local_index_needed": lambda view: (
        "The index of documents must live where the model runs.",
        "It has no connection.",
        "Ship the index and a small embedding model with it.",
    ),
}


SPOILING = (far_from_the_law, made_worse, no_loss_of_text, told_by_pilots, unrented)
"""What spoils the comparison."""


def findings(assessment: Assessment) -> tuple[Finding, ...]:
    """What spoils the comparison, warnings, unmet needs, remarks, and last what nobody said."""
    view, choice = assessment.view, assessment.choice
    warned = [Finding("warning", *FLAGS[name](view)) for name in flags(view, choice)]
    open_needs, remarks = _unmet(view, choice.components), _remarks(assessment)
    last = what_the_budget_buys(assessment), unsaid(assessment)
    means = too_dear_to_serve(assessment), too_slow(assessment), pasted_at(assessment)
    spoiled = tuple(rule(assessment) for rule in SPOILING)
    found = (*spoiled, *warned, *open_needs, *means, *_alternative(assessment), *remarks, *last)
    return tuple(finding for finding in found if finding is not None)


def _unmet(view: View, parts: tuple[str, ...]) -> Iterator[Finding]:
    """Needs that the advice leaves open, and means that fall short of it."""
    for part in parts:
        if part in {"rag", "tools"} and (why := blocked(view, part)):
            todo = "Search by words needs no model." if view.bound_to_own_model else ""
            yield Finding("warning", f"{options()[part]['label']}: needed, but there is an obstacle.", why, todo)
    for need in unmet(view, parts):
        because, todo = UNMET.get(need.name, _nothing_meets)(view)
        yield Finding("warning", f"Unmet: {need.label}.", because or _nothing_meets(view)[0], todo)


def _nothing_meets(view: View) -> tuple[str, str]:
    return "Nothing that we would advise here meets it.", ""


def _unmet_manner(view: View) -> tuple[str, str]:
    return blocked(view, "ft"), "Put ten good examples into the prompt."


def _unmet_text(view: View) -> tuple[str, str]:
    return blocked(view, "cpt") or blocked(view, "ft"), "Test a model on your text before anything is trained."


def _unmet_own(view: View) -> tuple[str, str]:
    return blocked(view, "pretrain"), ""


def _unmet_volume(view: View) -> tuple[str, str]:
    month = show(view.prompt_usd_month, "usd")
    volume = "the assumed" if view.case.leaves_open("queries_month") else "your"
    where = "on a hosted model" if view.case.may_be_hosted else "even on a hosted model, which may not be used here"
    why = f"A month at {volume} volume costs about {month} {where}; {have(view.case, 'monthly_usd')}."
    return why, "Try a cheaper model."


def _unmet_place(view: View) -> tuple[str, str]:
    return blocked(view, "ft") or blocked(view, "distill"), "Run a small open model as it is, and test whether it does."


def _unmet_wait(view: View) -> tuple[str, str]:
    least = show(view.guess["hosted_wait_ms"] / 1000, "seconds")
    served = "hosted" if view.case.may_be_hosted else "large"
    why = f"A {served} model reliably begins after about {least}; {have(view.case, 'latency_ms')} milliseconds."
    return why, "Serve a small model of your own beside the users, or accept a longer wait."


def _unmet_fresh_facts(view: View) -> tuple[str, str]:
    if view.is_offline:
        return "Without a connection nothing brings them in.", "Bring a data feed inside, or accept older facts."
    return _nothing_meets(view)


UNMET: dict[str, Callable[[View], tuple[str, str]]] = {
    "fresh_facts": _unmet_fresh_facts,
    "manner": _unmet_manner,
    "text": _unmet_text,
    "own_model": _unmet_own,
    "volume": _unmet_volume,
    "place": _unmet_place,
    "wait": _unmet_wait,
}
"""Why a need stays open, and what to do about it."""


def _alternative(assessment: Assessment) -> Iterator[Finding]:
    """What we would advise if the rule that cannot be met were dropped."""
    if assessment.choice.headline != "infeasible":
        return
    case = assessment.case
    relaxed = {"own_data": "open_data"}.get(case.provenance, "any")
    freed = replace(case, mandate_from_scratch=False, provenance=relaxed)
    other = Assessment(freed, assessment.calibration, assessment.cluster).choice.components
    phrases = " plus ".join(options()[part]["phrase"] for part in other if part != "infeasible")
    rule = "with open, documented training data" if relaxed == "open_data" else "without the rule"
    if phrases:
        yield Finding("note", f"The nearest way, {rule}: {phrases}.")


def _remarks(assessment: Assessment) -> Iterator[Finding]:
    case, view = assessment.case, assessment.view
    if not view.is_language:
        return
    pretrains = "pretrain" in assessment.choice.components
    if pretrains and not view.from_scratch_wins and view.has_base:
        title = "A free model that fits your serving size is predicted to be better."
        yield Finding("note", title, "The reason to pretrain is not quality.")
    if case.n_serve_max > serving_limit(case) and not case.leaves_open("n_serve_max"):
        most, said = (show(params, "params") for params in (serving_limit(case), case.n_serve_max))
        yield Finding(
            "note", f"A phone or laptop runs {most} at most (our assumption): we took that instead of {said}."
        )
    if not view.has_base and not view.bound_to_own_model:
        limit = show(serving_limit(case), "params")
        yield Finding("note", f"Our catalogue has no open language model of up to {limit} at this date.")
    fits = [base for base in allowed(case) if base.reads_language and base.params <= serving_limit(case)]
    hidden = [base.title for base in fits if base.tokens is None]
    matters = pretrains or case.wish == "pretrain" or "cpt" in assessment.choice.components
    if hidden and view.has_base and matters:
        title = f"{hidden[-1]} and perhaps others do not say how much they have read."
        yield Finding("note", title, "The break-even is a lower bound.")
    if case.as_of.isoformat()[:7] > known_until():
        yield Finding("note", f"Our catalogue ends in {known_until()}: models released after that are missing.")
    if date.today() - case.as_of > OLD:
        yield Finding("note", "Dollars are at today's prices; compute was dearer then.")
