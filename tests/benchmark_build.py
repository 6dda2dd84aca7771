"""Small finished builds of the Basque benchmarks as they are published: a configuration a language, the same ids."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from builders.stages.features import with_features
from cards.build import read_build
from cards.card import card_of, write_card
from tests.sample_build import edit_build, scene, write_sample_build

_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_ANSWER = pa.struct([("answer", pa.string()), ("answer_confidence", pa.string()), ("answer_id", pa.int64())])
_COLUMNS: Mapping[str, list[tuple[str, pa.DataType]]] = {
    "vqav2-eus": [
        ("question_id", pa.int64()),
        ("question", pa.string()),
        ("answers", pa.list_(_ANSWER)),
        ("multiple_choice_answer", pa.string()),
    ],
    "a-okvqa-eus": [
        ("question_id", pa.string()),
        ("question", pa.string()),
        ("choices", pa.list_(pa.string())),
        ("correct_choice_idx", pa.int64()),
    ],
    "pixmo-capqa-eus": [("question", pa.string()), ("answer", pa.string())],
    "wildvision-eus": [("question_id", pa.string()), ("instruction", pa.string())],
}


def write_benchmark(out: UPath, card: str, rows: Mapping[str, Mapping[str, list[dict[str, Any]]]]) -> UPath:
    """Write a build of the benchmark `card` under `out`, with its card; `rows` are its rows by language and split."""
    write_sample_build(out)
    for path in (*(out / "dataset" / "data").iterdir(), *(out / "rejected").iterdir(), *(out / "failed").iterdir()):
        path.unlink()
    (out / "dataset" / "data").rmdir()
    columns = pa.schema([("id", pa.string()), ("image", _IMAGE), *_COLUMNS[card]])
    schema = with_features(columns, {"image": {"_type": "Image"}})
    written = 0
    for language, splits in rows.items():
        for split, given in splits.items():
            folder = out / "dataset" / language
            folder.mkdir(parents=True, exist_ok=True)
            whole = [
                {"id": f"{split}-{place}", "image": {"bytes": scene(place), "path": f"{place}.jpg"}} | row
                for place, row in enumerate(given)
            ]
            with (folder / f"{split}-00000-of-00001.parquet").open("wb") as file:
                pq.write_table(pa.Table.from_pylist(whole, schema), file)
            written += len(whole)
    counts = {"rows_in": written, "rows_written": written, "rows_rejected": 0, "rows_failed": 0}
    edit_build(out, name=card, card=card, counts=counts, stages=[], config={"to": "eu"})
    write_card(out, card_of(read_build(out)))
    return out


def ten_answers(*answers: str) -> list[dict[str, Any]]:
    """Ten people's answers, the given ones first and the last of them until there are ten."""
    ten = [*answers, *[answers[-1]] * (10 - len(answers))]
    return [{"answer": answer, "answer_confidence": "yes", "answer_id": place} for place, answer in enumerate(ten, 1)]
