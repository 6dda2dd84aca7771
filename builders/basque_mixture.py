"""The training mixtures of the Basque multimodal models: sections 5.1 and 5.2 of the paper on them.

The samples of Pixmo-AskModelAnything, in Basque and in English, are mixed at four ratios, 0:100, 20:80, 80:20 and
100:0: the same samples in each, with only their languages swapped. To keep what the language model knew, text-only
instructions are added, 80 % of them in Basque and 20 % in English, until they are 17 % of the whole; they are the same
at every ratio.
"""

from dataclasses import dataclass

from builders.demo.mixtures import write_basque
from builders.demo.place import sample_folder
from builders.engine import Stage, flag, main
from builders.sources.built import datasets_at
from builders.stages.mix import DEFAULT, TEXT, Mix, Mixture, TextOnly
from builders.stages.mixtures import MixtureConfig, mixture_stages
from builders.transforms.mixture import parse_ratio, parse_size

NAME = "basque-mixture"
VISION = "vision"
RATIOS = ("0:100", "20:80", "80:20", "100:0")
EXAMPLES = """examples:
  python builders/basque_mixture.py --output out/basque-mixture
      a small sample of our own, at all four ratios
  python builders/basque_mixture.py --input out/pixmo-ama-eus --output OUT --tokenizer HiTZ/Latxa-Llama-3.1-8B-Instruct
      a build of pixmo_ama_eus.py at all four: OUT/exports/eu20_en80/llava.json and so on, their images once
  python builders/basque_mixture.py --input out/pixmo-ama-eus --text-only eu=magpie_eu.jsonl en=magpie_en.jsonl \\
      --text-size 29000 --output OUT
      with the paper's 29,000 text-only instructions
  python builders/basque_mixture.py --input out/cc3m-eus --ratio 80:20 --output OUT
      one ratio: OUT/exports/llava.json; images must be in the build, since no trainer opens URLs"""


@dataclass(frozen=True)
class Config(MixtureConfig):
    """The flags of this recipe, beside those of every mixture."""

    ratio: tuple[str, ...] = flag(RATIOS, "parts of Basque and of English, a training set each", metavar="EU:EN")
    text_only: tuple[str, ...] = flag(
        (), "datasets of texts alone, each after its language", paths=True, metavar="LANGUAGE=PATH"
    )
    text_size: str = flag("17%", "text-only samples to add: a number, or a share of the whole", metavar="N|N%")
    text_ratio: str = flag("80:20", "parts of Basque and of English in what is text-only", metavar="EU:EN")
    replace: bool = flag(False, "draw from text-only datasets with replacement where they are too small")
    to: str = flag("eu", "the target language, that of rows which do not say theirs", metavar="LANGUAGE")
    source: str = flag("en", "the other language: that of columns such as question_en", metavar="LANGUAGE")


def stages(config: Config) -> list[Stage]:
    """Gather, mix, publish, export."""
    inputs, texts = config.input, config.text_only
    roots: tuple[str, ...] = ()
    if not inputs and config.output:
        inputs, texts, roots = write_basque(sample_folder(config))
    ratios = [parse_ratio(ratio) for ratio in dict.fromkeys(config.ratio)]
    names = [f"{config.to}{ratio.target}_{config.source}{ratio.source}" for ratio in ratios]
    mixtures = [
        Mixture(name if len(ratios) > 1 else DEFAULT, VISION, ratio, with_text=bool(texts))
        for name, ratio in zip(names, ratios, strict=True)
    ]
    text = TextOnly(parse_size(config.text_size), parse_ratio(config.text_ratio), config.replace)
    return mixture_stages(
        config,
        [*datasets_at(inputs, VISION, config.to), *datasets_at(texts, TEXT, config.to)],
        Mix(mixtures, seed=config.seed, size=config.size, target=config.to, source=config.source, text=text),
        NAME if config.input else f"{NAME}-demo",
        flags={VISION: "--input", TEXT: "--text-only"},
        other=config.source,
        roots=roots,
    )


if __name__ == "__main__":
    main(NAME, Config, stages, __doc__, EXAMPLES)
