"""The errors a user can meet: what is wrong, then the mend. Anything else that escapes is our bug."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class PlannerError(Exception):
    """Base of every error raised on purpose; `problem` says what is wrong, `mend` what to do about it."""

    def __init__(self, problem: str, *, mend: str = "") -> None:
        super().__init__(f"{problem} {mend}".strip())
        self.problem = problem
        self.mend = mend


class InputError(PlannerError, ValueError):
    """An argument is malformed, out of range or contradicts another one."""


class UnknownName(PlannerError, LookupError):
    """A name is in none of our tables."""

    @classmethod
    def of(cls, kind: str, name: str, *, known: Iterable[str], close: Iterable[str] = ()) -> UnknownName:
        """The error for `name`, with the closest known names as the mend, those in `close` before all others."""
        names = sorted(known)
        lowered = {candidate.lower(): candidate for candidate in names}
        close = list(close)[:3] or [
            lowered[match] for match in get_close_matches(name.lower(), lowered, n=3, cutoff=0.5)
        ]
        ask = f"Did you mean {' or '.join(repr(match) for match in close)}? " if close else ""
        return cls(f"No {kind} is called {name!r}.", mend=f"{ask}Known: {', '.join(names)}.")


class DataError(PlannerError, ValueError):
    """A table or a text corpus cannot be used as it is."""


class FitError(PlannerError):
    """The runs do not determine a law."""


class InfeasiblePlan(PlannerError):
    """No model satisfies the goal and the constraints together."""


class MissingExtra(PlannerError, ImportError):
    """An optional package is not installed."""

    @classmethod
    def of(cls, package: str, *, extra: str) -> MissingExtra:
        """The error for a `package` that comes with our extra `extra`."""
        return cls(
            f"This needs {package}, which is not installed.", mend=f"Install it: pip install 'planner[{extra}]'."
        )
