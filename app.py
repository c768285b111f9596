"""The app: hands over to planner.ui."""

from streamlit import App

from planner.ui.hosting import HOSTED, SCRIPT

app = App(SCRIPT, **HOSTED)
