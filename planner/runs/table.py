"""Runs: a table of training runs that says its units and conventions, and gives itself in others. It reads no file."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import numpy as np

from planner.errors import DataError, InputError, UnknownName
from planner.sheet import Row, Sheet
from planner.units import read, show

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

Counting = Literal["total", "non_embedding"]
LossUnit = Literal["nats/token", "bits/byte"]
COUNTINGS: tuple[str, ...] = get_args(Counting)
LOSS_UNITS: tuple[str, ...] = get_args(LossUnit)

LEAST_BYTES_PER_TOKEN = 0.9
"""A token holds a byte or more; what is left is rounding."""
SAME = 0.02
"""How far two statements of one quantity may lie apart, relative: the rounding of printed losses."""
SHOWN = 10
_UNITS = {"params": "params", "tokens": "tokens", "flops": "flops"}
_OTHER_COUNT = {"non_embedding": "params_non_embedding", "total": "params_total"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Runs(Sheet):
    """Training runs, one row each, in base units.

    `frame` has at least params, tokens, flops and loss, all positive; `flops_measured`, whether flops is the source's
    own or 6 * params * tokens; `source_row`, the row's number in the source; `loss_unit` and `counting`, so that a
    frame that is loaded again is what it was. `counting` says which parameters `params` counts, `loss_unit` what the
    loss is, `failed` how many rows were left out because their `status` names no success, and `left_out` which statuses
    those were.
    """

    frame: pd.DataFrame
    counting: Counting
    loss_unit: LossUnit
    source: str
    failed: int = 0
    left_out: tuple[str, ...] = ()

    @property
    def title(self) -> str:  # type: ignore[override]
        """What these runs are, for people."""
        return f"{len(self.frame)} training runs from {self.source}"

    def column(self, name: str) -> NDArray[np.float64]:
        """A column as an array of floats, shape (runs,)."""
        return cast("NDArray[np.float64]", self.frame[name].to_numpy(dtype=float))

    @property
    def flops_measured(self) -> NDArray[np.bool_]:
        """Whether the source gave a run's flops, shape (runs,)."""
        return cast("NDArray[np.bool_]", self.frame["flops_measured"].to_numpy(dtype=bool))

    @property
    def flops_rule(self) -> str:
        """How flops were obtained: "measured" (the source gives them), "6ND", or how many runs of each."""
        measured = int(self.flops_measured.sum())
        if measured in (0, len(self.frame)):
            return "measured" if measured else "6ND"
        return f"measured for {measured} of {len(self.frame)} runs, 6ND for the others"

    @property
    def weights(self) -> NDArray[np.float64]:
        """What each run weighs relative to the others, shape (runs,): the column `weight`, or 1."""
        return self.column("weight") if "weight" in self.frame else np.ones(len(self.frame))

    @property
    def trunks(self) -> NDArray[np.intp]:
        """A number for each run, shape (runs,): the same for runs that share a `trunk`, its own where none is named."""
        import pandas as pd

        if "trunk" not in self.frame:
            return np.arange(len(self.frame))
        codes, names = pd.factorize(self.frame["trunk"].astype("string").str.strip().replace("", None))
        return np.where(codes >= 0, codes, len(names) + np.arange(len(codes)))

    def named(self, positions: Sequence[int] | NDArray[np.intp]) -> str:
        """The runs at `positions` by their rows in the source: "rows 3, 5 and 12 more"."""
        labels = [str(label) for label in self.frame["source_row"].iloc[list(positions[:SHOWN])]]
        more = len(positions) - len(labels)
        if len(positions) == 1:
            return f"row {labels[0]}"
        return f"rows {', '.join(labels)} and {more} more" if more else f"rows {', '.join(labels)}"

    def in_unit(self, unit: LossUnit, bytes_per_token: float | str | None = None) -> Runs:
        """The same runs with their loss in `unit`: bits/byte = nats/token / ln 2 / bytes per token.

        Args:
            unit: "nats/token" or "bits/byte".
            bytes_per_token: bytes of text per token; not needed where the table has a column of that name, or
                `bits_per_byte` beside a loss in nats/token.

        Raises:
            DataError: bytes per token are unknown for some runs, or two statements of them disagree.
        """
        if unit not in LOSS_UNITS:
            raise UnknownName.of("unit of loss", str(unit), known=LOSS_UNITS)
        if unit == self.loss_unit:
            return self
        size = self._bytes_per_token(bytes_per_token)
        per_token = 1 / (math.log(2) * size) if unit == "bits/byte" else math.log(2) * size
        changed = {name: self.column(name) * per_token for name in ("loss", "loss_error") if name in self.frame}
        frame = self.frame.assign(**changed, bytes_per_token=size, loss_unit=unit)
        return replace(self, frame=frame, loss_unit=unit)

    def counted(self, counting: Counting) -> Runs:
        """The same runs with `params` counted as `counting` says, by the column params_non_embedding or params_total.

        Flops that are 6 * params * tokens follow the new count; those that the source gave stay.
        """
        if counting not in COUNTINGS:
            raise UnknownName.of("way of counting", str(counting), known=COUNTINGS)
        if counting == self.counting:
            return self
        wanted = _OTHER_COUNT[counting]
        if wanted not in self.frame:
            raise DataError(f"{self.source} has no column {wanted}.", mend=f"Add it to count {counting} parameters.")
        params = self.column(wanted)
        if np.isnan(params).any():
            where = self.named(np.flatnonzero(np.isnan(params)))
            raise DataError(f"{wanted} is empty in {where} of {self.source}.", mend="Fill it for every run.")
        flops = np.where(self.flops_measured, self.column("flops"), 6 * params * self.column("tokens"))
        kept = {_OTHER_COUNT[self.counting]: self.column("params")}
        frame = self.frame.assign(**kept, params=params, flops=flops, counting=counting)
        return replace(self, frame=frame, counting=counting)

    def rows(self) -> Iterable[Row]:
        """Counts and spans of the table, then its conventions."""
        yield Row("runs", "Runs", float(len(self.frame)), "count")
        yield Row("failed", "Failed runs left out", float(self.failed), "count")
        for name, label in (("params", "Parameters"), ("tokens", "Tokens"), ("flops", "Compute"), ("loss", "Loss")):
            unit = self.loss_unit if name == "loss" else _UNITS[name]
            yield Row(f"{name}_min", f"{label}, least", float(self.column(name).min()), unit)
            yield Row(f"{name}_max", f"{label}, most", float(self.column(name).max()), unit)
        yield Row("counting", "Parameters counted", self.counting)
        yield Row("loss_unit", "Unit of loss", self.loss_unit)
        yield Row("flops_rule", "How compute was obtained", self.flops_rule)

    def _bytes_per_token(self, given: float | str | None) -> NDArray[np.float64]:
        """Bytes per token of each run, shape (runs,), from all statements of them, which must agree."""
        found = self._measured_bytes_per_token()
        for stated in self._stated_bytes_per_token(given):
            clash = np.flatnonzero(np.abs(np.log(stated / found)) > SAME)
            if len(clash):
                one, other = show(found[clash[0]], "bytes"), show(stated[clash[0]], "bytes")
                raise DataError(
                    f"A token of {self.named(clash)} holds {one} by one statement and {other} by another.",
                    mend="Compare bytes_per_token, and bits_per_byte with loss: the same tokenizer, the same text?",
                )
            found = np.where(np.isnan(found), stated, found)
        unknown = np.flatnonzero(np.isnan(found))
        if len(unknown):
            where = "" if len(unknown) == len(found) else f" for {self.named(unknown)}"
            raise DataError(
                f"The loss of {self.source} cannot be converted: bytes per token are unknown{where}.",
                mend="Give bytes_per_token, a number or a column, such as 4.2.",
            )
        return found

    def _measured_bytes_per_token(self) -> NDArray[np.float64]:
        """What loss and bits_per_byte together say, NaN where they say nothing."""
        if self.loss_unit != "nats/token" or "bits_per_byte" not in self.frame:
            return np.full(len(self.frame), np.nan)
        return self.column("loss") / math.log(2) / self.column("bits_per_byte")

    def _stated_bytes_per_token(self, given: float | str | None) -> Iterable[Any]:
        if "bytes_per_token" in self.frame:
            yield self.column("bytes_per_token")
        elif given is None:
            # One tokenizer and one held-out text for all runs, unless a column says otherwise.
            measured = self._measured_bytes_per_token()
            known = measured[~np.isnan(measured)]
            yield np.where(np.isnan(measured), np.nan, np.median(known) if len(known) else np.nan)
        if given is not None:
            yield np.full(len(self.frame), read_bytes_per_token(given))


def read_bytes_per_token(given: object) -> float:
    """`given` as bytes per token."""
    try:
        size = read(given, "bytes", name="bytes_per_token")
    except InputError as error:
        mend = "Give the bytes of a text over its tokens, a number such as 4.2."
        raise InputError(error.problem, mend=mend) from None
    if size < LEAST_BYTES_PER_TOKEN:
        raise InputError(
            f"bytes_per_token is {show(size)}, but a token holds a byte or more.",
            mend="Are these tokens per byte? Give the bytes of a text over its tokens, such as 4.2.",
        )
    return size
