"""Four benchmarks in Basque, as in "Multimodal Large Language Models for Low-Resource Languages", 4.2 and appendix B.

Of VQAv2, A-OKVQA and PixMo-CapQA 2,500 examples are drawn by seed, of PixMo-CapQA only questions that are answered yes
or no; of WildVision those whose ids a person listed, in the paper 199, which people then all review. Each benchmark has
a 2-shot prompt of its own for Latxa 70B, WildVision one without shots; a question goes into it with all its answers or
options. Yes, no and numbers are written by hand; A-OKVQA's rationales are left out. Every example is published twice,
in Basque and in English, with the same id, image and split.

Of what is drawn some is lost later: an image is gone, a translation fails or is refused. To publish 2,500, draw more
with --count: the order of the draw is the seed's, so a larger draw holds the smaller one. With the --memory of the
smaller build, OUT/memory.sqlite, nothing is translated twice.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from builders.engine import Stage, flag, main
from builders.engine.files import location
from builders.sources.forms import a_okvqa, pixmo, vqav2, wildvision
from builders.sources.images import images_argument
from builders.sources.items import ITEMS, Form
from builders.sources.records import FileOptions
from builders.stages.check import Check, CheckConfig, filters_for
from builders.stages.compose import ComposeForm
from builders.stages.draw import Draw
from builders.stages.fetch import Fetch, FetchConfig
from builders.stages.ingest import FormReader, Ingest, InputConfig
from builders.stages.ingest_joined import JoinedIngest
from builders.stages.publish import Publish, PublishConfig
from builders.stages.revise import Revise
from builders.stages.translate import Translate, TranslationConfig
from builders.transforms.fields import CHECKS
from cards.text import language_name
from validation.filters.texts import language

# The configuration in the source's language is the source: what the recipe leaves out of it is published nowhere.
ROWS = ITEMS.remove(ITEMS.get_field_index("source"))
EXAMPLES = """examples:
  python builders/benchmarks_eus.py --benchmark vqav2 --input v2_OpenEnded_mscoco_val2014_questions.json \\
      --annotations v2_mscoco_val2014_annotations.json --images val2014 --output OUT --gpus-per-worker 4
      VQAv2, on vLLM with four GPUs a worker; add --dry-run for a forecast
  python builders/benchmarks_eus.py --benchmark vqav2 … --count 2700 --memory OUT/memory.sqlite --output OUT2
      where fewer than 2,500 rows came out: the same ones, and more
  python builders/benchmarks_eus.py --benchmark a_okvqa --input aokvqa_v1p0_train.json --images coco --output OUT \\
      --server http://HOST:8000
      A-OKVQA with the images of COCO 2017 in coco/train2017, from a server that runs the model
  python builders/benchmarks_eus.py --benchmark pixmo_capqa --input allenai/pixmo-cap-qa --contact me@example.org \\
      --count 2900 --output OUT --server http://HOST:8000
      PixMo-CapQA, whose images come by URL: some are gone, so more are drawn
  python builders/benchmarks_eus.py --benchmark wildvision --input WildVision/wildvision-bench \\
      --subset vision_bench_0617 --ids ids.txt --output OUT --server http://HOST:8000
      WildVision, only what stands in ids.txt, an id a line; a Spanish version, with --source-language es, gets the
      paper's prompt, which is for Spanish
  python -m builders.demo.basque sample
      small files of our own in these formats, to try it on"""


def says(name: str | None, code: str) -> bool:
    """Whether a language that a row names, in English or by a code, is the one of `code`; it may name none."""
    said = re.split(r"[^a-z]", (name or code).strip().lower())[0]
    return said == language_name(code).lower() or language(said) == language(code)


@dataclass(frozen=True)
class Benchmark:
    """A benchmark's form, its prompt by source language, where it is to be had, which rows of it are wanted when the
    source's language is the one given, and whether images come by URL."""

    form: Form
    prompts: Mapping[str, str]
    source: str
    wanted: Callable[[Mapping[str, Any], str], bool]
    by_url: bool = False


BENCHMARKS = {
    "vqav2": Benchmark(
        vqav2.FORM, {"en": "vqav2_eu"}, "its questions, and --annotations, from https://visualqa.org/download.html",
        lambda kept, source: bool(kept["answers"]),
    ),
    "a_okvqa": Benchmark(
        a_okvqa.FORM, {"en": "a_okvqa_eu"}, "aokvqa_v1p0_train.json or _val.json, from https://github.com/allenai/aokvqa",
        lambda kept, source: kept["correct"] is not None,
    ),
    "pixmo_capqa": Benchmark(
        pixmo.CAP_QA, {"en": "pixmo_capqa_eu"}, "allenai/pixmo-cap-qa, or its Parquet files",
        lambda kept, source: bool(kept["yes_no"]), by_url=True,
    ),
    "wildvision": Benchmark(
        wildvision.FORM, {"es": "wildvision_eu"}, "WildVision/wildvision-bench, or its Parquet files",
        lambda kept, source: says(kept["source_language"], source),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Config(PublishConfig, CheckConfig, TranslationConfig, FetchConfig, InputConfig):
    """The flags of this recipe, beside those of every fetching and every translation."""

    benchmark: str = flag("", "which one (required)", choices=tuple(BENCHMARKS))
    annotations: tuple[str, ...] = flag(
        (), "of vqav2, where the answers are in files of their own", paths=True, metavar="PATH"
    )
    subset: str = flag("", "configuration of a dataset on the Hub", metavar="NAME")
    split: tuple[str, ...] = flag((), "only these splits", metavar="SPLIT")
    count: int = flag(
        2500, "examples to draw by --seed (0: all); some are lost later, so draw more to publish so many", above=-1,
        metavar="N",
    )  # fmt: skip
    ids: str = flag("", "a file of upstream ids, one a line: only these may be drawn", paths=True, metavar="FILE")
    source_language: str = flag(
        "en",
        "language of --input, and of the configuration beside the Basque one; WildVision's other rows are left out",
        metavar="LANG",
    )
    to: str = flag("eu", "target language", metavar="LANG")
    model: str = flag(
        "HiTZ/Latxa-Llama-3.1-70B-Instruct", "chat model: a Hub name or a folder, or what --server calls it",
        fingerprint=False, public=True,
    )  # fmt: skip


def stages(config: Config) -> list[Stage]:
    """Ingest, draw, fetch, translate, check, revise, compose, publish."""
    if not config.benchmark:
        raise ValueError(f"--benchmark is missing: {', '.join(BENCHMARKS)}")
    benchmark = BENCHMARKS[config.benchmark]
    if not config.input:
        raise ValueError(f"--input is missing: give {benchmark.source}; or try `python -m builders.demo.basque sample`")
    if config.annotations and config.benchmark != "vqav2":
        raise ValueError(f"--annotations: {config.benchmark} has none; they are of vqav2")
    source, (roots, images) = config.source_language, images_argument(config.images)
    reader = FormReader(
        benchmark.form, config.to, roots, needs_image="no" if images == "path" or benchmark.by_url else "every"
    )
    files = FileOptions(config=config.subset, splits=config.split)
    given = (config.input, reader, config.shard_rows, config.limit)
    answers = vqav2.annotations(config.annotations, "--annotations")
    prompt = config.prompt or benchmark.prompts.get(source, "generic")
    translate, checked = Translate(ROWS, replace(config, prompt=prompt), source), ROWS.append(CHECKS)
    compose = ComposeForm(checked, benchmark.form, parallel="config", source=source)
    return [
        JoinedIngest(*given, answers, files) if config.annotations else Ingest(*given, files=files),
        Draw(ROWS, config.seed, config.count, lambda kept: benchmark.wanted(kept, source), ids=listed(config.ids)),
        *([Fetch(ROWS, config)] if benchmark.by_url else []),
        translate,
        Check(ROWS, filters_for(config, source, config.to), source, config.to),
        Revise(checked, translate),
        compose,
        Publish(images, config.rows_per_file, card=name(config), columns=compose.columns, source=source),
    ]


def listed(path: str) -> tuple[str, ...]:
    """The ids in a file, one a line. Raises `ValueError` where it cannot be read or holds none."""
    if not path:
        return ()
    try:
        ids = tuple(filter(None, map(str.strip, location(path).read_text(encoding="utf-8-sig").splitlines())))
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"--ids {path}: cannot be read: {error}; give a text file with an id a line") from error
    if not ids:
        raise ValueError(f"--ids {path}: holds no id; one a line is expected")
    return ids


def name(config: Config) -> str:
    return f"{config.benchmark or 'benchmarks'}-eus".replace("_", "-")


if __name__ == "__main__":
    main(name, Config, stages, __doc__, EXAMPLES)
