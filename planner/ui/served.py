"""The app as `planner app` serves it; app.py in a checkout is the same."""

from streamlit import App

from planner.ui.hosting import HOSTED, SCRIPT

app = App(SCRIPT, **HOSTED)
