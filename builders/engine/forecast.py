"""`--dry-run`: what a build would do, on the same code path, without touching a model.

Reads the input through the first stage (all of it, or a sample spread over it when it is large) and asks
every later stage what these rows would cost.
"""

from collections import Counter
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from builders.engine.build import Build
from builders.engine.pool import Size
from builders.engine.stage import Outcome, ShardTask
from builders.engine.worker import process

SAMPLE_ROWS = 20_000


def forecast(build: Build, sizes: dict[str, Size], console: Console) -> dict[str, Any]:
    """Print the forecast and return it: rows, units, duplicates, tokens…"""
    first, *later = build.stages
    tasks = first.plan(build, [])
    rows = sum(task.rows for task in tasks)
    sample = _spread(tasks, SAMPLE_ROWS)
    first.open()
    outcome = Outcome()
    for task in sample:
        outcome.add(process(first, first.read(build.out, task.source)))
    seen = sum(task.rows for task in sample)
    scale = rows / seen if seen else 1.0
    figures: dict[str, Any] = {"rows": rows, "rows sampled": seen, "shards": len(tasks)}
    figures["rows that fail"] = len(outcome.failed) * scale
    for error_class, count in Counter(item.error_class for item in outcome.failed).most_common():
        figures[f"  {error_class}"] = count * scale
    if outcome.rejected:
        figures["rows refused"] = len(outcome.rejected) * scale
    left, one_in = outcome.written, scale
    for stage in later:
        figures |= stage.forecast(build, left, one_in)
        left, one_in = stage.passed_on(left, one_in)
    for size in dict.fromkeys(sizes.values()):
        gpus = f", {size.gpus:g} GPU" if size.gpus else ""
        names = [name for name, its in sizes.items() if its == size]
        figures[f"workers for {', '.join(names)}"] = f"{size.workers} × {size.cpus:g} CPU{gpus}"
    table = Table(title=f"{build.name}: forecast", title_justify="left", show_header=False)
    for key, value in figures.items():
        about = "~" if scale > 1 and key not in ("rows", "rows sampled", "shards") else ""
        table.add_row(escape(key), escape(value) if isinstance(value, str) else about + _number(value))
    console.print(table)
    console.print("Nothing was built.", highlight=False)
    return figures


def _number(value: float) -> str:
    """Whole from 100 on, three digits below."""
    return f"{round(value):,}" if value >= 100 or value == round(value) else f"{value:.3g}"


def _spread(tasks: list[ShardTask], rows: int) -> list[ShardTask]:
    """Tasks spread evenly over all, holding about `rows` rows; all of them when they hold fewer."""
    total = sum(task.rows for task in tasks)
    if total <= rows:
        return tasks
    step = total / rows
    return [tasks[int(index * step)] for index in range(int(len(tasks) / step) or 1)]
