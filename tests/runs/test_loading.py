import pandas as pd
import pytest

from planner.errors import DataError, InputError, UnknownName
from planner.runs import load_runs

GOOD = pd.DataFrame({"params": [1e6, 2e6], "tokens": [1e8, 2e8], "loss": [4.0, 3.5]})


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_every_kind_of_file_gives_the_same_runs(tmp_path, kind):
    path = tmp_path / f"sweep.{kind}"
    writers = {
        "csv": lambda: GOOD.to_csv(path, index=False),
        "tsv": lambda: GOOD.to_csv(path, index=False, sep="\t"),
        "jsonl": lambda: GOOD.to_json(path, orient="records", lines=True),
        "parquet": lambda: GOOD.to_parquet(path),
    }
    writers[kind]()
    runs = load_runs(path)
    assert runs.frame[["params", "tokens", "loss"]].equals(load_runs(GOOD).frame[["params", "tokens", "loss"]])
    assert runs.column("flops") == pytest.approx(6 * runs.column("params") * runs.column("tokens"))


def test_measured_flops_are_kept_and_gaps_filled_with_6nd():
    runs = load_runs(GOOD.assign(flops=[7e14, None]))
    assert runs.column("flops") == pytest.approx([7e14, 6 * 2e6 * 2e8])


def test_text_magnitudes_are_numbers():
    runs = load_runs(pd.DataFrame({"params": ["7B", "1e9"], "tokens": ["1.4T", "20B"], "loss": ["2.1", 2.4]}))
    assert runs.column("params") == pytest.approx([7e9, 1e9])
    assert runs.column("tokens") == pytest.approx([1.4e12, 2e10])


def test_columns_are_mapped_by_name():
    renamed = GOOD.rename(columns={"params": "N", "loss": "val"})
    runs = load_runs(renamed, columns={"params": "N", "loss": "val"})
    assert runs.column("params") == pytest.approx([1e6, 2e6])
    with pytest.raises(UnknownName, match="Did you mean 'val'"):
        load_runs(renamed, columns={"params": "N", "loss": "vall"})


def test_failed_runs_are_left_out_and_counted():
    runs = load_runs(GOOD.assign(status=["ok", "diverged"]))
    assert len(runs.frame) == 1
    assert runs.failed == 1


def test_every_bad_row_is_named_with_its_line_and_reason(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("params,tokens,loss\n1e6,1e8,4.0\nbig,1e8,3.9\n1e6,,3.8\n1e6,1e8,-1\n")
    with pytest.raises(DataError) as caught:
        load_runs(path)
    text = caught.value.problem
    assert "3 bad rows" in text
    assert "row 3: params: 'big'" in text
    assert "row 4: tokens is empty" in text
    assert "row 5: loss must be positive, not -1.0" in text
    assert "row 2:" not in text


def test_many_bad_rows_are_counted_not_poured_out():
    with pytest.raises(DataError, match=r"50 bad rows.*And 40 more"):
        load_runs(pd.DataFrame({"params": [1e6] * 50, "tokens": [1e8] * 50, "loss": [0.0] * 50}))


@pytest.mark.parametrize(
    ("source", "match"),
    [
        (GOOD.drop(columns="loss"), "no column loss"),
        (GOOD.iloc[:0], "no finished runs"),
        (GOOD.assign(loss=[float("nan"), 3.5]), "row 0: loss"),
        (GOOD.assign(loss=[float("inf"), 3.5]), "row 0: loss"),
        (pd.DataFrame(), "no column params"),
        ("absent.csv", "no file"),
        ("table.xlsx", "kind we do not read"),
    ],
)
def test_what_cannot_be_used_says_why(source, match):
    with pytest.raises(DataError, match=match) as caught:
        load_runs(source)
    assert caught.value.mend


def test_an_empty_or_binary_file_is_no_traceback(tmp_path):
    for name, content in (("empty.csv", b""), ("binary.csv", bytes(range(256))), ("broken.parquet", b"PAR1")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError):
            load_runs(tmp_path / name)


def test_what_is_no_source_is_refused():
    with pytest.raises(InputError, match="int"):
        load_runs(7)
    with pytest.raises(UnknownName, match="unit of loss"):
        load_runs(GOOD, loss_unit="bits")
    with pytest.raises(UnknownName, match="run table"):
        load_runs("no-such-table")


def test_other_words_for_success_count_and_failures_are_named():
    runs = load_runs(GOOD.assign(status=["Finished", "diverged"]))
    assert (len(runs.frame), runs.failed, runs.left_out) == (1, 1, ("diverged",))
    with pytest.raises(DataError, match="statuses are crashed"):
        load_runs(GOOD.assign(status="crashed"))


def test_headers_are_read_as_people_write_them(tmp_path):
    path = tmp_path / "sweep.csv"
    path.write_text("Params ; TOKENS;loss\n1e6;1e8;4.0\n", encoding="utf-8-sig")
    assert load_runs(path).column("tokens") == pytest.approx([1e8])


def test_blank_lines_do_not_shift_the_numbers_of_rows(tmp_path):
    path = tmp_path / "sweep.csv"
    path.write_text("params,tokens,loss\n1e6,1e8,4.0\n\n1e6,1e8,oops\n")
    with pytest.raises(DataError, match="row 4: loss: 'oops'"):
        load_runs(path)


@pytest.mark.parametrize("cell", [[2.0], {"a": 1}, True, pd.NA, pd.Timestamp("2026-01-01"), 1e-300])
def test_no_kind_of_cell_is_a_traceback(cell):
    table = pd.DataFrame({"params": pd.Series([1e6, cell], dtype=object), "tokens": [1e8, 2e8], "loss": [4.0, 3.5]})
    with pytest.raises(DataError, match="row 1: params"):
        load_runs(table)


def test_a_column_given_twice_is_refused():
    twice = pd.concat([GOOD, GOOD[["loss"]]], axis=1)
    with pytest.raises(DataError, match="two columns called loss"):
        load_runs(twice)


def test_a_folder_is_called_one(tmp_path):
    with pytest.raises(DataError, match="is a folder"):
        load_runs(tmp_path)


def test_sizes_below_one_are_asked_for_their_unit():
    with pytest.raises(DataError, match=r"row 1: params must be 1 or more, not 0\.4\. Is it in millions or billions"):
        load_runs(GOOD.assign(params=[7e9, 0.4]))


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("weight", -1.0, "weight must be 0 or more"),
        ("weight", float("inf"), "no finite number"),
        ("weight", None, "weight is empty"),
        ("unique_tokens", "some", "unique_tokens: 'some'"),
        ("epochs", 0, "epochs must be positive"),
        ("bytes_per_token", 0.25, "tokens per byte"),
        ("bits_per_byte", "nan%", "bits_per_byte"),
        ("params_non_embedding", "-3M", "params_non_embedding must be positive"),
    ],
)
def test_optional_columns_are_checked_cell_by_cell(column, cell, reason):
    good = {"weight": 1.0, "epochs": 1.0, "bytes_per_token": 4.0, "bits_per_byte": 0.9}.get(column, 1e6)
    table = GOOD.assign(**{column: pd.Series([good, cell], dtype=object)})
    with pytest.raises(DataError, match=f"1 bad row. row 1: .*{reason}"):
        load_runs(table)


@pytest.mark.parametrize("column", ["unique_tokens", "epochs", "bytes_per_token", "bits_per_byte", "flops"])
@pytest.mark.parametrize("nothing", [None, " ", float("nan")])
def test_optional_columns_may_be_empty(column, nothing):
    load_runs(GOOD.assign(**{column: pd.Series([1e6, nothing], dtype=object)}))


def test_a_table_without_any_weight_is_refused():
    assert load_runs(GOOD.assign(weight=[0, "2k"])).weights == pytest.approx([0, 2000])
    with pytest.raises(DataError, match="Every weight"):
        load_runs(GOOD.assign(weight=0))


def test_text_losses_are_read_in_their_own_unit():
    table = GOOD.assign(loss=["0.9 bpb", "0.8"])
    assert load_runs(table, loss_unit="bits/byte").column("loss") == pytest.approx([0.9, 0.8])
    with pytest.raises(DataError, match="bits/byte, not nats/token"):
        load_runs(table)


def test_epochs_tell_the_unique_tokens():
    runs = load_runs(GOOD.assign(epochs=[4, None]))
    assert runs.column("unique_tokens") == pytest.approx([2.5e7, float("nan")], nan_ok=True)
    assert load_runs(GOOD.assign(epochs=4, unique_tokens=7e7)).column("unique_tokens") == pytest.approx([7e7, 7e7])


def test_what_a_column_says_of_all_runs_holds():
    runs = load_runs(GOOD.assign(loss_unit="Bits/Byte ", counting="non_embedding"))
    assert (runs.loss_unit, runs.counting) == ("bits/byte", "non_embedding")
    assert load_runs(GOOD.assign(counting=None)).counting == "total"


@pytest.mark.parametrize(
    ("changes", "options", "error", "match"),
    [
        ({"counting": ["total", "non_embedding"]}, {}, DataError, "several: non_embedding, total"),
        ({"loss_unit": ["bits/byte", None]}, {}, DataError, r"several: \(empty\), bits/byte"),
        ({"loss_unit": "bits"}, {}, UnknownName, "unit of loss is called 'bits'"),
        ({"loss_unit": "nats/token"}, {"loss_unit": "bits/byte"}, InputError, "says nats/token"),
        ({"bytes_per_token": 4.0}, {"bytes_per_token": 3.0}, InputError, "differs"),
        ({}, {"bytes_per_token": 0.2}, InputError, "a byte or more"),
        ({"bits_per_byte": 1.2}, {"loss_unit": "bits/byte"}, DataError, "differs from bits_per_byte in rows 0, 1"),
        ({"params_non_embedding": 1.5e6}, {}, DataError, "is more in row 0"),
        ({"params_non_embedding": 1e6}, {"counting": "non_embedding"}, DataError, "differs in row 1"),
        ({"params_total": 1.5e6}, {"counting": "non_embedding"}, DataError, "is less in row 1"),
        ({"params_total": 2e6}, {}, DataError, "differs in row 0"),
    ],
)
def test_conventions_that_contradict_each_other_are_refused(changes, options, error, match):
    with pytest.raises(error, match=match) as caught:
        load_runs(GOOD.assign(**changes), **options)
    assert caught.value.mend


def test_rows_with_more_cells_than_the_header_do_not_shift_columns(tmp_path):
    path = tmp_path / "sweep.csv"
    path.write_text("params,tokens,loss\n1e6,1e8,4.0,\n2e6,2e8,3.5,\n")
    with pytest.raises(DataError, match="more cells than its header"):
        load_runs(path)


def test_sizes_beyond_integers_of_64_bits_are_numbers():
    runs = load_runs(GOOD.assign(tokens=pd.Series([2**70, 10**8], dtype=object)))
    assert runs.column("tokens") == pytest.approx([2.0**70, 1e8])


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_what_stands_between_the_cells_of_a_csv_is_found(tmp_path, sign):
    path = tmp_path / "sweep.csv"
    GOOD.to_csv(path, index=False, sep=sign)
    assert load_runs(path).column("loss") == pytest.approx(GOOD["loss"])


def test_a_name_of_ours_that_we_do_not_know_is_refused():
    with pytest.raises(UnknownName, match="planner reads is called 'foo'") as caught:
        load_runs(GOOD, columns={"foo": "loss"})
    assert "params" in caught.value.mend


def test_bytes_per_token_that_are_no_number_are_asked_for_as_one():
    with pytest.raises(InputError) as caught:
        load_runs(GOOD, bytes_per_token="x")
    assert "4.2" in caught.value.mend
