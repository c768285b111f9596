"""What Streamlit runs at every change of an input. It stays this short: each run makes a module of it anew."""

from planner.ui.page import show

if __name__ == "__main__":
    show()
