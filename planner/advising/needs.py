"""Needs: what a case asks of the thing to be built, and which options meet each need.

needs(view) lists them; `unmet` says which ones a choice leaves open. It chooses nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from planner.advising.views import LANGUAGE_MODELS, View

ANSWERS = "answers"
"""The need of every case of language."""
_LOOKUP = frozenset({"rag", "tools", "long_context"})
_TAUGHT = frozenset({"ft", "classifier"})
_SMALL = frozenset({"classifier", "classical", "distill", "ft", "specialist", "pretrain"})
_LANGUAGE = LANGUAGE_MODELS | {"classifier"}


@dataclass(frozen=True, slots=True)
class Need:
    """Something that the case asks for, in words, and the options that meet it."""

    name: str
    label: str
    options: frozenset[str]

    def met_by(self, parts: tuple[str, ...]) -> bool:
        """Whether one of `parts` meets it."""
        return bool(self.options & set(parts))


def needs(view: View) -> tuple[Need, ...]:
    """The needs of the case, the hard ones first."""
    return tuple(Need(name, label, options(view)) for name, label, holds, options in NEEDS if holds(view))


def unmet(view: View, parts: tuple[str, ...]) -> tuple[Need, ...]:
    """The needs that `parts` leave open."""
    return tuple(need for need in needs(view) if not need.met_by(parts))


def _always(options: frozenset[str]) -> Callable[[View], frozenset[str]]:
    return lambda view: options


def _fresh(view: View) -> frozenset[str]:
    """Nothing brings fresh facts to a model without a connection."""
    if view.is_offline:
        return frozenset()
    return frozenset({"tools"}) if view.needs_live else _LOOKUP


def _taught(view: View) -> frozenset[str]:
    """What learns a manner: examples make a new model learn it too."""
    return _TAUGHT if view.judges else frozenset({"ft"})


NEEDS: tuple[tuple[str, str, Callable[[View], bool], Callable[[View], frozenset[str]]], ...] = (
    ("own_model", "a model of your own", lambda view: view.wants_own_model, _always(frozenset({"pretrain"}))),
    ("fresh_facts", "facts as fresh as they change", lambda view: view.changes_within_a_day, _fresh),
    ("facts", "private facts", lambda view: view.needs_facts, _always(_LOOKUP)),
    ("sources", "named sources", lambda view: view.case.citations, _always(_LOOKUP)),
    ("rights", "rights that depend on the user", lambda view: view.case.access_control, _always(_LOOKUP)),
    ("manner", "a manner that is hard to write down", lambda view: view.is_hard_to_prompt, _taught),
    (
        "text",
        "text that open models read poorly",
        lambda view: view.is_language and view.reads_unusual_text,
        _always(frozenset({"cpt", "ft", "pretrain", "classifier"})),
    ),
    (
        "place",
        "a model that fits the device",
        lambda view: view.is_language and view.case.deploy == "on_device",
        _always(_SMALL),
    ),
    ("wait", "answers sooner than a large model begins", lambda view: view.needs_haste, _always(_SMALL)),
    ("volume", "the volume within the monthly budget", lambda view: view.exceeds_monthly_budget, _always(_SMALL)),
    (
        "data",
        "data other than language",
        lambda view: not view.is_language,
        _always(frozenset({"specialist", "classical", "pretrain"})),
    ),
    (ANSWERS, "answers in language", lambda view: view.is_language, _always(_LANGUAGE)),
)
"""Name, words, when it holds, and what meets it."""
