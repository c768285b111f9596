"""Advice: the answer to one case, drawn for a manager as text, HTML, a table or JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Any

from planner.advising.assuming import Assumption, Reason
from planner.advising.breakeven import BreakEven
from planner.advising.flipping import Flip
from planner.advising.paying import Payback
from planner.advising.piloting import Pilot
from planner.advising.probing import NextTest
from planner.advising.rules import Rival
from planner.advising.spending import Option
from planner.advising.usecase import UseCase
from planner.advising.views import options
from planner.estimate import LEVEL
from planner.sheet import Finding, Row, Sheet
from planner.units import show

CLOSE_CALL = (1 + LEVEL) / 2
"""Below this share of agreeing variations, what decides lies inside its 90 % range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice(Sheet):
    """What to do in `case`. The verdict says it in a sentence; `components` are what to build, the leading one first.

    `confidence` is the share of the `variations` of our assumptions under which the headline stays. It is a close call
    below `CLOSE_CALL`, or where a `rival` does about as well. `served` says for every option which model its month is
    priced for, and on what it runs.
    """

    case: UseCase
    law: str
    verdict: str
    headline: str
    components: tuple[str, ...]
    flags: tuple[str, ...]
    confidence: float
    variations: int
    rival: Rival | None
    reasons: tuple[Reason, ...]
    ranking: tuple[Option, ...]
    break_even: tuple[BreakEven, ...]
    flips: tuple[Flip, ...]
    paybacks: tuple[Payback, ...]
    next_tests: tuple[NextTest, ...]
    contradictions: tuple[str, ...]
    assumptions: tuple[Assumption, ...]
    findings: tuple[Finding, ...]
    prices: str
    served: Mapping[str, str]
    pilots: tuple[Pilot, ...] = ()

    @property
    def title(self) -> str:  # type: ignore[override]
        return self.verdict

    @property
    def as_of(self) -> date:
        """The date of the decision."""
        return self.case.as_of

    @property
    def close_call(self) -> bool:
        """Whether the headline hangs on our assumptions, or another option does about as well."""
        return self.confidence < CLOSE_CALL or self.rival is not None

    @property
    def confidence_text(self) -> str:
        """High, fair or close call, and the share behind it; never high where guesses carry it."""
        steady = not self.rests_on_guesses and not self.near_break_even
        word = "Close call" if self.close_call else "High" if steady else "Fair"
        agree = f"{show(round(self.confidence * self.variations), 'count')} of {show(self.variations, 'count')}"
        stays = f"{word}: the advice stays the same in {agree} variations of our assumptions"
        near = "; the budget lies inside the range of the break-even" if self.near_break_even else ""
        other = f"; {options()[self.rival.option]['phrase']} would do as well: {self.rival.why}" if self.rival else ""
        return f"{stays}{'; most of them are guesses' if self.rests_on_guesses else ''}{near}{other}"

    @property
    def rests_on_guesses(self) -> bool:
        """Whether most assumptions are ours: variations of a guess say nothing about what the guess left out."""
        return 2 * sum(assumption.confidence == "assumption" for assumption in self.assumptions) > len(self.assumptions)

    @property
    def near_break_even(self) -> bool:
        """Whether the budget lies inside the range of the break-even at equal serving size."""
        programme = self.break_even[0].programme_usd if self.break_even else None
        return programme is not None and programme.low <= self.case.budget_usd <= programme.high

    def rows(self) -> Iterable[Row]:
        """Headline, confidence, money and break-even."""
        labels = [option.label for option in self.ranking if option.chosen]
        yield Row("headline", "Advice", " + ".join(labels) or "Not possible as asked")
        yield Row("confidence", "Confidence", self.confidence, "fraction", self.confidence_text)
        for option in self.ranking:
            if option.chosen:
                name, label = option.option, option.label
                yield Row(f"{name}_one_off_usd", f"{label}, once", option.one_off_usd, "usd", self.prices)
                yield Row(f"{name}_monthly_usd", f"{label}, a month", option.monthly_usd, "usd", self.prices)
                yield Row(f"{name}_served", f"{label}, served by", self.served[name])
        for break_even in self.break_even:
            key = "break_even" if break_even.equal_serving else "break_even_any_size"
            size = "same serving size" if break_even.equal_serving else "any size"
            label = f"From scratch wins from, {size}"
            value = "no budget suffices" if break_even.programme_usd is None else break_even.programme_usd
            note = f"programme with data, evaluation and post-training, against {break_even.base}"
            yield Row(f"{key}_usd", label, value, "usd", note)
        yield Row("as_of", "Decided on", self.as_of.isoformat())

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON; sums as value, low, high and level."""
        return {
            "verdict": self.verdict,
            "headline": self.headline,
            "components": list(self.components),
            "flags": list(self.flags),
            "confidence": self.confidence,
            "close_call": self.close_call,
            "rival": None if self.rival is None else self.rival.option,
            "contradictions": list(self.contradictions),
            "reasons": [reason.to_dict() for reason in self.reasons],
            "ranking": [{**option.to_dict(), "served": self.served[option.option]} for option in self.ranking],
            "break_even": [break_even.to_dict() for break_even in self.break_even],
            "flips": [flip.to_dict() for flip in self.flips],
            "paybacks": [payback.to_dict() for payback in self.paybacks],
            "next_tests": [test.to_dict() for test in self.next_tests],
            "pilots": [str(pilot) for pilot in self.pilots],
            "findings": [finding.to_dict() for finding in self.findings],
            "assumptions": [assumption.to_dict() for assumption in self.assumptions],
            "law": self.law,
            "prices": self.prices,
            "as_of": self.as_of.isoformat(),
            "case": self.case.to_dict(),
        }

    def __str__(self) -> str:
        lines = [*(f"CONTRADICTION: {text}" for text in self.contradictions), self.verdict, ""]
        lines += [f"Confidence  {self.confidence_text}.", ""]
        for heading, texts in self._lists():
            lines += [heading, *(f"  - {text}" for text in texts), ""] if texts else []
        table = self._table()
        widths = [max(len(row[column]) for row in table) for column in range(len(table[0]) - 1)]
        lines += ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, (*widths, 0), strict=True)) for row in table]
        return "\n".join(line.rstrip() for line in [*lines, "", self._basis()])

    def _repr_html_(self) -> str:
        red = "".join(f"<p style='color:#b00020'><b>{escape(text)}</b></p>" for text in self.contradictions)
        head = f"<p><b>{escape(self.verdict)}</b></p><p>{escape(self.confidence_text)}.</p>"
        lists = "".join(
            f"<p><b>{escape(heading)}</b></p><ul>{''.join(f'<li>{escape(text)}</li>' for text in texts)}</ul>"
            for heading, texts in self._lists()
            if texts
        )
        names, *table = self._table()
        columns = "".join(f"<th scope='col' style='text-align:left'>{escape(name)}</th>" for name in names)
        body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in table)
        table_html = f"<table><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table>"
        return f"<div>{red}{head}{lists}{table_html}<p>{escape(self._basis())}</p></div>"

    def _lists(self) -> list[tuple[str, list[str]]]:
        return [
            ("Why", [str(reason) for reason in self.reasons]),
            ("Mind", [f"{finding.title} {finding.because} {finding.todo}".strip() for finding in self.findings]),
            ("Break-even of a model from scratch", [str(break_even) for break_even in self.break_even]),
            ("What answers, and on what", [self._served(option) for option in self.ranking if option.chosen]),
            ("What would change the advice", [str(flip) for flip in self.flips]),
            ("When it pays", [str(payback) for payback in self.paybacks]),
            ("Test next", [str(test) for test in self.next_tests]),
        ]

    def _served(self, option: Option) -> str:
        return f"{option.label}: {self.served[option.option]}."

    def _table(self) -> list[tuple[str, ...]]:
        """The options: the advice marked, then the others with the reason against them."""
        rows: list[tuple[str, ...]] = [
            (
                "Option",
                "Once",
                "A month",
                f"{show(self.case.horizon_months, 'count')} months",
                "Weeks",
                "Begins after",
                "Meets",
                "Why not",
            )
        ]
        for option in self.ranking:
            mark = "* " if option.chosen else "  "
            # Such sums are rough: no cents where they are whole dollars.
            dollars = (option.one_off_usd, option.monthly_usd, option.total_usd)
            once, month, total = (show(usd, "usd").removesuffix(".00") for usd in dollars)
            weeks = f"{show(option.weeks.low, 'count')} to {show(option.weeks.high, 'count')}"
            wait = show(option.wait_ms / 1000, "seconds")
            rows.append(
                (f"{mark}{option.label}", once, month, total, weeks, wait, ", ".join(option.meets), option.remark)
            )
        return rows

    def _basis(self) -> str:
        guessed = sum(assumption.confidence == "assumption" for assumption in self.assumptions)
        return (
            f"* advised. Decided on {self.as_of.isoformat()} with the law {self.law}; {guessed} of its"
            f" {len(self.assumptions)} inputs are our assumptions. Dollars: {self.prices}; the time of your"
            " own people is extra."
        )
