"""The Sources page: every table with dates and links, found by any word, and how right the figures are."""

import csv
import re

import pytest
from streamlit.testing.v1 import AppTest

from planner.catalog import data_folder, records
from planner.ui.facts import FACTS, hits, link_of, shown
from planner.ui.spreadsheets import csv_of
from planner.validating import validate_costs, validate_forecasts

LISTS_OF_WORDS = {"common_words", "price_names"}


def page() -> AppTest:
    return AppTest.from_string("from planner.ui import sources_page\nsources_page.show()", default_timeout=60).run()


def plain(markdown: str) -> str:
    return re.sub(r"\\(.)", r"\1", markdown)


def test_every_table_of_facts_is_shown() -> None:
    there = {path.stem for path in data_folder().glob("*.csv")}
    assert there - LISTS_OF_WORDS == set(FACTS)


@pytest.mark.parametrize("table", FACTS)
def test_every_row_has_its_source_and_date(table: str) -> None:
    frame = shown(table)
    assert len(frame) == len(records(table))
    assert (frame["source"] != "").all()
    assert "as of" in frame


@pytest.mark.parametrize(
    ("source", "link"),
    [
        ("Besiroglu et al. 2024, arXiv 2404.10102, table 1", "https://arxiv.org/abs/2404.10102"),
        ("PaLM paper (arXiv 2204.02311) table 3", "https://arxiv.org/abs/2204.02311"),
        ("karpathy/nanochat README+LEADERBOARD @92d63d4", "https://github.com/karpathy/nanochat"),
        ("see https://example.org/a.html; read", "https://example.org/a.html"),
        ("memory", ""),
        ("ours: common practice", ""),
    ],
)
def test_a_source_that_names_a_place_links_there(source: str, link: str) -> None:
    assert link_of(source) == link


def test_most_laws_have_a_link() -> None:
    assert shown("laws")["link"].notna().all()


def test_the_search_finds_rows_by_all_of_their_words() -> None:
    found = hits("prices", "H100 on-demand")
    assert 0 < len(found) < len(records("prices"))
    assert found == hits("prices", "on-demand h100")
    assert all(row["tier"] == "on-demand" or "on-demand" in " ".join(row.values()) for row in found)
    assert not hits("laws", "no such words anywhere")


def test_the_page_shows_laws_first_and_other_tables_when_chosen() -> None:
    app = page()
    assert not app.exception
    assert list(app.dataframe[0].value["name"])[:2] == ["hoffmann-2022", "besiroglu-2024"]
    app.selectbox(key="sources_table").set_value("models").run()
    assert len(app.dataframe[0].value) == len(records("models"))


def test_a_search_leaves_the_tables_that_hold_it() -> None:
    app = page()
    app.text_input(key="sources_words").set_value("muennighoff").run()
    assert not app.exception
    assert all("(0)" not in option for option in app.selectbox(key="sources_table").options)
    assert len(app.dataframe[0].value) < len(records("laws"))
    app.text_input(key="sources_words").set_value("![x](http://evil.example/p.png)").run()
    assert "No row holds ![x](http\u2060://evil.example/p.png)" in plain(app.info[0].value)
    assert not re.search(r"(?<!\\)[\[\]<>!]", app.info[0].value)


def test_the_validation_is_that_of_the_library() -> None:
    app = page()
    found = validate_costs()
    assert len(app.dataframe[-1].value) == len(found.runs)
    cells = plain(" ".join(app.table[0].value.iloc[:, 1]))
    for row in (row for row in found.rows() if row.key in {"runs", "unseen_median_factor", "unseen_held_90"}):
        assert row.text in cells


def test_forecasts_are_those_of_the_benchmarks() -> None:
    text = (data_folder().parent / "tests" / "benchmarks" / "README.md").read_text(encoding="utf-8")
    found = validate_forecasts()
    for study in found.studies[:6]:
        cut = "all" if study.case == "all" else study.case.split()[0]
        row = next(line for line in text.splitlines() if line.startswith(f"| {cut} | {study.cases} |"))
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert float(cells[2]) == pytest.approx(100 * study.error)
        assert float(cells[6]) == pytest.approx(100 * study.held_90)
    assert "inside the 90 % range" in str(found)


def test_downloads_run_nothing_in_a_spreadsheet() -> None:
    import pandas as pd

    frame = pd.DataFrame({"=name": ["=1+1", "@x", "-a", "+b", "plain"], "number": [-1.0, 2, 3, 4, 5]})
    rows = list(csv.reader(csv_of(frame).splitlines()))
    assert [row[0] for row in rows] == ["'=name", "'=1+1", "'@x", "'-a", "'+b", "plain"]
    assert rows[1][1] == "-1.0"
