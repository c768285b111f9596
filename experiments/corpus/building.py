"""build(...) -> Corpus: text is read, cut, told apart by its hash and turned into tokens, once for each source.

<folder>/<fingerprint>/      the finished corpus: its note, both arrays of tokens and the tokenizer
<folder>/building-<key>/     what is finished so far; it goes when the corpus is there

Workers read portions of the source and turn stretches of text into tokens. A build that was ended at any moment goes
on with the portions and stretches that are missing.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from experiments.corpus.corpora import HELD_OUT_FILE, TRAIN_FILE, Corpus, is_corpus, loaded, saved
from experiments.corpus.encoding import LEAST_VOCABULARY, OF_BYTES, Encoding, copied, opened
from experiments.corpus.pairs import trained
from experiments.corpus.shards import Stretch, encode, stretches
from experiments.corpus.sources import Source, listing, skipped_text
from experiments.corpus.splitting import DROPPED, HELD_OUT, TRAIN
from experiments.corpus.texts import Text, read_text
from experiments.corpus.workers import finish, silent
from experiments.files import write_whole
from planner.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from experiments.corpus.sources import Listing
    from experiments.corpus.workers import Tell

SAMPLE_BYTES = 32 << 20
"""A tokenizer is trained on about this much text."""

TRIAL_BYTES = 1 << 20
"""On about this much text it is tried whether a tokenizer gives it back."""

SLICES, SLICE_TOKENS = 16, 65_536
"""Slices of tokens, evenly spread, from which it is told how far the text compresses."""

COPY_BYTES = 1 << 20


def build(source: Source | Path | None, folder: Path, *, tell: Tell = silent) -> Corpus:
    """The corpus of `source`, kept under `folder`: built now, or found there if it was built before.

    Args:
        source: what to read; a path alone is read as bytes, and None is Python's standard library. A folder that
            holds a finished corpus is that corpus.
        folder: where corpora are kept.
        tell: called as the work goes on.
    """
    if not isinstance(source, Source):
        source = Source(place=None if source is None else str(source))
    _check(source)
    if source.place is not None and is_corpus(Path(source.place)):
        return _ready(source, Path(source.place))
    listed = listing(source)
    key = f"{listed.key}-{_encoding_key(source)}"
    with _locked(folder):
        for home in filter(is_corpus, sorted(folder.iterdir())):
            corpus, built_from = loaded(home)
            if built_from == key:
                return corpus
        return _built(source, listed, folder, key, tell)


def _check(source: Source) -> None:
    if source.place is not None and not source.place.strip():
        raise InputError("The corpus has an empty name.", mend="Give a file or folder of text; '.' is the current one.")
    if source.vocabulary is not None and source.tokenizer is not None:
        raise InputError("vocabulary and tokenizer both say how text becomes tokens.", mend="Give one of them.")
    if source.vocabulary is not None and source.vocabulary < LEAST_VOCABULARY:
        raise InputError(
            f"A vocabulary of {source.vocabulary:,} has no room for pairs of bytes.",
            mend=f"Give {LEAST_VOCABULARY} or more, such as 4096, or none for plain bytes.",
        )
    if source.tokenizer is not None and not Path(source.tokenizer).is_file():
        raise InputError(f"There is no tokenizer file at {source.tokenizer}.", mend="Give a tokenizer.json.")


def _ready(source: Source, home: Path) -> Corpus:
    if source.vocabulary is not None or source.tokenizer is not None:
        raise InputError(
            f"{home} holds tokens already, so vocabulary and tokenizer say nothing.", mend="Leave them out."
        )
    return loaded(home)[0]


def _encoding_key(source: Source) -> str:
    if source.tokenizer is not None:
        return hashlib.sha256(Path(source.tokenizer).read_bytes()).hexdigest()[:16]
    return str(source.vocabulary or OF_BYTES.identity)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Wait until no other process builds here; what that built is then found."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _built(source: Source, listed: Listing, folder: Path, key: str, tell: Tell) -> Corpus:
    work = folder / f"building-{listed.key}"
    for other in folder.glob("building-*"):
        if other != work:
            shutil.rmtree(other)
    text = read_text(source, listed, work, tell)
    encoding = _encoding(source, text, work, tell)
    fingerprint = _fingerprint(text, encoding)
    done = _encoded(text, encoding, work / fingerprint, tell)
    home = folder / fingerprint
    home.mkdir(exist_ok=True)
    tokens = {mark: _joined([its.part(mark) for its in done], home / name, encoding) for mark, name in _NAMES.items()}
    if encoding.file is not None:
        shutil.copyfile(encoding.file, home / "tokenizer.json")
    corpus = Corpus(
        source=source.title,
        folder=str(home),
        fingerprint=fingerprint,
        tokenizer=encoding.label,
        vocabulary=encoding.vocabulary,
        train_tokens=len(tokens[TRAIN]),
        held_out_tokens=len(tokens[HELD_OUT]),
        train_bytes=text.bytes_of(TRAIN),
        held_out_bytes=text.bytes_of(HELD_OUT),
        documents=text.documents,
        passages=len(text.lengths),
        duplicates=text.split.duplicates,
        skipped=text.skipped.total(),
        skipped_kinds=skipped_text(text.skipped),
        longest_bytes=text.most,
        compressed_share=_compressed_share(tokens[TRAIN], encoding),
        gives_back=_gives_back(text, encoding),
    )
    saved(corpus, key=key)
    shutil.rmtree(work)
    return corpus


_NAMES = {TRAIN: TRAIN_FILE, HELD_OUT: HELD_OUT_FILE}


def _encoding(source: Source, text: Text, work: Path, tell: Tell) -> Encoding:
    if source.tokenizer is not None:
        original = Path(source.tokenizer)
        copied(original, work / "tokenizer.json")
        return opened(work / "tokenizer.json", f"tokenizer {original.name}", ours=False)
    if source.vocabulary is None:
        return OF_BYTES
    file = work / f"tokenizer-{text.most}-{source.vocabulary}.json"
    if not file.exists():
        tell("Training the tokenizer", 0, 1)
        trained(text.sample(SAMPLE_BYTES), source.vocabulary, file)
        tell("Training the tokenizer", 1, 1)
    encoding = opened(file, "byte-pair encoding trained on this text", ours=True)
    if encoding.vocabulary < source.vocabulary:
        raise InputError(
            f"This text has pairs for a vocabulary of {encoding.vocabulary:,}, not of {source.vocabulary:,}.",
            mend=f"Pass --vocabulary {encoding.vocabulary} or less, or give more text.",
        )
    return encoding


def _fingerprint(text: Text, encoding: Encoding) -> str:
    kept = text.split.marks != DROPPED
    whole = hashlib.sha256(encoding.identity.encode())
    whole.update(text.digests[kept].tobytes())
    whole.update(text.split.marks[kept].tobytes())
    return whole.hexdigest()[:16]


def _encoded(text: Text, encoding: Encoding, folder: Path, tell: Tell) -> list[Stretch]:
    """All stretches of the text in their order, done."""
    folder.mkdir(exist_ok=True)
    jobs = [
        stretch
        for reading, place in text.parts()
        for stretch in stretches(reading, text.split.marks[place], text.lengths[place], encoding, folder)
    ]
    finish(encode, jobs, stage="Turning it into tokens", tell=tell)
    return jobs


def _joined(parts: Sequence[Path], whole: Path, encoding: Encoding) -> NDArray[np.generic]:
    """The tokens of all parts, one after the other in the file `whole`."""

    def write(file: IO[bytes]) -> None:
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, file, COPY_BYTES)

    write_whole(whole, write)
    if not whole.stat().st_size:
        return np.empty(0, dtype=encoding.dtype)
    return np.memmap(whole, dtype=encoding.dtype, mode="r")


def _compressed_share(tokens: NDArray[np.generic], encoding: Encoding) -> float:
    """How much of the text zlib leaves, of slices of it where there is much."""
    count = min(SLICES, -(-len(tokens) // SLICE_TOKENS))
    starts = np.linspace(0, max(0, len(tokens) - SLICE_TOKENS), count).astype(np.int64)
    sample = b"".join(encoding.text(tokens[start : start + SLICE_TOKENS]) for start in starts)
    return len(zlib.compress(sample)) / max(1, len(sample))


def _gives_back(text: Text, encoding: Encoding) -> bool:
    """Whether a sample of the text survives the way to tokens and back, but for space at its ends."""
    if encoding is OF_BYTES:
        return True
    sample = [passage.encode() for passage in text.sample(TRIAL_BYTES)]
    return all(
        encoding.text(tokens).strip() == passage.strip()
        for passage, tokens in zip(sample, encoding.tokens(sample), strict=True)
    )
