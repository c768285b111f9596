"""What a sweep does not do as asked is told before it is run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from experiments.cautions import cautions

if TYPE_CHECKING:
    from experiments.config import Sweep
    from experiments.corpus import Corpus


def titles(sweep: Sweep, corpus: Corpus) -> list[str]:
    return [finding.title for finding in cautions(sweep, corpus)]


def of_params(sweep: Sweep, *params: float) -> Sweep:
    """The sweep with sizes of these parameters."""
    sizes = (replace(sweep.sizes[0], layers=None, width=None, params=number) for number in params)
    return replace(sweep, sizes=tuple(sizes))


def test_a_sweep_that_does_as_asked_has_none(tiny: Sweep, corpus: Corpus) -> None:
    assert titles(tiny, corpus) == []


def test_text_that_is_met_again_is_told(tiny: Sweep, corpus: Corpus) -> None:
    few: dict[str, Any] = {"train_tokens": 16_000}
    assert titles(tiny, replace(corpus, **few)) == ["Some runs read the text more than once."]


def test_a_loss_measured_on_less_than_asked_is_told(tiny: Sweep, corpus: Corpus) -> None:
    enough: dict[str, Any] = {"held_out_tokens": 32 * 32 + 1}
    assert titles(tiny, replace(corpus, **enough)) == []
    few: dict[str, Any] = {"held_out_tokens": 32 * 32}
    (finding,) = cautions(tiny, replace(corpus, **few))
    assert finding.title == "The loss is measured on less text than the sweep asks for."
    assert finding.because == "It asks for 32 windows, and 31 are held out."


def test_a_long_decay_is_told(tiny: Sweep, corpus: Corpus) -> None:
    (finding,) = cautions(replace(tiny, decay_share=0.75), corpus)
    assert finding.title == "Runs decay for 75.0 % of their steps."


def test_sizes_that_were_rounded_are_told(tiny: Sweep, corpus: Corpus) -> None:
    (finding,) = cautions(of_params(tiny, 8e3), corpus)
    assert finding.because == "8.00K params is 7.09K params (1x16)."
    exact = tiny.sizes[0].shape(256).params
    assert titles(of_params(tiny, exact), corpus) == []


def test_sizes_that_become_one_are_told(tiny: Sweep, corpus: Corpus) -> None:
    exact = tiny.sizes[0].shape(256).params
    assert titles(of_params(tiny, exact, exact + 50), corpus) == ["3 of 6 runs are the same as others."]
