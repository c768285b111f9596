"""findings(assessment) -> what the reader must know beside the advice: warning flags in words, and unmet needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta

from planner.advising.assessing import Assessment
from planner.advising.bases import allowed
from planner.advising.caveats import far_from_the_law, too_dear_to_serve, unsaid, what_the_budget_buys
from planner.advising.rules import flags
from planner.advising.usecase import UseCase
from planner.advising.views import View, count, have, options
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
        view.blocked("pretrain"),
        "Ask whether models with documented, open training data would be accepted.",
    ),
    "mandate_infeasible": lambda view: (
        "The demand for a model trained from scratch cannot be met.",
        view.blocked("pretrain"),
        "Ask for the missing means, or for leave to continue an open model.",
    ),
    "pretrain_not_advised": lambda view: (
        "You wished to pretrain; we advise against it.",
        view.against_pretraining,
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
        f"{count(view.case.fertility)} tokens per word, English has about 1.2: cost and wait grow in proportion.",
        "Compare the tokenizers of several open models on your text; extend one if you train on.",
    ),
    "local_index_needed": lambda view: (
        "The index of documents must live where the model runs.",
        "It has no connection.",
        "Ship the index and a small embedding model with it.",
    ),
}


def findings(assessment: Assessment) -> tuple[Finding, ...]:
    """What spoils the comparison, warnings, unmet needs, remarks, and last what nobody said."""
    view, choice = assessment.view, assessment.choice
    warned = [Finding("warning", *FLAGS[name](view)) for name in flags(view, choice)]
    unmet, remarks = _unmet(view, choice.components), _remarks(assessment)
    last = what_the_budget_buys(assessment), unsaid(assessment)
    dear = too_dear_to_serve(assessment)
    found = (far_from_the_law(assessment), *warned, *unmet, dear, *_alternative(assessment), *remarks, *last)
    return tuple(finding for finding in found if finding is not None)


def _unmet(view: View, parts: tuple[str, ...]) -> Iterator[Finding]:
    """Needs that the advice leaves open, and means that fall short of it."""
    for part in parts:
        if part in {"rag", "tools"} and (why := view.blocked(part)):
            todo = "Search by words needs no model." if view.bound_to_own_model else ""
            yield Finding("warning", f"{options()[part]['label']}: needed, but there is an obstacle.", why, todo)
    if view.is_hard_to_prompt and not {"ft", "classifier", "pretrain"} & set(parts) and view.is_language:
        yield Finding(
            "warning", "The wanted manner remains unmet.", view.blocked("ft"), "Put ten good examples into the prompt."
        )
    if view.is_language and view.reads_unusual_text and not {"cpt", "ft", "pretrain", "classifier"} & set(parts):
        why = view.blocked("cpt") or view.blocked("ft")
        yield Finding("warning", "The gap between your text and what models know remains unmet.", why)
    if view.prompt_usd_month > view.case.monthly_usd and not {"classifier", "ft", "distill", "classical"} & set(parts):
        month = show(view.prompt_usd_month, "usd")
        volume = "the assumed" if view.case.leaves_open("queries_month") else "your"
        why = f"A month at {volume} volume costs about {month} on a hosted model; {have(view.case, 'monthly_usd')}."
        yield Finding("warning", "The monthly budget does not cover the volume.", why, "Try a cheaper model.")


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
    if not view.has_base and not view.bound_to_own_model:
        limit = show(case.n_serve_max, "params")
        yield Finding("note", f"Our catalogue has no open language model of up to {limit} at this date.")
    fits = [base for base in allowed(case) if base.reads_language and base.params <= case.n_serve_max]
    hidden = [base.title for base in fits if base.tokens is None]
    matters = pretrains or case.wish == "pretrain" or "cpt" in assessment.choice.components
    if hidden and view.has_base and matters:
        title = f"{hidden[-1]} and perhaps others do not say how much they have read."
        yield Finding("note", title, "The break-even is a lower bound.")
    if date.today() - case.as_of > OLD:
        yield Finding("note", "Dollars are at today's prices; compute was dearer then.")
