"""Why the advice is what it is: the verdict in one or two sentences, reasons with their sources, contradictions.

Each reason is one small function of the assessment; what is said follows from needs and gates, never from a case.
"""

from __future__ import annotations

from collections.abc import Callable

from planner.advising.assessing import Assessment
from planner.advising.assuming import Reason
from planner.advising.breakeven import BreakEven
from planner.advising.gates import against_pretraining, all_obstacles
from planner.advising.landscape import gap_of
from planner.advising.views import View, have, options
from planner.laws import FLOPS_PER_PARAM_TOKEN
from planner.units import show, show_range

MOST_REASONS = 4


def verdict(assessment: Assessment, break_even: tuple[BreakEven, ...]) -> str:
    """The advice in one or two plain sentences."""
    view, parts = assessment.view, assessment.choice.components
    if assessment.choice.headline == "infeasible":
        why = all_obstacles(view, "pretrain") or "The data do not support a useful model."
        return f"This cannot be done as asked, because {view.hard_reason}. {why}"
    if "pretrain" not in parts:
        advised = f"{_joined(_phrases(assessment, parts))}. {_against_pretraining(view, break_even)}".strip()
        return f"{_NO_FEED} use {advised}" if view.is_offline and view.changes_within_a_day else f"Use {advised}"
    better = "your budget passes the point from which a model of your own beats the best free one"
    why = view.hard_reason or (_NO_RIVAL if view.has_no_rival else better)
    others = _phrases(assessment, tuple(part for part in parts if part != "pretrain"))
    return f"Pretrain from scratch: {why}. {f'Add {_joined(others)}.' if others else ''}".strip()


_NO_FEED = "This cannot be done as asked: without a connection no fresh facts arrive. With a data feed inside,"
_NO_RIVAL = "no open model of the size that you may serve exists, and your text may not be sent to a larger one"


def _phrases(assessment: Assessment, parts: tuple[str, ...]) -> list[str]:
    """What each component is called inside a sentence, with the open model to start from where one is meant."""
    phrases = [options()[part]["phrase"] for part in parts]
    if "cpt" in parts:
        base = assessment.landscape.best_start(assessment.adaptation_flops).title
        phrases[parts.index("cpt")] = f"continued pretraining of an open model such as {base}"
    return phrases


def _joined(phrases: list[str]) -> str:
    *first, last = phrases
    return f"{', '.join(first)} plus {last}" if first else last


def _against_pretraining(view: View, break_even: tuple[BreakEven, ...]) -> str:
    if not break_even:
        return "Do not pretrain." if view.is_language else ""
    equal = break_even[0]
    if equal.programme_usd is None:
        return f"Do not pretrain: no budget brings a new model of the same size past {equal.base}."
    text = f"about {show(equal.own_tokens, 'tokens')} of your own text; {have(view.case, 'unlabeled_tokens')}"
    if equal.status == "below_budget":
        why = f"Do not pretrain: {_lower_first(against_pretraining(view))}"
        return f"{why} It takes {text}." if equal.own_tokens else why
    usd = equal.programme_usd
    dollars = f"about {show(usd, 'usd')} (range {show_range(usd.low, usd.high, 'usd')}) for the whole programme"
    own = ", with text of your own" if equal.own_tokens else ""
    return f"Do not pretrain: from scratch wins only from {dollars}{own}; {have(view.case, 'budget_usd')}."


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def reasons(assessment: Assessment) -> tuple[Reason, ...]:
    """The weightiest reasons, each with its source."""
    found = [reason for rule in REASONS if (reason := rule(assessment)) is not None]
    return tuple(found[:MOST_REASONS])


def must_be_own(assessment: Assessment) -> Reason | None:
    """A hard reason to pretrain."""
    why = assessment.view.hard_reason
    if not why or not {"pretrain", "infeasible"} & set(assessment.choice.components):
        return None
    return Reason(f"Only a model of your own will do, because {why}.", "case")


def must_be_looked_up(assessment: Assessment) -> Reason | None:
    """Facts, and how fast they change."""
    view, parts = assessment.view, assessment.choice.components
    if "tools" in parts:
        return Reason("The facts change faster than any training or index: look them up when asked.", "practice")
    if "long_context" in parts:
        return Reason(f"{show(view.case.corpus_tokens, 'tokens')} of documents fit into the prompt.", "li-2024")
    if "rag" in parts and view.needs_facts:
        return Reason("The answers need facts from documents: retrieval brings them in, tuning hardly.", "ovadia-2024")
    return None


def must_name_sources(assessment: Assessment) -> Reason | None:
    """Sources and rights."""
    case = assessment.case
    if case.access_control:
        return Reason("What a user may see depends on the user: a model tells everybody everything.", "practice")
    if case.citations:
        return Reason("Answers must name their sources: only text that was looked up can be named.", "practice")
    return None


def learns_from_labels(assessment: Assessment) -> Reason | None:
    """Labelled examples that teach the task."""
    parts, examples = assessment.choice.components, show(assessment.case.n_labeled, "count")
    if "classifier" in parts:
        return Reason(f"{examples} labelled examples train a small classifier, cheap at any volume.", "bucher-2024")
    if "ft" not in parts:
        return None
    if assessment.view.is_hard_to_prompt:
        return Reason(f"The wanted manner is hard to write down; {examples} examples show it.", "case")
    if "rag" in parts:
        return Reason(f"{examples} examples of your special text let a tune add to retrieval.", "balaguer-2024")
    return Reason(f"{examples} examples let a small model of yours learn the task.", "bucher-2024")


def closes_the_gap(assessment: Assessment) -> Reason | None:
    """Continued pretraining and what it gains."""
    view = assessment.view
    if "cpt" not in assessment.choice.components:
        return None
    source = "swallow-2023" if "language" in gap_of(view.case) else "saullm-2024"
    gain, own = show(view.gain, "nats/token"), show(view.case.unlabeled_tokens, "tokens")
    return Reason(f"Reading your {own} should lower the loss by about {gain} more than a small tune.", source)


def teaches_a_small_model(assessment: Assessment) -> Reason | None:
    """Distillation."""
    if "distill" not in assessment.choice.components:
        return None
    return Reason("A small model must serve, and a larger one that can teach it exists already.", "distillation-2025")


def fits_the_data(assessment: Assessment) -> Reason | None:
    """Data that are not language."""
    parts, kind = assessment.choice.components, assessment.case.modality
    if "specialist" in parts and assessment.specialist is not None:
        return Reason(f"{assessment.specialist.title} has learned from such data ({kind}) already.", "catalogue")
    if assessment.choice.headline == "classical":
        return Reason("This is no language problem: simpler methods are the first thing to try.", "practice")
    return None


def free_models_have_read_more(assessment: Assessment) -> Reason | None:
    """How much the money buys beside what free models have read."""
    view, bases = assessment.view, assessment.landscape.bases
    if "pretrain" in assessment.choice.components or not bases or not view.is_language or not view.run_flops:
        return None
    base = assessment.landscape.best_base(assessment.adaptation_flops)
    buys = show(view.run_flops / (FLOPS_PER_PARAM_TOKEN * base.active_params), "tokens")
    read = show(base.tokens, "tokens")
    budget = "the assumed budget" if view.case.leaves_open("budget_usd") else "your whole budget"
    text = (
        f"{base.title} has already read {read}; at its size {budget} buys {buys} once the rest of a programme is paid."
    )
    return Reason(text, "catalogue")


def medical_lesson(assessment: Assessment) -> Reason | None:
    """The record of continued pretraining on text that free models read well."""
    text = {"terms", "nonstandard"}
    if assessment.case.domain_gap not in text or {"cpt", "pretrain"} & set(assessment.choice.components):
        return None
    return Reason("Special words alone rarely justify training on them: test a model on your text first.", "jeong-2024")


def mixes_own_text_in(assessment: Assessment) -> Reason | None:
    """Advice to those who pretrain."""
    parts = assessment.choice.components
    if "pretrain" not in parts or not assessment.view.is_language or not assessment.case.unlabeled_tokens:
        return None
    return Reason("Mix your own text in from the start instead of keeping it for tuning.", "specialised-2026")


def nothing_more_is_needed(assessment: Assessment) -> Reason | None:
    """The default."""
    if assessment.choice.components != ("prompt",):
        return None
    if assessment.case.prompt_tried == "works":
        return Reason("Prompting already works.", "case")
    return Reason("Try the cheapest step first, and measure it on 50 of your own cases.", "practice")


REASONS: tuple[Callable[[Assessment], Reason | None], ...] = (
    must_be_own, must_be_looked_up, must_name_sources, fits_the_data, closes_the_gap, learns_from_labels,
    teaches_a_small_model, nothing_more_is_needed, mixes_own_text_in, free_models_have_read_more, medical_lesson,
)  # fmt: skip


def contradictions(view: View) -> tuple[str, ...]:
    """Wishes of the case that exclude each other."""
    case = view.case
    found = {
        "The facts change within a day, but a model without a connection cannot reach them: it needs a data feed"
        " inside, or the wish for fresh facts must go.": view.is_offline and view.changes_within_a_day,
        "The base may have read nothing but your own data, but every model to tune or to prompt has read other text.": (
            case.provenance == "own_data" and case.wish in {"finetune", "rag"}
        ),
        "A rule demands a model trained from scratch, but you wish to tune an existing one.": (
            case.mandate_from_scratch and case.wish == "finetune"
        ),
        "The data are said to be far from language, but their kind is text: we took them as non-standard text.": (
            case.domain_gap == "modality" and view.is_language
        ),
        "Sources are to be named, but no knowledge is said to be needed: say which documents to cite.": (
            case.citations and case.knowledge == "none" and not case.corpus_tokens
        ),
    }
    return tuple(text for text, holds in found.items() if holds)
