"""The ready-made sweeps, and the reader of sweep files: TOML or JSON with the same keys."""

from __future__ import annotations

import json
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

from experiments.config import Shape, Sweep
from planner.errors import InputError, UnknownName
from planner.units import read

HERE = Path(__file__).parent
READY = tuple(sorted(path.stem for path in HERE.glob("*.toml")))

WHOLE = ("batch", "warmup_steps", "evaluation_windows")
FEWEST_STEPS = 20


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


_EXAMPLE = "See experiments/sweeps/smoke.toml for a complete example."


def sweep_of(settings: dict[str, Any]) -> Sweep:
    """The Sweep that a table of settings describes, checked."""
    known = {field.name for field in fields(Sweep)} | {"context"}
    for key in settings:
        if key not in known:
            raise UnknownName.of("sweep setting", key, known=known)
    missing = sorted(known - {"context"} - set(settings))
    if missing:
        raise InputError(f"The sweep says nothing about {', '.join(missing)}.", mend=_EXAMPLE)
    whole = {key: _whole(settings[key], key) for key in WHOLE}
    shapes = tuple(_shape(size, settings.get("context")) for size in _many(settings, "sizes"))
    sweep = Sweep(
        name=str(settings["name"]),
        title=str(settings["title"]),
        sizes=shapes,
        tokens=tuple(
            _rounded(read(tokens, "tokens", name="tokens"), whole["batch"] * shapes[0].context)
            for tokens in _many(settings, "tokens")
        ),
        learning_rate=read(settings["learning_rate"], "count", name="learning_rate"),
        decay_share=_share(settings["decay_share"]),
        seeds=tuple(_whole(seed, "seeds", zero=True) for seed in _many(settings, "seeds")),
        **whole,
    )
    for name, values in (("sizes", sweep.sizes), ("tokens", sweep.tokens), ("seeds", sweep.seeds)):
        if len(set(values)) < len(values):
            raise InputError(f"The sweep lists the same value twice in {name}.", mend="Name every value once.")
    return sweep


def _many(settings: dict[str, Any], key: str) -> list[Any]:
    values = settings[key]
    if not isinstance(values, list | tuple) or not values:
        raise InputError(f"{key} must be a list with at least one entry.", mend=_EXAMPLE)
    return list(values)


def _shape(size: Any, context: Any) -> Shape:
    if not isinstance(size, dict) or not {"layers", "width"} <= set(size):
        raise InputError(f"A size is {size!r}.", mend="Write sizes as { layers = 2, width = 32 }.")
    for key in size:
        if key not in {"layers", "width", "context", "vocabulary"}:
            raise UnknownName.of("setting of a size", key, known=("layers", "width"))
    shape = Shape(
        layers=_whole(size["layers"], "layers"),
        width=_whole(size["width"], "width"),
        context=_whole(size.get("context", context), "context"),
    )
    if shape.width % (2 * shape.heads):
        raise InputError(
            f"A width of {shape.width} cannot be shared by {shape.heads} heads of even width.",
            mend="Use a multiple of 16 for width.",
        )
    return shape


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
