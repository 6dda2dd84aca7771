"""How a dataset lies in Parquet: the names of its files, and what `datasets` must know of its schema that Arrow cannot
say: that a column holds images, or labels that have names.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
from upath import UPath

from builders.engine import ShardRecord
from builders.engine.files import sweep
from builders.transforms.shape import IMAGE, STATED

SHARD_BYTES = 500 * 10**6
# As `datasets` cuts pages, by content: after an insertion the pages that follow are the same bytes as before.
CHUNKS = {"min_chunk_size": 256 << 10, "max_chunk_size": 1 << 20, "norm_level": 0}
NAMES = {
    "float": "float32",
    "double": "float64",
    "halffloat": "float16",
    "date32[day]": "date32",
    "date64[ms]": "date64",
}

SHARD = re.compile(r"(?:(?P<config>[^.]+)\.)?(?P<file>[^.]+-\d{5}-of-\d{5}(\..*)?)")


def destination(shard: str) -> str:
    """Where a shard of a dataset goes, relative to the build: `eu.train-00000-of-00001` to the folder of `eu`, one that
    names no configuration to `dataset/data`, from which `load_dataset` takes what is not asked for by name."""
    match = SHARD.fullmatch(shard)
    return f"dataset/{match['config'] or 'data'}/{file_name(match['file'])}" if match else "dataset/data/"


def file_name(shard: str) -> str:
    """The published file of a shard: `train-00000-of-00001.parquet`.

    Where the engine wrote a part of it (`….0-48`) or its failed rows again (`….r2`), these numbers follow in
    hexadecimal, in the place where `datasets` writes a fingerprint: `train-00000-of-00001-00000002.parquet`.
    """
    name, _, part = shard.partition(".")
    numbers = "".join(f"{int(number):08x}" for number in re.findall(r"\d+", part))
    return f"{name}-{numbers}.parquet" if numbers else f"{name}.parquet"


def sweep_dataset(root: UPath, records: Sequence[ShardRecord]) -> None:
    """Remove the files of all configurations that are none of these shards."""
    keep = {file.path for record in records for file in record.files}
    for folder in (root / "dataset").glob("*/"):
        sweep(root, f"dataset/{folder.name}", "", keep)


def with_features(schema: pa.Schema, special: Mapping[str, Any] | None = None) -> pa.Schema:
    """The schema with its `datasets` features in the metadata; `special` are those that are no plain values.

    A field may have what its source states of it in its own metadata, as JSON: see `feature`.
    """
    features = {column.name: feature(column.type, _stated(column)) for column in schema} | dict(special or {})
    plain = pa.schema([column.remove_metadata() for column in schema])
    return plain.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def feature(kind: pa.DataType, stated: Any = None) -> Any:
    """A `datasets` feature as its schema metadata writes it.

    `stated` is what a dataset from outside says of the column. Images, names of labels and the shapes of arrays are
    taken from it where they fit the type, nothing else is.
    """
    match stated:
        case {"_type": "Image"} if kind == IMAGE:
            return {"_type": "Image"}
        case {"_type": "ClassLabel", "names": [*names]} if kind == pa.int64() and _are_labels(names):
            return {"names": names, "_type": "ClassLabel"}
        case {"_type": str(name), "shape": [*shape]} if _is_array(name, shape, kind):
            return {"shape": shape, "dtype": _dtype(_within(kind, len(shape))), "_type": name}
    if pa.types.is_list(kind):
        return {"feature": feature(kind.value_type, _of_items(stated)), "_type": "List"}
    if pa.types.is_struct(kind):
        known = stated if isinstance(stated, Mapping) else {}
        return {item.name: feature(item.type, known.get(item.name)) for item in kind}
    return {"dtype": _dtype(kind), "_type": "Value"}


def _dtype(kind: pa.DataType) -> str:
    return NAMES.get(str(kind), str(kind))


def _stated(column: pa.Field) -> Any:
    return json.loads((column.metadata or {}).get(STATED, b"null"))


def _of_items(stated: Any) -> Any:
    """What is stated of the items of a list, which older releases of `datasets` call a Sequence or write as one."""
    if isinstance(stated, list) and len(stated) == 1:
        return stated[0]
    return stated.get("feature") if isinstance(stated, Mapping) else None


def _are_labels(names: list[Any]) -> bool:
    return bool(names) and all(isinstance(name, str) for name in names) and len({*names}) == len(names)


def _is_array(name: str, shape: list[Any], kind: pa.DataType) -> bool:
    """Whether a type is that of the arrays `Array2D` to `Array5D` of this shape; the first size may be left open."""
    sizes = shape[1:] if shape[:1] == [None] else shape
    return (
        name == f"Array{len(shape)}D"
        and 2 <= len(shape) <= 5
        and all(type(size) is int and size > 0 for size in sizes)
        and pa.types.is_primitive(_within(kind, len(shape)))
    )


def _within(kind: pa.DataType, depth: int) -> pa.DataType:
    """The type of the items of lists in lists, `depth` deep; null where they are not as deep."""
    for _ in range(depth):
        kind = kind.value_type if pa.types.is_list(kind) else pa.null()
    return kind


def layout(schema: pa.Schema) -> dict[str, Any]:
    """How rows of a dataset are written: options for `Stage.parquet`, each column as suits it.

    Images are compressed already and no two are alike: they are stored as they are, so that a hub which stores chunks
    by their content uploads again only what changed. A viewer shows pages of 100 rows: with images that is a row group.
    https://huggingface.co/docs/hub/datasets-image
    """
    leaves = dict(leaf for column in schema for leaf in _leaves(column.name, column.type))
    files = [name for name, kind in leaves.items() if pa.types.is_binary(kind)]
    texts = [name for name in leaves if name not in files]
    return {
        "row_group_size": 100 if files else 1000,
        "compression": dict.fromkeys(files, "none") | dict.fromkeys(texts, "zstd"),
        "use_dictionary": [name for name in texts if name != "id"],
        "column_encoding": dict.fromkeys(files, "PLAIN"),
        "write_statistics": texts,
        "use_content_defined_chunking": CHUNKS,
    }


def _leaves(name: str, kind: pa.DataType) -> Iterator[tuple[str, pa.DataType]]:
    """The Parquet columns of an Arrow column, by path."""
    if pa.types.is_list(kind):
        yield from _leaves(f"{name}.list.element", kind.value_type)
    elif pa.types.is_struct(kind):
        for item in kind:
            yield from _leaves(f"{name}.{item.name}", item.type)
    else:
        yield name, kind
