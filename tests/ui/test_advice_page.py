"""The Advice page: the answer without any input, every question's bad answers, the replay, and measured losses."""

import json
import re
from datetime import date
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from planner import UseCase, advise
from planner.advising.bases import catalogue
from planner.advising.usecase import CHOICES
from planner.ui.cases import EXAMPLES, MAIN, MORE, WORDS, address_of, case_of, defaults, months, opened
from planner.ui.widgets import literal


def page(**address: str) -> AppTest:
    app = AppTest.from_string("from planner.ui import advice_page\nadvice_page.show()", default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    return app.run()


def plain(markdown: str) -> str:
    return re.sub(r"\\(.)", r"\1", markdown)


def cells(table: Any) -> str:
    return plain(" ".join(table.value.to_numpy().ravel()))


def verdict(app: AppTest) -> str:
    return plain(app.header[0].value)


def test_the_page_answers_without_any_input() -> None:
    app = page()
    assert not app.exception
    assert not app.error
    assert verdict(app) == advise(UseCase()).verdict
    headings = [heading.value for heading in app.subheader]
    assert headings[:2] == ["Why", "The options side by side"]
    assert "What would change the advice" in headings
    assert len(app.table[0].value) == len(advise(UseCase()).ranking)


def test_it_says_which_model_answers_and_on_what() -> None:
    found, app = advise(UseCase()), page()
    in_sight = plain(" ".join(element.value for element in app.markdown))
    others = cells(app.table[1])
    for option in found.ranking:
        assert found.served[option.option] in (in_sight if option.chosen else others)


def test_reasons_and_remarks_are_those_of_the_library() -> None:
    found, app = advise(UseCase()), page()
    said = plain(" ".join(element.value for element in app.markdown))
    assert all(str(reason) in said for reason in found.reasons)
    remarks = cells(app.table[0])
    assert all(option.remark in remarks for option in found.ranking)


def test_only_models_that_can_be_had_are_offered_for_measured_losses() -> None:
    app = page()
    offered = json.loads(app.dataframe[0].proto.columns)["model"]["type_config"]["options"]
    names = [option["value"] if isinstance(option, dict) else option for option in offered]
    assert names == [base.name for base in catalogue()]
    assert "bloomberggpt" not in names


def test_the_defaults_are_those_of_the_library() -> None:
    assert case_of(defaults()) == UseCase()


def test_every_field_of_a_case_is_asked_for() -> None:
    assert {*MAIN, *MORE} - {"cluster"} | {"as_of"} == set(UseCase().to_dict())


@pytest.mark.parametrize("name", CHOICES)
def test_every_fixed_answer_has_its_words(name: str) -> None:
    assert set(WORDS[name]) == set(CHOICES[name])


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_answers(name: str) -> None:
    app = page()
    app.pills(key="advice_example").set_value(name).run()
    assert not app.exception
    assert not app.error
    case = case_of(defaults() | EXAMPLES[name])
    assert verdict(app) == advise(case).verdict


def test_bloomberg_was_defensible_then_and_is_not_now() -> None:
    app = page()
    app.pills(key="advice_example").set_value("BloombergGPT, June 2022").run()
    then = verdict(app)
    assert "from about $3.9" in then
    app.select_slider(key="advice_as_of").set_value(date.today().isoformat()).run()
    assert not app.exception
    assert verdict(app) != then
    assert app.query_params["case_as_of"] == date.today().isoformat()


def test_the_years_are_shown_when_they_are_opened() -> None:
    app = page(**{f"case_{name}": text for name, text in EXAMPLES["BloombergGPT, June 2022"].items()})
    before = len(app.table)
    assert not app.get("vega_lite_chart")
    app.session_state["advice_years"] = True
    app.run()
    assert not app.exception
    assert len(app.table) == before + 1
    assert any("2024-10-15" in plain(str(table.value)) for table in app.table)
    assert app.get("vega_lite_chart")


@pytest.mark.parametrize(
    ("box", "typed", "said"),
    [
        ("budget_usd", "nonsense", "Money to build it (US dollars): 'nonsense' is not understood"),
        ("budget_usd", "-5", "must be 0 or more"),
        ("budget_usd", "", "not understood"),
        ("budget_usd", "$1,5M", "comma"),
        ("budget_usd", "1e999", "no finite number"),
        ("budget_usd", "٢M", "not understood"),
        ("unlabeled_tokens", "lots", "Raw text of your field (tokens): 'lots' is not understood"),
        ("weeks", "soon", "Weeks until it must work: 'soon' is not understood"),
        ("fertility", "0", "must be positive"),
        ("n_serve_max", "0", "must be positive"),
        ("latency_ms", "0", "must be positive"),
        ("update_hours", "-1", "must be positive"),
        ("horizon_months", "0", "must be positive"),
        ("tok_in", "nan", "no finite number"),
        ("tok_out", "-1", "0 or more"),
        ("queries_month", "many", "not understood"),
        ("monthly_usd", "five", "not understood"),
        ("n_labeled", "some", "not understood"),
        ("corpus_tokens", "a book", "not understood"),
        ("cluster", "256x h10O", "No accelerator is called 'h10O'"),
    ],
)
def test_a_bad_answer_is_told_with_its_mend(box: str, typed: str, said: str) -> None:
    app = page()
    app.text_input(key=f"advice_{box}").set_value(typed).run()
    assert not app.exception
    assert said in plain(app.error[0].value)
    assert app.info
    assert not app.header


def test_contradictions_stand_first_in_red() -> None:
    app = page(case_provenance="own_data", case_unlabeled_tokens="0", case_wish="rag")
    found = advise(UseCase(provenance="own_data", wish="rag"))
    assert not app.exception
    shown = [plain(error.value) for error in app.error]
    for text in found.contradictions:
        assert any(text in error for error in shown)


def test_an_address_asks_the_same_again() -> None:
    app = page()
    app.text_input(key="advice_budget_usd").set_value("$3M").run()
    app.toggle(key="advice_citations").set_value(True).run()
    again = page(**app.query_params)
    assert verdict(again) == verdict(app)
    assert again.query_params == app.query_params
    assert again.toggle(key="advice_citations").value is True


def test_the_address_writes_every_answer_also_the_defaults() -> None:
    app = page()
    assert {f"case_{name}" for name in defaults()} < set(app.query_params)
    assert opened(address_of(defaults(), "besiroglu-2024")) == defaults()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ({"v": "9", "case_task": "qa"}, "another version"),
        ({"case_task": "juggling"}, "answers task by 'juggling'"),
        ({"case_budgit": "5"}, "'budgit', which is not asked"),
        ({"case_weeks": "9" * 200}, "longer than 80 characters"),
        ({"case_task": "![x](http://evil.example/p.png)"}, "![x](http\u2060://evil.example/p.png)"),
    ],
)
def test_a_tampered_link_is_told(address: dict[str, str], said: str) -> None:
    app = page(**address)
    assert not app.exception
    assert said in plain(app.error[0].value)
    assert not app.header
    assert not re.search(r"(?<!\\)[\[\]<>!]", app.error[0].value)
    app.text_input(key="advice_budget_usd").set_value("$1M").run()
    assert app.header


def test_a_bad_switch_or_date_in_a_link_is_told() -> None:
    assert "Say yes or no" in plain(page(case_citations="<b>").info[0].value) or page(case_citations="<b>").header
    app = page(case_as_of="yesterday")
    assert not app.exception
    assert "no date" in plain(app.error[0].value)


def test_a_link_with_a_law_of_ones_own_says_that_it_is_not_here() -> None:
    app = page(case_task="qa", law="own")
    assert any("not here" in warning.value for warning in app.warning)
    assert app.header


def upload_pilots(content: bytes) -> AppTest:
    app = page()
    app.file_uploader(key="advice_pilots_file").upload("pilots.csv", content)
    return app.run()


def test_measured_losses_are_read_from_a_table() -> None:
    content = b"kind,model,bits_per_byte,domain_tokens\nzero_shot,llama-3.1-8b,0.81,\ncpt,llama-3.1-8b,0.74,100M\n"
    app = upload_pilots(content)
    assert not app.exception
    assert not app.error
    said = " ".join(plain(element.value) for element in app.markdown)
    assert "Llama-3.1-8B after 100M tokens: 0.740 bits/byte" in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"kind,model\nzero_shot,llama-3.1-8b\n", "lacks the column bits_per_byte"),
        (b"kind,model,bits_per_byte\nzero_shot,llama-9,0.8\n", "llama-9"),
        (b"kind,model,bits_per_byte\nguess,llama-3.1-8b,0.8\n", "kind of pilot"),
        (b"kind,model,bits_per_byte\nzero_shot,llama-3.1-8b,99\n", "a byte holds 8 bits"),
        (b"kind,model,bits_per_byte,domain_tokens\ncpt,llama-3.1-8b,0.8,1M\n", "not as it came"),
        (b"kind,model,bits_per_byte\n" + b"zero_shot,llama-3.1-8b,0.8\n" * 60, "more than 50 rows"),
        (b"\x80\x04\x95abc", "never opened"),
    ],
)
def test_a_bad_table_of_losses_is_told(content: bytes, said: str) -> None:
    app = upload_pilots(content)
    assert not app.exception
    assert said in plain(app.error[0].value)


def test_the_slider_offers_quarters_today_and_the_date_of_a_link() -> None:
    offered = months(date(2026, 11, 21), "2022-06-01")
    assert offered[0] == "2021-07-01"
    assert offered[-1] == "2026-11-21"
    assert "2022-06-01" in offered
    assert offered == sorted(offered)


def test_texts_of_the_library_are_drawn_as_text() -> None:
    assert plain(literal("$5M [a](b)")) == "$5M [a](b)"
