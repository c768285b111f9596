"""What the tests of the advice share: cases as hypothesis draws them, and the decision without its ranges."""

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import strategies as st

from planner.advising import UseCase
from planner.advising.assessing import Assessment
from planner.advising.deciding import DEFAULT_CLUSTER
from planner.advising.usecase import CHOICES
from planner.hardware import Cluster
from planner.laws import published

TODAY = date(2026, 11, 20)
_AMOUNTS = st.sampled_from([0.0, 1e3, 1e6, 1e8, 3e9, 1e11, 1e13])
_CASES = st.builds(
    UseCase,
    **{name: st.sampled_from(values) for name, values in CHOICES.items()},
    update_hours=st.sampled_from([0.05, 0.5, 12.0, 24.0, 168.0, 2160.0]),
    corpus_tokens=_AMOUNTS,
    unlabeled_tokens=_AMOUNTS,
    fertility=st.sampled_from([1.2, 2.4, 5.0]),
    n_labeled=st.sampled_from([0, 20, 250, 5000]),
    budget_usd=st.sampled_from([0.0, 500.0, 5e4, 2e6, 1e8, 1e12]),
    monthly_usd=st.sampled_from([0.0, 50.0, 5e3, 1e6]),
    weeks=st.sampled_from([0.1, 2.0, 12.0, 60.0]),
    queries_month=st.sampled_from([0.0, 1e3, 1e6]),
    latency_ms=st.sampled_from([50.0, 3000.0]),
    citations=st.booleans(),
    access_control=st.booleans(),
    mandate_from_scratch=st.booleans(),
    teacher_allowed=st.booleans(),
    n_serve_max=st.sampled_from([1e8, 8e9, 80e9, 1e12]),
    as_of=st.dates(date(2021, 6, 9), TODAY),
)


@pytest.fixture(scope="session")
def some_case() -> st.SearchStrategy[UseCase]:
    """Any case: every answer in words, and numbers from nothing to absurdly much."""
    return _CASES


@pytest.fixture(scope="session")
def assess() -> Callable[[UseCase], Assessment]:
    """What advise() decides about a case, without its ranges."""
    law, cluster = published("besiroglu-2024"), Cluster.parse(DEFAULT_CLUSTER)
    return lambda case: Assessment(case, law, cluster)


@pytest.fixture(scope="session")
def bloomberg() -> UseCase:
    """The BloombergGPT decision (arXiv 2303.17564) in June 2022: 363B own tokens, 50B parameters, about $3.3M."""
    return UseCase(
        task="general", domain_gap="terms", unlabeled_tokens=363e9, budget_usd=3.3e6, monthly_usd=50_000, weeks=52,
        team="infra", n_serve_max=51e9, wish="pretrain", as_of=date(2022, 6, 1),
    )  # fmt: skip


@pytest.fixture(scope="session")
def contract() -> Cluster:
    """The price and utilisation of the published reckonings that the replay is held against."""
    return Cluster("h100", price=2.5, utilisation=0.35)
