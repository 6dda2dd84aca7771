"""Where a recipe that was given no `--input` writes the bundled sample."""

from pathlib import Path
from tempfile import mkdtemp

from builders.engine import BuildConfig


def sample_folder(config: BuildConfig) -> Path:
    """A folder of the build, or in a dry run, which leaves none, one of its own. Raises `ValueError` for a URI."""
    if "://" in config.output:
        raise ValueError("--input is missing: the bundled sample needs an --output on a disk")
    return (Path(mkdtemp()) if config.dry_run else Path(config.output).absolute()) / "sample"
