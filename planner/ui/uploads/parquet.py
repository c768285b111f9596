"""Parquet: the plain columns of a file whose footer says what they are before a page of it is unpacked."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from planner.errors import DataError
from planner.ui.uploads.tables import MOST_CHARACTERS, refuse_columns, refuse_names, refuse_rows
from planner.units import show

if TYPE_CHECKING:
    import pandas as pd

MOST_UNPACKED = 100_000_000
"""Bytes that all pages may take unpacked."""
MOST_FOOTER = 1_000_000
"""Bytes of the footer, which is parsed whole: what 200 columns never reach."""
_MARK = b"PAR1"


def frame_of_parquet(content: bytes, name: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The columns of numbers, texts and truths, and which others were left out.

    Raises:
        DataError: it cannot be read, or lies beyond the limits.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    _refuse_footer(content, name)
    damaged = DataError(f"{name} is a damaged Parquet file.", mend="Write it again.")
    try:
        metadata = pq.read_metadata(io.BytesIO(content))
        refuse_columns(metadata.num_columns, name)
        refuse_rows(metadata.num_rows, name)
        _refuse_unpacked(metadata, name)
        schema = metadata.schema.to_arrow_schema()
        refuse_names(schema.names, name)
        plain = [column.name for column in schema if _is_plain(column.type)]
        if not plain:
            raise DataError(f"{name} has no column of numbers or texts.", mend="Flatten its lists and records.")
        texts = [column.name for column in schema if _is_text(column.type)]
        # Texts stay in their dictionaries, so that one that a page repeats is not copied for each row.
        table = pq.ParquetFile(io.BytesIO(content), read_dictionary=texts).read(columns=plain, use_threads=False)
    except (pa.ArrowException, OSError, ValueError, UnicodeDecodeError) as error:
        if isinstance(error, DataError):
            raise
        raise damaged from None
    for column in texts:
        _refuse_long(table.column(column), column, name)
    if not table.num_rows:
        raise DataError(f"{name} has columns but no rows.", mend="Add one row for each finished run.")
    left_out = [column for column in schema.names if column not in plain]
    shown = ", ".join(column[:40] for column in left_out[:5])
    notes = (f"Left out, because they hold no numbers or texts: {shown}.",) if left_out else ()
    frame: pd.DataFrame = table.to_pandas()
    return frame.astype(dict.fromkeys(texts, object)).rename_axis(index="row"), notes


def _refuse_footer(content: bytes, name: str) -> None:
    size = int.from_bytes(content[-8:-4], "little")
    if content[-4:] != _MARK or size + 12 > len(content):
        raise DataError(f"{name} is a damaged Parquet file: its end is missing.", mend="Upload it again.")
    if size > MOST_FOOTER:
        raise DataError(
            f"{name} describes its columns in {show(size, 'bytes')}: these are far too many.",
            mend="Keep the columns of size, tokens, loss and the like.",
        )


def _refuse_unpacked(metadata: Any, name: str) -> None:
    groups = [metadata.row_group(place) for place in range(metadata.num_row_groups)]
    unpacked = sum(
        group.column(place).total_uncompressed_size for group in groups for place in range(group.num_columns)
    )
    if unpacked > MOST_UNPACKED:
        raise DataError(
            f"{name} unpacks to {show(unpacked, 'bytes')}; at most {show(MOST_UNPACKED, 'bytes')} are read.",
            mend="Keep the columns of size, tokens, loss and the like.",
        )


def _is_text(kind: Any) -> bool:
    import pyarrow.types as of

    return bool(
        of.is_string(kind) or of.is_large_string(kind) or (of.is_dictionary(kind) and _is_text(kind.value_type))
    )


def _is_plain(kind: Any) -> bool:
    import pyarrow.types as of

    return bool(_is_text(kind) or of.is_integer(kind) or of.is_floating(kind) or of.is_boolean(kind))


def _refuse_long(column: Any, called: str, name: str) -> None:
    for chunk in column.chunks:
        for text in getattr(chunk, "dictionary", chunk):
            if text.is_valid and len(text.as_py()) > MOST_CHARACTERS:
                raise DataError(
                    f"A cell of the column {called!r} of {name} is far too long.", mend="Leave long texts out."
                )
