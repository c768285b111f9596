"""Uploads: files of strangers as tables of cells, with limits before anything is parsed. It knows no widget."""

from planner.ui.uploads.columns import NEEDED, OPTIONAL, counts_without_embedding, guessed, guessed_scale
from planner.ui.uploads.curves import is_of_curves
from planner.ui.uploads.reading import FORMATS, read_upload, read_uploads
from planner.ui.uploads.tables import MOST_BYTES, Table

__all__ = [
    "FORMATS", "MOST_BYTES", "NEEDED", "OPTIONAL", "Table", "counts_without_embedding", "guessed", "guessed_scale",
    "is_of_curves", "read_upload", "read_uploads",
]  # fmt: skip
