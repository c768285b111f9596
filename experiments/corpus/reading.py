"""The passages of a portion: every format's text, cut where it is long, without what is no text."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from experiments.corpus.sources import LINES, TABLES
from planner.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from experiments.corpus.sources import Portion

LONGEST_PASSAGE_BYTES = 1 << 20
"""A longer document is cut at line ends, and each passage counts as a document of its own."""

END = b"\0"
"""Ends every document of a corpus of bytes; text that contains it is none."""

ROWS_AT_ONCE = 64


@dataclass(slots=True)
class Tally:
    """What was met on the way: documents with text, and what was skipped, by kind."""

    documents: int = 0
    skipped: Counter[str] = field(default_factory=Counter)


def passages(portion: Portion, most: int, tally: Tally) -> Iterator[bytes]:
    """The text of `portion` in passages of at most `most` bytes, until its quota is spent."""
    left = portion.quota
    for document in _documents(portion, tally):
        for block in _checked(document, tally):
            for passage in cuts(block, most):
                if left is not None:
                    if left <= 0:
                        return
                    left -= len(passage)
                yield passage


def cuts(text: bytes, most: int) -> Iterator[bytes]:
    """The text cut at the last line end of every `most` bytes, or between two characters where there is none."""
    start = 0
    while len(text) - start > most:
        end = text.rfind(b"\n", start, start + most) + 1
        if not end:
            end = start + most
            while end > start + 1 and text[end] & 0xC0 == 0x80:
                end -= 1
        yield text[start:end]
        start = end
    yield text[start:]


def _checked(blocks: Iterable[bytes], tally: Tally) -> Iterator[bytes]:
    """The blocks of one document that are text."""
    begun = False
    for block in blocks:
        if not block.strip():
            tally.skipped["empty passages"] += 1
        elif END in block or not _is_utf8(block):
            tally.skipped["passages that are no UTF-8 text"] += 1
        else:
            tally.documents += not begun
            begun = True
            yield block


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _documents(portion: Portion, tally: Tally) -> Iterator[Iterable[bytes]]:
    """Every document of the portion as blocks of at most LONGEST_PASSAGE_BYTES."""
    if portion.data_set is not None:
        texts = portion.data_set.texts(portion.column, number=portion.number, count=portion.count)
        yield from map(_blocks_of_text, texts)
    for path in portion.files:
        try:
            if path.name.lower().endswith(LINES):
                with _opened(path) as lines:
                    yield from map(_blocks_of_text, _records(lines, path, portion.column, tally))
            elif path.name.lower().endswith(TABLES):
                yield from map(_blocks_of_text, _rows(path, portion.column))
            else:
                with path.open("rb") as file:
                    yield _blocks_of_file(file)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{path} cannot be read: {error}.", mend="Repair or remove the file.") from error


def _blocks_of_text(text: str) -> Iterable[bytes]:
    """The blocks of a document in memory; half a surrogate pair, which JSON can hold, makes one that is no text."""
    return cuts(text.encode(errors="surrogatepass"), LONGEST_PASSAGE_BYTES)


def _blocks_of_file(file: BinaryIO) -> Iterator[bytes]:
    """The blocks of a plain file, of which no more than two are in memory."""
    rest = b""
    while more := file.read(LONGEST_PASSAGE_BYTES):
        *whole, rest = cuts(rest + more, LONGEST_PASSAGE_BYTES)
        yield from whole
    yield rest


def _opened(path: Path) -> Any:
    match path.suffix.lower():
        case ".gz":
            return gzip.open(path)
        case ".bz2":
            return bz2.open(path)
        case ".zst":
            return _opened_zst(path)
    return path.open("rb")


def _opened_zst(path: Path) -> Any:
    import pyarrow as pa

    return io.BufferedReader(pa.input_stream(path, compression="zstd"))


def _records(lines: Iterable[bytes], path: Path, column: str, tally: Tally) -> Iterator[str]:
    """The field `column` of every line of JSON; lines without are skipped where others have it."""
    refused: DataError | None = None
    good = False
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            text = _field(line, f"{path}, line {number}", column)
        except _Refused as refusal:
            tally.skipped[refusal.kind] += 1
            refused = refused or refusal
            continue
        good = True
        yield text
    if refused is not None and not good:
        raise DataError(refused.problem, mend=refused.mend)


class _Refused(DataError):
    """What is wrong with one line of JSON."""

    def __init__(self, kind: str, problem: str, *, mend: str) -> None:
        super().__init__(problem, mend=mend)
        self.kind = kind


def _field(line: bytes, place: str, column: str) -> str:
    """The text in the field `column` of a line of JSON; null is empty text."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _Refused(
            "lines that are no JSON",
            f"{place} is no JSON: {error}, and no other line of the file can be read either.",
            mend="Repair or remove the file; each line is one object.",
        ) from error
    fields = record if isinstance(record, dict) else {}
    text = fields.get(column, 0)
    if text is not None and not isinstance(text, str):
        raise _Refused(
            "lines without text in the field",
            f"{place} has no text in a field {column!r}, and no other line of the file has.",
            mend=f"Its fields: {', '.join(fields) or 'none'}. Pass one with text as --text-column.",
        )
    return text or ""


def _rows(path: Path, column: str) -> Iterator[str]:
    """The column `column` of a parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            _require_text(file.schema_arrow, path, column)
            for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, columns=[column]):
                yield from (text or "" for text in batch.column(0).to_pylist())
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} cannot be read: {error}.", mend="Repair or remove the file.") from error


def _require_text(schema: Any, path: Path, column: str) -> None:
    import pyarrow.types as types

    texts = [field.name for field in schema if types.is_string(field.type) or types.is_large_string(field.type)]
    if column not in texts:
        what = f"holds {schema.field(column).type}, no text" if column in schema.names else "is not there"
        offer = f"Columns with text: {', '.join(texts)}. Pass one as --text-column." if texts else "It has no text."
        raise DataError(
            f"The column {column!r} of {path} {what}. Its columns: {', '.join(schema.names)}.",
            mend=offer,
        )
