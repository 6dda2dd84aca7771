"""What vLLM's processes said before they died: on a GPU the cause is in another process's log, not in the exception."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATH = "VLLM_LOGGING_CONFIG_PATH"
CAUSE = re.compile(r"\b([A-Z]\w*(?:Error|Exception): .+)$")
POINTING = ("Engine core initialization failed", "WorkerProc initialization failed", "EngineCore encountered")
KEPT_BYTES = 1 << 20


@contextmanager
def errors_copied_to(file: Path) -> Iterator[None]:
    """Within, any vLLM process that starts writes its errors to `file` too, for all its life; unless the user has a
    logging configuration of their own.
    """
    if PATH in os.environ:
        yield
        return
    shown = os.environ.get("VLLM_LOGGING_LEVEL", "WARNING")
    shape = {"format": "(%(processName)s %(process)d) %(levelname)s %(asctime)s %(name)s: %(message)s"}
    configuration = file.with_suffix(".json")
    configuration.write_text(
        json.dumps(
            {
                "version": 1,
                "disable_existing_loggers": False,
                "formatters": {"line": shape},
                "handlers": {
                    "shown": {"class": "logging.StreamHandler", "formatter": "line", "level": shown},
                    "kept": {
                        "class": "logging.FileHandler", "filename": str(file), "delay": True,
                        "formatter": "line", "level": "ERROR", "encoding": "utf-8",
                    },
                },
                "loggers": {"vllm": {"handlers": ["shown", "kept"], "level": shown, "propagate": False}},
            }
        )
    )  # fmt: skip
    os.environ[PATH] = str(configuration)
    try:
        yield
    finally:
        os.environ.pop(PATH, None)


def cause_of(error: BaseException, file: Path) -> str:
    """What went wrong, in one line: what `error` says, or if that only points elsewhere, the last cause in the log."""
    said = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
    if not _points_elsewhere(said):
        return said
    causes = [found[1].strip() for line in _end_of(file) if (found := CAUSE.search(line))]
    silent = f"{type(error).__name__}: its process ended without a word: it was killed, perhaps because memory ran out"
    return next((cause for cause in reversed(causes) if not _points_elsewhere(cause)), silent)


def _points_elsewhere(said: str) -> bool:
    return any(words in said for words in POINTING)


def _end_of(file: Path) -> list[str]:
    """The last lines of a file, or none where it is not there."""
    if not file.is_file():
        return []
    with file.open("rb") as log:
        log.seek(max(0, file.stat().st_size - KEPT_BYTES))
        return log.read().decode("utf-8", "replace").splitlines()
