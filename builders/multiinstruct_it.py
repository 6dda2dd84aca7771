"""MultiInstruct in Italian, as in "Extending Italian Large Language Models for vision-language tasks", section 3.1.

Instructions are written by hand and only the data fields are machine-translated (MADLAD-400). Boxes are
normalised to [0, 1]. Options become an ordered list with numbers, uppercase or lowercase letters or plain
text, and the target its identifier. A guide string says what kind of answer is expected.
"""

from dataclasses import dataclass
from functools import partial

from builders.demo.place import sample_folder
from builders.demo.sample import write_sample
from builders.engine import Stage, flag, main
from builders.sources.images import images_argument
from builders.stages.check import Check, CheckConfig, filters_for
from builders.stages.compose import Compose
from builders.stages.ingest import Ingest, InputConfig
from builders.stages.publish import Publish, PublishConfig
from builders.stages.revise import Revise
from builders.stages.translate import Translate, TranslationConfig
from builders.transforms.fields import CHECKS, CONVERSATIONS
from builders.transforms.instructions import load_instructions
from builders.transforms.multiinstruct import ROWS, MultiInstruct, to_conversation

NAME = "multiinstruct-it"
EXAMPLES = """examples:
  python builders/multiinstruct_it.py --output out/multiinstruct-it
      the bundled sample, translated by the embedded demo model
  python builders/multiinstruct_it.py --input MultiInstruct/train.jsonl --images raw_datasets --output OUT \\
      --model google/madlad400-3b-mt
      the real thing; add --dry-run for a forecast, --limit 1000 for a trial
  ray job submit --working-dir . -- python builders/multiinstruct_it.py --output /shared/OUT …
      the same on a cluster
  python builders/multiinstruct_it.py … --output OUT --retry-failed MissingImage
      the failed rows of one class again, once what they lacked is there"""


@dataclass(frozen=True)
class Config(PublishConfig, CheckConfig, TranslationConfig, InputConfig):
    """The flags of this recipe, beside those of every translation."""

    input: tuple[str, ...] = flag(
        (), "JSON Lines files or folders (default: the bundled sample)", paths=True, metavar="PATH"
    )


def stages(config: Config) -> list[Stage]:
    """Ingest, translate, check, revise, compose, publish."""
    written = load_instructions(config.to)
    inputs, (roots, images) = config.input, images_argument(config.images)
    if not inputs and config.output:
        sample = sample_folder(config)
        inputs, roots = (str(sample),), (str(write_sample(sample).images_root),)
    translate, checked = Translate(ROWS, config), ROWS.append(CHECKS)
    return [
        Ingest(inputs, MultiInstruct(roots, written), config.shard_rows, config.limit, beside=roots),
        translate,
        Check(ROWS, filters_for(config, "en", config.to), "en", config.to),
        Revise(checked, translate),
        Compose(checked, CONVERSATIONS, partial(to_conversation, instructions=written, seed=config.seed)),
        Publish(images, config.rows_per_file, card=NAME if config.input else f"{NAME}-demo"),
    ]  # fmt: skip


if __name__ == "__main__":
    main(NAME, Config, stages, __doc__, EXAMPLES)
