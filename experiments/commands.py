"""The command that does a sweep again, as it is written beside the sweep's results."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.corpus import Source
from experiments.sweeps import READY, load_sweep

if TYPE_CHECKING:
    from experiments.config import Sweep

ELSEWHERE = "..."
"""Stands in a command for a folder of this machine."""


def command_of(sweep: Sweep, source: Source | Path | None, *, out: Path, allow_repeats: bool) -> str:
    """The command that does `sweep` again: all that changes a result. "..." stands for what only this machine knows:
    the folder of an absolute path, or of the file of a sweep that is not ready-made."""
    source = source if isinstance(source, Source) else Source(place=None if source is None else str(source))
    options = {
        "--corpus": source.place and (source.place if source.data_set else _portable(source.place)),
        "--vocabulary": source.vocabulary,
        "--tokenizer": source.tokenizer and _portable(source.tokenizer),
        "--text-column": source.text_column if source.text_column != Source().text_column else None,
        "--max-bytes": source.max_bytes,
    }
    words = [str(word) for option in options.items() if option[1] is not None for word in option]
    repeats = ["--allow-repeats"] if allow_repeats else []
    ready = sweep.name in READY and load_sweep(sweep.name) == sweep
    name = sweep.name if ready else f"{ELSEWHERE}/{sweep.name}"
    return shlex.join(["python", "-m", "experiments", "run", name, "--out", _portable(str(out)), *words, *repeats])


def _portable(path: str) -> str:
    return f"{ELSEWHERE}/{Path(path).name}" if Path(path).is_absolute() else path
