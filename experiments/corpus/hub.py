"""DataSet: a public data set that is streamed with the package `datasets`, never downloaded whole."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar, Self

from planner.errors import DataError, InputError, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_SHARES = 64
"""A data set of more files than these is read in so many shares."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set's name (OWNER/NAME, or a local folder of data files), its configuration and its split."""

    PREFIX: ClassVar[str] = "hub:"

    name: str
    config: str | None
    split: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """The data set that `hub:OWNER/NAME[:config][:split]` names; an empty part, or none, is the usual one."""
        name, *rest = text.removeprefix(cls.PREFIX).split(":")
        if not name or len(rest) > 2:
            raise InputError(
                f"{text!r} names no data set.",
                mend="Write hub:OWNER/NAME, hub:OWNER/NAME:config or hub:OWNER/NAME:config:split.",
            )
        config, split = [*rest, "", ""][:2]
        return cls(name, config or None, split or "train")

    def shares(self) -> int:
        """In how many shares it can be read side by side."""
        with self._reading():
            return max(1, min(MOST_SHARES, int(self._opened().num_shards)))

    def texts(self, column: str, *, number: int, count: int) -> Iterator[str]:
        """The text of every record in the share `number` of `count`; a record without any has ''."""
        with self._reading():
            for record in self._opened().shard(num_shards=count, index=number):
                if column not in record:
                    raise DataError(
                        f"The data set {self.name} has no column {column!r}.",
                        mend=f"Its columns: {', '.join(record)}. Pass one as --text-column.",
                    )
                text = record[column]
                if text is not None and not isinstance(text, str):
                    raise DataError(
                        f"The column {column!r} of {self.name} holds no text.",
                        mend=f"Its columns: {', '.join(record)}. Pass one with text as --text-column.",
                    )
                yield text or ""

    def _opened(self) -> Any:
        datasets: Any = import_module("datasets")
        datasets.disable_progress_bars()
        return datasets.load_dataset(self.name, self.config, split=self.split, streaming=True)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Turn what the hub and the network bring up into an error that names the data set."""
        if find_spec("datasets") is None:
            raise MissingExtra.of("datasets", extra="hub")
        try:
            yield
        except DataError:
            raise
        except (OSError, ValueError, RuntimeError) as error:
            raise InputError(
                f"The data set {self.name} cannot be read: {str(error).splitlines()[0].rstrip('.')}.",
                mend="Look at its name, configuration and split (hub:OWNER/NAME:config:split), and at the network.",
            ) from error
