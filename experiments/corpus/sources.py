"""Source: where the text of a corpus comes from, how it becomes tokens, and the portions that workers read."""

from __future__ import annotations

import hashlib
import math
import os
import sysconfig
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.corpus.hub import DataSet
from planner.errors import DataError, InputError
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = 1
"""Raise it whenever the same source would give other tokens."""

PLAIN = (".txt", ".md")
LINES = (".jsonl", ".jsonl.gz", ".jsonl.bz2", ".jsonl.zst")
TABLES = (".parquet",)
SUFFIXES = (*PLAIN, *LINES, *TABLES)

PORTION_BYTES = 16_000_000
"""A worker reads about this much text in one go: several files, or one large one."""

EXPANDS = {".gz": 4, ".bz2": 4, ".zst": 4, ".parquet": 3}
"""How much more text such a file is thought to hold than it takes of the disk."""

HUB_BYTES = 1_000_000_000
"""Of a data set of the hub, which may have no end in sight, this much is read unless more is asked for."""

NO_PROSE = frozenset({"test", "tests", "site-packages", "dist-packages", "idlelib", "encodings", "__pycache__"})
"""Folders of the standard library that are tests, other people's packages or tables of characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What to read and how to cut it into tokens.

    Args:
        place: a file, a folder, `hub:OWNER/NAME[:config][:split]`, or None for Python's standard library.
        text_column: the field or column that holds the text of .jsonl, .parquet and hub data sets.
        vocabulary: how many tokens a byte-pair encoding trained on this text has; None for bytes.
        tokenizer: a tokenizer.json to use instead.
        max_bytes: read about this much text, spread over the whole; None for all of it, or HUB_BYTES of the hub.
    """

    place: str | None = None
    text_column: str = "text"
    vocabulary: int | None = None
    tokenizer: str | None = None
    max_bytes: int | None = None

    @property
    def title(self) -> str:
        """What to call it."""
        if self.place is None:
            name = "python standard library"
        else:
            name = self.place if self.data_set else Path(self.place).resolve().name
        return name if self.quota is None else f"{name}, about {show(self.quota, 'bytes')} of it"

    @property
    def quota(self) -> int | None:
        """Bytes of text to read, or None for all."""
        return self.max_bytes or (HUB_BYTES if self.data_set else None)

    @property
    def data_set(self) -> DataSet | None:
        """The data set of the hub that it names, or None where it names a file or folder."""
        return DataSet.parse(self.place) if self.place is not None and self.place.startswith(DataSet.PREFIX) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """What one worker reads in one go: some files, or the share `number` of `count` of a data set.

    `size` is about how many bytes of text they hold, or 0 where no one knows; reading ends after `quota` of them.
    """

    column: str
    files: tuple[Path, ...] = ()
    data_set: DataSet | None = None
    number: int = 0
    count: int = 1
    size: int = 0
    quota: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """All portions of a source in their order, what was left out of them, and a key that changes with the files."""

    portions: tuple[Portion, ...]
    skipped: Counter[str]
    key: str


def listing(source: Source) -> Listing:
    """The listing of `source`; no text is read yet."""
    if source.data_set is not None:
        return _of_hub(source, source.data_set)
    root = Path(sysconfig.get_path("stdlib")) if source.place is None else Path(source.place)
    if not root.exists():
        raise InputError(f"There is no corpus at {root}.", mend="Give an existing file or folder of text.")
    found = _library(root) if source.place is None else _files(root)
    there = [path for path in found if path.exists()]
    readable = [path for path in there if source.place is None or path.name.lower().endswith(SUFFIXES)]
    skipped = Counter(_kind(path) for path in set(there) - set(readable))
    if len(there) < len(found):
        skipped["links that lead nowhere"] = len(found) - len(there)
    if not readable:
        raise nothing_to_read(source, skipped)
    stats = [path.stat() for path in readable]
    facts = [
        f"{_place(path, root)} {stat.st_size} {stat.st_mtime_ns}" for path, stat in zip(readable, stats, strict=True)
    ]
    sizes = [stat.st_size * EXPANDS.get(path.suffix.lower(), 1) for path, stat in zip(readable, stats, strict=True)]
    portions = _portions(source, readable, sizes)
    return Listing(portions=portions, skipped=skipped, key=_key(source, *facts))


def nothing_to_read(source: Source, skipped: Counter[str]) -> DataError:
    """The error for a source without any text."""
    mend = f"Give UTF-8 text in files of these kinds: {', '.join(SUFFIXES)}."
    if not skipped:
        return DataError(f"The corpus {source.title} is empty.", mend=mend)
    return DataError(f"No readable text in {source.title}; skipped {skipped_text(skipped)}.", mend=mend)


def skipped_text(skipped: Counter[str]) -> str:
    """What was skipped, each kind in its own unit, and how often, the most frequent first."""
    ordered = sorted(skipped.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{kind}: {count:,}" for kind, count in ordered)


def _kind(path: Path) -> str:
    return f"{path.suffix.lower()} files" if path.suffix else "files without suffix"


def _of_hub(source: Source, data_set: DataSet) -> Listing:
    count = data_set.shares()
    portions = tuple(
        Portion(column=source.text_column, data_set=data_set, number=number, count=count) for number in range(count)
    )
    return Listing(portions=_rationed(source, portions), skipped=Counter(), key=_key(source))


def _portions(source: Source, files: list[Path], sizes: list[int]) -> tuple[Portion, ...]:
    """The files in runs of PORTION_BYTES or a little more."""
    portions: list[Portion] = []
    for path, size in zip(files, sizes, strict=True):
        last = portions[-1] if portions else None
        if last is None or last.size >= PORTION_BYTES:
            portions.append(Portion(column=source.text_column, files=(path,), size=size))
        else:
            portions[-1] = replace(last, files=(*last.files, path), size=last.size + size)
    return _rationed(source, tuple(portions))


def _rationed(source: Source, portions: tuple[Portion, ...]) -> tuple[Portion, ...]:
    """The portions with their shares of the bytes to read, by their sizes where these are known."""
    most = source.quota
    if most is None:
        return portions
    total = sum(portion.size for portion in portions)
    return tuple(
        replace(portion, quota=math.ceil(most * (portion.size / total if total else 1 / len(portions))))
        for portion in portions
    )


def _library(root: Path) -> list[Path]:
    """Python's own sources, without those that name this machine."""
    return [
        path
        for path in _files(root, without=NO_PROSE)
        if path.suffix == ".py" and not path.name.startswith("_sysconfigdata")
    ]


def _files(source: Path, *, without: frozenset[str] = frozenset()) -> list[Path]:
    """The files under `source`, or itself, in the same order on every machine; hidden ones are left out.

    Links to folders are followed, but no folder is read twice. Where some folders are left `without`, links are too.
    """
    if source.is_file():
        return [source]
    return sorted(_below(source, without), key=lambda path: path.relative_to(source).as_posix())


def _below(source: Path, without: frozenset[str]) -> Iterator[Path]:
    seen: set[tuple[int, int]] = set()
    for here, folders, names in os.walk(source, followlinks=not without):
        stat = Path(here).stat()
        if (stat.st_dev, stat.st_ino) in seen:
            folders.clear()
            continue
        seen.add((stat.st_dev, stat.st_ino))
        folders[:] = sorted(folder for folder in folders if folder not in without and not folder.startswith("."))
        yield from (Path(here) / name for name in names if not name.startswith("."))


def _place(path: Path, root: Path) -> str:
    return path.name if path == root else path.relative_to(root).as_posix()


def _key(source: Source, *facts: str) -> str:
    text = "\n".join((str(VERSION), source.title, source.text_column, str(source.quota), *facts))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
