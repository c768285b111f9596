"""The Plan page as its user meets it: the answer without input, every goal, every error, and the address."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from streamlit.testing.v1 import AppTest

from planner import Cluster, advise, cost, plan
from planner.cli import main
from planner.ui.inputs import GOALS, Inputs
from planner.ui.plan_details import VIEWS, View
from planner.ui.plan_page import LEAD
from planner.ui.widgets import literal
from planner.units import show

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "planner" / "ui" / "script.py"


def opened(**address: str) -> AppTest:
    """The app after it was opened at `address`, with all its inputs in sight."""
    app = AppTest.from_file(str(PAGE), default_timeout=60)
    app.session_state["more"] = True
    for name, value in address.items():
        app.query_params[name] = value
    return app.run()


def plain(markdown: str) -> str:
    """What a reader sees of escaped text."""
    return re.sub(r"\\(.)", r"\1", markdown)


def sentence(app: AppTest) -> str:
    """The plan in a sentence, as the library says it."""
    said = plain(app.header[0].value).removeprefix(f"{LEAD} ")
    return said[:1].upper() + said[1:]


def is_refused(app: AppTest, problem: str, mend: str) -> None:
    assert not app.exception
    assert not app.header, "an answer is shown beside the error"
    assert problem in plain(app.error[0].value)
    assert mend in plain(app.info[0].value)


def test_the_page_answers_without_any_input() -> None:
    app = opened()
    assert not app.exception
    assert not app.error
    assert sentence(app) == plan(budget_usd="$2M", cluster="256x h100").title
    numbers = {metric.label: plain(metric.value) for metric in app.metric}
    assert numbers["Rent of the training run"] == "$2.00M"
    assert len(numbers) == 6
    assert sum("90 % range" in plain(metric.delta) for metric in app.metric) == 5
    assert app.get("vega_lite_chart")


def test_the_checkout_and_the_installed_command_serve_the_same_app() -> None:
    served = (ROOT / "planner" / "ui" / "served.py").read_text(encoding="utf-8")
    assert (ROOT / "app.py").read_text(encoding="utf-8").splitlines()[1:] == served.splitlines()[1:]


def test_the_command_serves_the_installed_app(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[list[str]] = []
    monkeypatch.setattr("subprocess.call", lambda command: called.append(command) or 0)
    assert CliRunner().invoke(main, ["app", "--port", "8600"]).exit_code == 0
    (command,) = called
    assert command[1:4] == ["-m", "streamlit", "run"]
    assert Path(command[4]) == ROOT / "planner" / "ui" / "served.py"
    assert command[5:] == ["--server.port", "8600"]


def test_the_inputs_behind_the_expander_are_made_when_it_is_opened() -> None:
    app = AppTest.from_file(str(PAGE), default_timeout=60).run()
    assert "params" not in {box.key for box in app.text_input}
    assert sentence(app) == sentence(opened())


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.title)
def test_every_figure_is_drawn_when_its_tab_is_opened(view: View) -> None:
    app = opened()
    app.session_state["view"] = view.title
    app.run()
    assert not app.exception
    (figure,) = app.get("vega_lite_chart")
    assert figure.proto.alt == view.says
    assert "layer" in figure.proto.spec


@pytest.mark.parametrize(
    ("section", "shows"),
    [
        ("All numbers of the plan", "Tokens per parameter"),
        ("What it costs", "Experiments and failed runs"),
        ("Show the maths", "C = 6 N D = 6 x {params} x {tokens} = {flops}"),
        ("Where the numbers come from", "Besiroglu"),
    ],
)
def test_every_section_is_made_when_it_is_opened(section: str, shows: str) -> None:
    app = opened()
    assert not app.table
    app.session_state[section] = True
    app.run()
    assert not app.exception
    first = Inputs().plan()
    sizes = {name: show(getattr(first, name), name) for name in ("params", "tokens", "flops")}
    assert shows.format(**sizes) in plain(" ".join(table.value.to_string() for table in app.table))


@pytest.mark.parametrize(("budget", "law"), [("1e15", "kaplan-2020"), ("1e29", "besiroglu-2024")])
def test_formulas_and_figures_hold_at_the_ends_of_what_can_be_planned(budget: str, law: str) -> None:
    app = opened(budget_flops=budget, law=law)
    for view in VIEWS:
        app.session_state["view"] = view.title
        app.session_state["Show the maths"] = True
        app.run()
        assert not app.exception


def test_the_price_carries_its_date() -> None:
    captions = [plain(caption.value) for caption in opened().caption]
    assert any(re.search(r"20\d\d-\d\d", caption) for caption in captions)


@pytest.mark.parametrize("goal", GOALS)
def test_every_goal_starts_from_an_example_that_works(goal: str) -> None:
    app = opened()
    app.segmented_control(key="goal").set_value(goal).run()
    assert not app.exception
    assert not app.error
    assert app.query_params[goal] == GOALS[goal].example
    assert sentence(app) == plan(**{goal: GOALS[goal].example}, cluster="256x h100").title


def test_an_example_fills_in_the_goal_and_the_cluster() -> None:
    app = opened()
    app.pills(key="example").set_value("30 days on 1,024 B200").run()
    assert app.query_params["days"] == "30 days"
    assert app.query_params["cluster"] == "1024x b200"
    assert not app.error


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("nonsense", "not understood"),
        ("", "not understood"),
        ("0", "must be positive"),
        ("-5M", "must be positive"),
        ("1e40", "beyond anything that can be planned for"),
        ("1e999", "no finite number"),
        ("nan", "no finite number"),
        ("٢M", "not understood"),
        ("$1,5M", "comma"),
        ("12 GPU years", "Budget: '12 GPU years' counts GPU time"),
        ("0.000001", "less than any sensible"),
    ],
)
def test_a_bad_budget_is_told_with_its_mend(typed: str, problem: str) -> None:
    app = opened()
    app.text_input(key="amount").set_value(typed).run()
    is_refused(app, problem, "")
    app.text_input(key="amount").set_value("$3M").run()
    assert sentence(app).startswith("Best model for $3.00M")


@pytest.mark.parametrize(
    ("box", "typed", "problem", "mend"),
    [
        ("cluster", "256x h10O", "No accelerator is called 'h10O'", "Did you mean 'h100'"),
        ("cluster", "", "names no accelerator", "512x h100"),
        ("cluster", "0x h100", "must be positive", "GPUs"),
        ("cluster", "1e40x h100", "whole number", "512x h100"),
        ("tokens_available", "nonsense", "not understood", "tokens"),
        ("tokens_available", "-1", "must be positive", "tokens"),
        ("inference_tokens", "-1", "must be 0 or more", "tokens"),
        ("params", "seven", "not understood", "7B"),
        ("tokens", "0", "must be positive", "1.4T"),
        ("utilisation", "140 %", "at most 1", "0.4"),
        ("utilisation", "0", "must be", "fraction"),
        ("mfu", "most", "not understood", "0.4"),
        ("goodput", "3", "at most 1", "0.4"),
        ("when", "yesterday", "is no month", "2023-07"),
    ],
)
def test_bad_text_in_a_box_is_told_with_its_mend(box: str, typed: str, problem: str, mend: str) -> None:
    app = opened()
    app.text_input(key=box).set_value(typed).run()
    is_refused(app, problem, mend)


@pytest.mark.parametrize(
    ("box", "typed", "problem", "mend"),
    [
        ("law", "besiroglu-2O24", "No law is called", "Did you mean 'besiroglu-2024'"),
        ("price", "lambada", "No price of the", "Did you mean 'Lambda'"),
        ("price", "-2", "must be positive", "2.50"),
    ],
)
def test_a_bad_choice_is_told_with_its_mend(box: str, typed: str, problem: str, mend: str) -> None:
    app = opened(**{box: typed})
    is_refused(app, problem, mend)


def test_a_loss_below_the_floor_is_told_with_its_mend() -> None:
    app = opened(target_loss="1.5")
    is_refused(app, "No compute reaches", "higher loss")


def test_an_unknown_model_is_told_with_its_mend() -> None:
    app = opened(target_model="llama-3.1-9b")
    is_refused(app, "No open model is called", "Did you mean")


def test_the_verdict_says_whether_to_train_at_all() -> None:
    app = opened()
    shown = [plain(markdown.value) for markdown in app.markdown]
    assert any("pretrain" in text.lower() for text in shown)
    app.selectbox(key="knowledge").set_value("private_changing").run()
    assert app.query_params["knowledge"] == "private_changing"
    assert [plain(markdown.value) for markdown in app.markdown] != shown


@pytest.mark.parametrize(
    ("box", "typed", "problem"),
    [
        ("task", "juggling", "No task is called"),
        ("knowledge", "all", "No knowledge is"),
        ("weeks", "soon", "Weeks until it must work: 'soon'"),
        ("unlabeled_tokens", "lots", "Text of your own: 'lots'"),
    ],
)
def test_bad_text_in_the_verdict_leaves_the_plan_standing(box: str, typed: str, problem: str) -> None:
    app = opened(**{box: typed})
    assert not app.exception
    assert problem in plain(app.error[0].value)
    assert app.header


def test_the_verdict_stands_first_and_counts_with_the_dollars_typed() -> None:
    app = opened(budget_usd="2M", inference_tokens="20T")
    order = [element.type for element in app.main if element.type in {"markdown", "header"}]
    assert order[:2] == ["markdown", "header"]
    assert plain(app.markdown[0].value).startswith("**Should you train it at all?**")
    assert "Judged for $2.00M, as typed" in plain(app.caption[0].value)


def test_the_verdict_is_that_of_the_advice() -> None:
    for inputs in (Inputs(), Inputs(knowledge="private_changing"), Inputs(amount="$5B", tokens_available="20T")):
        found = inputs.plan()
        case, sentence = inputs.judged(found, cost(found))
        full = advise(case, law=found.calibration, cluster=found.cluster).title
        assert full.startswith(sentence.split(".")[0])


def test_without_dollars_the_verdict_counts_with_the_programme_and_says_so() -> None:
    app = opened(budget_gpu_hours="500K")
    programme = cost(plan(budget_gpu_hours="500K", cluster="256x h100")).programme_usd
    said = f"Judged for {show(programme, 'usd')}, which is what this plan's programme costs"
    assert said in plain(app.caption[0].value)


def test_the_page_can_advise_to_pretrain() -> None:
    assert "Pretrain from scratch" in plain(opened(budget_usd="5B", tokens_available="20T").markdown[0].value)
    assert "Do not pretrain" in plain(opened(budget_usd="5B").markdown[0].value)


def test_only_what_was_typed_is_called_given() -> None:
    def exact(**address: str) -> list[str]:
        said = [plain(it.delta) for it in opened(**address).metric]
        return [text for text in said if text in {"as given", "follows exactly"}]

    assert exact() == ["as given"]
    assert exact(days="30 days") == ["as given"]
    assert exact(inference_tokens="20T") == ["follows exactly"]


def test_what_hides_behind_the_expander_is_told_below_the_headline() -> None:
    assert not any(text.value.startswith("With:") for text in opened().text)
    app = opened(tokens_available="300B", price="spot", law="besiroglu-2024")
    assert any(text.value == "With: tokens available 300B, price spot." for text in app.text)


def test_an_empty_law_is_the_default_one() -> None:
    assert sentence(opened(law="")) == sentence(opened())


def test_prices_offered_are_those_of_the_accelerator() -> None:
    offered = opened(cluster="8x tpu-v5p").selectbox(key="price").options
    assert offered
    assert "Lambda" not in offered
    assert "Lambda" in opened().selectbox(key="price").options


def test_an_address_makes_the_same_page_again() -> None:
    first = opened()
    first.text_input(key="amount").set_value("$5M").run()
    first.text_input(key="tokens_available").set_value("300B").run()
    second = opened(**first.query_params)
    assert sentence(second) == sentence(first)
    assert second.query_params == first.query_params
    assert second.text_input(key="tokens_available").value == "300B"


def test_a_tampered_address_is_told_until_an_input_changes() -> None:
    app = opened(budget_usd="1M", days="3")
    is_refused(app, "two goals", "Keep one")
    app.text_input(key="amount").set_value("$3M").run()
    assert sentence(app).startswith("Best model for $3.00M")
    assert "days" not in app.query_params


def test_a_link_of_the_first_version_still_works_and_says_so() -> None:
    app = opened(v="1", budget_usd="5M", cluster="64x a100", utilisation="30 %")
    assert sentence(app).startswith("Best model for $5.00M on 64x NVIDIA A100")
    assert any("earlier version" in plain(warning.value) for warning in app.warning)
    assert app.query_params["v"] == "2"


def test_a_link_from_before_the_newest_prices_keeps_its_prices_and_says_so() -> None:
    app = opened(v="2", prices="2024-01", budget_usd="5M")
    assert app.query_params["when"] == "2024-01"
    assert any("prices known in 2024-01" in plain(warning.value) for warning in app.warning)
    assert sentence(app) == plan(budget_usd="5M", cluster=Cluster.parse("256x h100").at(when="2024-01")).title


def test_an_address_of_another_version_is_refused() -> None:
    is_refused(opened(v="99"), "another version", "Fill in")


def test_an_unknown_name_in_the_address_is_told() -> None:
    app = opened(budgit="5M")
    assert any("budgit" in plain(warning.value) for warning in app.warning)
    assert app.header


@pytest.mark.parametrize("hostile", ["![x](http://evil.example/p.png)", "<script>alert(1)</script>", "**a** $b$ `c`"])
def test_what_a_user_types_is_never_markdown(hostile: str) -> None:
    app = opened(cluster=hostile, law=hostile, budget_usd=hostile)
    shown = [element.value for element in (*app.error, *app.info, *app.warning)]
    assert shown
    for text in shown:
        assert not re.search(r"(?<!\\)[\[\]<>*$`!]", text)


def test_escaped_text_reads_as_it_was_written() -> None:
    assert plain(literal("$2M [a](b) <i> *c* :red[d]")) == "$2M [a](b) <i> *c* :red[d]"


@pytest.mark.parametrize("text", ["http://a.example", "HTTPS://a.example", "see www.a.example", "me@a.example"])
def test_addresses_in_what_was_typed_are_no_links(text: str) -> None:
    drawn = plain(literal(text))
    assert drawn.replace("\u2060", "") == text
    assert not re.search(r"(?i)https?://|www\.|[-.\w+]@[-\w]", drawn)


def test_both_copies_of_the_settings_are_equal() -> None:
    used = [ROOT / ".streamlit" / "config.toml", ROOT / "planner" / "ui" / ".streamlit" / "config.toml"]
    assert used[0].read_text(encoding="utf-8") == used[1].read_text(encoding="utf-8")
