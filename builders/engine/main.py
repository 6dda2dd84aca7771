"""From a command line to a finished build: what a recipe's last line calls."""

import difflib
import os
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

import ray
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from upath import UPath

from builders.engine import files, fingerprint
from builders.engine.build import Build, Refused
from builders.engine.config import BuildConfig, parse
from builders.engine.files import DamagedFile
from builders.engine.forecast import forecast
from builders.engine.lease import Held, Lost
from builders.engine.pool import BuildStopped, Size
from builders.engine.progress import Display
from builders.engine.stage import Stage, StageError

C = TypeVar("C", bound=BuildConfig)

FREE_BYTES = 1 << 30
REFUSED, STOPPED, INTERRUPTED = 2, 3, 130


def main(
    name: str | Callable[[C], str],
    config_type: type[C],
    stages: Callable[[C], Sequence[Stage]],
    description: str,
    examples: str,
    arguments: Sequence[str] | None = None,
) -> None:
    """Run a recipe's build from its command line, and exit with what became of it.

    `name` is the build's, or made of its config where one recipe builds datasets that have nothing in common.

    Exit status: 0 finished, 2 refused before any work, 3 stopped by a fault that is no row's, 130 interrupted.
    """
    config = parse(config_type, description, examples, arguments)
    console = Console()
    try:
        with console.status("starting Ray, checking the plan"):
            build = Build(name if isinstance(name, str) else name(config), config, _stages(stages, config))
            sizes = preflight(build)
        signal.signal(signal.SIGTERM, _interrupt)
        if config.dry_run:
            forecast(build, sizes, console)
            return
        with Display(console) as display:
            summary = build.run(sizes, display)
    except (Refused, Held) as error:
        _leave(console, REFUSED, "refused", str(error))
    except (BuildStopped, StageError, Lost, DamagedFile, OSError) as error:
        _leave(console, STOPPED, "stopped", f"{error}\nWhat is finished is kept: the same command goes on from there.")
    except KeyboardInterrupt:
        _leave(
            console,
            INTERRUPTED,
            "interrupted",
            f"Nothing that was finished is lost. To go on, give the same command again:\n  {config.command()}",
        )
    show_summary(console, build, summary)
    ray.shutdown()


def _stages(stages: Callable[[C], Sequence[Stage]], config: C) -> Sequence[Stage]:
    try:
        return stages(config)
    except ValueError as error:
        raise Refused([str(error)]) from error


def _interrupt(number: int, frame: Any) -> NoReturn:
    raise KeyboardInterrupt


def _leave(console: Console, status: int, word: str, message: str) -> NoReturn:
    """Say why, and go at once: Ray's job stop kills three seconds after it asks."""
    colour = "yellow" if status == INTERRUPTED else "red"
    console.print(f"[bold {colour}]{word}:[/] ", end="")
    console.print(message, highlight=False, markup=False, soft_wrap=True)
    sys.stdout.flush()
    os._exit(status)


def preflight(build: Build) -> dict[str, Size]:
    """Find every problem before any work: raises `Refused` with all of them; returns the pools' sizes."""
    problems = [] if build.config.output else ["--output is missing: say where the build goes"]
    problems += _output_problems(build.out) if build.config.output else []
    problems += build.config.problems()
    connect(build)
    cluster = ray.cluster_resources()
    for stage in build.stages:
        problems += stage.preflight(build)
    sizes = {stage.name: pool_size(stage, build.config, cluster) for stage in build.stages}
    problems += sorted({misfit for size in sizes.values() if (misfit := size.misfit(cluster))})
    if problems:
        raise Refused(problems)
    build.refuse_if_changed()
    build.refuse_unknown_class()
    return sizes


def _output_problems(out: UPath) -> list[str]:
    if not files.is_local(out):
        return []
    if "working_dir_files" in str(out):
        return [
            f"--output {out} lies in a Ray job's own package folder, which Ray may delete: "
            "give an absolute path or a URI that every node sees"
        ]
    parent = out
    while not parent.exists():
        parent = parent.parent
    if not os.access(str(parent), os.W_OK):
        return [f"--output {out}: {parent} is not writable"]
    free = shutil.disk_usage(str(parent)).free
    if free < FREE_BYTES:
        return [f"--output {out}: only {free / 1e9:.1f} GB free on its disk; a build needs at least 1 GB"]
    return []


def pool_size(stage: Stage, config: BuildConfig, cluster: dict[str, float]) -> Size:
    """How many workers a stage gets: what was asked for, or what the cluster holds (at least one)."""
    gpus = 0.0
    if stage.gpu:
        gpus = config.gpus_per_worker if config.gpus_per_worker >= 0 else float(cluster.get("GPU", 0) >= 1)
    cpus = config.cpus_per_worker
    fit = [cluster.get(kind, 0.0) // each for kind, each in (("CPU", cpus), ("GPU", gpus)) if each]
    workers = max(1, int(min(fit, default=1)))
    return Size(config.workers or min(workers, stage.most_workers or workers), cpus, gpus)


def connect(build: Build) -> None:
    """Join the cluster that was named, or the one of a submitted job, or start Ray on this machine."""
    if ray.is_initialized():
        return
    address = build.config.address or os.environ.get("RAY_ADDRESS")
    common: dict[str, Any] = {
        "namespace": f"babelvision-{fingerprint.digest(str(build.out))[:12]}",
        "log_to_driver": False,
        "logging_level": "ERROR",
    }
    if address:
        try:
            ray.init(address=address, **common)
        except (ConnectionError, ValueError) as error:
            raise Refused(
                [
                    f"--address {address}: no Ray cluster answers there: {error} "
                    "(one that asks for a token needs RAY_AUTH_MODE=token here)"
                ]
            ) from error
        return
    try:
        ray.init(include_dashboard=False, object_store_memory=200 << 20, **common)
    except Exception as error:  # Ray raises what it likes, and on a busy machine a bare Exception
        raise Refused([f"Ray does not start on this machine: {error}; give the same command again"]) from error


def nearest(name: str, known: Sequence[str]) -> str:
    """`; did you mean …?`, or nothing: the end of an error about an unknown name."""
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def show_summary(console: Console, build: Build, summary: dict[str, Any]) -> None:
    """The table of counts a build ends with, and where to look."""
    table = Table(title=f"{build.name}: {summary['status']} in {summary['seconds']:.1f} s", title_justify="left")
    for column in ("stage", "shards", "rows in", "written", "rejected", "failed", "seconds"):
        table.add_column(column, justify="left" if column == "stage" else "right")
    for stage in summary["stages"]:
        figures = [stage[key] for key in ("shards", "rows_in", "rows_written", "rows_rejected", "rows_failed")]
        table.add_row(stage["name"], *(f"{figure:,}" for figure in figures), f"{stage['seconds']:.1f}")
    counts = [summary["counts"][key] for key in ("rows_in", "rows_written", "rows_rejected", "rows_failed")]
    table.add_section()
    table.add_row("build", "", *(f"{count:,}" for count in counts), f"{summary['seconds']:.1f}", style="bold")
    console.print(table)
    warning = summary.get("translator", {}).get("warning")
    if warning:
        console.print(f"[bold yellow]note:[/] {escape(warning)}", highlight=False, soft_wrap=True)
    for what, path in (
        ("dataset", "dataset"),
        ("card", "dataset/README.md"),
        ("report", "report.html"),
        ("failed", "failed"),
        ("rejected", "rejected"),
    ):
        if (build.out / path).exists():
            console.print(f"{what:<9}{build.out / path}", highlight=False, soft_wrap=True)
    for number, command in enumerate(build.next):
        console.print(f"{'' if number else 'next':<9}{command}", highlight=False, markup=False, soft_wrap=True)
