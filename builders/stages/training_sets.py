"""Training sets: mixtures published, each as a configuration of its own, and beside them what trainers read.

    OUT/exports/llava.json       a JSON array of id, image and conversations, as LLaVA's trainer loads it
        exports/mistral.jsonl    for base models, a text in the Mistral template
        exports/images/          the images, each once however many records show it

A dataset of several mixtures has `exports/<mixture>/llava.json` and so on, with the images of all in one folder.
"""

import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from huggingface_hub import hf_hub_download
from PIL import Image
from rich.console import Console
from rich.table import Table
from tokenizers import Tokenizer
from upath import UPath

from builders.engine import Build, FileRef, Row, ShardRecord, ShardTask, StageError
from builders.engine.files import location, placed, read_groups, write_bytes
from builders.engine.stage import RowStage
from builders.sources.images import FORMATS, Images
from builders.stages.features import SHARD
from builders.stages.mix import DEFAULT, Mix
from builders.stages.publish import Publish
from builders.transforms.chat_templates import IMAGE_TOKEN, NotATemplate, llava, mistral
from builders.transforms.fields import CONVERSATIONS

EXPORTS, TOKENIZER = "exports", "tokenizer.json"
WORDS = "words, parted by white space"
COLUMNS = pa.schema([CONVERSATIONS, ("language", pa.string()), ("dataset", pa.string())])
FIGURES = ("samples", "turns", "tokens")


class TokenizerError(ValueError):
    """A tokenizer that does not load."""


def token_counter(tokenizer: str) -> Callable[[str], int]:
    """How many tokens a text has, without those that begin and end it, by the `tokenizer.json` of a model on the Hub or
    in a folder; without a name, how many words.

    Raises `TokenizerError` for one that does not load.
    """
    if not tokenizer:
        return lambda text: len(text.split())
    local = location(tokenizer) / TOKENIZER
    try:
        path = str(local) if local.is_file() else hf_hub_download(tokenizer, TOKENIZER)
        loaded = Tokenizer.from_file(path)
    except Exception as error:  # `tokenizers` has no class of its own for a file that is none
        said = str(error).strip().partition("\n")[0]
        raise TokenizerError(
            f"{tokenizer} has no {TOKENIZER} that can be read, in a folder or on the Hub: {said}"
        ) from error
    return lambda text: len(loaded.encode(text, add_special_tokens=False).ids)


class PublishMixtures(Publish):
    """Publishes every mixture as a configuration, and counts its samples, turns and tokens.

    The counters are `<figure>/<language>/<image or text>/<dataset>`, for each shard of a configuration.
    """

    def __init__(self, images: Images, rows_per_file: int, card: str, tokenizer: str) -> None:
        super().__init__(images, rows_per_file, card, COLUMNS)
        self.tokenizer = tokenizer
        self._count: Callable[[str], int] = len

    def preflight(self, build: Build) -> list[str]:
        problems = super().preflight(build)
        try:
            token_counter(self.tokenizer)
        except TokenizerError as error:
            problems.append(f"--tokenizer {error}")
        return problems

    def plan(self, build: Build, upstream: Sequence[ShardRecord]) -> list[ShardTask]:
        mixtures: dict[str, list[ShardRecord]] = {}
        for record in upstream:
            mixtures.setdefault(record.shard.partition(".")[0], []).append(record)
        tasks: list[ShardTask] = []
        for name, records in mixtures.items():
            start = "" if name == DEFAULT else f"{name}."
            tasks += [replace(task, shard=start + task.shard) for task in super().plan(build, records)]
        self._look_at(tuple(record.rows for record in upstream if record.rows.rows))
        return tasks

    def _ids(self, file: FileRef) -> Iterator[tuple[str, str, Any]]:
        """A mixture is one dataset, whatever languages it has."""
        for _, split, ids in super()._ids(file):
            yield "", split, ids

    def open(self) -> None:
        self._count = token_counter(self.tokenizer)

    def row(self, row: Row, counters: Counter[str]) -> Row:
        made = super().row(row, counters)
        texts = [turn["value"].replace(IMAGE_TOKEN, "") for turn in row["conversations"]]
        kind = "image" if row.get("image_file") or row.get("image_path") else "text"
        for figure, number in zip(FIGURES, (1, len(texts), sum(map(self._count, texts))), strict=True):
            counters[f"{figure}/{row['language']}/{kind}/{row['dataset']}"] += number
        return made


class Export(RowStage):
    """Writes the images of published rows, once each, and then the files that trainers read.

    `build.json` has under `mixture` what each training set holds, and where the paper states how many samples it had,
    both figures.
    """

    name = "export"
    schema = pa.schema([("id", pa.string()), ("llava", pa.large_string()), ("mistral", pa.large_string())])

    def __init__(self, mix: Mix, tokenizer: str, paper: int = 0) -> None:
        self.mix = mix
        self.tokenizer = tokenizer
        self.paper = paper
        self.folder = UPath("")

    def plan(self, build: Build, upstream: Sequence[ShardRecord]) -> list[ShardTask]:
        self.folder = build.out / EXPORTS / "images"
        build.applied["mixture"] = self._told(build, upstream)
        return super().plan(build, upstream)

    def batches(self, build_root: Any, source: Any) -> Iterator[list[Row]]:
        for group in read_groups(build_root, source):
            yield group.to_pylist()

    def row(self, row: Row, counters: Counter[str]) -> Row:
        """What the trainers read of a row. A text that speaks the template's own words is not in `mistral.jsonl`."""
        image = self._image(row)
        try:
            text = {"id": row["id"]} | ({"image": image} if image else {}) | {"text": mistral(row["conversations"])}
            said: str | None = json.dumps(text, ensure_ascii=False) + "\n"
        except NotATemplate:
            counters["not_in_mistral"] += 1
            said = None
        record = json.dumps(llava(row["id"], image, row["conversations"]), ensure_ascii=False)
        return {"id": row["id"], "llava": f",\n{record}", "mistral": said}

    def _image(self, row: Row) -> str | None:
        """The path of a row's image as a trainer has it: in `exports/images`, or as the source has it."""
        image = row.get("image")
        if image is None:
            return row.get("image_path") if "image" not in row else None
        data = image["bytes"]
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            suffix = {"JPEG": "jpg", "TIFF": "tif"}.get(str(opened.format), str(opened.format).lower())
        digits = hashlib.sha256(data).hexdigest()
        name = f"{digits[:2]}/{digits[:32]}.{suffix}"
        path = self.folder / name
        try:
            if not path.exists() or path.stat().st_size != len(data):
                write_bytes(path, data)
        except OSError as error:
            raise StageError(f"{path} cannot be written: {error}") from error
        return name

    def _told(self, build: Build, published: Sequence[ShardRecord]) -> Row:
        """What the training sets hold, for `build.json`."""
        counters: dict[str, Counter[str]] = {mixture.name: Counter() for mixture in self.mix.mixtures}
        for record in published:
            counters[_mixture_of(record)].update(record.counters)
        told: Row = {
            "tokens_by": self.tokenizer or WORDS,
            "sets": {name: described(its) | {"left_out": self.mix.left_out[name]} for name, its in counters.items()},
        }
        if self.paper:
            part = self.mix.mixtures[0].part
            given = sum(record.rows_in for record in build.records["gather"] if record.parent.startswith(f"{part}-"))
            told["paper"] = beside_the_paper(given, self.paper, build.config.limit)
        return told

    def finish(self, build: Build) -> None:
        for mixture in self.mix.mixtures:
            records = [record for record in build.records[self.name] if _mixture_of(record) == mixture.name]
            files = [record.rows for record in records if record.rows.rows]
            folder = build.out / EXPORTS / ("" if mixture.name == DEFAULT else mixture.name)
            _join(folder / "llava.json", _texts(build.out, files, "llava"), b"[", b"\n]\n", without=1)
            _join(folder / "mistral.jsonl", _texts(build.out, files, "mistral"))
        show_mixture(build.applied["mixture"], Console())


def beside_the_paper(given: int, paper: int, limit: int) -> Row:
    """How many instances were given, and how many the paper has; where a limit left some out, nothing is compared."""
    if limit:
        said = f"given {given:,}, of every dataset the first {limit:,} at most (--limit); the paper has {paper:,}"
        return {"given": given, "paper": paper, "said": said}
    said = f"given {given:,}, the paper has {paper:,} (difference {given - paper:+,})"
    return {"given": given, "paper": paper, "difference": given - paper, "said": said}


def described(counters: Mapping[str, int]) -> Row:
    """The figures of a training set, in all and by language, dataset, and whether there is an image."""
    by: dict[tuple[str, ...], Row] = {}
    for name, number in sorted(counters.items()):
        figure, _, rest = name.partition("/")
        if figure in FIGURES:
            by.setdefault(tuple(rest.split("/", 2)), {})[figure] = number
    rows: list[Row] = [
        dict(zip(("language", "with", "dataset"), kind, strict=True)) | figures for kind, figures in by.items()
    ]
    return {figure: sum(row[figure] for row in rows) for figure in FIGURES} | {"by": rows}


def show_mixture(told: Row, console: Console) -> None:
    """Print what the training sets hold, as `build.json` has it."""
    table = Table(title=f"training sets; tokens are {told['tokens_by']}", title_justify="left")
    for column in ("set", "language", "with", "dataset", *FIGURES):
        table.add_column(column, justify="right" if column in FIGURES else "left")
    for name, its in told["sets"].items():
        for row in its["by"]:
            words = [name, row["language"], row["with"], row["dataset"]]
            table.add_row(*words, *(f"{row[figure]:,}" for figure in FIGURES))
        left = f"{its['left_out']:,} left out" if its["left_out"] else ""
        table.add_row(name, "all", "", left, *(f"{its[figure]:,}" for figure in FIGURES), style="bold")
    console.print(table)
    if "paper" in told:
        console.print(told["paper"]["said"], highlight=False, markup=False, soft_wrap=True)


def _mixture_of(record: ShardRecord) -> str:
    """The mixture of a shard that is published or exported."""
    match = SHARD.fullmatch(record.shard)
    return match["config"] or DEFAULT if match else DEFAULT


def _texts(root: UPath, files: Iterable[FileRef], column: str) -> Iterator[memoryview]:
    """The texts of a column, end to end, as they lie in memory: they are joined, and never looked at."""
    for file in files:
        for table in read_groups(root, file):
            for chunk in table[column].drop_null().chunks:
                _, offsets, data = chunk.buffers()
                at = np.frombuffer(offsets, np.int64)[chunk.offset : chunk.offset + len(chunk) + 1]
                if len(chunk):
                    yield memoryview(data)[int(at[0]) : int(at[-1])]


def _join(path: UPath, pieces: Iterable[memoryview], start: bytes = b"", end: bytes = b"", without: int = 0) -> None:
    """Write pieces one after the other, the first without its first bytes."""
    with placed(path) as place, open(place, "wb") as file:
        file.write(start)
        for piece in pieces:
            file.write(piece[without:])
            without = 0
        file.write(end)
