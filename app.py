"""The app: hands over to planner.ui."""

from planner.ui.page import show

show()
