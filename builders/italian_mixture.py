"""The training mixture of "Extending Italian Large Language Models for vision-language tasks", section 3.1.

MultiInstruct teaches a model to solve tasks, the conversational split of LLaVA-Instruct to answer in full; together,
in Italian, they are what visual instruction tuning is done on: 172,335 instances in the paper. LLaVA-Pretrain, which
warms the projector up, is a training set apart. Base models have no chat template: for them there is an export in that
of Mistral (Listing 1).
"""

from dataclasses import dataclass

from builders.demo.mixtures import write_italian
from builders.demo.place import sample_folder
from builders.engine import Stage, flag, main
from builders.sources.built import datasets_at
from builders.stages.mix import DEFAULT, Mix, Mixture
from builders.stages.mixtures import MixtureConfig, mixture_stages

NAME = "italian-mixture"
INSTANCES = 172_335
INSTRUCT, PRETRAIN = "instruct", "pretrain"
EXAMPLES = """examples:
  python builders/italian_mixture.py --output out/italian-mixture
      a small sample of our own
  python builders/italian_mixture.py --input out/llava-instruct-it out/multiinstruct-it \\
      --pretrain out/llava-pretrain-it --output OUT --tokenizer sapienzanlp/Minerva-7B-base-v1.0
      builds of llava_it.py and multiinstruct_it.py as one training set, and one for pretraining
  python builders/italian_mixture.py --input ORG/llava-it:instruct tasks.json --images coco path --output OUT
      one configuration of a dataset on the Hub, and a file in LLaVA's format; images stay where they are
  python llava/train/train_mem.py --data_path OUT/exports/llava.json --image_folder OUT/exports/images …
      what LLaVA's trainer is told then; for a base model, OUT/exports/mistral.jsonl has the texts"""


@dataclass(frozen=True)
class Config(MixtureConfig):
    """The flags of this recipe, beside those of every mixture."""

    pretrain: tuple[str, ...] = flag((), "datasets for pretraining, a training set apart", paths=True, metavar="PATH")
    to: str = flag("it", "the language of rows that do not say theirs", metavar="LANGUAGE")


def stages(config: Config) -> list[Stage]:
    """Gather, mix, publish, export."""
    inputs, pretrain = config.input, config.pretrain
    roots: tuple[str, ...] = ()
    if not inputs and config.output:
        inputs, pretrain, roots = write_italian(sample_folder(config))
    mixtures = [Mixture(DEFAULT, INSTRUCT), *([Mixture(PRETRAIN, PRETRAIN)] if pretrain else [])]
    return mixture_stages(
        config,
        [*datasets_at(inputs, INSTRUCT, config.to), *datasets_at(pretrain, PRETRAIN, config.to)],
        Mix(mixtures, seed=config.seed, size=config.size),
        NAME if config.input else f"{NAME}-demo",
        flags={INSTRUCT: "--input", PRETRAIN: "--pretrain"},
        roots=roots,
        paper=INSTANCES,
    )


if __name__ == "__main__":
    main(NAME, Config, stages, __doc__, EXAMPLES)
