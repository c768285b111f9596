"""served(option, assessment) -> which model answers under an option, how large it is, and on what it runs, in words."""

from __future__ import annotations

from planner.advising.assessing import Assessment
from planner.advising.bases import Base, allowed
from planner.advising.spending import gpus_for
from planner.advising.views import AS_IT_COMES
from planner.units import show

_SMALL_PROGRAMS = {"classifier", "classical"}


def served(option: str, assessment: Assessment) -> str:
    """What the month of `option` is priced for; sizes that nobody said are our assumptions."""
    case = assessment.case
    if option in _SMALL_PROGRAMS:
        return "the device" if case.deploy == "on_device" else "one small server"
    if option == "specialist" or (option == "cpt" and not case.is_language):
        return _of(assessment.specialist, assessment)
    if option == "pretrain":
        return "a model of your own"
    if option == "cpt":
        found = assessment.landscape
        return _of(found.best_start(assessment.adaptation_flops) if found.bases else None, assessment)
    if case.may_be_hosted and option != "distill":
        return _by_the_token(option, assessment)
    return _on_own_machines(assessment)


def _by_the_token(option: str, assessment: Assessment) -> str:
    guesses = assessment.guesses
    if option in AS_IT_COMES:
        new, out = (show(float(guesses[f"usd_per_mtok_{kind}"][0]), "usd") for kind in ("in", "out"))
        return f"a hosted large model, {new} a million prompt tokens and {out} a million answer tokens"
    size = show(float(assessment.tuned_params[0]), "params")
    each = show(float(guesses["usd_per_mtok_small"][0]), "usd")
    return f"a hosted model of {size} (our assumption), {each} a million tokens"


def _on_own_machines(assessment: Assessment) -> str:
    """A model of the size that is tuned or distilled, with an open one of that size where there is one."""
    size = float(assessment.tuned_params[0])
    found = [base for base in allowed(assessment.case) if base.reads_language and size / 2 <= base.params <= 1.1 * size]
    best = max(found, key=lambda base: (base.tokens or 0.0, base.dense_params), default=None)
    named = f", such as {best.title}" if best else ""
    return f"a model of about {show(size, 'params')} (our assumption){named}, on {_machines(size, assessment)}"


def _of(base: Base | None, assessment: Assessment) -> str:
    if base is None:
        return "no open model known"
    return f"{base.title}, {show(base.params, 'params')}, on {_machines(base.params, assessment)}"


def _machines(params: float, assessment: Assessment) -> str:
    case, guesses = assessment.case, assessment.guesses
    if case.deploy == "on_device":
        return "the device"
    if not case.is_language and params <= float(guesses["device_params"][0]):
        return "one small server"
    return f"{show(float(gpus_for(params, assessment)), 'count')}x {assessment.cluster.accelerator.name}"
