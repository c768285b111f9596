"""choose(view) -> Choice: which components to build, which one leads, and which warnings hold.

The rules look at needs and gates only, never at a particular case.
"""

from __future__ import annotations

from dataclasses import dataclass

from planner.advising.gates import blocked
from planner.advising.views import View

_ABOUT = 1.5
"""Costs that differ by less than this factor are about the same."""

_MANY = 10.0
"""Examples are many from so many times what a tune needs: our assumption."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What to build; the first component leads."""

    components: tuple[str, ...]

    @property
    def headline(self) -> str:
        return self.components[0]


def choose(view: View) -> Choice:
    """The components for `view`, the leading one first."""
    if view.case.modality == "tabular":
        return Choice(("classical", *_due_lookup(view)))
    if pretraining_is_due(view):
        first = ("pretrain",) if view.is_language or view.case.goal != "application" else ("pretrain", "classical")
        return Choice((*first, *lookup(view), *_own_tune(view)))
    if view.bound_to_own_model:
        own = view.judges and not blocked(view, "classical") and not lacks_labels(view)
        return Choice(("classical" if own else "infeasible", *lookup(view)))
    if not view.is_language:
        return Choice((*_other_data(view), *_due_lookup(view)))
    return _of_language(view)


def pretraining_is_due(view: View) -> bool:
    """Whether to pretrain: it can be done, and it wins or a hard reason demands it."""
    if view.case.modality == "tabular" or blocked(view, "pretrain"):
        return False
    return bool(view.hard_reason) or (view.is_language and view.from_scratch_wins)


def lookup(view: View) -> tuple[str, ...]:
    """How facts and sources reach the answer at query time."""
    if not view.needs_retrieval:
        return ()
    if view.needs_live:
        return ("tools", "rag") if view.case.corpus_tokens else ("tools",)
    return ("long_context",) if view.fits_in_prompt and not view.bound_to_own_model else ("rag",)


def _due_lookup(view: View) -> tuple[str, ...]:
    """For data other than language: lookup only where sources or fresh facts demand it."""
    return lookup(view) if view.case.citations or view.changes_within_a_day else ()


def lacks_labels(view: View) -> bool:
    """Whether the task or the manner should be learned from examples and there are too few."""
    needed = "classifier_labels" if view.judges else "tune_examples"
    wanted = view.judges or view.is_hard_to_prompt or view.case.task == "extraction"
    return wanted and view.case.n_labeled < view.guess[needed] and view.case.prompt_tried != "works"


def _of_language(view: View) -> Choice:
    facts, trained = lookup(view), _trained(view)
    if not facts and not trained:
        return Choice(("prompt",))
    if facts and _adds_to_retrieval(view) and "ft" not in trained:
        trained = (*trained, "ft")
    strict = view.needs_live or view.case.citations or view.case.access_control
    leads = trained[:1] in (("classifier",), ("ft",)) and (trained[0] == "classifier" or view.is_hard_to_prompt)
    facts_first = strict or not leads
    return Choice((*facts, *trained) if facts_first else (*trained, *facts))


def _adds_to_retrieval(view: View) -> bool:
    """Whether many examples of special text let a tune add to what retrieval brings (Balaguer et al. 2024)."""
    works = view.case.prompt_tried == "works"
    return view.case.domain_gap != "general" and _has_examples(view, _MANY) and not works and not blocked(view, "ft")


def _has_examples(view: View, times: float = 1.0) -> bool:
    """Whether there are as many examples as a tune needs, or so many `times` as many."""
    return view.case.n_labeled >= times * view.guess["tune_examples"]


def _trained(view: View) -> tuple[str, ...]:
    """What to train, the main part first: a classifier, continued pretraining, a tune, or a taught small model."""
    if view.case.prompt_tried == "works" and not view.needs_small_model:
        return ()
    tune = () if blocked(view, "ft") else ("ft",)
    if view.judges and not blocked(view, "classifier"):
        return ("classifier", *(tune if view.is_hard_to_prompt else ()))
    narrow = view.case.task in {"classification", "extraction"} and bool(tune)
    if view.case.domain_gap != "general" and not narrow and not blocked(view, "cpt"):
        teach = view.is_hard_to_prompt or _has_examples(view, _MANY) or view.needs_small_model
        return ("cpt", *(tune if teach else ()), *(() if tune else _distilled(view)))
    if tune and (view.is_hard_to_prompt or view.reads_unusual_text or narrow or view.needs_small_model):
        return tune
    return _distilled(view)


def _distilled(view: View) -> tuple[str, ...]:
    """A small model taught by a large one, where only a small one will do."""
    wanted = view.needs_small_model and not view.judges and not blocked(view, "distill")
    return ("distill",) if wanted else ()


def _own_tune(view: View) -> tuple[str, ...]:
    """A tune of the new model, which needs no model of others."""
    return ("ft",) if _has_examples(view) and view.is_language else ()


def _other_data(view: View) -> tuple[str, ...]:
    """Data that is neither text nor code, or numbers to forecast."""
    if blocked(view, "specialist"):
        return ("classical",)
    return ("specialist", "ft") if _has_examples(view) else ("specialist",)


@dataclass(frozen=True, slots=True)
class Rival:
    """Another option that does about as well, and why."""

    option: str
    why: str


def rival(view: View, choice: Choice) -> Rival | None:
    """The option that a fair judge could prefer as well, or None."""
    case, parts = view.case, choice.components
    hosted = case.may_be_hosted and not view.needs_haste
    about_as_dear = view.tune_usd_month <= _ABOUT * view.guess["small_host_usd"]
    could_tune = "classifier" in parts and "ft" not in parts and not blocked(view, "ft")
    if could_tune and hosted and about_as_dear:
        return Rival(
            "ft", "at this volume a tuned model, hosted by the token, is no dearer than a server for the classifier"
        )
    if "tools" in parts and case.corpus_tokens and case.update_hours >= view.guess["reindex_hours"]:
        return Rival("rag", "an index can be refreshed as fast as these facts change")
    return None


def flags(view: View, choice: Choice) -> tuple[str, ...]:
    """Names of the warnings that hold for `choice`, the most serious first."""
    case, parts = view.case, choice.components
    wants_training = case.wish in {"finetune", "pretrain"}
    held = {
        "contradiction_live_vs_offline": view.is_offline and view.changes_within_a_day,
        "provenance_infeasible": case.provenance != "any" and choice.headline == "infeasible",
        "mandate_infeasible": case.mandate_from_scratch and choice.headline == "infeasible",
        "pretrain_not_advised": case.wish == "pretrain" and "pretrain" not in parts,
        "facts_need_retrieval": view.needs_retrieval and wants_training,
        "data_changes_faster_than_training": view.changes_within_a_day,
        "label_more_data": lacks_labels(view),
        "too_little_domain_text": _lacks_domain_text(view),
        "tokenizer_mismatch": case.fertility >= view.guess["fertility_limit"],
        "local_index_needed": view.is_offline and "rag" in parts,
    }
    return tuple(name for name, holds in held.items() if holds)


def _lacks_domain_text(view: View) -> bool:
    short = view.own_text < view.guess["continue_tokens"]
    return view.is_language and view.reads_unusual_text and short
