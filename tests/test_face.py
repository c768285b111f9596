import ast
import importlib.metadata
import subprocess
import sys
import textwrap
from pathlib import Path

import planner

ROOT = Path(__file__).resolve().parent.parent
PROMISED = {
    "load_runs", "fit", "plan", "design", "cost", "advise", "compare", "report",
    "Cluster", "Transformer", "UseCase", "laws", "accelerators", "models", "prices",
}  # fmt: skip


def test_the_promised_names_are_exported():
    assert set(planner.__all__) >= PROMISED
    assert all(callable(getattr(planner, name)) for name in planner.__all__)


def test_import_pulls_in_nothing_heavy():
    code = "import sys, planner; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "streamlit", "plotly", "pandas", "scipy", "pyarrow", "ray", "experiments"} & set(loaded)


def test_catalogues_are_frames_whose_rows_name_their_source():
    for catalogue in (planner.laws, planner.accelerators, planner.models, planner.prices):
        table = catalogue()
        assert len(table) >= 4
        assert table["source"].notna().all()
        assert table["as_of"].notna().all()


def test_every_table_is_explained():
    text = (ROOT / "data" / "README.md").read_text()
    for path in (ROOT / "data").rglob("*.csv"):
        assert f"`{path.relative_to(ROOT / 'data')}`" in text, path


def test_only_units_formats_numbers():
    for path in (ROOT / "planner").rglob("*.py"):
        if path.name == "units.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
                spec = ast.unparse(node.format_spec)
                assert not any(mark in spec for mark in (".0f", ".1f", ".2f", ".3f", ".2e", "g}", "%}")), (
                    f"{path}: {spec}"
                )


def test_the_wheel_plans_from_any_folder(tmp_path):
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    home = tmp_path / "home"
    # Its dependencies are this environment's; only our own package must come from the wheel.
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(home), str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    code = textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(home)!r})
        import planner
        assert planner.__file__.startswith({str(home)!r}), planner.__file__
        print(float(planner.plan(budget_usd="2M", cluster="256x h100").params))
    """)
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert float(run.stdout) == float(planner.plan(budget_usd="2M", cluster="256x h100").params)


def test_the_version_is_the_packages():
    assert importlib.metadata.version("planner")
