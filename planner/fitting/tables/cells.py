"""Cells: whether the columns of a run table are what they seem. Each rule takes runs and gives a finding or nothing.

Thresholds are our assumptions unless a source is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planner.sheet import Finding
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from planner.runs import Runs

GUESSING = {"nats/token": float(np.log(256_000)), "bits/byte": 8.0}
"""Loss of guessing among the entries of the largest vocabularies, and among all bytes."""
LEAST_ENTROPY = {"nats/token": 0.3, "bits/byte": 0.1}
"""Below what any model reaches on text it has not seen."""
POOR, PLENTY_FLOPS = 5.5, 1e19
"""Nats/token that no half of a sweep with so many FLOPs a run still has."""
LOW, HIGH = 1.0, 2.5
"""Nats/token of tokens of text, and bits/byte, below and above which the middle run of a sweep hardly lies."""
LEAST_BYTES = 2.0
"""Bytes per token below which tokens are bytes or characters."""
LEAST_SIZES = {"params": 1e4, "tokens": 1e5}
"""No sweep of language models ends below these."""
LEAST_TOGETHER = {"params": 2e4, "tokens": 2e6}
"""Nor does one end below both of these."""
WIDEST = 1e6
"""The most that the sizes of one sweep differ by."""
TOKENS_PER_PARAM = 1e-4, 1e6
"""Outside of these, params and tokens are not in one unit."""
_APART = float(np.log(1.1))
_AGAIN = 1.01
"""Tokens over unique tokens; less is rounding."""


def about_the_table(runs: Runs, *, told_apart: bool = False) -> Iterator[Finding]:
    """What is odd about the cells of the table; `told_apart` where the law leaves out the runs that repeat tokens."""
    rules = (rule for rule in RULES if not (told_apart and rule is repeated_tokens))
    return (finding for rule in rules if (finding := rule(runs)) is not None)


def repeating(runs: Runs) -> NDArray[np.bool_]:
    """Which runs repeat tokens, shape (runs,); none where the table does not say how many are unique."""
    if "unique_tokens" not in runs.frame:
        return np.zeros(len(runs.frame), dtype=bool)
    return np.asarray(runs.column("tokens") > _AGAIN * runs.column("unique_tokens"))


def rows_left_out(runs: Runs) -> Finding | None:
    if not runs.left_out:
        return None
    because = f"Their status is {', '.join(runs.left_out)}."
    return Finding("note", f"{_many(runs.failed, 'row')} left out.", because)


def sizes_in_other_units(runs: Runs) -> Finding | None:
    if sizes_in_mixed_units(runs):
        return None
    low, high = TOKENS_PER_PARAM
    ratio = np.median(runs.column("tokens") / runs.column("params"))
    suspects = [name for name, least in LEAST_SIZES.items() if runs.column(name).max() < least]
    if all(runs.column(name).max() < least for name, least in LEAST_TOGETHER.items()):
        suspects = list(LEAST_TOGETHER)
    if not suspects and not low < ratio < high:
        suspects = ["tokens" if ratio < low else "params"]
    if not suspects:
        return None
    most = " and ".join(show(runs.column(name).max(), name) for name in suspects)
    todo = "Write each number in full or with its letter: 400000000, or 0.4B."
    return Finding("problem", f"Are {' and '.join(suspects)} in millions or billions?", f"The most is {most}.", todo)


def sizes_in_mixed_units(runs: Runs) -> Finding | None:
    wide = [name for name in LEAST_SIZES if np.ptp(np.log(runs.column(name))) > np.log(WIDEST)]
    if not wide:
        return None
    order = np.argsort(runs.column(wide[0]), kind="stable")
    values = runs.column(wide[0])[order]
    cut = int(np.diff(np.log(values)).argmax()) + 1
    most, next_one = (show(float(value), wide[0]) for value in values[cut - 1 : cut + 1])
    because = f"{_upper(runs.named(np.sort(order[:cut])))}: {most} at most; all others have {next_one} or more."
    todo = "Write each number in full or with its letter: 400000000, or 0.4B."
    return Finding("problem", f"Do {' and '.join(wide)} mix units?", because, todo)


def swapped_columns(runs: Runs) -> Finding | None:
    if sizes_in_other_units(runs) or np.median(runs.column("tokens") / runs.column("params")) >= 1:
        return None
    because = "Most runs have fewer tokens than parameters."
    return Finding("warning", "Are params and tokens swapped?", because, "Check the two columns.")


def losses_of_guessing(runs: Runs) -> Finding | None:
    loss, unit = runs.column("loss"), runs.loss_unit
    middle, limit = float(np.median(loss)), GUESSING[unit]
    large = unit == "nats/token" and np.median(runs.column("flops")) > PLENTY_FLOPS
    if middle > (POOR if large else limit):
        why = "which is guessing" if middle > limit else f"with more than {show(PLENTY_FLOPS, 'flops')} each"
        because = f"Most are above {show(limit if middle > limit else POOR, unit)}, {why}."
        readings = [f"{show(float(np.log(middle)), 'nats/token')} if it is a perplexity"]
        if middle / 100 > 3 * LEAST_ENTROPY[unit]:
            readings.append(f"{show(middle / 100, unit)} if it is in percent")
        todo = f"Take logarithms of perplexities, divide percents by 100: the middle one is {' or '.join(readings)}."
        return Finding("warning", f"Are these losses in {unit}?", because, todo)
    worse = np.flatnonzero(loss > limit)
    if not len(worse):
        return None
    because = (
        f"Guessing takes {show(limit, unit)} at most; {runs.named(worse)} {'lies' if len(worse) == 1 else 'lie'} above."
    )
    return Finding(
        "warning", f"{_many(len(worse), 'run')} with a loss worse than guessing.", because, "Did these runs diverge?"
    )


def losses_below_entropy(runs: Runs) -> Finding | None:
    least, unit = LEAST_ENTROPY[runs.loss_unit], runs.loss_unit
    below = np.flatnonzero(runs.column("loss") < least)
    if not len(below):
        return None
    because = f"{_upper(runs.named(below))}: below {show(least, unit)}."
    todo = "Are they accuracies, in another unit, or of text that was trained on?"
    return Finding("warning", "Some losses lie below the entropy of any text.", because, todo)


def losses_of_another_unit(runs: Runs) -> Finding | None:
    unit, middle = runs.loss_unit, float(np.median(runs.column("loss")))
    if unit == "bits/byte" and HIGH < middle <= GUESSING[unit]:
        because = f"Most are above {show(HIGH, unit)}, where hardly any model that has learnt anything is."
        return Finding(
            "warning", "Are these losses in bits/byte?", because, "If in nats/token, say so and convert them."
        )
    size = _known_bytes_per_token(runs)
    of_bytes = len(size) > 0 and np.median(size) < LEAST_BYTES
    if unit == "bits/byte" or middle >= LOW or middle < LEAST_ENTROPY[unit] or of_bytes:
        return None
    because = f"Most are below {show(LOW, unit)}; on text with tokens of several bytes hardly any model is."
    todo = "Are they in bits/byte, of bytes or of code? Say which, and give bytes_per_token."
    return Finding("warning", "Are these losses in nats/token?", because, todo)


def flops_far_from_the_rule(runs: Runs) -> Finding | None:
    measured = runs.flops_measured
    ratio = float(np.exp(np.median(_excess(runs)[measured]))) if measured.any() else 1.0
    if 0.2 < ratio < 5 or sizes_in_other_units(runs):
        return None
    because = f"It is {show(ratio)} times 6 x params x tokens."
    return Finding("warning", "The flops column is far from 6ND.", because, "Check its unit, or leave it out.")


def constant_flops(runs: Runs) -> Finding | None:
    measured = runs.flops_measured
    if measured.sum() < 2:
        return None
    flops, excess = runs.column("flops")[measured], _excess(runs)[measured]
    if flops.max() > flops.min() * 1.001 or np.ptp(excess) < np.log(3):
        return None
    because = f"6 x params x tokens differs by a factor of {show(float(np.exp(np.ptp(excess))))}."
    return Finding("warning", "The flops column is the same in every row.", because, "Leave it out.")


def flops_of_two_kinds(runs: Runs) -> Finding | None:
    if runs.flops_rule in ("measured", "6ND"):
        return None
    return Finding(
        "note", "Not every run gives its flops.", f"They are {runs.flops_rule}.", "Give them for all or none."
    )


def flops_that_count_other_params(runs: Runs) -> Finding | None:
    measured = np.flatnonzero(runs.flops_measured)
    if len(measured) < 6 or constant_flops(runs):
        return None
    excess, params = _excess(runs)[measured], runs.column("params")[measured]
    order, third = np.argsort(params, kind="stable"), len(measured) // 3
    small, large = (float(np.median(excess[part])) for part in (order[:third], order[-third:]))
    todo = "Say what params counts, and give flops by the same count; the law's optimum takes 6ND."
    if abs(small - large) > _APART and abs(_rank_correlation(excess, params)) > 0.7:
        because = (
            f"They are {show(float(np.exp(small)))} times 6 x params x tokens for the smallest models and "
            f"{show(float(np.exp(large)))} times for the largest, as where only one of them counts embeddings."
        )
        return Finding("warning", "Flops and params are not of one convention.", because, todo)
    odd = _smaller_mode(excess)
    if odd is None:
        return None
    because = f"Flops over 6 x params x tokens falls into two groups; the smaller is {runs.named(measured[odd])}."
    return Finding("warning", "Params or flops mix two conventions.", because, todo)


def counts_of_two_kinds(runs: Runs) -> Finding | None:
    if runs.counting != "total" or "params_non_embedding" not in runs.frame:
        return None
    same = np.abs(runs.column("params_non_embedding") / runs.column("params") - 1) < 1e-9
    if not 0 < same.sum() < len(same):
        return None
    because = f"In {runs.named(np.flatnonzero(same))} params equals params_non_embedding, elsewhere it is more."
    return Finding("warning", "Params mixes two ways of counting.", because, "Count all runs in one way.")


def repeated_tokens(runs: Runs) -> Finding | None:
    if not repeating(runs).any():
        return None
    because = "Too few make a single pass for a law of their own, so that a repeated token counts like a new one."
    return Finding("warning", "Some runs repeat their tokens.", because, "Add runs of a single pass.")


def duplicate_rows(runs: Runs) -> Finding | None:
    alike = np.flatnonzero(runs.frame.duplicated(["params", "tokens", "loss"], keep=False))
    # Other seeds or settings make another run; only these few are compared cell by cell.
    copies = alike[runs.frame.iloc[alike].drop(columns="source_row").astype(str).duplicated()]
    if not len(copies):
        return None
    because = f"{_upper(runs.named(copies))}: a run that counts twice makes the ranges too narrow."
    return Finding(
        "warning", f"{_many(len(copies), 'exact copy', 'exact copies')} of a row.", because, "Take them out."
    )


def training_curves(runs: Runs) -> Finding | None:
    if "run" not in runs.frame:
        return None
    by_run = runs.frame[["params", "tokens"]].groupby(runs.frame["run"].astype("string").str.strip().replace("", None))
    each = by_run.agg(sizes=("params", "nunique"), lengths=("tokens", "nunique"), rows=("tokens", "size"))
    curves = each[(each["sizes"] == 1) & (each["lengths"] > 1)]
    if curves.empty:
        return None
    because = "Before its learning rate has decayed, a run lies above a finished one of as many tokens."
    title = f"{curves['rows'].sum()} rows are points along {_many(len(curves), 'training curve')}, by the column run."
    return Finding("warning", title, because, "Keep the last row of each run, unless each point was decayed.")


def losses_out_of_step(runs: Runs) -> Finding | None:
    if runs.loss_unit != "nats/token" or "bits_per_byte" not in runs.frame:
        return None
    known = _known_bytes_per_token(runs)
    if "bytes_per_token" in runs.frame or not len(known) or known.max() < 1.05 * known.min():
        return None
    because = f"By them, a token holds {show(known.min())} to {show(known.max())} bytes."
    todo = "Are they of one text and one tokenizer? Otherwise add a column bytes_per_token."
    return Finding("warning", "loss and bits_per_byte do not keep step.", because, todo)


def _known_bytes_per_token(runs: Runs) -> NDArray[np.float64]:
    """What a column of that name or both losses tell, shape (known,): of the runs that tell it."""
    if "bytes_per_token" in runs.frame:
        size = runs.column("bytes_per_token")
    elif "bits_per_byte" in runs.frame:
        size = np.asarray(runs.column("loss") / np.log(2) / runs.column("bits_per_byte"), dtype=float)
    else:
        return np.empty(0)
    return size[np.isfinite(size)]


def _excess(runs: Runs) -> NDArray[np.float64]:
    """Logarithm of flops over 6 * params * tokens, shape (runs,)."""
    return np.log(runs.column("flops") / (6 * runs.column("params") * runs.column("tokens")))


def _rank_correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Spearman's, ties in the order of the rows."""
    ranks = [values.argsort(kind="stable").argsort().astype(float) for values in (first, second)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _smaller_mode(values: NDArray[np.float64]) -> NDArray[np.intp] | None:
    """Positions of the smaller of two groups of values, where their gap is wide and both are tight."""
    order = np.argsort(values)
    gaps = np.diff(values[order])
    cut = int(gaps.argmax()) + 1
    groups = sorted((order[:cut], order[cut:]), key=len)
    within = max(float(values[group].std()) for group in groups)
    if gaps.max() < max(_APART, 3 * within) or len(groups[0]) < max(2, 0.1 * len(values)):
        return None
    return np.sort(groups[0])


def _many(count: int, one: str, several: str = "") -> str:
    return f"{count} {one if count == 1 else several or f'{one}s'}"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


RULES = (
    rows_left_out, sizes_in_mixed_units, sizes_in_other_units, swapped_columns, losses_of_guessing,
    losses_below_entropy, losses_of_another_unit, flops_far_from_the_rule, constant_flops, flops_of_two_kinds,
    flops_that_count_other_params, counts_of_two_kinds, repeated_tokens, duplicate_rows, training_curves,
    losses_out_of_step,
)  # fmt: skip
