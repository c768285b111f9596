"""Starting values: boxes show them, boxes that are not drawn keep them, and what is said later wins."""

from streamlit.testing.v1 import AppTest


def page() -> None:
    import streamlit as st

    from planner.ui.starting import said, settle_rest, start_from, starting

    if "drawn" not in st.session_state or st.session_state.get("again"):
        start_from({"drawn": st.session_state.get("again") or "first", "hidden": "kept"})
    st.session_state["before"] = said("drawn")
    st.text_input("Drawn", value=starting("drawn") or "", key="drawn")
    settle_rest()


def test_a_box_starts_from_its_value_and_one_that_is_not_drawn_keeps_it() -> None:
    app = AppTest.from_function(page).run()
    assert not app.exception
    assert app.text_input(key="drawn").value == "first"
    assert app.session_state["hidden"] == "kept"
    assert app.session_state["before"] == "first"


def test_what_was_typed_wins_over_the_starting_value() -> None:
    app = AppTest.from_function(page).run()
    app.text_input(key="drawn").set_value("typed").run()
    assert app.text_input(key="drawn").value == "typed"
    assert app.session_state["before"] == "typed"
    assert not app.warning


def test_a_box_that_was_drawn_takes_a_value_that_comes_later() -> None:
    app = AppTest.from_function(page).run()
    app.session_state["again"] = "later"
    app.run()
    assert app.text_input(key="drawn").value == "later"
    assert not app.exception
    assert not app.warning
