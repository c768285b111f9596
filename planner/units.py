"""Text to number and number to text: the only parser and the only formatter of magnitudes.

Base units everywhere else: FLOPs, seconds, bytes, USD, tokens, parameters, nats/token; `days`, `gpu_hours`, `kwh` and
`kg_co2` say so in their names. A unit here is one of the keys of `UNITS`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from planner.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

HOURS_PER_YEAR = 8766.0
HOURS_PER_MONTH = HOURS_PER_YEAR / 12
PETAFLOPS_DAY = 8.64e19
"""FLOPs in one petaflop/s-day, the unit of Kaplan et al. 2020."""

_SCALES = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12, "bn": 1e9, "tn": 1e12, "mn": 1e6,
           "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unit:
    """How one kind of quantity is written: words that may follow its number, and an example for error messages.

    What is beyond `most` is a slip of the pen: our assumption, a hundred times and more above anything planned.
    """

    noun: str
    example: str
    words: Mapping[str, float] = field(default_factory=dict)
    scaled: bool = True
    most: float = math.inf


_HOURS = {"gpu-hours": 1.0, "gpu-hour": 1.0, "gpu hours": 1.0, "gpu hour": 1.0, "gpu-h": 1.0, "gpuh": 1.0, "gpu h": 1.0}
_DAYS = {
    "minute": 1 / 1440, "minutes": 1 / 1440, "h": 1 / 24, "hour": 1 / 24, "hours": 1 / 24, "d": 1.0, "day": 1.0,
    "days": 1.0, "week": 7.0, "weeks": 7.0, "month": 30.4375, "months": 30.4375, "year": 365.25, "years": 365.25,
}  # fmt: skip

UNITS: dict[str, Unit] = {
    "flops": Unit("FLOPs", "1e22", {"flop": 1.0, "flops": 1.0, "pf-days": PETAFLOPS_DAY, "pf-day": PETAFLOPS_DAY}),
    "flops/s": Unit("FLOP/s", "989e12"),
    "params": Unit("parameters", "7B", {"params": 1.0, "param": 1.0, "parameters": 1.0}, most=1e15),
    "tokens": Unit("tokens", "1.4T", {"tokens": 1.0, "token": 1.0, "tok": 1.0}, most=1e18),
    "usd": Unit("US dollars", "$2M", {"usd": 1.0, "dollars": 1.0, "dollar": 1.0}),
    "usd/gpu_hour": Unit("US dollars per GPU-hour", "2.50", {"/h": 1.0, "/gpu-hour": 1.0, "per gpu-hour": 1.0}),
    "gpu_hours": Unit("GPU-hours", "100k", _HOURS),
    "days": Unit("days", "30 days", _DAYS, scaled=False),
    "nats/token": Unit("nats/token", "2.1", {"nats/token": 1.0, "nats": 1.0}, scaled=False),
    "bits/byte": Unit("bits/byte", "0.9", {"bits/byte": 1.0, "bpb": 1.0}, scaled=False),
    "fraction": Unit("a fraction", "0.4 or 40 %", {"%": 0.01}, scaled=False),
    "gpus": Unit("GPUs", "256", {"gpus": 1.0, "gpu": 1.0}),
    "bytes": Unit("bytes", "80 GB", {"gb": 1e9, "mb": 1e6, "bytes": 1.0}, scaled=False),
    "kwh": Unit("kWh", "5000", {"kwh": 1.0, "mwh": 1e3, "gwh": 1e6}),
    "kg_co2": Unit("kg of CO2e", "900"),
    "tokens/param": Unit("tokens per parameter", "20"),
    "tokens/s": Unit("tokens per second", "40k"),
    "seconds": Unit("seconds", "90", {"s": 1.0, "seconds": 1.0}),
    "epochs": Unit("epochs", "4"),
    "count": Unit("a number", "12"),
}

_NUMBER = re.compile(
    r"(?P<sign>[-+]?)\s*(?:\$|usd\b)?\s*(?P<digits>[0-9][0-9,_]*\.?[0-9]*|\.[0-9]+)(?P<exponent>[eE][-+]?[0-9]+)?\s*(?P<rest>.*)",
    re.ASCII | re.DOTALL | re.IGNORECASE,
)
_MONEY = ("usd", "usd/gpu_hour")
_US = re.compile(r"us\$|usd(?![a-z])|us dollars?(?![a-z])|dollars?(?![a-z])", re.IGNORECASE)
_FOREIGN = re.compile(
    r"[€£¥₹₩₽₺₪฿₫₴₦]|(?<![a-z0-9])(?:ca?|au?|nz|hk|nt|mx|sg?|r)\$"
    r"|(?<![a-z])(?:[kmbt]|mn|bn|tn)?(?:eur|euros?|gbp|pounds?|jpy|yen|cny|rmb|yuan|chf|francs?|inr|rupees?|cad|aud|nzd|sek"
    r"|nok|dkk|kr|pln|krw|sgd|hkd|brl)(?![a-z])",
    re.IGNORECASE,
)
_GROUPED = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?")


def read(value: object, unit: str, *, name: str, zero: bool = False) -> float:
    """`value`, a number or text such as "$2M", "1e22", "7B" or "30 days", in the base unit.

    Args:
        value: what the user gave.
        unit: a key of UNITS; it decides which words may follow the number.
        name: the argument's name, for the error message.
        zero: whether 0 is allowed. Negative, NaN and infinite values never are.

    Raises:
        InputError: the value is no such quantity; the mend shows how to write one.
    """
    number = _parse(value, unit, name) if isinstance(value, str) else _as_float(value, unit, name)
    if not math.isfinite(number):
        raise InputError(f"{name} is {value!r}, which is no finite number.", mend=_how(unit, name))
    if number < 0 or (number == 0 and not zero):
        least = "0 or more" if zero else "positive"
        raise InputError(f"{name} must be {least}, not {value!r}.", mend=_how(unit, name))
    if number > UNITS[unit].most:
        raise InputError(
            f"{name} is {value!r}, which is beyond any number of {UNITS[unit].noun}.",
            mend=f"Check its unit: at most {show(UNITS[unit].most, unit)} are taken.",
        )
    return number


def is_foreign(text: str) -> bool:
    """Whether `text` names a currency other than the US dollar."""
    return _FOREIGN.search(_US.sub("", text)) is not None


def without_dollars(text: str) -> str:
    """`text` without the words for US dollars; a bare $ stays."""
    return _US.sub("", text)


def _how(unit: str, name: str) -> str:
    return f"Give {name} in {UNITS[unit].noun}, for example {UNITS[unit].example}."


def _as_float(value: object, unit: str, name: str) -> float:
    if isinstance(value, bool) or value is None:
        raise InputError(f"{name} is {value!r}, which is no number.", mend=_how(unit, name))
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{name} is {value!r}, which is no number.", mend=_how(unit, name)) from None


def _parse(text: str, unit: str, name: str) -> float:
    known = UNITS[unit]
    wrong = InputError(f"{name}: {text!r} is not understood as {known.noun}.", mend=_how(unit, name))
    _refuse_other_money(text, unit, name)
    match = _NUMBER.fullmatch((without_dollars(text) if unit in _MONEY else text).strip())
    if match is None:
        if text.strip().lower().lstrip("+-") in {"nan", "inf", "infinity"}:
            return math.nan
        raise wrong
    digits = match["digits"]
    if "," in digits and not _GROUPED.fullmatch(digits):
        raise InputError(
            f"{name}: the comma in {text!r} is ambiguous.", mend="Write a decimal point: 1.5M, or 1500000."
        )
    number = float(digits.replace(",", "").replace("_", "") + (match["exponent"] or ""))
    return (-number if match["sign"] == "-" else number) * _factor(match["rest"], text, known, wrong, name)


def _refuse_other_money(text: str, unit: str, name: str) -> None:
    """Raise where `text` is in another currency, or money where something else is asked for."""
    if unit not in _MONEY and ("$" in text or is_foreign(text)):
        raise InputError(f"{name}: {text!r} is money, not {UNITS[unit].noun}.", mend=_how(unit, name))
    if is_foreign(text):
        raise InputError(
            f"{name}: {text!r} is not in US dollars.", mend=f"Convert it at today's rate. {_how(unit, name)}"
        )


def _factor(rest: str, text: str, known: Unit, wrong: InputError, name: str) -> float:
    rest = rest.strip().lower().rstrip("$").rstrip()
    for scale, factor in _SCALES.items():
        if scale and not known.scaled:
            continue
        if rest.startswith(scale):
            word = rest[len(scale) :].strip()
            if not word:
                return factor
            if word in known.words:
                return factor * known.words[word]
    if re.search(r"gpu[- ]?(year|month|week|day)s?", rest):
        raise InputError(
            f"{name}: {text!r} counts GPU time in units we do not take.",
            mend=f"Write GPU-hours: one GPU-year is {HOURS_PER_YEAR:g} GPU-hours, one GPU-day 24.",
        )
    other = next((unit.noun for unit in UNITS.values() if rest in unit.words), None)
    if other is not None and other != known.noun:
        raise InputError(f"{name}: {text!r} is in {other}, not {known.noun}.", mend=_how(_key(known), name))
    raise wrong


def _key(known: Unit) -> str:
    return next(key for key, unit in UNITS.items() if unit is known)


def show(value: float | str | None, unit: str = "") -> str:
    """`value` for a person, with its unit: show(2e6, "usd") is "$2.00M"; text passes through, None is "not known"."""
    if value is None:
        return "not known"
    if isinstance(value, str):
        return value
    number, word = _drawn(float(value), unit)
    return f"{number} {word}".strip()


def show_range(low: float, high: float, unit: str = "") -> str:
    """Both bounds for a person, the unit once where both share it."""
    (first, word), (second, last_word) = _drawn(low, unit), _drawn(high, unit)
    if word == last_word:
        return f"{first} to {second} {word}".strip()
    return f"{first} {word} to {second} {last_word}"


def _drawn(value: float, unit: str) -> tuple[str, str]:
    if math.isnan(value):
        return "not known", ""
    if math.isinf(value):
        return "unbounded", ""
    if unit in _DRAW_AS:
        return _stepped(value, _DRAW_AS[unit])
    match unit:
        case "flops":
            return _short(value) if value < 1e6 else _power(value), "FLOPs"
        case "usd" | "usd/gpu_hour":
            return f"${_money(value)}", "per GPU-hour" if unit == "usd/gpu_hour" else ""
        case "nats/token" | "bits/byte":
            return f"{value:.3f}", unit
        case "fraction":
            return _digits(100 * value), "%"
        case "params" | "tokens":
            return _short(value), unit
        case "gpu_hours":
            return _short(value), "GPU-hours"
        case "gpus":
            return f"{value:,.0f}", "GPUs"
        case "count" if value < 1e6 and value == round(value):
            return f"{value:,.0f}", ""
        case "tokens/param":
            return _digits(value), "tokens per parameter"
        case "tokens/s":
            return _short(value), "tokens/s"
        case "epochs":
            return _digits(value), "epochs"
    return _short(value), ""


_Steps = tuple[tuple[float, float, str], ...]
"""From which size on, divided by what, named how."""

_DRAW_AS: dict[str, _Steps] = {
    "days": ((730.5, 365.25, "years"), (1.0, 1.0, "days"), (1 / 24, 1 / 24, "hours"), (1 / 1440, 1 / 1440, "minutes"),
             (0.0, 1 / 86400, "seconds")),
    "seconds": ((172800.0, 86400.0, "days"), (3600.0, 3600.0, "hours"), (60.0, 60.0, "minutes"), (0.0, 1.0, "seconds")),
    "flops/s": ((1e12, 1e12, "TFLOP/s"), (1e9, 1e9, "GFLOP/s"), (0.0, 1.0, "FLOP/s")),
    "kwh": ((1e6, 1e6, "GWh"), (1e3, 1e3, "MWh"), (0.0, 1.0, "kWh")),
    "kg_co2": ((1e3, 1e3, "t CO2e"), (0.0, 1.0, "kg CO2e")),
    "bytes": ((1e12, 1e12, "TB"), (1e9, 1e9, "GB"), (1e6, 1e6, "MB"), (0.0, 1.0, "bytes")),
}  # fmt: skip


def _stepped(value: float, steps: _Steps) -> tuple[str, str]:
    divisor, word = next((divisor, word) for least, divisor, word in steps if abs(value) >= least)
    number = value / divisor
    return _short(number) if abs(number) >= 1e6 else _digits(number), word


def _digits(value: float) -> str:
    """Three significant digits, plain notation with thousands separators."""
    value = float(f"{value:.3g}")
    if value == 0:
        return "0"
    places = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{places}f}" if places <= 6 else f"{value:.2e}"


def _power(value: float) -> str:
    return f"{value:.2e}".replace("e+0", "e").replace("e+", "e")


def _short(value: float) -> str:
    """Three significant digits with K, M, B or T; an exponent from 1e15 on."""
    if abs(value) >= 1e15:
        return _power(value)
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")):
        if abs(value) >= 0.9995 * size:
            return f"{_digits(value / size)}{letter}"
    return _digits(value)


def _money(value: float) -> str:
    if abs(value) >= 0.9995e6:
        return _short(value)
    if abs(value) >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:,.2f}" if abs(value) >= 0.01 or value == 0 else _digits(value)
