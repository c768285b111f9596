"""Pilots: measurements on the user's own text replace our assumptions, or are refused with a mend."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from planner.advising import Pilot, UseCase, advise, pilots_of
from planner.advising.assuming import perturbed
from planner.advising.measuring import NATS_PER_BIT, measured
from planner.errors import DataError, InputError, UnknownName
from planner.laws import published

CASE = UseCase(
    task="general", domain_gap="terms", unlabeled_tokens=3e10, n_serve_max=9e9, budget_usd=1e6, team="infra", weeks=40,
    as_of="2026-11-20",
)  # fmt: skip
LLAMA = "llama-3.1-8b"


def zero_shot(bits):
    return {"kind": "zero_shot", "model": LLAMA, "bits_per_byte": bits}


def trained(tokens, bits):
    return {"kind": "cpt", "model": LLAMA, "bits_per_byte": bits, "domain_tokens": tokens}


@pytest.fixture(scope="module")
def own_law():
    """A law as if fitted on the own text: the published one in bits per byte, under another name."""
    law = published("besiroglu-2024")

    def in_bits(form):
        return replace(form, E=form.E / NATS_PER_BIT, A=form.A / NATS_PER_BIT, B=form.B / NATS_PER_BIT)

    return replace(law, name="sweep.csv", loss_unit="bits/byte", law=in_bits(law.law), ensemble=in_bits(law.ensemble))


def test_a_worse_measured_loss_makes_a_model_of_ones_own_win_sooner(own_law):
    found = [advise(CASE, law=own_law, pilots=[zero_shot(bits)]).break_even[0] for bits in (0.7, 0.75, 0.8, 0.9)]
    assert [entry.path for entry in found] == ["measured"] * 4
    assert all(later.flops < earlier.flops for earlier, later in pairwise(found))


def test_a_loss_below_what_any_model_of_that_size_reaches_cannot_be_bought(own_law):
    equal = advise(CASE, law=own_law, pilots=[zero_shot(0.6)]).break_even[0]
    assert (equal.status, equal.programme_usd) == ("never", None)
    assert "no budget" in advise(CASE, law=own_law, pilots=[zero_shot(0.6)]).verdict


def test_the_measured_loss_is_the_loss_that_is_compared(own_law, assess):
    pilots = pilots_of([zero_shot(0.83)])
    assessed = replace(assess(CASE), calibration=own_law, pilots=pilots)
    names = [base.name for base in assessed.landscape.bases]
    assert assessed.landscape.untuned_losses()[names.index(LLAMA)] == pytest.approx(0.83)


def test_a_model_that_hides_its_tokens_can_be_measured(own_law, assess):
    case = replace(CASE, n_serve_max=80e9)
    pilots = pilots_of([{"kind": "zero_shot", "model": "qwen3.5-27b", "bits_per_byte": 0.66}])
    without, with_it = assess(case), replace(assess(case), calibration=own_law, pilots=pilots)
    assert "qwen3.5-27b" not in {base.name for base in without.landscape.bases}
    assert "qwen3.5-27b" in {base.name for base in with_it.landscape.bases}


def test_continued_pretraining_that_gained_much_is_advised_and_that_gained_nothing_is_not():
    gained = advise(CASE, pilots=[zero_shot(0.8), trained("100M", 0.75), trained("1B", 0.70)])
    assert gained.headline == "cpt"
    lost = advise(CASE, pilots=[zero_shot(0.8), trained("100M", 0.80), trained("1B", 0.81)])
    assert "cpt" not in lost.components
    assert advise(CASE).headline == "prompt"


def test_the_closing_curve_goes_through_its_pilots():
    pilots = pilots_of([zero_shot(0.80), trained(1e8, 0.75), trained(1e9, 0.71)])
    guesses = perturbed(50, 0)
    fall, tokens, decay = measured(pilots, published("besiroglu-2024"), guesses).curve
    for amount, bits in ((1e8, 0.05), (1e9, 0.09)):
        fell = fall * (1 - (1 + amount / tokens) ** -decay)
        np.testing.assert_allclose(fell, bits * NATS_PER_BIT, rtol=1e-4)


def test_what_was_measured_is_shown_as_measured_with_its_source(own_law):
    advice = advise(CASE, law=own_law, pilots=[zero_shot(0.8), trained("100M", 0.75)])
    shown = {entry.name: entry for entry in advice.assumptions}
    for name in ("gap_terms", "gap_tokens", "gap_decay"):
        assert shown[name].confidence == "measured"
        assert "Llama-3.1-8B after 100M tokens: 0.750 bits/byte" in shown[name].source
    assert shown["gap_language"].confidence == "assumption"
    assert advice.to_dict()["pilots"]
    assert advice.to_dict()["break_even"][0]["path"] == "measured"


def test_a_loss_on_other_text_than_the_law_s_is_not_compared():
    alone = advise(CASE, pilots=[zero_shot(0.3)])
    assert alone.break_even == advise(CASE).break_even
    assert "Fit your own law" in " ".join(str(finding) for finding in alone.findings)
    assert alone.break_even[0].path == "prior"


def test_pilots_come_from_a_table_or_are_typed(tmp_path):
    table = pd.DataFrame([zero_shot(0.8), trained(1e8, 0.75)])
    path = tmp_path / "pilots.csv"
    table.to_csv(path, index=False)
    typed = (
        Pilot(kind="zero-shot", model="Llama-3.1-8B", bits_per_byte="0.8 bpb"),
        Pilot(kind="cpt", model=LLAMA, bits_per_byte=0.75, domain_tokens="100M"),
    )
    assert pilots_of(path) == pilots_of(str(path)) == pilots_of(table) == pilots_of(typed)


@pytest.mark.parametrize(
    ("pilots", "match"),
    [
        ([{"kind": "zeroshot", "model": LLAMA, "bits_per_byte": 0.8}], "zero_shot"),
        ([zero_shot(0.8) | {"model": "llama-3.1-8c"}], "llama-3.1-8b"),
        ([zero_shot(0.8) | {"bits": 1}], "bits_per_byte"),
    ],
)
def test_unknown_names_are_answered_with_the_closest(pilots, match):
    with pytest.raises(UnknownName, match=match):
        pilots_of(pilots)


@pytest.mark.parametrize(
    ("pilots", "match"),
    [
        ([zero_shot(9)], "8 bits"),
        ([zero_shot(-1)], "positive"),
        ([zero_shot("2.1 nats/token")], "bits/byte"),
        ([zero_shot(0.8) | {"domain_tokens": 1e6}], "has read"),
        ([zero_shot(0.8), {"kind": "cpt", "model": LLAMA, "bits_per_byte": 0.7}], "domain_tokens"),
        ([trained(1e8, 0.7)], "not as it came"),
        ([zero_shot(0.8), zero_shot(0.9)], "two pilots"),
        ([{"kind": "zero_shot", "model": LLAMA}], "lacks bits_per_byte"),
        ([3], "no int"),
    ],
)
def test_malformed_pilots_are_refused(pilots, match):
    with pytest.raises(InputError, match=match):
        pilots_of(pilots)


def test_tables_that_are_none_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"absent.csv cannot be read: No such file or directory\."):
        pilots_of(tmp_path / "absent.csv")
    (tmp_path / "ragged.csv").write_text("kind\na\nb,c,d\n")
    with pytest.raises(DataError, match=r"ragged.csv is no table of pilots: .*line 3, saw 3\."):
        pilots_of(tmp_path / "ragged.csv")
    with pytest.raises(DataError, match="lack the column"):
        pilots_of(pd.DataFrame({"kind": ["zero_shot"]}))


def test_an_own_law_in_nats_per_token_is_sent_to_be_converted(own_law):
    in_nats = replace(own_law, loss_unit="nats/token")
    with pytest.raises(InputError, match="in_unit"):
        advise(CASE, law=in_nats, pilots=[zero_shot(0.8)])


# What a pilot may not be, and what is doubtful.


def said(advice):
    return " ".join(f"{finding.level}: {finding.title} {finding.because}" for finding in advice.findings)


def test_training_that_made_things_worse_is_said_and_counts_as_no_help():
    worse = advise(CASE, pilots=[zero_shot(0.81), trained("100M", 0.95)])
    assert "warning: Training on your text made the model worse." in said(worse)
    assert "not at all" in said(worse)
    assert "cpt" not in worse.components
    assert "made the model worse" not in said(advise(CASE, pilots=[zero_shot(0.81), trained("100M", 0.79)]))


def test_a_loss_above_that_of_a_compressor_is_doubted():
    assert "is no loss of a language model" in said(advise(CASE, pilots=[zero_shot(7.9)]))
    assert "is no loss of a language model" not in said(advise(CASE, pilots=[zero_shot(1.5)]))


@pytest.mark.parametrize(
    ("pilots", "case", "match"),
    [
        ([zero_shot(0.8) | {"model": "esm-2-15b"}], {}, "a model of protein; the case is about text"),
        ([zero_shot(0.8)], {"modality": "protein"}, "the case is about protein"),
        ([zero_shot(0.8), trained(1e13, 0.7)], {}, "of which there are 30.0B tokens"),
        ([zero_shot(0.8)], {"as_of": "2023-01-01"}, "after as_of 2023-01-01"),
    ],
)
def test_pilots_that_cannot_be_of_the_case_are_refused(pilots, case, match):
    with pytest.raises(InputError, match=match):
        advise(replace(CASE, **case), pilots=pilots)


def test_where_own_text_is_not_said_a_pilot_may_have_read_any_amount():
    assert advise(UseCase(as_of="2026-11-20"), pilots=[zero_shot(0.8), trained(1e9, 0.7)]).pilots


def test_what_holds_no_pilots_is_refused():
    with pytest.raises(InputError, match="pilots is 5"):
        advise(CASE, pilots=5)
    assert pilots_of(Pilot(kind="zero_shot", model=LLAMA, bits_per_byte=0.8)) == pilots_of(zero_shot(0.8))
