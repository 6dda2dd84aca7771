"""Pixmo-AMA in Basque, as in "Multimodal Large Language Models for Low-Resource Languages", section 4.1 and appendix B.

Pixmo-AskModelAnything are 162 thousand questions about images and their answers, written by people and a language
model in turn; images are given by URL and by the sha256 of their bytes, and 146 thousand were still there for the
paper. Answers are long and their sentences hang together, so a question and its answer go as one into a 2-shot prompt
of Latxa 70B: that of Figure 6, whose first example is a long answer (temperature 0.7, top_p 0.15, 2048 tokens).
Images come first: nothing is translated whose image is gone or is not the same any more.
"""

from dataclasses import dataclass

from builders.engine import Stage, flag, main
from builders.sources.forms.pixmo import ASK_MODEL_ANYTHING as FORM
from builders.sources.images import images_argument
from builders.sources.items import ITEMS
from builders.sources.records import FileOptions
from builders.stages.check import Check, CheckConfig, filters_for
from builders.stages.compose import ComposeForm
from builders.stages.fetch import Fetch, FetchConfig
from builders.stages.ingest import FormReader, Ingest, InputConfig
from builders.stages.publish import Publish, PublishConfig
from builders.stages.revise import Revise
from builders.stages.translate import Translate, TranslationConfig
from builders.transforms.fields import CHECKS

NAME = "pixmo-ama-eus"
WANTED = (
    "--input is missing: give allenai/pixmo-ask-model-anything, or its Parquet files; "
    "or try `python -m builders.demo.basque sample`"
)
EXAMPLES = """examples:
  python builders/pixmo_ama_eus.py --input allenai/pixmo-ask-model-anything --contact me@example.org --output OUT \\
      --gpus-per-worker 4
      the real thing, on vLLM with four GPUs a worker; add --dry-run for a forecast, --limit 1000 for a trial
  python builders/pixmo_ama_eus.py … --output OUT --server http://HOST:8000
      the same from a server that runs the model, with no GPU here
  python builders/pixmo_ama_eus.py … --output OUT --retry-failed timeout
      those images again that did not come in time"""


@dataclass(frozen=True)
class Config(PublishConfig, CheckConfig, TranslationConfig, FetchConfig, InputConfig):
    """The flags of this recipe: those of every fetching and every translation, with defaults of its own."""

    to: str = flag("eu", "target language", metavar="LANG")
    model: str = flag(
        "HiTZ/Latxa-Llama-3.1-70B-Instruct", "chat model: a Hub name or a folder, or what --server calls it",
        fingerprint=False, public=True,
    )  # fmt: skip
    prompt: str = flag(
        "vqav2_eu", "few-shot prompt: a name in translators/prompts, or a YAML file", fingerprint=False, public=True,
        metavar="NAME|FILE",
    )  # fmt: skip


def stages(config: Config) -> list[Stage]:
    """Ingest, fetch, translate, check, revise, compose, publish."""
    if not config.input:
        raise ValueError(WANTED)
    translate, checked = Translate(ITEMS, config), ITEMS.append(CHECKS)
    compose = ComposeForm(checked, FORM, parallel="columns")
    return [
        Ingest(config.input, FormReader(FORM, config.to), config.shard_rows, config.limit, files=FileOptions()),
        Fetch(ITEMS, config),
        translate,
        Check(ITEMS, filters_for(config, "en", config.to), "en", config.to),
        Revise(checked, translate),
        compose,
        Publish(images_argument(config.images)[1], config.rows_per_file, card=NAME, columns=compose.columns),
    ]


if __name__ == "__main__":
    main(NAME, Config, stages, __doc__, EXAMPLES)
