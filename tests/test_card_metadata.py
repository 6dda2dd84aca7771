"""The card's metadata: values that the Hub knows, features as `datasets` writes them, counts of the files."""

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from upath import UPath

from builders.stages.features import with_features
from builders.stages.publish import dataset_schema
from builders.stages.publish_artworks import PROMPTS, PUBLISHED
from builders.transforms.shape import STATED, arrow_type, shape_of_type
from cards.card import load_card, write_card
from cards.metadata import features, size_category, unknown_values
from tests.crawled_build import write_crawled_build
from tests.sample_build import one_image, write_sample_build

datasets = pytest.importorskip("datasets")


def metadata_of(path: UPath) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8").split("---\n")[1])
    return loaded


@pytest.mark.parametrize("schema", [PUBLISHED, PROMPTS, dataset_schema("embed"), dataset_schema("path")])
def test_features_are_those_that_datasets_would_write(schema: pa.Schema) -> None:
    assert features(schema) == datasets.Features.from_arrow_schema(schema)._to_yaml_list()


VALUES = st.sampled_from([pa.string(), pa.int8(), pa.int64(), pa.float32(), pa.float64(), pa.bool_(), pa.binary(),
    pa.date32(), pa.timestamp("us", "Europe/Rome"), pa.decimal128(9, 2), pa.float16(), pa.time32("ms")])  # fmt: skip
TYPES = st.recursive(
    VALUES,
    lambda inner: st.one_of(
        inner.map(pa.list_),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda kinds: pa.struct([(f"f{number}", kind) for number, kind in enumerate(kinds)])
        ),
    ),
    max_leaves=6,
)


@given(st.lists(TYPES, min_size=1, max_size=4))
def test_features_of_any_schema_are_those_that_datasets_would_write(kinds: list[pa.DataType]) -> None:
    schema = with_features(pa.schema([(f"c{number}", kind) for number, kind in enumerate(kinds)]))
    expected = datasets.Features.from_arrow_schema(schema)
    assert features(schema) == expected._to_yaml_list()
    assert datasets.Features._from_yaml_list(copy.deepcopy(features(schema))) == expected


SCALARS = [
    pa.null(), pa.bool_(), pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(),
    pa.uint64(), pa.float16(), pa.float32(), pa.float64(), pa.date32(), pa.date64(), pa.time32("s"), pa.time32("ms"),
    pa.time64("us"), pa.time64("ns"), pa.timestamp("s"), pa.timestamp("ns"), pa.timestamp("us", "Europe/Rome"),
    pa.duration("s"), pa.month_day_nano_interval(), pa.decimal32(5, 2), pa.decimal64(10, 2), pa.decimal128(20, 2),
    pa.decimal256(40, 2), pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(),
    pa.binary(4), pa.binary_view(), pa.dictionary(pa.int8(), pa.string()),
]  # fmt: skip
NESTED = [
    *(pa.list_(kind) for kind in SCALARS),
    *(pa.struct([("a", kind)]) for kind in SCALARS),
    pa.large_list(pa.date32()),
    pa.list_(pa.int8(), 2),
    pa.list_(pa.list_(pa.struct([("a", pa.date32())]))),
    pa.map_(pa.string(), pa.decimal32(5, 2)),
]


def parquet_in(folder: Path) -> Path:
    (folder / "data").mkdir()
    return folder / "data" / "train-00000-of-00001.parquet"


def test_a_dataset_of_every_arrow_type_opens_with_its_card_and_without(tmp_path: Path) -> None:
    parquet = parquet_in(tmp_path)
    kinds = [arrow_type(shape_of_type(kind)) for kind in (*SCALARS, *NESTED)]
    schema = with_features(pa.schema([(f"c{number}", kind) for number, kind in enumerate(kinds)]))
    pq.write_table(pa.table([pa.nulls(2, kind) for kind in kinds], schema), parquet)
    assert datasets.load_dataset(str(tmp_path), cache_dir=str(tmp_path / "a"), split="train").num_rows == 2
    as_read = pq.read_schema(parquet)
    card = yaml.safe_dump({"dataset_info": {"features": features(as_read)}})
    (tmp_path / "README.md").write_text(f"---\n{card}---\n")
    opened = datasets.load_dataset(str(tmp_path), cache_dir=str(tmp_path / "b"), split="train")
    assert opened.features == datasets.Features.from_dict(
        json.loads(as_read.metadata[b"huggingface"])["info"]["features"]
    )


def test_what_a_source_states_of_its_columns_stands_where_it_fits(tmp_path: Path) -> None:
    parquet = parquet_in(tmp_path)
    label, picture = {"names": ["no", "yes"], "_type": "ClassLabel"}, {"_type": "Image"}
    array = {"shape": [None, 1], "dtype": "int32", "_type": "Array2D"}
    image, grid = pa.struct([("bytes", pa.binary()), ("path", pa.string())]), pa.list_(pa.list_(pa.int32()))
    value, listed = {"dtype": "string", "_type": "Value"}, {"feature": label, "_type": "List"}
    cases: dict[str, tuple[pa.DataType, Any, Any]] = {
        "label": (pa.int64(), label | {"id": None}, label),
        "labels": (pa.list_(pa.int64()), {"feature": label, "length": -1, "_type": "Sequence"}, listed),
        "old": (pa.list_(pa.int64()), [label], listed),
        "inside": (pa.struct([("a", pa.int64()), ("b", pa.string())]), {"a": label}, {"a": label, "b": value}),
        "pages": (pa.list_(image), {"feature": picture, "_type": "List"}, {"feature": picture, "_type": "List"}),
        "grid": (grid, array | {"dtype": "made up"}, array),
        "flat": (pa.string(), array, value),
        "text": (pa.string(), label, value),
        "unlabelled": (pa.string(), ["what", 3], value),
        "huge": (pa.string(), {"_type": "Value", "dtype": "os.system"}, value),
        "twice": (pa.string(), label | {"names": ["a", "a"]}, value),
    }
    schema = with_features(
        pa.schema(
            [pa.field(name, kind, metadata={STATED: json.dumps(said)}) for name, (kind, said, _) in cases.items()]
        )
    )
    stated = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    assert stated == {name: due for name, (*_, due) in cases.items()}
    assert features(schema) == datasets.Features.from_dict(stated)._to_yaml_list()
    pq.write_table(pa.Table.from_pylist([{"label": 1, "grid": [[3]]}], schema), parquet)
    (tmp_path / "README.md").write_text(f"---\n{yaml.safe_dump({'dataset_info': {'features': features(schema)}})}---\n")
    opened = datasets.load_dataset(str(tmp_path), cache_dir=str(tmp_path / "c"), split="train")
    assert opened.features["label"].names == ["no", "yes"]


def test_a_card_says_no_features_where_the_files_state_none() -> None:
    assert features(pa.schema([("id", pa.string())])) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"license": "apache2"}, "license is 'apache2', which the Hub does not know (it knows apache-2.0)"),
        ({"task_categories": ["vqa"]}, "task_categories is 'vqa'"),
        ({"multilinguality": ["bilingual"]}, "multilinguality is 'bilingual'"),
        ({"language_creators": ["no-annotation"]}, "language_creators is 'no-annotation'"),
        ({"language": ["it", "xx"]}, "language is 'xx'"),
    ],
)
def test_a_value_that_the_hub_does_not_know_is_named(changed: dict[str, Any], said: str) -> None:
    good = {"license": "apache-2.0", "task_categories": ["image-text-to-text"], "language": ["no", "it", "pt-BR"]}
    assert unknown_values(good) == []
    (problem,) = unknown_values(good | changed)
    assert said in problem


def test_no_card_is_written_with_a_value_that_the_hub_does_not_know(tmp_path: Path) -> None:
    build = write_sample_build(UPath(tmp_path), rows=10, paint=one_image)
    with pytest.raises(ValueError, match=r"(?s)license is 'apache2'.*task_categories is 'vqa'"):
        write_card(build, replace(load_card("multiinstruct-it"), licence="apache2", task_categories=("vqa",)))
    assert not (build / "dataset" / "README.md").exists()


@given(st.integers(0, 10**11 - 1))
def test_the_size_category_holds_the_rows(rows: int) -> None:
    units = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9}
    ends = [
        int(end.rstrip("KMB")) * units[end.lstrip("0123456789")] for end in size_category(rows).split("<") if end != "n"
    ]
    assert rows < ends[-1]
    assert len(ends) == 1 or rows >= ends[0]


def test_every_configuration_has_its_own_counts(tmp_path: Path) -> None:
    build = write_crawled_build(UPath(tmp_path))
    metadata = metadata_of(write_card(build, load_card("multiexpart")))
    assert unknown_values(metadata) == []
    for info in metadata["dataset_info"]:
        for split in info["splits"]:
            files = list((build / "dataset" / info["config_name"]).glob(f"{split['name']}-*.parquet"))
            assert split["num_examples"] == sum(pq.read_metadata(str(file)).num_rows for file in files)
    assert [info["config_name"] for info in metadata["dataset_info"]] == ["full", "alignment-3", "pages"]


def test_rows_come_as_the_card_says_them_streamed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    build = write_sample_build(UPath(tmp_path / "out"), rows=20, paint=one_image)
    write_card(build, load_card("multiinstruct-it"))
    rows = list(datasets.load_dataset(str(build / "dataset"), split="train", streaming=True))
    assert len(rows) == 16
    assert rows[0]["image"].size == (640, 420)


def test_datasets_refuses_a_card_with_wrong_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    build = write_sample_build(UPath(tmp_path / "out"), rows=20, paint=one_image)
    path = write_card(build, load_card("multiinstruct-it"))
    path.write_text(path.read_text(encoding="utf-8").replace("num_examples: 16", "num_examples: 17"), encoding="utf-8")
    with pytest.raises(Exception, match=r"num_examples=17"):
        datasets.load_dataset(str(build / "dataset"), cache_dir=str(tmp_path / "cache"))
