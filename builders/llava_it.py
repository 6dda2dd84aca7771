"""LLaVA's training data in Italian, as in "Extending Italian Large Language Models for vision-language tasks", 3.1.

LLaVA-Pretrain (558,128 captions) to align the image encoder, and the conversation split of LLaVA-Instruct to learn to
talk about images, both machine-translated (MADLAD-400). The instructions that ask for a caption are a closed set and
written by hand. `<image>` stands where it stood; turns stay as they are, with the English beside them.
"""

from dataclasses import dataclass

from builders.demo.llava import write_sample
from builders.demo.place import sample_folder
from builders.engine import Stage, main
from builders.sources.forms.llava import FORM
from builders.sources.images import images_argument
from builders.sources.items import ITEMS
from builders.sources.records import FileOptions
from builders.stages.check import Check, CheckConfig, filters_for
from builders.stages.compose import ComposeForm
from builders.stages.ingest import FormReader, Ingest, InputConfig
from builders.stages.publish import Publish, PublishConfig
from builders.stages.revise import Revise
from builders.stages.translate import Translate, TranslationConfig
from builders.transforms.fields import CHECKS

NAME = "llava-it"
EXAMPLES = """examples:
  python builders/llava_it.py --output out/llava-it
      the bundled sample, translated by the embedded demo model
  python builders/llava_it.py --input blip_laion_cc_sbu_558k.json --images images --output OUT/pretrain \\
      --model google/madlad400-3b-mt
      LLaVA-Pretrain, its images.zip unpacked; add --dry-run for a forecast, --limit 1000 for a trial
  python builders/llava_it.py --input conversation_58k.json --images train2017 --output OUT/conversations \\
      --model google/madlad400-3b-mt --memory OUT/pretrain/memory.sqlite
      the conversations, with images of COCO; a build each, because a model is trained on one after the other
  python builders/llava_it.py … --images train2017 path
      publish where images lie in the source, not the images
  python builders/llava_it.py … --output OUT --retry-failed MissingImage
      the rows whose images were missing again, once they are there"""


@dataclass(frozen=True)
class Config(PublishConfig, CheckConfig, TranslationConfig, InputConfig):
    """The flags of this recipe: those of every translation, check, input and published dataset."""


def stages(config: Config) -> list[Stage]:
    """Ingest, translate, check, revise, compose, publish."""
    inputs, (roots, images) = config.input, images_argument(config.images)
    if not inputs and config.output:
        sample = write_sample(sample_folder(config))
        inputs, roots = tuple(map(str, sample.inputs)), (str(sample.images_root),)
    translate, checked = Translate(ITEMS, config), ITEMS.append(CHECKS)
    reader = FormReader(FORM, config.to, roots, needs_image="named" if images == "embed" else "no")
    compose = ComposeForm(checked, FORM, parallel="columns")
    return [
        Ingest(inputs, reader, config.shard_rows, config.limit, files=FileOptions()),
        translate,
        Check(ITEMS, filters_for(config, "en", config.to), "en", config.to),
        Revise(checked, translate),
        compose,
        Publish(images, config.rows_per_file, card=NAME if config.input else f"{NAME}-demo", columns=compose.columns),
    ]  # fmt: skip


if __name__ == "__main__":
    main(NAME, Config, stages, __doc__, EXAMPLES)
