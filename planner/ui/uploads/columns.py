"""Columns: which of a stranger's columns is which of ours, by what people call them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

NEEDED = ("params", "tokens", "loss")
OPTIONAL = ("flops", "status")

_CALLED = {
    "params": (
        "params", "parameters", "nparams", "numparams", "nparameters", "numparameters", "modelsize", "modelparams",
        "totalparams", "paramstotal", "paramcount", "parametercount", "size", "n", "paramsnonembedding",
        "nonembeddingparams",
    ),
    "tokens": (
        "tokens", "ntokens", "numtokens", "traintokens", "trainingtokens", "tokensseen", "totaltokens", "tokenstotal",
        "datasettokens", "tokencount", "numtraintokens", "d",
    ),
    "loss": (
        "valloss", "validationloss", "evalloss", "evaluationloss", "testloss", "heldoutloss", "finalloss",
        "finalvalloss", "loss", "crossentropy", "trainloss", "trainingloss", "l",
    ),
    "flops": ("flops", "flop", "trainflops", "trainingflops", "trainingflop", "totalflops", "compute", "c"),
    "status": ("status", "state"),
}  # fmt: skip
"""What people call each of our columns, without blanks and signs; the first that is found is taken."""
_SCALE = re.compile(r"[\s_(\[](k|m|b|t|thousands|millions|billions|trillions)[)\]]?\s*$", re.IGNORECASE)
_SIGNS = re.compile(r"[^a-z0-9]")
_IN_BRACKETS = re.compile(r"[(\[].*?[)\]]")
_PATH = re.compile(r"[/.:]")


def guessed(names: Iterable[str]) -> dict[str, str]:
    """Our name to theirs, for every column that is recognised; the last part of a path such as eval/loss counts too."""
    found: dict[str, str] = {}
    plain = [(theirs, _plain(theirs), _plain(_PATH.split(theirs)[-1]), _plain("".join(_PATH.split(theirs)[-2:])))
             for theirs in names]  # fmt: skip
    for ours, called in _CALLED.items():
        hits = [
            theirs
            for word in called
            for theirs, whole, last, two in plain
            if word in (whole, two, last) and theirs not in found.values()
        ]
        if hits:
            found[ours] = hits[0]
    return found


def guessed_scale(theirs: str) -> str:
    """The letter (K, M, B or T) that a column such as "Tokens (B)" says its numbers lack; '' where it says none."""
    found = _SCALE.search(theirs)
    return found[1][0].upper() if found else ""


def counts_without_embedding(theirs: str) -> bool:
    """Whether the name of a column says that it leaves the embedding out."""
    return "nonembedding" in _plain(theirs)


def _plain(name: str) -> str:
    return _SIGNS.sub("", _IN_BRACKETS.sub("", name.lower()))
