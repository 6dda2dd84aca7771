"""How a dataset lies in Parquet: the names of its files, and what `datasets` must know of its schema that Arrow cannot
say: that a column holds images.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
from upath import UPath

from builders.engine import ShardRecord
from builders.engine.files import sweep

SHARD_BYTES = 500 * 10**6
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
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
    """The schema with its `datasets` features in the metadata; `special` are those that are no plain values."""
    features = {name: feature(schema.field(name).type) for name in schema.names} | dict(special or {})
    return schema.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def feature(kind: pa.DataType) -> Any:
    """A `datasets` feature as its schema metadata writes it."""
    if pa.types.is_list(kind):
        return {"feature": feature(kind.value_type), "_type": "List"}
    if pa.types.is_struct(kind):
        return {item.name: feature(item.type) for item in kind}
    return {"dtype": NAMES.get(str(kind), str(kind)), "_type": "Value"}


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
