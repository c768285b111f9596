"""why_not(option, view) -> what speaks against an option that is not advised, in a sentence with its source."""

from __future__ import annotations

from planner.advising.assuming import Reason
from planner.advising.gates import blocked, obstacle, why_not_pretrain
from planner.advising.pasting import prompt_limit
from planner.advising.views import View
from planner.units import show

_SOURCES = {"classifier": "bucher-2024", "rag": "li-2024", "cpt": "jeong-2024", "distill": "distillation-2025"}
"""What it rests on that an option is not needed, where that is more than the case itself."""


def why_not(option: str, view: View) -> Reason:
    """What speaks against `option`: an obstacle, or that nothing calls for it."""
    against = why_not_pretrain(view) if option == "pretrain" else obstacle(view, option)
    return against or Reason(_not_needed(option, view), _SOURCES.get(option, "case"))


def _not_needed(option: str, view: View) -> str:
    """Why an option that could be done is not advised."""
    match option:
        case "prompt" if view.needs_retrieval:
            return "Instructions alone bring neither private facts nor sources."
        case "prompt" if view.is_hard_to_prompt:
            return "The wanted manner cannot be written down as instructions."
        case "prompt":
            return _why_not_prompted(view)
        case "ft" | "distill" | "long_context" if not view.is_language:
            return "Language models read this kind of data poorly."
        case "classical" if not view.is_language:
            return "A model that has learned from such data already is the better start."
        case "long_context" if view.needs_retrieval:
            return _why_not_pasted(view)
        case "rag" | "tools" | "long_context" if not view.needs_retrieval:
            return "The answers need no facts from outside."
        case "rag":
            return "The documents fit into the prompt." if view.fits_in_prompt else "The facts come from live systems."
        case "tools":
            return "An index of the documents is fresh enough."
        case "ft":
            return "The wanted manner can be written down: tune only if prompts fail a test."
        case "distill":
            served = "A hosted model" if view.case.may_be_hosted else "A model as it comes"
            return f"{served} does it at this volume and place."
        case "classical":
            return "The input is language, which it reads poorly."
    return "Nothing in the case calls for it."


def _why_not_prompted(view: View) -> str:
    """What a prompt alone lacks where no facts and no manner are missing."""
    if not view.is_language:
        return "Language models read this kind of data poorly."
    if view.hard_reason:
        return f"It is no model of your own, and {view.hard_reason}."
    if view.needs_small_model:
        return "A large model does not fit the place or the wait, or its monthly bill the budget."
    if view.judges:
        cheaper = "cheaper, and " if view.prompt_usd_month > view.guess["small_host_usd"] else ""
        return f"A classifier trained on your labels is {cheaper}better in published comparisons."
    if view.reads_unusual_text:
        return "Open models read this kind of text poorly: instructions do not close that gap."
    if not blocked(view, "cpt"):
        return f"It leaves out your own text, whose reading gains about {show(view.gain, 'nats/token')}."
    if not blocked(view, "ft"):
        return "Your examples let a small tune do this task better than instructions."
    return "A model of your own is predicted to be better for this money."


def _why_not_pasted(view: View) -> str:
    if view.case.access_control:
        return "What a user may see depends on the user, so no prompt may hold it all."
    if not view.case.corpus_tokens:
        longest = show(prompt_limit(view.case, view.guess), "tokens")
        return f"How long the documents are is not said: priced at {longest}, our assumption."
    if view.needs_live:
        return "The facts change too fast to be pasted."
    if view.case.corpus_tokens > view.most_pasted:
        return f"The documents, {show(view.case.corpus_tokens, 'tokens')}, are too long for a prompt."
    return "Reading all documents for every question costs more than the monthly budget allows."
