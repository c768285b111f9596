"""Caveats of an advice: what spoils the comparison or was assumed, and where wait, bill or budget need a word.

Each is one small function of the assessment that gives a finding, or None where there is nothing to say.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from planner.advising.assessing import Assessment
from planner.advising.bases import serving_limit
from planner.advising.pasting import cached_share
from planner.advising.spending import MONTHLY
from planner.advising.usecase import UseCase
from planner.advising.views import View, have, options
from planner.advising.waiting import wait_ms
from planner.laws import FLOPS_PER_PARAM_TOKEN
from planner.planning.findings import HOPELESS_DECADES
from planner.sheet import Finding
from planner.units import show

PLAIN_BITS = 3.0
"""Bits per byte of text that a compressor such as gzip needs at most: our bound."""

_OWN_MODEL = {"cpt", "pretrain", "specialist", "distill", "ft"}
"""Options with a model of one's own to run."""

_LeansOn = Callable[[View, tuple[str, ...]], bool]


def _always(view: View, parts: tuple[str, ...]) -> bool:
    return True


OPEN: dict[str, tuple[Callable[[UseCase], str], _LeansOn]] = {
    "budget_usd": (lambda case: f"a budget of {show(case.budget_usd, 'usd')}", _always),
    "monthly_usd": (lambda case: f"{show(case.monthly_usd, 'usd')} a month to run it", _always),
    "weeks": (lambda case: f"{show(case.weeks, 'count')} weeks", _always),
    "team": (lambda case: "a team of machine-learning engineers", _always),
    "n_labeled": (lambda case: "no labelled examples", _always),
    "unlabeled_tokens": (
        lambda case: "no text of your own" if case.is_language else "no data of your own",
        lambda view, parts: view.case.modality != "tabular",
    ),
    "knowledge": (lambda case: "no private facts", lambda view, parts: view.is_language and not view.needs_retrieval),
    "corpus_tokens": (lambda case: "documents of unknown length", lambda view, parts: "rag" in parts),
    "queries_month": (
        lambda case: f"{show(case.queries_month, 'count')} requests a month",
        lambda view, parts: view.is_language,
    ),
    "n_serve_max": (
        lambda case: (
            f"a device that runs {show(serving_limit(case), 'params')} at most"
            if case.deploy == "on_device"
            else f"room to serve {show(case.n_serve_max, 'params')}"
        ),
        lambda view, parts: view.is_language and view.has_base,
    ),
}
"""Fields that the verdict leans on: how their default is said, and in which cases it matters."""


def unsaid(assessment: Assessment) -> Finding | None:
    """The fields that stand at our defaults and that the verdict leans on."""
    case, view, parts = assessment.case, assessment.view, assessment.choice.components
    said = [say(case) for name, (say, leans) in OPEN.items() if case.leaves_open(name) and leans(view, parts)]
    if not said:
        return None
    return Finding("note", f"Not said, so assumed: {', '.join(said)}.", "Say what differs: the advice may change.")


def far_from_the_law(assessment: Assessment) -> Finding | None:
    """That the compute compared lies beyond what the law is known to hold for."""
    landscape, calibration = assessment.landscape, assessment.calibration
    if not landscape.bases or not assessment.view.is_language:
        return None
    base = landscape.best_base(assessment.adaptation_flops)
    trained = FLOPS_PER_PARAM_TOKEN * base.active_params * (base.tokens or 0.0)
    wins = float(landscape.equal_break_even[0])
    compared = max(trained, wins if np.isfinite(wins) else 0.0)
    beyond = float(calibration.decades_beyond(compared))
    if beyond <= HOPELESS_DECADES:
        return None
    return Finding(
        "problem",
        f"The comparison rests on an extrapolation that no law is known to hold for: it lies {show(10**beyond)} times"
        f" beyond the largest run behind {calibration.name}.",
        f"It compares about {show(compared, 'flops')}; the runs reach {show(calibration.flops_max, 'flops')}. If their"
        " tokens are bytes, they are not the tokens that an open model has read.",
        "Trust no break-even here: take a published law, or add larger runs.",
    )


def made_worse(assessment: Assessment) -> Finding | None:
    """That a model was worse after training on the own text than before, which is no gain and rarely the truth."""
    before = {pilot.model: pilot.bits_per_byte for pilot in assessment.pilots if pilot.kind == "zero_shot"}
    worse = [pilot for pilot in assessment.pilots if pilot.kind == "cpt" and pilot.bits_per_byte > before[pilot.model]]
    if not worse:
        return None
    start = show(before[worse[0].model], "bits/byte")
    return Finding(
        "warning",
        "Training on your text made the model worse.",
        f"{'; '.join(map(str, worse))}; {start} as it came. The advice takes that as no help.",
        "Measure again: the learning rate may have been too high, or the held-out text of another kind.",
    )


def no_loss_of_text(assessment: Assessment) -> Finding | None:
    """That a measured loss is higher than a plain compressor needs."""
    high = [pilot for pilot in assessment.pilots if pilot.bits_per_byte > PLAIN_BITS]
    if not high or not assessment.case.is_language:
        return None
    return Finding(
        "warning",
        f"{'; '.join(map(str, high))} is no loss of a language model on text.",
        f"A plain compressor needs {show(PLAIN_BITS, 'bits/byte')} or less (our bound); open models need about one.",
        "Check the unit: nats per token / 0.693 / bytes per token.",
    )


def told_by_pilots(assessment: Assessment) -> Finding | None:
    """What the pilots were used for, where that is less than they could tell."""
    pilots, found = assessment.pilots, assessment.measured
    if not pilots or found.level:
        return None
    title = "The break-even does not use your measured losses: the law is of other text."
    why = f"{assessment.calibration.name} was fitted on other text, and losses on two texts cannot be compared."
    if found.curve is not None:
        gained = bool(np.any(found.curve[0] > 0))
        why += f" How far training on your text lowered them{'' if gained else ', not at all,'} is used, on both sides."
    todo = "Fit your own law to a small sweep on your text, in bits per byte: --runs sweep.csv --in-unit bits/byte."
    return Finding("note" if found.curve is not None else "warning", title, why, todo)


def too_slow(assessment: Assessment) -> Finding | None:
    """That what answers begins later than is acceptable."""
    case = assessment.case
    waits = {part: wait_ms(part, assessment) for part in assessment.choice.components if part in options()}
    if not waits:
        return None
    part = max(waits, key=lambda name: waits[name])
    if waits[part] <= case.latency_ms:
        return None
    begins = show(waits[part] / 1000, "seconds")
    return Finding(
        "warning",
        "Answers begin later than you accept.",
        f"{options()[part]['label']}: after about {begins}; you accept {show(case.latency_ms / 1000, 'seconds')}.",
        "Measure it early; a smaller model or a shorter prompt begins sooner.",
    )


def too_dear_to_serve(assessment: Assessment) -> Finding | None:
    """That the model to host costs more a month than there is."""
    case, parts = assessment.case, _OWN_MODEL & set(assessment.choice.components)
    month = max((float(MONTHLY[part](assessment)[0]) for part in parts), default=0.0)
    if month <= case.monthly_usd:
        return None
    return Finding(
        "warning",
        "The monthly budget does not cover the hosting of the model.",
        f"Running it costs about {show(month, 'usd')} a month; {have(case, 'monthly_usd')}.",
        "Serve a smaller model, or rent by the request.",
    )


def pasted_at(assessment: Assessment) -> Finding | None:
    """How often pasted documents are found in the cache of the provider, on which their price rests."""
    case, guesses = assessment.case, assessment.guesses
    if "long_context" not in assessment.choice.components or not case.may_be_hosted:
        return None
    share = show(float(cached_share(case.queries_month, guesses)[0]), "fraction")
    minutes = show(float(guesses["cache_minutes"][0]), "count")
    new, cached = (show(float(guesses[f"usd_per_mtok_{kind}"][0]), "usd") for kind in ("in", "cached"))
    return Finding(
        "note",
        f"{share} of the requests are priced as finding the documents in the provider's cache.",
        f"It keeps them for about {minutes} minutes, and your requests are spread evenly: both our assumptions. A"
        f" million tokens cost {cached} from there and {new} otherwise.",
    )


def unrented(assessment: Assessment) -> Finding | None:
    """That the dollars are those of hardware of one's own, because no rent is known."""
    rate = assessment.cluster.rate
    if rate is None or not rate.own:
        return None
    return Finding(
        "note", f"Dollars are those of owning the {assessment.cluster.accelerator.name}.", rate.basis,
        "Give price=... where you rent it.",
    )  # fmt: skip


def what_the_budget_buys(assessment: Assessment) -> Finding | None:
    """The smallest useful model of one's own beside the one that the budget buys."""
    view = assessment.view
    if "pretrain" not in assessment.choice.components:
        return None
    least, size = view.least_programme_usd, ""
    if view.is_language:
        best = float(np.asarray(assessment.landscape.law.optimum(assessment.run_flops)[0])[0])
        params = min(best, assessment.landscape.serve_params)
        tokens = view.run_flops / (FLOPS_PER_PARAM_TOKEN * params)
        size = f", such as {show(params, 'params')} on {show(tokens, 'tokens')}"
    budget = "The assumed budget" if view.case.leaves_open("budget_usd") else "Your budget"
    return Finding(
        "note",
        f"The smallest useful model of your own takes about {show(least, 'usd')}, its whole programme included.",
        f"{budget} of {show(view.case.budget_usd, 'usd')} buys a final run of {show(view.run_flops, 'flops')}{size}.",
    )
