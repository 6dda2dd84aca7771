"""What a person sees while a build runs: one live line a stage on a terminal, plain lines elsewhere."""

import time

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from builders.engine.ledger import ShardRecord

PLAIN_SECONDS = 10.0


class StageProgress:
    """Counts of one stage as they come in. Rates and time left count only what this run did."""

    def __init__(self, name: str, shards: int, rows: int) -> None:
        self.name = name
        self.shards, self.rows = shards, rows
        self.shards_done = self.rows_done = self.rows_now = 0
        self.rejected = self.failed = self.units = self.hits = 0
        self.began = time.monotonic()

    def add(self, record: ShardRecord, now: bool) -> None:
        self.shards_done += 1
        self.rows_done += record.rows_in
        self.rows_now += record.rows_in if now else 0
        self.rejected += record.rows_rejected
        self.failed += record.rows_failed
        self.units += record.counters.get("units", 0)
        self.hits += record.counters.get("memory_hits", 0)

    def text(self) -> str:
        seconds = max(time.monotonic() - self.began, 1e-9)
        rate = self.rows_now / seconds
        parts = [f"{self.shards_done}/{self.shards} shards", f"{self.rows_done:,} rows"]
        if self.rows_now:
            parts.append(f"{rate:,.0f} rows/s")
        parts += [f"{self.rejected:,} rejected", f"{self.failed:,} failed"]
        if self.units:
            parts.append(f"{self.hits / self.units:.0%} from memory")
        left = self.rows - self.rows_done
        if left > 0 and rate:
            minutes, rest = divmod(round(left / rate), 60)
            parts.append(f"{minutes}:{rest:02d} left")
        return " · ".join(parts)


class Display:
    """Shows stages one after another. Used as a context manager around a build."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._live: Progress | None = None
        self._task = TaskID(0)
        self._said = 0.0
        self._stage: StageProgress | None = None
        if console.is_terminal:
            self._live = Progress(
                SpinnerColumn(finished_text="[green]✓"),
                TextColumn("[bold]{task.description:<10}"),
                BarColumn(24),
                TextColumn("{task.fields[text]}"),
                TimeElapsedColumn(),
                console=console,
            )

    def __enter__(self) -> "Display":
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def begin(self, stage: StageProgress) -> None:
        self._stage, self._said = stage, time.monotonic()
        if self._live:
            self._task = self._live.add_task(stage.name, total=max(stage.rows, 1), text=stage.text())

    def update(self) -> None:
        stage = self._stage
        assert stage
        if self._live:
            self._live.update(self._task, completed=stage.rows_done, total=max(stage.rows, 1), text=stage.text())
        elif time.monotonic() - self._said > PLAIN_SECONDS:
            self._said = time.monotonic()
            self.console.print(f"{stage.name}: {stage.text()}", highlight=False, soft_wrap=True)

    def end(self) -> None:
        stage = self._stage
        assert stage
        if self._live:
            total = max(stage.rows, 1)
            self._live.update(self._task, completed=total, total=total, text=stage.text())
        else:
            self.console.print(
                f"{stage.name}: done, {stage.text()}, {time.monotonic() - stage.began:.1f} s",
                highlight=False,
                soft_wrap=True,
            )
