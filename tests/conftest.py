"""What tests share: published tables, when they lie beside the checkout, and a home without refreshed prices."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import settings

settings.register_profile("planner", deadline=None)
settings.load_profile("planner")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def _home_without_refreshed_prices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data_home")))
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the published run tables do not lie beside this checkout")
    return folder


@pytest.fixture(scope="session")
def chinchilla(shared: Path) -> pd.DataFrame:
    """The 240 runs of Besiroglu et al. 2024: the 245 digitised ones without the five marked outliers."""
    table = pd.read_csv(shared / "runs" / "chinchilla_epoch.csv")
    return table[table["outlier"] == 0]
