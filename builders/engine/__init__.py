"""The engine: stages over shards, on Ray. Knows Ray and files, and no dataset.

`stage` is what an author writes, `config` what a user may say, `build` the plan, `pool` and `worker` who
does it, `ledger` what is done, `files` where it lies.
"""

from builders.engine.build import Build, InputFile
from builders.engine.config import BuildConfig, flag
from builders.engine.files import FileRef
from builders.engine.ledger import ShardRecord
from builders.engine.main import main, nearest
from builders.engine.stage import (
    Failure,
    Outcome,
    Rejection,
    Row,
    RowError,
    RowStage,
    ShardTask,
    Stage,
    StageError,
)

__all__ = [
    "Build",
    "BuildConfig",
    "Failure",
    "FileRef",
    "InputFile",
    "Outcome",
    "Rejection",
    "Row",
    "RowError",
    "RowStage",
    "ShardRecord",
    "ShardTask",
    "Stage",
    "StageError",
    "flag",
    "main",
    "nearest",
]
