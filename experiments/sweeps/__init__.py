"""The ready-made sweeps, and the reader of sweep files: TOML or JSON with the same keys, or a table of runs to do."""

from __future__ import annotations

import json
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.config import Size, Sweep, steps_before_decay
from experiments.sweeps.designs import settings_of, table_of
from planner.errors import InputError, UnknownName
from planner.units import read

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent
READY = tuple(sorted(path.stem for path in HERE.glob("*.toml")))

SUFFIXES = (".toml", ".json", ".csv")
FEWEST_STEPS = 20
FEWEST_WINDOWS = 16
"""A loss measured on fewer windows says little, and its error nothing."""

MOST = 2**53
"""Larger whole numbers are no longer exact once they were read."""

SHARED = ("context", "tokens", "batch", "learning_rate", "warmup_steps")
"""Settings that may stand in each size, or once for all of them."""

_EXAMPLE = "See experiments/sweeps/smoke.toml for a complete example."


def load_sweep(name: str) -> Sweep:
    """The ready-made sweep called `name`, or the one in the file at that path."""
    if name in READY:
        return _of_file(HERE / f"{name}.toml")
    path = Path(name)
    if path.is_file():
        return _of_file(path)
    if path.suffix in SUFFIXES:
        raise InputError(f"There is no sweep file at {name}.", mend=f"Ready-made sweeps: {', '.join(READY)}.")
    raise UnknownName.of("sweep", name, known=READY)


def _of_file(path: Path) -> Sweep:
    try:
        text = path.read_text(encoding="utf-8")
        settings = _settings(text, path)
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path} is no readable sweep file: {error}.", mend="Write TOML or JSON, or a CSV of params and tokens."
        ) from error
    if not isinstance(settings, dict):
        raise InputError(f"{path} is no table of settings.", mend=_EXAMPLE)
    return sweep_of({"name": path.stem, "title": path.stem} | settings)


def _settings(text: str, path: Path) -> Any:
    if path.suffix == ".csv":
        return settings_of(table_of(text))
    if path.suffix != ".json":
        return tomllib.loads(text)
    settings = json.loads(text)
    return settings_of(settings) if isinstance(settings, list) else settings


def sweep_of(settings: dict[str, Any]) -> Sweep:
    """The Sweep that a table of settings describes, checked."""
    known = {field.name for field in fields(Sweep)}
    for key in settings:
        if key not in known | set(SHARED):
            raise UnknownName.of("sweep setting", key, known=known | set(SHARED))
    missing = sorted(known - set(settings))
    if missing:
        raise InputError(f"The sweep says nothing about {', '.join(missing)}.", mend=_EXAMPLE)
    common = {key: settings[key] for key in SHARED if key in settings}
    sizes = tuple(_size(size, common) for size in _many(settings["sizes"], "sizes"))
    seeds = tuple(_whole(seed, "seeds", zero=True) for seed in _many(settings["seeds"], "seeds"))
    _once(sizes, "sizes")
    _once(seeds, "seeds")
    sweep = Sweep(
        name=str(settings["name"]),
        title=str(settings["title"]),
        sizes=sizes,
        decay_share=_share(settings["decay_share"]),
        evaluation_windows=_windows(settings["evaluation_windows"]),
        seeds=seeds,
    )
    _check_warmups(sweep)
    return sweep


def _size(size: Any, common: dict[str, Any]) -> Size:
    if not isinstance(size, dict):
        raise InputError(f"A size is {size!r}.", mend="Write sizes as { layers = 2, width = 32 }.")
    settings = {key: value for key, value in (common | size).items() if value is not None}
    known = {field.name for field in fields(Size)}
    for key in settings:
        if key not in known:
            raise UnknownName.of("setting of a size", key, known=known)
    large = ("params",) if "params" in settings else ("layers", "width")
    for key in (*large, *SHARED):
        if key not in settings:
            raise InputError(f"A size says nothing about {key}.", mend=_EXAMPLE)
    if "params" in settings and {"layers", "width"} & set(settings):
        raise InputError("A size has params as well as layers or width.", mend="Give params, or layers and width.")
    batch, context = _whole(settings["batch"], "batch"), _whole(settings["context"], "context")
    return Size(
        tokens=_tokens(settings["tokens"], batch * context),
        context=context,
        batch=batch,
        learning_rate=read(settings["learning_rate"], "count", name="learning_rate"),
        warmup_steps=_whole(settings["warmup_steps"], "warmup_steps"),
        **(_params(settings) if "params" in settings else _layers(settings)),
    )


def _params(settings: dict[str, Any]) -> dict[str, Any]:
    return {"params": read(settings["params"], "params", name="params")}


def _layers(settings: dict[str, Any]) -> dict[str, Any]:
    layers, width = _whole(settings["layers"], "layers"), _whole(settings["width"], "width")
    if width % 2:
        raise InputError(f"A width of {width} cannot be shared by heads of even width.", mend="Give an even width.")
    return {"layers": layers, "width": width}


def _tokens(counts: Any, tokens_per_step: int) -> tuple[int, ...]:
    """Token counts of whole steps."""
    read_counts = (read(count, "tokens", name="tokens") for count in _many(counts, "tokens"))
    tokens = tuple(_rounded(count, tokens_per_step) for count in read_counts)
    _once(tokens, "tokens")
    return tokens


def _many(values: Any, name: str) -> list[Any]:
    if not isinstance(values, list | tuple) or not values:
        raise InputError(f"{name} must be a list with at least one entry.", mend=_EXAMPLE)
    return list(values)


def _once(values: Sequence[object], name: str) -> None:
    if len(set(values)) < len(values):
        raise InputError(f"The sweep lists the same value twice in {name}.", mend="Name every value once.")


def _whole(value: Any, name: str, *, zero: bool = False) -> int:
    number = read(value, "count", name=name, zero=zero)
    if number != int(number) or number > MOST:
        raise InputError(f"{name}: {value!r} will not do.", mend=f"Give a whole number up to {MOST:,}.")
    return int(number)


def _windows(value: Any) -> int:
    windows = _whole(value, "evaluation_windows")
    if windows < FEWEST_WINDOWS:
        raise InputError(
            f"evaluation_windows is {windows}, too few to measure a loss with.",
            mend=f"Give at least {FEWEST_WINDOWS}; the ready-made sweeps have 256 or more.",
        )
    return windows


def _check_warmups(sweep: Sweep) -> None:
    """Raise where a size's shortest run would decay before its rate has risen."""
    for size in sweep.sizes:
        steps = min(size.tokens) // (size.batch * size.context)
        before = steps_before_decay(steps, sweep.decay_share)
        if size.warmup_steps > before:
            raise InputError(
                f"The shortest run of a size has {steps:,} steps, of which the last {steps - before:,} decay, and its "
                f"rate rises for {size.warmup_steps:,}.",
                mend="Give fewer warmup_steps, a smaller decay_share, or more tokens.",
            )


def _share(value: Any) -> float:
    share = read(value, "fraction", name="decay_share")
    if share >= 1:
        raise InputError(f"decay_share is {value!r}.", mend="Give the share of steps that decay, such as 0.2.")
    return share


def _rounded(tokens: float, tokens_per_step: int) -> int:
    """Whole steps; a run of fewer than FEWEST_STEPS says nothing about its model."""
    steps = round(tokens / tokens_per_step)
    if steps < FEWEST_STEPS:
        raise InputError(
            f"{tokens:,.0f} tokens are {steps} steps of {tokens_per_step:,} tokens.",
            mend=f"Give at least {FEWEST_STEPS * tokens_per_step:,} tokens, or a smaller batch or context.",
        )
    return steps * tokens_per_step
