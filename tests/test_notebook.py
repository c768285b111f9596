from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.ipynb")), ids=lambda path: path.name)
def test_the_notebook_runs_and_still_says_what_it_shows(path):
    shown = nbformat.read(path, as_version=4)
    executed = nbformat.read(path, as_version=4)
    NotebookClient(executed, timeout=120, resources={"metadata": {"path": str(EXAMPLES)}}).execute()
    for before, after in zip(shown.cells, executed.cells, strict=True):
        # Bills and advice depend on the day they are asked; plans and fits do not.
        if before.cell_type == "code" and any(verb in before.source for verb in ("plan(", "fit(", "compare(")):
            texts = [[output.get("data", {}).get("text/html") for output in cell.outputs] for cell in (before, after)]
            assert texts[0] == texts[1]
