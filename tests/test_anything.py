"""The form made from --fields: what is not named comes out as it went in, and errors say what to do."""

import datetime
import decimal
import io
import json
from collections import Counter
from pathlib import Path as File
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Dataset, Features, Value
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from builders.engine import RowError
from builders.sources import records
from builders.sources.anything import Learnt, Plan, form_of, learn, make_plan
from builders.sources.items import Item
from builders.sources.proposal import first_rows
from builders.sources.slices import FileOptions
from builders.stages.features import with_features
from builders.transforms.paths import Path, PathError, find, name_of, parse_path, parse_paths, put
from builders.transforms.shape import as_json, as_published, columns_of
from tests.test_paths import JSON, KEYS, paths_of

OPTIONS = FileOptions()


def planned(rows: list[dict[str, Any]], fields: str, **options: Any) -> Plan:
    together = [parse_paths([group]) for group in options.pop("together", ())]
    return make_plan(Learnt(columns_of(rows), ()), parse_paths([fields]), together, **options)


def read(plan: Plan, row: dict[str, Any]) -> tuple[Item, Counter[str]]:
    counters: Counter[str] = Counter()
    return form_of(plan, "any").read(row, "it", counters), counters


def composed(plan: Plan, row: dict[str, Any], told: str) -> dict[str, Any]:
    """What comes out of a record whose every text became `told` of itself, by way of the JSON of a row's layout."""
    item, _ = read(plan, row)
    texts = {field["name"]: told.format(field["source"]) for field in item.fields}
    return form_of(plan, "any").compose(texts, json.loads(json.dumps(item.kept)))


def by_hand(plan: Plan, row: dict[str, Any], told: str) -> dict[str, Any]:
    changed: Any = row
    for path in plan.fields:
        for place, value in find(path, row):
            if isinstance(value, str) and value.strip():
                changed = put(changed, place, told.format(value))
    return {name: as_published(changed.get(name), shape) for name, shape in plan.columns.items()}


@settings(max_examples=60)
@given(st.lists(st.dictionaries(KEYS, JSON, max_size=3), min_size=1, max_size=3), st.data())
def test_only_the_texts_that_are_named_change(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    paths = sorted({path for row in rows for path in paths_of(row)}, key=str)
    path = data.draw(st.sampled_from(paths)) if paths else Path(("none",))
    try:
        plan = make_plan(Learnt(columns_of(rows), ()), [path])
    except ValueError:
        return
    for row in rows:
        try:
            find(path, row)
        except PathError:
            with pytest.raises(RowError, match="--fields"):
                read(plan, row)
            continue
        for told in ("{}", "così {}"):
            assert composed(plan, row, told) == by_hand(plan, row, told)


def test_what_is_no_text_stays_and_is_counted() -> None:
    row = {"a": ["One red bus.", None, "", 3, "3.5", True, "…"], "id": 7}
    plan = planned([row], "a")
    item, counters = read(plan, row)
    assert {field["name"]: (field["by"], field["target"]) for field in item.fields} == {
        "a.0": ("machine", None), "a.4": ("verbatim", "3.5"), "a.6": ("verbatim", "…")
    }  # fmt: skip
    assert +counters == {"null/a": 1, "empty/a": 1, "no_text/a": 2, "without_letters/a": 2}
    made = form_of(plan, "any").compose({"a.0": "Un autobus rosso.", "a.4": "3.5", "a.6": "…"}, item.kept)
    assert made == {"a": ["Un autobus rosso.", None, "", "3", "3.5", "true", "…"], "id": 7}
    assert read(plan, {"id": 8})[1] == {"absent/a": 1}


def units(plan: Plan, row: dict[str, Any]) -> list[set[str]]:
    groups: dict[int, set[str]] = {}
    for field in read(plan, row)[0].fields:
        groups.setdefault(field["unit"], set()).add(field["name"])
    return list(groups.values())


def test_what_is_together_is_one_unit() -> None:
    row = {"question": "Who?", "options": ["he", "she"], "hint": "a hint",
           "qa": [{"q": "Where?", "a": "here"}, {"q": "When?", "a": "now"}]}  # fmt: skip
    fields = "question,options,hint,qa[].q,qa[].a"
    assert units(planned([row], fields, together=["question,options"]), row) == [
        {"question", "options.0", "options.1"}, {"hint"}, {"qa.0.q"}, {"qa.1.q"}, {"qa.0.a"}, {"qa.1.a"}
    ]  # fmt: skip
    assert units(planned([row], "qa[].q,qa[].a", together=["qa[].q,qa[].a"]), row) == [
        {"qa.0.q", "qa.0.a"}, {"qa.1.q", "qa.1.a"}
    ], "items of one list, one by one"  # fmt: skip
    assert units(planned([row], "options", together=["options"]), row) == [{"options.0", "options.1"}]


def test_kinds_are_those_of_the_keys() -> None:
    row = {"question": "Who?", "answers": ["he"], "turns": [{"value": "Hi there"}]}
    item, _ = read(planned([row], "question,answers,turns[].value"), row)
    assert [field["kind"] for field in item.fields] == ["question", "answer", "text"]


@pytest.mark.parametrize(
    ("fields", "options", "said"),
    [
        ("qestion", {}, "--fields qestion: no record has it; did you mean question?"),
        ("turns.value", {}, "did you mean turns[].value?"),
        ("turns", {}, "did you mean turns[].from or turns[].value?"),
        ("id", {}, "--fields id: it holds no text"),
        ("question", {"together": ["question,turns[].value"]}, "--together turns[].value: it is not among --fields"),
        ("question", {"keep": ["idd"]}, "--keep idd: no such column; did you mean id?"),
        ("question", {"image": "pictur"}, "--image pictur: no such column; did you mean picture?"),
        ("question", {"image": "turns"}, "--image turns: it holds lists, and a row has one image"),
    ],
)
def test_a_name_that_does_not_fit_is_refused_before_any_work(fields: str, options: Any, said: str) -> None:
    row: dict[str, Any] = {"question": "Who?", "id": 3, "turns": [{"from": "human", "value": "x"}], "picture": "a.jpg"}
    with pytest.raises(ValueError, match="--") as error:
        planned([row], fields, **options)
    assert said in str(error.value)


def test_a_row_is_in_the_split_that_it_names() -> None:
    rows = [{"q": "Who?", "split": said} for said in ("test", " Val", "dev", "train", "minitest", "", None, 3)]
    found = [read(planned([rows[0]], "q", splits=True), row) for row in rows]
    assert [item.split for item, _ in found] == ["test", "validation", "validation", "train", "", "", "", ""]
    assert [counters["split_not_known"] for _, counters in found] == [0, 0, 0, 0, 1, 0, 0, 1]
    assert read(planned(rows, "q"), rows[0])[0].split == "", "a dataset of the Hub says its splits itself"


def test_records_that_cannot_be_read_are_said(tmp_path: File) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('"A cat."\n{"q": "Who is it?"}\n{\n')
    rows, said = first_rows([str(path)], OPTIONS)
    assert rows == [{"q": "Who is it?"}]
    assert len(said) == 1
    assert said[0].startswith("2 beside them cannot be read")
    assert "rows.jsonl, line 1: a JSON str" in said[0]
    path.write_text('["A cat."]\n')
    for look in (lambda: first_rows([str(path)], OPTIONS), lambda: learn([str(path)], 0, OPTIONS)):
        with pytest.raises(ValueError, match=r"holds no records that can be read: rows.jsonl, line 1: a JSON list"):
            look()


def test_the_names_of_class_labels_are_said(tmp_path: File) -> None:
    features = Features({"q": Value("string"), "label": ClassLabel(names=["cat", "dog"])})
    Dataset.from_dict({"q": ["Who is it?"], "label": [1]}, features).to_parquet(tmp_path / "a.parquet")
    assert first_rows([str(tmp_path)], OPTIONS)[1] == ["label holds the numbers of cat, dog; they stay numbers"]


def test_a_record_of_another_shape_costs_itself_alone() -> None:
    rows: list[dict[str, Any]] = [{"turns": [{"value": "x"}]}, {"turns": "x"}]
    plan = planned(rows, "turns[].value")
    with pytest.raises(RowError, match=r"--fields turns\[\]\.value: turns holds text") as error:
        read(plan, rows[1])
    assert error.value.error_class == "OtherShape"
    assert composed(plan, rows[0], "{}") == {"turns": '[{"value": "x"}]'}


def png() -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (4, 3), (200, 30, 30)).save(data, "PNG")
    return data.getvalue()


IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
NESTED = pa.list_(pa.struct([("a", pa.list_(pa.int16())), ("b", pa.bool_())]))
TABLE = {
    "question": pa.array(["Is it red?", None]),
    "image": pa.array([{"bytes": png(), "path": "a.png"}] * 2, IMAGE),
    "small": pa.array([1, None], pa.int8()),
    "big": pa.array([2**63, 0], pa.uint64()),
    "share": pa.array([0.1, None], pa.float32()),
    "when": pa.array([datetime.datetime(2020, 1, 2, 3, 4, 5, 6), None], pa.timestamp("us")),
    "zoned": pa.array([datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC), None], pa.timestamp("s", "Europe/Rome")),
    "day": pa.array([datetime.date(2020, 1, 2), None]),
    "hour": pa.array([datetime.time(1, 2, 3), None], pa.time32("s")),
    "price": pa.array([decimal.Decimal("1.50"), None], pa.decimal128(9, 2)),
    "blob": pa.array([b"\x00\xff", b""]),
    "kind": pa.array(["a", "b"]).dictionary_encode(),
    "long": pa.array(["x", ""], pa.large_string()),
    "nested": pa.array([[{"a": [1], "b": None}], []], NESTED),
    "map": pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int32())),
}  # fmt: skip


def test_every_type_of_a_parquet_file_comes_back(tmp_path: File) -> None:
    pq.write_table(pa.table(TABLE), tmp_path / "train.parquet")
    table = pq.read_table(tmp_path / "train.parquet")
    learnt = learn([str(tmp_path / "train.parquet")], 0, OPTIONS)
    plan = make_plan(learnt, [parse_path("question")])
    assert plan.image == "image"
    form = form_of(plan, "any")
    rows = [raw.value for piece in learnt.slices for raw in records.read(piece) if raw.value]
    item, _ = read(plan, rows[0])
    assert item.image.data == png()
    made = pa.Table.from_pylist([composed(plan, row, "così {}") for row in rows], form.columns)
    assert made["question"].to_pylist() == ["così Is it red?", None]
    assert form.columns.names == [name for name in TABLE if name != "image"], "ours is published in its place"
    same = {
        "kind": pa.string(),
        "long": pa.string(),
        "map": pa.list_(pa.struct([("key", pa.string()), ("value", pa.int32())])),
    }
    for name in form.columns.names[1:]:
        assert made[name].type == same.get(name, table[name].type)
        if name != "map":
            assert made[name].to_pylist() == table[name].to_pylist(), name
    assert made["map"].to_pylist() == [[{"key": "k", "value": 1}], []]


def test_labels_keep_their_names_unless_files_differ(tmp_path: File) -> None:
    def write(name: str, *labels: str) -> None:
        features = {"label": {"names": labels, "_type": "ClassLabel"}, "question": {"dtype": "json", "_type": "Value"}}
        schema = pa.schema([("question", pa.string()), ("label", pa.int64())])
        schema = schema.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})
        pq.write_table(pa.table({"question": ["Who?"], "label": [1]}, schema), tmp_path / name)

    def stated() -> Any:
        form = form_of(make_plan(learn([str(tmp_path)], 0, OPTIONS), [parse_path("question")]), "any")
        return json.loads(with_features(form.columns).metadata[b"huggingface"])["info"]["features"]

    write("a.parquet", "no", "yes")
    write("b.parquet", "no", "yes")
    text = {"dtype": "string", "_type": "Value"}
    assert stated() == {"question": text, "label": {"names": ["no", "yes"], "_type": "ClassLabel"}}
    write("b.parquet", "yes", "no")
    assert stated() == {"question": text, "label": {"dtype": "int64", "_type": "Value"}}
    (tmp_path / "b.parquet").unlink()
    (tmp_path / "c.jsonl").write_text('{"question": "Who?", "label": 7}\n')
    assert stated()["label"]["_type"] == "Value"


def test_columns_are_learnt_over_files_of_all_formats(tmp_path: File) -> None:
    (tmp_path / "a.json").write_text(json.dumps([{"q": "One?", "n": 1, "x": {"y": 1}}], indent=1))
    (tmp_path / "b.jsonl").write_text('{"q": "Two?", "n": 1.5, "x": null}\n{"broken": \n')
    (tmp_path / "c.csv").write_text('q,c\n"Three,\nfour?",7\n')
    pq.write_table(pa.table({"q": ["Five?"], "n": pa.array([2], pa.int32())}), tmp_path / "d.parquet")
    plan = make_plan(learn([str(tmp_path)], 0, OPTIONS), [parse_path("q")])
    assert {column.name: str(column.type) for column in form_of(plan, "any").columns} == {
        "q": "string", "n": "double", "x": "struct<y: int64>", "c": "string"
    }  # fmt: skip


def test_the_columns_kept_are_those_named() -> None:
    rows = [{"q": "Who?", "a": 1, "b": 2}]
    assert list(planned(rows, "q", keep=["b"]).columns) == ["q", "b"]
    assert list(planned(rows, "q", keep=[]).columns) == ["q"]
    assert name_of(("q",)) == "q"
    assert as_json({"b": [b"x"]}) == {"b": ["eA=="]}
