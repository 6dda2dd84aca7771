"""Files of every format as raw records: none is lost, cut or doubled, whatever the slices; what is broken is named."""

import base64
import csv
import hashlib
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from upath import UPath

from builders.sources import json_records, records, tables
from builders.sources.records import BadFile, BadFiles, FileOptions, Raw
from builders.sources.slices import split_of

ANY = FileOptions()
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
few = settings(max_examples=40, deadline=None)
RECORDS = st.lists(st.dictionaries(TEXTS, VALUES, max_size=4), max_size=12)
SLICING = st.tuples(st.integers(1, 5), st.integers(0, 6))


def all_of(path: Path, shard_rows: int = 3, limit: int = 0, options: FileOptions = ANY) -> list[Raw]:
    """The records of a file or folder, read slice by slice, as the scan says they are."""
    _, slices = records.scan((str(path),), shard_rows, limit, options)
    assert all(0 < piece.rows <= shard_rows for piece in slices)
    return [raw for piece in slices for raw in records.read(piece)]


def values(path: Path, options: FileOptions = ANY, **slicing: int) -> list[Any]:
    found = all_of(path, options=options, **slicing)
    assert [raw.error for raw in found] == [None] * len(found)
    return [raw.value for raw in found]


def problem(path: Path, options: FileOptions = ANY) -> str:
    with pytest.raises(BadFiles) as raised:
        records.scan((str(path),), 2, 0, options)
    return str(raised.value)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@few
@given(RECORDS, SLICING, st.sampled_from([None, 1]), st.booleans(), st.sampled_from(["", "\ufeff"]), st.integers(5, 99))
def test_an_array_is_read_whole_whatever_its_dress_and_however_small_the_window(
    folder: Path, rows: list[Any], slicing: tuple[int, int], indent: int | None, ascii: bool, mark: str, window: int
) -> None:
    path, (shard_rows, limit) = folder / "train.json", slicing
    path.write_text(mark + json.dumps(rows, indent=indent, ensure_ascii=ascii), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_records, "WINDOW_BYTES", window)
        files, slices = records.scan((str(path),), shard_rows, limit, ANY)
    found = [raw for piece in slices for raw in records.read(piece)]
    assert [raw.value for raw in found] == rows[: limit or None]
    assert [raw.number for raw in found] == list(range(1, len(found) + 1))
    assert files[0].rows == len(rows)
    assert (files[0].bytes, files[0].sha256) == (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())


@few
@given(st.dictionaries(TEXTS, st.dictionaries(TEXTS, VALUES, max_size=3), min_size=1, max_size=8), SLICING)
def test_an_object_of_objects_is_read_with_its_keys(
    folder: Path, named: dict[str, Any], slicing: tuple[int, int]
) -> None:
    path = folder / "problems.json"
    path.write_text(json.dumps(named, indent=1, ensure_ascii=False), "utf-8")
    options = FileOptions(records="*")
    expected = [{"key": key} | value for key, value in named.items()]
    assert values(path, options, shard_rows=slicing[0], limit=slicing[1]) == expected[: slicing[1] or None]


@few
@given(RECORDS, SLICING, VALUES.filter(lambda value: not isinstance(value, list)))
def test_the_list_of_records_is_found_in_an_object(
    folder: Path, rows: list[Any], slicing: tuple[int, int], other: Any
) -> None:
    path = folder / "questions.json"
    path.write_text(json.dumps({"info": other, "license": [1, 2], "questions": rows, "more": []}))
    options = FileOptions(records="questions")
    assert values(path, options, shard_rows=slicing[0], limit=slicing[1]) == rows[: slicing[1] or None]
    if rows:
        assert values(path) == rows


@few
@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=8), SLICING, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_a_quoted_table_is_read_as_the_csv_module_reads_it(
    folder: Path, rows: list[tuple[str, str]], slicing: tuple[int, int], line_end: str, tab: bool
) -> None:
    path = folder / ("train.tsv" if tab else "train.csv")
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        quoting = csv.QUOTE_MINIMAL if line_end == "\r\n" else csv.QUOTE_ALL  # the writer leaves \r bare before \n
        writer = csv.writer(file, delimiter="\t" if tab else ",", lineterminator=line_end, quoting=quoting)
        writer.writerows([("a", "b c"), *rows])
    expected = [{"a": first, "b c": second} for first, second in rows]
    assert values(path, shard_rows=slicing[0], limit=slicing[1]) == expected[: slicing[1] or None]


PLAIN = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\t\r\n"), min_size=1, max_size=20)


@few
@given(st.lists(st.tuples(PLAIN, PLAIN), max_size=8), SLICING)
def test_an_unquoted_headerless_table_keeps_every_quotation_mark(
    folder: Path, rows: list[tuple[str, str]], slicing: tuple[int, int]
) -> None:
    path, options = folder / "captions.tsv", FileOptions(columns=("caption", "url"), quoted=False)
    path.write_bytes("".join(f"{caption}\t{url}\n" for caption, url in rows).encode())
    expected = [{"caption": caption, "url": url} for caption, url in rows]
    assert values(path, options, shard_rows=slicing[0], limit=slicing[1]) == expected[: slicing[1] or None]


def test_a_headerless_table_may_have_further_cells_and_then_all_of_them(tmp_path: Path) -> None:
    path = tmp_path / "captions.tsv"
    path.write_text("a dog\tu1\na cat\tu2\tcat,pet\t0.9\nneither\tu3\tcat\n")
    options = FileOptions(columns=("caption", "url"), further=("labels", "confidences"), quoted=False)
    two, four, three = all_of(path, options=options)
    assert two.value == {"caption": "a dog", "url": "u1"}
    assert four.value == {"caption": "a cat", "url": "u2", "labels": "cat,pet", "confidences": "0.9"}
    assert three.error == "3 cells, where there are 2 or 4 columns"


@few
@given(RECORDS.filter(bool), SLICING)
def test_json_lines_are_told_from_an_object_by_what_is_in_the_file(
    folder: Path, rows: list[Any], slicing: tuple[int, int]
) -> None:
    path = folder / "coco_pope_random.json"
    path.write_text("".join(json.dumps(row) + "\r\n\n" for row in [{"first": 1}, *rows]))
    expected = [{"first": 1}, *rows]
    assert values(path, shard_rows=slicing[0], limit=slicing[1]) == expected[: slicing[1] or None]


@few
@given(st.integers(0, 10_000))
def test_a_json_file_that_breaks_off_anywhere_is_refused_by_name_and_line(folder: Path, at: int) -> None:
    rows = [{"id": number, "conversations": [{"from": "human", "value": 'a "b" è'}]} for number in range(20)]
    for whole in (json.dumps(rows, indent=1), json.dumps({"questions": rows}), json.dumps(rows, ensure_ascii=False)):
        path = folder / "cut.json"
        data = whole.encode()
        path.write_bytes(data[: 2 + at % (len(data) - 2)])
        assert "cut.json, line" in problem(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[{"a": 1}\n{"a": 2}]', "line 2, byte 10: expected , or ], found {"),
        ('[{"a": 1},\n{"a": tru}]', "line 2, byte 17: Expecting value"),
        ('[{"a": 1},]', "Expecting value"),
        ('[{"a": 1}] [', "more after the end"),
        ('{"questions": [{}], "images": [{}]}', "there is images, questions in its object: say by --records KEY"),
        (
            '{"a": {"b": {}, "c": {}}, "d": 2}',
            "it is one JSON object without a list of records: if it is a record, put",
        ),
        ("[" * 9000 + "]" * 9000, "thousands deep"),
        ("<html>", "expected JSON in UTF-8"),
        ('{"a": [1}', "expected , or ], found }"),
        ("{1: 2}", "expected a name in quotation marks"),
    ],
)
def test_what_is_no_json_says_where_and_why(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "rows.json").write_text(text)
    assert said in problem(tmp_path / "rows.json")


@few
@given(st.dictionaries(st.text(max_size=3), st.none() | st.integers() | st.lists(st.text(max_size=2)), min_size=1))
def test_an_object_that_is_named_and_holds_no_records_is_one(folder: Path, row: dict[str, Any]) -> None:
    path = folder / "one.json"
    path.write_text(json.dumps(row, indent=1))
    assert values(path) == [row]


def test_an_object_that_is_no_record_is_not_taken_for_one_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"version": 1}')
    (tmp_path / "train.jsonl").write_text('{"q": "Who?"}\n')
    assert "config.json: it is one JSON object without a list of records" in problem(tmp_path)
    assert len(values(tmp_path / "*.json")) == 1


def test_a_key_of_records_needs_an_object(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"q": "Who?"}\n')
    assert "--records q, but no file here is one JSON object" in problem(tmp_path, FileOptions(records="q"))


@pytest.mark.parametrize("sign", [",", ";", "\t"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_csv_file_is_read_by_the_delimiter_of_its_header(tmp_path: Path, sign: str, quote: str) -> None:
    rows = [[f"{quote}{cell}{quote}" for cell in row] for row in (["id", "question"], ["1", "Who?"])]
    (tmp_path / "a.csv").write_text("\ufeff\r\n" + "".join(sign.join(row) + "\r\n" for row in rows))
    (piece,) = records.scan((str(tmp_path),), 9, 0, ANY)[1]
    assert [raw.value for raw in records.read(piece)] == [{"id": "1", "question": "Who?"}]
    assert tables.unusual([piece]) == ({} if sign == "," else {"a.csv": sign})


def test_one_column_stays_one(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("question\nWho; what?\n")
    assert values(tmp_path / "a.csv") == [{"question": "Who; what?"}]


def test_a_list_of_records_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text('{"questions": [{}], "n": 1}')
    assert "no list 'question'; there is questions" in problem(tmp_path / "rows.json", FileOptions(records="question"))
    assert "not every value" in problem(tmp_path / "rows.json", FileOptions(records="*"))


def test_an_endless_value_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_records, "MAX_RECORD_BYTES", 1000)
    monkeypatch.setattr(json_records, "WINDOW_BYTES", 100)
    (tmp_path / "rows.json").write_text('[{"a": 1}, "' + "x" * 100_000)
    assert "more than 1,000 bytes, or a quotation mark without its pair" in problem(tmp_path / "rows.json")


def test_elements_that_are_no_objects_cost_themselves_alone(tmp_path: Path) -> None:
    text = '[{"a": 1}, 2, "x", {"n": NaN}, {"s": "\\ud800"}, null, {"a": 7}]'
    (tmp_path / "rows.json").write_text(text)
    found = all_of(tmp_path / "rows.json")
    assert [raw.value for raw in found if raw.error is None] == [{"a": 1}, {"s": "\ud800"}, {"a": 7}]
    assert [(raw.number, raw.error) for raw in found if raw.error] == [
        (2, "a JSON int, where an object is expected"),
        (3, "a JSON str, where an object is expected"),
        (4, "NaN is no JSON number"),
        (6, "a JSON NoneType, where an object is expected"),
    ]


def test_a_bad_row_of_a_table_costs_itself_alone(tmp_path: Path) -> None:
    data = b'id,text\r\n1,"two\r\nlines, and ""these"""\r\n\r\n2\r\n3,a,b\r\n4,"x"y\r\n5,\xff\r\n6,fine\r\n'
    (tmp_path / "rows.csv").write_bytes(data)
    for shard_rows in (1, 2, 100):
        found = all_of(tmp_path / "rows.csv", shard_rows)
        assert [(raw.number, raw.value) for raw in found if raw.value] == [
            (2, {"id": "1", "text": 'two\r\nlines, and "these"'}),
            (9, {"id": "6", "text": "fine"}),
        ]
        assert [(raw.number, raw.text) for raw in found if raw.error] == [
            (5, "2\r\n"), (6, "3,a,b\r\n"), (7, '4,"x"y\r\n'), (8, "5,\ufffd\r\n"),
        ]  # fmt: skip
        assert "1 cells, where there are 2 columns" in str(next(raw.error for raw in found if raw.error))


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.csv", b'q,r\n1,"never closed\n2,x\n', "line 2: a quoted cell of the row that begins here is never closed"),
        ("a.tsv", b"q\tq\n1\t2\n", "line 1: the header names q more than once"),
        ("a.csv", b"q,\xff\n1,2\n", "line 1: the header is no UTF-8"),
        ("a.csv", "q,r\n1,2\n".encode("utf-16"), "UTF-16; save it as UTF-8"),
        ("a.json", "[]".encode("utf-16"), "UTF-16; save it as UTF-8"),
        ("a.jsonl.gz", b"\x1f\x8b", "compressed; unpack it first"),
        ("a.parquet", b"PAR1 and so on", "the file is cut, damaged or no Parquet file"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line_that_names_it(
    tmp_path: Path, name: str, data: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(data)
    for given_path in (tmp_path, tmp_path / name):
        message = problem(given_path)
        assert name in message
        assert said in message
        assert len(message.splitlines()) == 1


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[{]")
    (tmp_path / "b.parquet").write_bytes(b"")
    (tmp_path / "c.jsonl").write_text('{"a": 1}\n')
    with pytest.raises(BadFiles) as raised:
        records.scan((str(tmp_path), str(tmp_path / "d.json")), 2, 0, ANY)
    assert [each.split(",")[0].split(":")[0].rpartition("/")[2] for each in raised.value.problems] == [
        "a.json", "b.parquet", "d.json",
    ]  # fmt: skip


def test_a_cell_of_megabytes_is_read(tmp_path: Path) -> None:
    picture = base64.b64encode(bytes(3 << 20)).decode()
    (tmp_path / "MMBench_DEV_EN.tsv").write_text(f"\tindex\timage\n0\t7\t{picture}\n1\t8\t7\n")
    assert values(tmp_path) == [
        {"Unnamed: 0": "0", "index": "7", "image": picture}, {"Unnamed: 0": "1", "index": "8", "image": "7"},
    ]  # fmt: skip
    _, (piece,) = records.scan((str(tmp_path),), 9, 0, ANY)
    (large, small) = records.read(piece, most=1 << 20)
    assert large.value is None
    assert "a row has at most 1,048,576" in str(large.error)
    assert small.value


@pytest.mark.parametrize("group", [1, 4, 1000])
@pytest.mark.parametrize("shard_rows", [1, 3, 50])
def test_parquet_rows_keep_their_order_across_row_groups(tmp_path: Path, group: int, shard_rows: int) -> None:
    rows = [{"n": number, "turns": [{"q": f"q{number}", "a": None}]} for number in range(20)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "train-00000-of-00001.parquet", row_group_size=group)
    found = all_of(tmp_path, shard_rows, 17)
    assert [raw.value for raw in found] == rows[:17]
    assert [raw.number for raw in found] == list(range(1, 18))


def test_parquet_values_that_json_lacks_have_one_stable_form(tmp_path: Path) -> None:
    picture = b"\x89PNG and so on"
    row = {
        "image": {"bytes": picture, "path": "a.png"}, "images": [{"bytes": picture, "path": None}], "plain": picture,
        "when": datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC), "day": date(2024, 5, 6), "price": Decimal("1.50"),
        "nothing": float("nan"), "count": 2**60, "labels": {"x": 1.5}, "codes": pa.scalar("à").as_py(),
    }  # fmt: skip
    other = row | {"nothing": float("inf")}
    table = pa.Table.from_pylist([row, other]).append_column("kind", pa.array(["a", "b"]).dictionary_encode())
    pq.write_table(table, tmp_path / "rows.parquet")
    good, infinite = all_of(tmp_path / "rows.parquet")
    assert good.value == row | {
        "when": "2024-05-06T07:08:09+00:00", "day": "2024-05-06", "price": "1.50", "nothing": None, "kind": "a",
    }  # fmt: skip
    assert good.counters == {"nan_as_null": 1}
    assert infinite.value == good.value | {"kind": "b"}
    assert infinite.counters == {"infinity_as_null": 1}


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json", "rows.csv", "rows.parquet"])
def test_a_file_that_changed_after_the_scan_is_never_read_as_if_it_had_not(tmp_path: Path, name: str) -> None:
    path, rows = tmp_path / name, [{"q": f"question {number}"} for number in range(40)]
    write(path, rows)
    _, slices = records.scan((str(path),), 10, 0, ANY)
    write(path, rows[:35])
    with pytest.raises(BadFile, match="rows"):
        list(records.read(slices[-1]))
    path.unlink()
    with pytest.raises(BadFile, match="changed since it was scanned"):
        list(records.read(slices[0]))


def write(path: Path, rows: list[dict[str, str]]) -> None:
    table = pa.Table.from_pylist(rows)
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    elif path.suffix == ".csv":
        path.write_text("q\n" + "".join(f"{row['q']}\n" for row in rows))
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows))
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("aokvqa_v1p0_val.json", "validation"),
        ("v2_OpenEnded_mscoco_train2014_questions.json", "train"),
        ("v2_OpenEnded_mscoco_val2014_questions.json", "validation"),
        ("v2_OpenEnded_mscoco_test2015_questions.json", "test"),
        ("MMBench_DEV_EN.tsv", "validation"),
        ("Validation_GCC-1.1.0-Validation.tsv", "validation"),
        ("Train_GCC-training.tsv", "train"),
        ("test-00000-of-00001.parquet", "test"),
        ("blip_laion_cc_sbu_558k.json", "train"),
        ("contest_devices.csv", "train"),
    ],
)
def test_splits_are_read_off_real_names(name: str, split: str) -> None:
    assert split_of(UPath("/data") / name) == split


def test_only_the_files_of_the_chosen_splits_are_read(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", [{"q": "train"}])
    write(tmp_path / "test.csv", [{"q": "test"}])
    (tmp_path / "valid.json").write_text("[{")
    assert values(tmp_path, FileOptions(splits=("train", "test"))) == [{"q": "test"}, {"q": "train"}]
    assert "no file of the split 'dev'; by their names there are test, train, validation" in problem(
        tmp_path, FileOptions(splits=("dev",))
    )


def test_patterns_and_folders_name_their_files_and_leave_out_what_holds_no_records(tmp_path: Path) -> None:
    for name in ("a/train.jsonl", "b/train.jsonl", "b/test.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f'{{"file": "{name}"}}\n{{"more": 1}}\n')
    for name in ("b/dataset_infos.json", "b/.hidden.jsonl", "b/notes.txt"):
        (tmp_path / name).write_text("no records")
    files, _ = records.scan((str(tmp_path),), 5, 0, ANY)
    assert [file.path for file in files] == ["a/train.jsonl", "b/test.json", "b/train.jsonl"]
    files, _ = records.scan((f"{tmp_path}/*/train.jsonl",), 5, 0, ANY)
    assert [file.path for file in files] == ["a/train.jsonl", "b/train.jsonl"]
    assert "no file has such a name" in problem(tmp_path / "*.csv")
    assert "did you mean train.jsonl?" in problem(tmp_path / "a" / "trian.jsonl")
