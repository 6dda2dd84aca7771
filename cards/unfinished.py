"""What a build that is not finished still lacks, and what its files hold meanwhile.

`build.json` is written between stages, so its counts are not of the moment at which a build was stopped. Its files are.
"""

import re
from collections.abc import Sequence

from upath import UPath

from cards.build import Build, Counts, Losses
from cards.dataset import Shard
from cards.text import number

_NUMBERED = re.compile(r"-(\d{5})-of-(\d{5})\.parquet$")


def counts_by_files(build: Build, shards: Sequence[Shard], rejected: Losses, failed: Losses) -> Counts:
    """The counts of a build that was stopped: rows in are those of its inputs, the others what the files hold."""
    written = sum(shard.rows for shard in shards)
    stated = [each.rows for each in build.inputs if each.rows is not None]
    rows_in = sum(stated) or written + rejected.rows + failed.rows
    return Counts(rows_in, written, rejected.rows, failed.rows)


def missing(out: UPath, build: Build, shards: Sequence[Shard], counts: Counts) -> list[str]:
    """What is not there yet, a clause each: stages, shards of the dataset, rows."""
    found = [f"the build is not finished: its status is {build.status or 'unknown'}"]
    stages = sorted((path for path in out.glob("stages/*") if path.is_dir()), key=lambda path: path.name)
    done = [(path.name.partition("-")[2], len(list(path.glob("ledger/*.json")))) for path in stages]
    if done:
        found.append(f"shards done by stage: {', '.join(f'{name} {count:,}' for name, count in done)}")
    for config, split in dict.fromkeys((shard.config, shard.split) for shard in shards):
        its = [shard for shard in shards if (shard.config, shard.split) == (config, split)]
        planned = max(_planned(shard) for shard in its)
        if planned > len(its):
            found.append(f"{config}, {split}: {len(its):,} of {planned:,} files are there")
    if counts.left_over > 0:
        found.append(f"{number(counts.left_over)} of {number(counts.rows_in)} rows are neither written nor refused yet")
    return found


def _planned(shard: Shard) -> int:
    match = _NUMBERED.search(shard.path.name)
    return int(match[2]) if match else 1
