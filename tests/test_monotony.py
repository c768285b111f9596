"""More money or time never buys a worse model."""

from itertools import pairwise

import numpy as np
import pytest

from planner import plan

CLUSTERS = ("8x h100", "16x h100", "64x h100", "8x a100")


@pytest.mark.parametrize("cluster", CLUSTERS)
@pytest.mark.parametrize(("goal", "least", "most"), [("budget_usd", 1e4, 1e7), ("days", 3.0, 3000.0)])
def test_loss_never_rises_with_what_is_spent(cluster: str, goal: str, least: float, most: float) -> None:
    losses = [float(plan(**{goal: float(spent)}, cluster=cluster).loss) for spent in np.geomspace(least, most, 25)]  # type: ignore[arg-type]
    assert all(more < less for less, more in pairwise(losses))
