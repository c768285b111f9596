"""The ready-made sweeps, and the reader of sweep files: TOML or JSON with the same keys."""

from __future__ import annotations

import json
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.config import Shape, Size, Sweep
from planner.errors import InputError, UnknownName
from planner.units import read

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent
READY = tuple(sorted(path.stem for path in HERE.glob("*.toml")))

FEWEST_STEPS = 20
_EXAMPLE = "See experiments/sweeps/smoke.toml for a complete example."


def load_sweep(name: str) -> Sweep:
    """The ready-made sweep called `name`, or the one in the file at that path."""
    if name in READY:
        return _of_file(HERE / f"{name}.toml")
    path = Path(name)
    if path.is_file():
        return _of_file(path)
    if path.suffix in {".toml", ".json"}:
        raise InputError(f"There is no sweep file at {name}.", mend=f"Ready-made sweeps: {', '.join(READY)}.")
    raise UnknownName.of("sweep", name, known=READY)


def _of_file(path: Path) -> Sweep:
    try:
        text = path.read_text()
        settings = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is no readable sweep file: {error}.", mend="Write TOML or JSON.") from error
    if not isinstance(settings, dict):
        raise InputError(f"{path} is no table of settings.", mend=_EXAMPLE)
    return sweep_of({"name": path.stem, "title": path.stem} | settings)


def sweep_of(settings: dict[str, Any]) -> Sweep:
    """The Sweep that a table of settings describes, checked; `context` and `tokens` may stand in each size or once."""
    shared = {"context", "tokens"}
    known = {field.name for field in fields(Sweep)} | shared
    for key in settings:
        if key not in known:
            raise UnknownName.of("sweep setting", key, known=known)
    missing = sorted(known - shared - set(settings))
    if missing:
        raise InputError(f"The sweep says nothing about {', '.join(missing)}.", mend=_EXAMPLE)
    whole = {key: _whole(settings[key], key) for key in ("batch", "warmup_steps", "evaluation_windows")}
    common = {key: settings[key] for key in shared & set(settings)}
    sizes = tuple(_size(size, common, whole["batch"]) for size in _many(settings["sizes"], "sizes"))
    seeds = tuple(_whole(seed, "seeds", zero=True) for seed in _many(settings["seeds"], "seeds"))
    _once([size.shape for size in sizes], "sizes")
    _once(seeds, "seeds")
    return Sweep(
        name=str(settings["name"]),
        title=str(settings["title"]),
        sizes=sizes,
        learning_rate=read(settings["learning_rate"], "count", name="learning_rate"),
        decay_share=_share(settings["decay_share"]),
        seeds=seeds,
        **whole,
    )


def _size(size: Any, common: dict[str, Any], batch: int) -> Size:
    if not isinstance(size, dict):
        raise InputError(f"A size is {size!r}.", mend="Write sizes as { layers = 2, width = 32 }.")
    settings = common | size
    known = [field.name for field in fields(Size)]
    for key in settings:
        if key not in known:
            raise UnknownName.of("setting of a size", key, known=known)
    for key in known:
        if key not in settings:
            raise InputError(f"A size says nothing about {key}.", mend=_EXAMPLE)
    layers, width, context = (_whole(settings[key], key) for key in ("layers", "width", "context"))
    heads = Shape(layers=layers, width=width, context=context).heads
    if width % (2 * heads):
        raise InputError(
            f"A width of {width} cannot be shared by {heads} heads of even width.", mend="Use a multiple of 32."
        )
    tokens = tuple(
        _rounded(read(count, "tokens", name="tokens"), batch * context) for count in _many(settings["tokens"], "tokens")
    )
    _once(tokens, "tokens")
    return Size(layers=layers, width=width, context=context, tokens=tokens)


def _many(values: Any, name: str) -> list[Any]:
    if not isinstance(values, list | tuple) or not values:
        raise InputError(f"{name} must be a list with at least one entry.", mend=_EXAMPLE)
    return list(values)


def _once(values: Sequence[object], name: str) -> None:
    if len(set(values)) < len(values):
        raise InputError(f"The sweep lists the same value twice in {name}.", mend="Name every value once.")


def _whole(value: Any, name: str, *, zero: bool = False) -> int:
    number = read(value, "count", name=name, zero=zero)
    if number != int(number):
        raise InputError(f"{name} is {value!r}.", mend=f"Give {name} as a whole number.")
    return int(number)


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
