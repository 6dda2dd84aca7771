"""CC3M in Basque, as in "Multimodal Large Language Models for Low-Resource Languages", section 4.1 and appendix B.

Conceptual Captions are 3.3 million captions and the URLs of their images, of which 2.8 million were still there for
the paper. They are short sentences, so a translator of sentences made for Basque translates them, HiTZ/mt-hitz-en-eu:
it samples at temperature 1.0 with a top_p of 1.0 and no repetition penalty, which is how a Marian model decodes here
unless told otherwise. Images come first: no caption is translated whose image is gone.
"""

from dataclasses import dataclass

from builders.engine import Stage, flag, main
from builders.sources.forms.cc3m import FORM
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

NAME = "cc3m-eus"
WANTED = (
    "--input is missing: give Train_GCC-training.tsv, or the table with labels, from "
    "https://ai.google.com/research/ConceptualCaptions/download, or try `python -m builders.demo.basque sample`"
)
EXAMPLES = """examples:
  python builders/cc3m_eus.py --input Train_GCC-training.tsv --contact me@example.org --output OUT --limit 1000
      a trial; add --dry-run for a forecast
  python builders/cc3m_eus.py --input Train_GCC-training.tsv Validation_GCC-1.1.0-Validation.tsv \\
      --contact me@example.org --resize shortest:336 --output OUT
      the real thing: an image that CLIP sees at 336 pixels need not be larger
  python builders/cc3m_eus.py … --output OUT --retry-failed timeout
      those links again that gave no answer in time
  python -m builders.demo.basque sample; python -m http.server 8000 --bind 127.0.0.1 --directory sample/images/web &
  python builders/cc3m_eus.py --input sample/cc3m --allow-host 127.0.0.1:8000 --contact me@example.org --output OUT
      eight rows of our own"""


@dataclass(frozen=True)
class Config(PublishConfig, CheckConfig, TranslationConfig, FetchConfig, InputConfig):
    """The flags of this recipe: those of every fetching and every translation, with defaults of its own."""

    to: str = flag("eu", "target language", metavar="LANG")
    model: str = flag("HiTZ/mt-hitz-en-eu", "translation model: a Hub name or a folder", fingerprint=False, public=True)


def stages(config: Config) -> list[Stage]:
    """Ingest, fetch, translate, check, revise, compose, publish."""
    if not config.input:
        raise ValueError(WANTED)
    translate, checked = Translate(ITEMS, config), ITEMS.append(CHECKS)
    compose = ComposeForm(checked, FORM, parallel="columns")
    table = FileOptions(columns=("caption", "url"), further=("labels", "mids", "confidences"), quoted=False)
    return [
        Ingest(config.input, FormReader(FORM, config.to), config.shard_rows, config.limit, files=table),
        Fetch(ITEMS, config),
        translate,
        Check(ITEMS, filters_for(config, "en", config.to), "en", config.to),
        Revise(checked, translate),
        compose,
        Publish(images_argument(config.images)[1], config.rows_per_file, card=NAME, columns=compose.columns),
    ]


if __name__ == "__main__":
    main(NAME, Config, stages, __doc__, EXAMPLES)
