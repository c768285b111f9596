"""Files that are whole or not there, and JSON notes that say when they were damaged. They know nothing of runs."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from planner.errors import DataError, PlannerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DRAFT = ".draft"
"""How the name of a file ends while it is written."""

STALE_SECONDS = 3600.0
"""A draft this old has lost its writer; a younger one may belong to a worker on another machine."""


NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS})
"""What a file system without hard links says; there, two writers in the same instant leave the later one's file."""


class DiskFull(PlannerError):
    """A file could not be written because its disk, or the share of it that we may fill, is full."""

    @classmethod
    def of(cls, path: Path) -> DiskFull:
        """The error for the file at `path`."""
        return cls(
            f"The disk is full: {path} could not be written.",
            mend="Free some space and run the same command again: what is recorded is kept, and it goes on from there.",
        )


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file so that a crash at any moment leaves the old one or the new one, and the new one stays."""
    with _draft(path, write) as draft:
        draft.replace(path)


def write_once(path: Path, write: Callable[[IO[bytes]], object]) -> bool:
    """Write a file unless there is one, and say whether it was; of several writers at once exactly one succeeds."""
    with _draft(path, write) as draft:
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            if path.exists():
                return False
            draft.replace(path)
        return True


class TooLarge(PlannerError):
    """A file could not be written because it is larger than the system lets this process write."""

    @classmethod
    def of(cls, path: Path) -> TooLarge:
        """The error for the file at `path`."""
        return cls(
            f"{path} could not be written: it is larger than files may be here.",
            mend="Raise the limit of your shell (ulimit -f unlimited), or give an --out on a disk that takes larger "
            "files, and run the same command again: what is recorded is kept.",
        )


@contextmanager
def _draft(path: Path, write: Callable[[IO[bytes]], object]) -> Iterator[Path]:
    """A file beside `path` with its content, safe on disk; what the caller then does to its name is made safe too."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}{DRAFT}")
    try:
        with draft.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        yield draft
        draft.unlink(missing_ok=True)
        _settle(path.parent)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull.of(path) from error
        if error.errno == errno.EFBIG:
            raise TooLarge.of(path) from error
        raise
    finally:
        draft.unlink(missing_ok=True)


def _settle(folder: Path) -> None:
    """Bring the names in `folder` to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def clear_drafts(folder: Path) -> None:
    """Remove what writers that are no more left half written anywhere under `folder`."""
    for draft in folder.rglob(f"*{DRAFT}"):
        try:
            if time.time() - draft.stat().st_mtime > STALE_SECONDS:
                draft.unlink()
        except FileNotFoundError:
            continue


def note_bytes(value: dict[str, Any]) -> bytes:
    """`value` as JSON with a checksum of itself."""
    return (json.dumps({"checksum": _checksum(value), **value}, indent=2, allow_nan=False) + "\n").encode()


def write_note(path: Path, value: dict[str, Any]) -> None:
    """Write `value` as a whole note."""
    write_whole(path, lambda file: file.write(note_bytes(value)))


@contextmanager
def reading(path: Path, *, mend: str) -> Iterator[dict[str, Any]]:
    """The note at `path`; one that is not whole, or that the caller cannot use, becomes an error that names it.

    Raises:
        DataError: with the `mend`.
    """
    try:
        yield _note(path.read_bytes())
    except (LookupError, TypeError, PlannerError) as error:
        raise DataError(f"{path} was written by another version of this program: {_what(error)}.", mend=mend) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is damaged: {error}.", mend=mend) from error


def _note(raw: bytes) -> dict[str, Any]:
    note: Any = json.loads(raw)
    if not isinstance(note, dict) or "checksum" not in note:
        raise ValueError("it has no checksum")
    if note.pop("checksum") != _checksum(note):
        raise ValueError("its checksum is wrong")
    return note


def _what(error: Exception) -> str:
    """What a note lacks, or has too much of."""
    if isinstance(error, PlannerError):
        return error.problem.rstrip(".")
    return f"it does not say {error.args[0]!r}" if isinstance(error, KeyError) else "it says other things than this one"


def _checksum(value: dict[str, Any]) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
