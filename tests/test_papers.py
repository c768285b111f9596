"""The report as PDF: its text can be read back, with every number of the sheets, and it asks no one for anything."""

import re
import socket
import sys
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pypdf
import pytest

from planner import advise, cost, fit, plan
from planner.advising import Advice, UseCase
from planner.errors import DataError, InputError, MissingExtra
from planner.reporting import Report, report
from planner.reporting.blocks import Curve, Grid, Heading, Line, Points, Steps
from planner.reporting.figures import _round_steps, drawing_of
from planner.reporting.papers import WIDTH, known_signs, pdf_of, printable
from planner.sheet import Finding, Sheet


@cache
def advised() -> Advice:
    return advise(UseCase(task="general", weeks=52, budget_usd=2e6, team="infra"), cluster="256x h100")


@cache
def full() -> Report:
    chosen = plan(budget_usd="$2M", cluster="256x h100", tokens_available="300B")
    return report(chosen, cost=cost(chosen), advice=advised(), fit=fit("cpu-python-stdlib", draws=50))


@cache
def full_text() -> str:
    return read_back(full().to_pdf())


def read_back(paper: bytes) -> str:
    """The text of a PDF, its lines joined by blanks."""
    return " ".join(" ".join(page.extract_text() for page in pypdf.PdfReader(BytesIO(paper)).pages).split())


def test_every_number_of_every_sheet_stands_in_the_text() -> None:
    found = full()
    sheets = (found.plan, found.cost, found.fit)
    rows = [row for sheet in sheets if isinstance(sheet, Sheet) for row in sheet.rows()]
    assert len(rows) > 50
    missing = [text for row in rows for text in (row.text, row.range_text) if printable(text) not in full_text()]
    assert missing == []


def test_it_says_what_the_page_says() -> None:
    for block in full().blocks():
        if isinstance(block, Heading | Line):
            assert printable(block.text) in full_text()
        if isinstance(block, Finding):
            assert printable(block.title) in full_text()
        if isinstance(block, Points):
            assert all(printable(text) in full_text() for text in block.texts)
        if isinstance(block, Grid):
            assert all(printable(row[0]) in full_text() for row in block.rows)


def test_an_advice_alone_lists_its_assumptions_and_marks_ours() -> None:
    found = report(advised())
    text = read_back(found.to_pdf())
    assert printable(advised().verdict) in text
    assert all(printable(assumed.label) in text for assumed in advised().assumptions)
    ours = sum(assumed.confidence == "assumption" for assumed in advised().assumptions)
    assert text.count("our assumption") >= ours > 10
    assert "ours: " not in text
    assert "<h1>Should we train at all?</h1>" in found.to_html()
    assert "<figure>" not in found.to_html()


def test_an_advice_alone_has_no_other_sections() -> None:
    with pytest.raises(InputError, match="no other sections"):
        report(advised(), cost=cost(params="7B", tokens="1T"))


def test_a_plan_without_a_price_has_a_paper_too() -> None:
    chosen = plan(budget_flops="1e23", cluster="64x ascend-910b")
    bill = cost(chosen)
    assert bill.total_usd is None
    text = read_back(report(chosen, cost=bill).to_pdf())
    assert printable(chosen.title) in text
    assert "Each bar adds" not in text


def test_without_reportlab_the_mend_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "planner.reporting.papers", None)
    with pytest.raises(MissingExtra, match=re.escape("planner[pdf]")):
        full().to_pdf()


def test_signs_outside_latin_1_come_out_right_and_others_as_question_marks() -> None:
    signs = "− × ≤ … µ – ± é ñ “x” €"
    text = read_back(pdf_of("t", [Line(f"{signs} \u4e2d\u6587")]))
    assert f"{signs} ??" in text
    assert ord("≤") in known_signs()
    assert printable("e\u0301\n x") == "é x"


def test_markup_in_a_text_is_text_and_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "create_connection", refused)
    monkeypatch.setattr(socket.socket, "connect", refused)
    hostile = '<img src="http://evil.example/a.png"/><b>bold & <para>'
    found = Finding("warning", hostile, hostile)
    paper = pdf_of(
        hostile, [Heading(hostile), Line(hostile), found, Points((hostile,)), Grid(("a", "b"), ((hostile, hostile),))]
    )
    assert read_back(paper).count("evil.example") == 7


def test_the_paper_has_a_title_a_language_and_numbered_pages() -> None:
    reader = pypdf.PdfReader(BytesIO(full().to_pdf()))
    assert reader.metadata.title == full().title
    assert reader.trailer["/Root"]["/Lang"] == "en"
    assert all(f"Page {number}" in page.extract_text() for number, page in enumerate(reader.pages, start=1))


def test_its_figures_are_lines_not_pictures() -> None:
    reader = pypdf.PdfReader(BytesIO(full().to_pdf()))
    assert all(not page.images for page in reader.pages)
    assert "largest run of the law" in full_text()
    assert "The whole bill" in full_text()


def test_a_long_table_repeats_its_head_and_stays_inside_the_page() -> None:
    rows = tuple((f"row {number}", "1.00 to 2.00", "x" * 300, "word " * 60) for number in range(60))
    reader = pypdf.PdfReader(BytesIO(pdf_of("t", [Grid(("Quantity", "Value", "90 % range", "Basis"), rows)])))
    assert len(reader.pages) > 3
    assert all("Quantity" in page.extract_text() for page in reader.pages)


def test_the_band_lies_around_the_line_and_the_bars_end_at_the_total() -> None:
    flops = np.geomspace(1e20, 1e24, 9)
    loss = np.linspace(3.0, 2.0, 9)
    drawn = drawing_of(
        Curve(flops=flops, loss=loss, low=loss - 0.1, high=loss + 0.1, fitted_to=1e22, x_title="x", y_title="y"), WIDTH
    )
    band = next(shape for shape in drawn.contents if type(shape).__name__ == "Polygon").points[1::2]
    line = next(shape for shape in drawn.contents if type(shape).__name__ == "PolyLine").points[1::2]
    assert all(low < at < high for low, at, high in zip(band[:9], line, band[:8:-1], strict=True))
    assert line == sorted(line, reverse=True)
    bill = full().cost
    assert bill is not None
    assert bill.total_usd is not None
    steps = drawing_of(Steps(("a", "b"), (3.0, 1.0), ("all", bill.total_usd.times(4.0 / float(bill.total_usd)))), WIDTH)
    bars = [shape for shape in steps.contents if type(shape).__name__ == "Rect"]
    assert bars[1].x == pytest.approx(bars[0].x + bars[0].width)
    assert bars[1].x + bars[1].width == pytest.approx(bars[2].x + bars[2].width)


@pytest.mark.parametrize(("low", "high"), [(1.83, 2.41), (0.0, 3.76e7), (2.0, 2.0), (0.999, 1.001)])
def test_axes_end_at_round_numbers_around_the_values(low: float, high: float) -> None:
    ticks = _round_steps(low, high)
    assert ticks[0] <= low + 1e-9
    assert ticks[-1] >= high - 1e-9
    assert 2 <= len(ticks) <= 7


def test_the_ending_of_the_file_says_what_is_written(tmp_path: Path) -> None:
    found = report(plan(budget_usd="$2M", cluster="256x h100"))
    assert found.save(tmp_path / "new" / "plan.PDF").read_bytes().startswith(b"%PDF-")
    assert re.match(rb"<!doctype html>", found.save(tmp_path / "plan.html").read_bytes())
    with pytest.raises(DataError, match="cannot be written"):
        found.save("/dev/null/plan.pdf")
    for name in ("plan.docx", "plan"):
        with pytest.raises(InputError, match=f"cannot be written as {name}"):
            found.save(tmp_path / name)
        assert not (tmp_path / name).exists()
