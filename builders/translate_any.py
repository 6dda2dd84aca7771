"""Any dataset, in another language: the fields that are named are translated in place, all the rest stays as it is.

For a dataset of the Hub, or files of JSON, JSON Lines, CSV, TSV or Parquet, for which nobody has written a recipe.
Images, ids, splits, the structure and the types of all columns are those of the source. `--infer` looks at the first
rows, says what the columns are, and proposes the fields.
"""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builders.engine import Stage, flag, main
from builders.engine.config import parse
from builders.sources.anything import form_of, learn, make_plan
from builders.sources.forms import FORMS
from builders.sources.images import images_argument
from builders.sources.items import ITEMS, Form
from builders.sources.proposal import propose
from builders.sources.slices import FileOptions
from builders.stages.anything import About, IngestAnything, on_the_hub
from builders.stages.check import Check, CheckConfig, filters_for
from builders.stages.compose import ComposeForm
from builders.stages.ingest import FormReader
from builders.stages.publish import Publish, PublishConfig
from builders.stages.revise import Revise
from builders.stages.translate import Translate, TranslationConfig
from builders.transforms.fields import CHECKS
from builders.transforms.paths import parse_paths, quoted
from builders.transforms.shape import as_text

NAME = "translate-any"
EXAMPLES = """examples:
  python builders/translate_any.py --source coco_pope_random.json --infer
      what the columns are, and a command to go on with
  python builders/translate_any.py --source coco_pope_random.json --fields text,label --to it --output out/pope-it
      the embedded demo model: a trial, outside its few words its Italian is rubbish
  python builders/translate_any.py --source lmms-lab/VQAv2 --split validation --fields 'question,answers[].answer' \\
      --together 'question,answers[].answer' --model HiTZ/Latxa-Llama-3.1-70B-Instruct --prompt vqav2_eu --to eu \\
      --output OUT
      a dataset of the Hub, question and answers in one prompt
  python builders/translate_any.py --source llava.json --fields 'conversations[].value' --image image --images coco/ \\
      --to it,eu --model google/madlad400-3b-mt --output OUT
      several languages are configurations of one dataset, `it` and `eu`
  python builders/translate_any.py --source 'a file.csv' --fields '"column, odd".text'
      a name with dots, commas, brackets or blanks around it goes in double quotes"""


@dataclass(frozen=True)
class Config(TranslationConfig, CheckConfig, PublishConfig):
    """The flags of this recipe, beside those of every translation."""

    to: str = flag("it", "target language; several, such as it,eu, become configurations", metavar="LANG,…")
    source: tuple[str, ...] = flag(
        (), "files or folders (JSON Lines, JSON, CSV, TSV, Parquet), or the name of a dataset on the Hub",
        paths=True, metavar="PATH|org/name",
    )  # fmt: skip
    fields: tuple[str, ...] = flag(
        (), "what to translate: question, answers, conversations[].value, answers.text", metavar="FIELD,…"
    )
    together: tuple[str, ...] = flag(
        (), "which of the fields make one unit of translation for a chat model; each word of the command line is one "
        "such group (default: every text is a unit)", metavar="FIELD,…",
    )  # fmt: skip
    keep: tuple[str, ...] = flag(
        (), "the columns to publish beside those of the fields (default: all)", metavar="COLUMN,…"
    )
    form: str = flag("", "read the rows as a form that is known, in place of --fields", choices=sorted(FORMS))
    image: str = flag(
        "", "the column that names or carries the image (default: the one that carries images by its type)",
        metavar="COLUMN",
    )  # fmt: skip
    records: str = flag(
        "", "of a JSON file that is one object: the key of its list of records, or * for the values of the object",
        metavar="KEY",
    )  # fmt: skip
    split: tuple[str, ...] = flag((), "only these splits", metavar="SPLIT")
    subset: str = flag("", "configuration of a dataset on the Hub", metavar="NAME")
    revision: str = flag("", "commit, tag or branch of a dataset on the Hub", metavar="REVISION")
    licence: str = flag(
        "", "licence of the source, by the Hub's word for it, for the card", fingerprint=False, metavar="NAME"
    )
    infer: bool = flag(False, "say what the columns are, propose the fields, and stop", fingerprint=False)

    def public_command(self) -> str:
        """As of every recipe, but with the names of datasets on the Hub, which are no places of this machine."""
        names = all(on_the_hub(given) for given in self.source)
        said = super().public_command()
        return said.replace("--source PATH", shlex.join(["--source", *self.source]), 1) if names else said

    @property
    def files(self) -> FileOptions:
        return FileOptions(records=self.records, splits=self.split, config=self.subset, revision=self.revision)


def stages(config: Config) -> list[Stage]:
    """Ingest, translate, check, revise, compose, publish."""
    if not config.source:
        raise ValueError("--source is missing: name files, folders or a dataset on the Hub; --infer looks at it")
    if problems := [*config.problems(), *_misplaced(config)]:
        raise ValueError("\n".join(problems))
    languages = tuple(dict.fromkeys(config.to.split(",")))
    form, found = _form(config)
    roots, images = images_argument(config.images)
    translate, checked = Translate(ITEMS, config), ITEMS.append(CHECKS)
    compose = ComposeForm(checked, form)
    return [
        IngestAnything(
            About(config.source, config.revision, config.licence, languages, found),
            config.source, FormReader(form, config.to, roots, NAME), config.shard_rows, config.limit,
            files=config.files, languages=languages if len(languages) > 1 else (), named="--source",
        ),
        translate,
        Check(ITEMS, filters_for(config, "en", config.to), "en", config.to),
        Revise(checked, translate),
        compose,
        Publish(images, config.rows_per_file, card=NAME, columns=compose.columns),
    ]  # fmt: skip


def _misplaced(config: Config) -> list[str]:
    """What flags ask that cannot be, a sentence each, before any file is opened."""
    problems = [f"--to {config.to}: a language is empty"] if "" in config.to.split(",") else []
    problems += _hub_only(config)
    return problems + [
        f"--keep {path}: whole columns are kept; say --keep {quoted(path.column)}"
        for path in parse_paths(config.keep) if len(path.steps) > 1
    ]  # fmt: skip


def _hub_only(config: Config) -> list[str]:
    flags = {"--subset": config.subset, "--revision": config.revision}
    return [
        f"{flag} {value}: it is for a dataset on the Hub, and --source names none"
        for flag, value in flags.items() if value and not any(map(on_the_hub, config.source))
    ]  # fmt: skip


def _form(config: Config) -> tuple[Form, dict[str, Any]]:
    """The form that the flags name or describe, and what to say of it in the build. Raises `ValueError`."""
    if config.form:
        given = [name for name in ("fields", "together", "keep", "image") if getattr(config, name)]
        if given:
            raise ValueError(f"--form {config.form} has its own fields and images: leave out --{', --'.join(given)}")
        return FORMS[config.form], {"form": config.form}
    if not config.fields:
        raise ValueError("--fields is missing: say what to translate; --infer proposes it")
    learnt = learn(config.source, config.limit, config.files)
    plan = make_plan(
        learnt,
        parse_paths(config.fields),
        [parse_paths([group]) for group in config.together],
        [path.column for path in parse_paths(config.keep)] if config.keep else None,
        config.image,
        splits=not any(map(on_the_hub, config.source)),  # whose splits are its own
    )
    fields, text = [str(path) for path in plan.fields], dict(as_text(plan.columns))
    found = {"fields": fields, "image": plan.image, "as_json_text": text, "split_column": plan.split}
    return form_of(plan, NAME), found | {"notes": learnt.notes}


def name(config: Config) -> str:
    """Datasets that have nothing in common are not published over one another: the build is named after its source."""
    return " ".join([NAME, *(Path(given).name for given in config.source)])


def run() -> None:
    """Build, or with `--infer` propose."""
    config = parse(Config, __doc__ or "", EXAMPLES)
    if config.infer:
        propose(config.source, config.files, ["python", *sys.argv[:1]], _hub_only(config))
    else:
        main(name, Config, stages, __doc__ or "", EXAMPLES)


if __name__ == "__main__":
    run()
