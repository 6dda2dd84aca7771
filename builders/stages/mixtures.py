"""What the recipes of mixtures have in common: their flags, and the stages from datasets to training sets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from builders.engine import Stage, flag
from builders.sources.built import Dataset
from builders.sources.images import images_argument
from builders.stages.gather import Gather
from builders.stages.ingest import InputConfig
from builders.stages.mix import Mix
from builders.stages.publish import PublishConfig
from builders.stages.training_sets import Export, PublishMixtures


@dataclass(frozen=True)
class MixtureConfig(InputConfig, PublishConfig):
    """The flags of every mixture."""

    limit: int = flag(0, "only the first N rows of every dataset (0: all)", above=-1, metavar="N")
    size: int = flag(0, "samples to draw of those given, by seed (0: all)", above=-1, metavar="N")
    tokenizer: str = flag(
        "", "count tokens by this tokenizer, a name on the Hub or a folder (default: words)", metavar="NAME"
    )


def mixture_stages(
    config: MixtureConfig,
    datasets: Sequence[Dataset],
    mix: Mix,
    card: str,
    *,
    flags: Mapping[str, str],
    other: str = "",
    roots: Sequence[str] = (),
    paper: int = 0,
) -> list[Stage]:
    """Gather, mix, publish, export. `flags` are those by which the parts were given; see the stages for the others."""
    folders, images = images_argument(config.images)
    gather = Gather(
        datasets, (*folders, *roots), images, other=other, shard_rows=config.shard_rows, limit=config.limit, flags=flags
    )
    publish = PublishMixtures(images, config.rows_per_file, card, config.tokenizer)
    return [gather, mix, publish, Export(mix, config.tokenizer, paper)]
