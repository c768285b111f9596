"""The vocabulary check: tokens per word of real tokenizers, terms that shatter, and what that costs."""

import sys

import pytest

from planner.catalog import record
from planner.errors import DataError, InputError, MissingExtra
from planner.tokenizing import check_vocabulary, installed

pytest.importorskip("tiktoken")
pytest.importorskip("llama_models")

ENGLISH = (
    "It was a bright cold day in spring, and the people of the town went out to see what the river had left behind."
    " Nobody had expected so much; the old men said that they remembered one such year, long before the bridge was"
    " built, when the water came up to the church door and stayed there for a week. "
) * 3
CLINICAL = (
    "Pt c/o SOB, DOE; paroxysmal supraventricular tachycardia, s/p cholecystectomy, thrombocytopenia,"
    " f/u PCP, stat CXR. "
) * 3
KOREAN = "요금제 변경과 해지 위약금에 대해 안내해 드리겠습니다 결합할인과 데이터 무제한 요금제도 있습니다 " * 5


def test_general_english_takes_what_is_tabled():
    found = check_vocabulary(ENGLISH)
    assert len(found.cuts) == len(installed()) >= 2
    for cut in found.cuts:
        assert cut.stretch == pytest.approx(1, abs=0.15)
        assert 1.1 < cut.vocabulary.english_tokens_per_word < 1.4


def test_tokens_cover_the_text():
    for each in installed():
        assert 0 < len(each.tokens(ENGLISH)) < len(ENGLISH)
        assert each.tokens("the") == each.tokens("the")
        row = record("vocabularies", "name", each.name, kind="tokenizer")
        assert max(each.tokens(KOREAN)) < int(row["entries"])


def test_clinical_and_korean_text_take_more_tokens_than_english():
    english, clinical, korean = (check_vocabulary(text).fertility for text in (ENGLISH, CLINICAL, KOREAN))
    assert clinical > 1.3 * english
    assert korean > 1.6 * english


def test_the_tokenizer_that_needs_fewest_tokens_leads():
    found = check_vocabulary(KOREAN)
    counts = [cut.tokens_per_word for cut in found.cuts]
    assert counts == sorted(counts)
    assert found.fertility == counts[0]


def test_terms_of_the_field_are_found_and_shatter():
    found = check_vocabulary(CLINICAL)
    assert "thrombocytopenia" in found.terms
    assert "stat" not in found.terms
    shattered = {cut.vocabulary.name: cut.shattered for cut in found.cuts}
    assert "tachycardia" in shattered["llama-3"]
    assert "tachycardia" not in shattered.get("mistral-tekken", ())
    given = check_vocabulary(ENGLISH, terms=["mens rea", "res judicata", "consideration"])
    assert given.terms == ("mens rea", "res judicata", "consideration")
    assert all("consideration" not in cut.shattered for cut in given.cuts)


def test_terms_that_are_asked_for_are_shown_with_their_pieces():
    found = check_vocabulary(ENGLISH, terms=["mens  rea", "thrombocytopenia", "the"])
    rows = {row.key: row for row in found.rows()}
    assert rows["llama_3_tokens_of_mens_rea"].value == 3
    assert rows["llama_3_tokens_of_mens_rea"].note == "mens|re|a"
    assert rows["llama_3_tokens_of_thrombocytopenia"].note.endswith("; shatters")
    assert rows["llama_3_tokens_of_the"].value == 1
    assert found.to_dict()["llama_3_tokens_of_mens_rea"] == 3
    assert not [row for row in check_vocabulary(CLINICAL).rows() if "tokens_of" in row.key]


@pytest.mark.parametrize("term", ["", "   "])
def test_an_empty_term_is_refused(term):
    with pytest.raises(InputError, match="A term is empty"):
        check_vocabulary(ENGLISH, terms=["mens rea", term])


def test_pieces_that_are_no_text_alone_are_shown_in_hexadecimal():
    (llama,) = (each for each in installed() if each.name == "llama-3")
    assert bytes.fromhex("".join(llama.pieces("\U00012000"))).decode() == "\U00012000"
    assert llama.pieces(" court") == ("court",)


def test_twice_the_tokens_cost_twice_per_query_and_per_training_token():
    english, korean = (check_vocabulary(text) for text in (ENGLISH, KOREAN))
    ratio = korean.fertility / english.fertility
    dollars = [{row.key: float(row.value) for row in found.rows() if row.unit == "usd"} for found in (english, korean)]
    for key in ("query_usd", "training_usd"):
        assert dollars[1][key] / dollars[0][key] == pytest.approx(ratio)
    assert dollars[0]["query_usd"] == pytest.approx(1000 * english.fertility * 0.75e-6)


def test_scripts_without_spaces_are_counted_by_characters():
    found = check_vocabulary("契約の解除に関する条項を確認してください。" * 10)
    assert not found.spaced
    assert found.words == pytest.approx(100, abs=15)
    assert any("no spaces" in finding.title for finding in found.findings)


def test_a_file_is_read_and_drawn(tmp_path):
    path = tmp_path / "sample.txt"
    path.write_text(CLINICAL, encoding="utf-8")
    found = check_vocabulary(path)
    assert found.to_dict()["fertility"] == check_vocabulary(CLINICAL).fertility
    assert "times as many as general English" in str(found)


def test_bad_samples_are_refused(tmp_path):
    with pytest.raises(InputError, match="words"):
        check_vocabulary("too short")
    with pytest.raises(DataError, match=r"absent.txt cannot be read: No such file or directory\."):
        check_vocabulary(tmp_path / "absent.txt")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x01" * 50)
    with pytest.raises(DataError, match="UTF-8"):
        check_vocabulary(tmp_path / "binary")


def test_without_any_tokenizer_the_mend_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "tiktoken", None)
    with pytest.raises(MissingExtra, match="vocabulary"):
        installed()
