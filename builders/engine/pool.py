"""A pool of Ray actors that works through the jobs of one stage, driven by `ray.wait`.

Two failure budgets. A row that raises costs itself, inside its worker. A worker that dies (preemption, out of
memory, a row that kills it) is replaced and its job run again; a job that kills twice is halved until the
deadly row stands alone, and that row is set aside by name. Actors are never restarted by Ray: every
start is ours, seen and counted. Nothing but jobs and counters passes through here.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from builders.engine.ledger import ShardRecord
from builders.engine.metrics import WorkerMetrics
from builders.engine.stage import Stage
from builders.engine.worker import WORKER_DIED, WORKER_HUNG, Bench, Job

DEATHS_BEFORE_HALVING = 2
ERRORS_BEFORE_STOPPING = 3
FRUITLESS_DEATHS = 40
STARTS_BEFORE_STOPPING = 3
MOST_OVERLAP = 4
TICK_SECONDS = 0.5


class BuildStopped(Exception):
    """The build cannot go on; the message says why and what to do. Finished shards stay finished."""


@dataclass(frozen=True)
class Size:
    """How large a pool is: actors, and what each takes of the cluster."""

    workers: int
    cpus: float
    gpus: float

    def misfit(self, cluster: dict[str, float]) -> str | None:
        """Why this pool does not fit the cluster, or nothing."""
        for kind, flag, each in (("CPU", "--cpus-per-worker", self.cpus), ("GPU", "--gpus-per-worker", self.gpus)):
            have = cluster.get(kind, 0.0)
            if each * self.workers > have:
                fit = int(have // each)
                hint = f"use --workers {fit}" if fit else f"use a smaller {flag} or a larger cluster"
                return (
                    f"{self.workers} worker(s) of {each:g} {kind} each need {each * self.workers:g}, "
                    f"but the cluster has {have:g}: {hint}"
                )
        return None


@ray.remote(max_restarts=0, max_task_retries=0)
class Worker:
    """The actor around a `Bench`: opens a stage, then runs its jobs, then perhaps the next stage's."""

    bench: Bench | None = None

    def open(self, root: str, stage: Stage, folder: str, lease: str) -> int:
        if self.bench:
            self.bench.stage.close()
        self.bench = Bench(root, stage, folder, lease)
        self.metrics = WorkerMetrics(stage.name)
        return os.getpid()

    def run(self, job: Job) -> ShardRecord:
        assert self.bench
        record = self.bench.run(job)
        self.metrics.record(record)
        return record


@dataclass(frozen=True)
class Work:
    """A stage's work: where, and whom to tell. `done` gets every finished record, `tick` is called twice a second."""

    stage: Stage
    root: str
    folder: str
    lease: str
    shard_seconds: float
    start_seconds: float
    done: Callable[[ShardRecord], None]
    tick: Callable[[], None]


@dataclass(eq=False)
class _Hand:
    """A worker as the pool sees it. `pid` is known once it has opened a stage, `ready` once it has this one."""

    actor: Any
    pid: int | None = None
    ready: bool = False


@dataclass(frozen=True)
class _Task:
    """What a worker was asked: a job, or (None) to open the stage."""

    hand: _Hand
    job: Job | None
    since: float


class Pool:
    """Workers of one size, kept from stage to stage: starting a process costs more than most shards."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self._spare: list[_Hand] = []
        self._begin(None)

    def _begin(self, work: Work | None) -> None:
        self._work = work
        self._stage = ray.put(work.stage) if work else None
        self._hands: list[_Hand] = []
        self._tasks: dict[Any, _Task] = {}
        self._jobs: deque[Job] = deque()
        self._later: dict[str, list[Job]] = {}
        self._errors: dict[str, int] = {}
        self._fruitless = 0
        self._failed_starts = 0

    @property
    def work(self) -> Work:
        assert self._work
        return self._work

    def run(self, work: Work, jobs: Iterable[Job]) -> None:
        """Work through all jobs of a stage. Raises `BuildStopped` when that is not possible."""
        self._begin(work)
        self._jobs = deque(jobs)
        for _ in range(min(self.size.workers, len(self._jobs))):
            self._start()
        while self._jobs or any(task.job for task in self._tasks.values()):
            self._assign()
            ready, _ = ray.wait(list(self._tasks), num_returns=1, timeout=TICK_SECONDS)
            for ref in ready:
                self._settle(ref, self._tasks.pop(ref))
            self._enforce_deadlines()
            work.tick()
        for hand in self._hands:
            if not hand.ready:
                ray.kill(hand.actor)
        self._spare += [hand for hand in self._hands if hand.ready]

    def close(self) -> None:
        for hand in [*self._hands, *self._spare]:
            ray.kill(hand.actor)
        self._spare = []
        self._begin(None)

    def _start(self) -> None:
        """Let a spare worker, or a new one, open the stage."""
        if self._spare:
            hand = self._spare.pop()
        else:
            actor = Worker.options(  # type: ignore[attr-defined]
                num_cpus=self.size.cpus, num_gpus=self.size.gpus, max_concurrency=MOST_OVERLAP
            ).remote()
            hand = _Hand(actor)
        hand.ready = False
        self._hands.append(hand)
        work = self.work
        opening = hand.actor.open.remote(work.root, self._stage, work.folder, work.lease)
        self._tasks[opening] = _Task(hand, None, time.monotonic())

    def _assign(self) -> None:
        """Give the next jobs to the workers with the fewest in hand; a suspected job gets a worker for itself."""
        while self._jobs:
            job = self._jobs[0]
            in_hand = {hand: self._jobs_of(hand) for hand in self._hands if hand.ready}
            room = 1 if job.alone else min(self.work.stage.overlap, MOST_OVERLAP)
            free = [
                hand for hand, jobs in in_hand.items() if len(jobs) < room and not any(other.alone for other in jobs)
            ]
            if not free:
                return
            hand = min(free, key=lambda hand: len(in_hand[hand]))
            self._jobs.popleft()
            self._tasks[hand.actor.run.remote(job)] = _Task(hand, job, time.monotonic())

    def _jobs_of(self, hand: _Hand) -> list[Job]:
        return [task.job for task in self._tasks.values() if task.hand is hand and task.job]

    def _settle(self, ref: Any, task: _Task) -> None:
        """Take in what a worker answered: that it is ready, a record, an error, or its death."""
        hand, job = task.hand, task.job
        try:
            answer = ray.get(ref)
        except RayTaskError as error:
            self._failed(hand, job, error)
        except RayError as error:  # the actor died, was killed for memory, or is out of reach
            # Nobody knows which of its jobs did it: every one is a suspect, and will be tried alone.
            jobs = [job for job in (job, *self._jobs_of(hand)) if job]
            self._died(hand, jobs, WORKER_DIED, str(error))
        else:
            if job is None:
                hand.pid, hand.ready = answer, True
            else:
                self._fruitless = 0
                self._restart_clocks(hand)
                self.work.done(answer)
                self._release(job, answer)
            self._failed_starts = 0

    def _restart_clocks(self, hand: _Hand) -> None:
        """A shard that waited for its worker's model begins when the one before it is done."""
        now = time.monotonic()
        self._tasks = {
            ref: replace(task, since=now) if task.hand is hand else task for ref, task in self._tasks.items()
        }

    def _dismiss(self, hand: _Hand) -> list[Job]:
        """Part with a worker for good, even one that is only out of reach; returns what it had in hand."""
        ray.kill(hand.actor)
        jobs = self._jobs_of(hand)
        self._tasks = {ref: task for ref, task in self._tasks.items() if task.hand is not hand}
        self._hands.remove(hand)
        return jobs

    def _release(self, job: Job, record: ShardRecord) -> None:
        """The jobs that waited for this one: retries of the same shard go one after another."""
        waiting = self._later.pop(job.shard, [])
        if waiting:
            self._jobs.append(replace(waiting[0], retry=record))
            self._later[job.shard] = waiting[1:]

    def _failed(self, hand: _Hand, job: Job | None, error: Exception) -> None:
        if job is None:
            raise BuildStopped(f"stage {self.work.stage.name}: a worker could not start: {_cause(error)}")
        self._errors[job.shard] = self._errors.get(job.shard, 0) + 1
        if self._errors[job.shard] >= ERRORS_BEFORE_STOPPING:
            raise BuildStopped(
                f"stage {self.work.stage.name}, shard {job.shard}: {_cause(error)} "
                f"({ERRORS_BEFORE_STOPPING} attempts). This is no row's fault; mend it and give the same command again."
            )
        self._jobs.extendleft([*self._dismiss(hand), job])
        self._start()

    def _died(self, hand: _Hand, suspects: list[Job], error_class: str, message: str) -> None:
        """Replace a dead worker; run the suspected jobs again, halve them, or set a last row aside."""
        last_words = last_output(hand.pid)
        innocent = [job for job in self._dismiss(hand) if job not in suspects]
        self._jobs.extendleft(innocent)
        if not suspects:
            # A spare that was lost between two stages says nothing about this one.
            self._failed_starts += hand.pid is None
            if self._failed_starts >= STARTS_BEFORE_STOPPING * self.size.workers:
                raise BuildStopped(
                    f"stage {self.work.stage.name}: {self._failed_starts} workers died while starting. "
                    f"{message}{last_words}"
                )
        else:
            self._fruitless += 1
            if self._fruitless >= FRUITLESS_DEATHS * self.size.workers:
                raise BuildStopped(
                    f"stage {self.work.stage.name}: {self._fruitless} workers died without finishing a shard. "
                    f"{message}{last_words}"
                )
            for job in suspects:
                self._again(replace(job, deaths=job.deaths + 1), error_class)
        self._start()

    def _again(self, job: Job, error_class: str) -> None:
        if job.deaths < DEATHS_BEFORE_HALVING:
            self._jobs.appendleft(job)
        elif job.rows == 1:
            self._jobs.appendleft(replace(job, condemned=error_class))
        elif job.retry:
            middle = job.rows // 2
            now, then = job.retry_ids[:middle], job.retry_ids[middle:]
            self._jobs.appendleft(replace(job, retry_ids=now, deaths=_deaths(len(now))))
            self._later.setdefault(job.shard, []).insert(0, replace(job, retry_ids=then, deaths=_deaths(len(then))))
        else:
            middle = (job.first + job.last) // 2
            for first, last in ((middle, job.last), (job.first, middle)):
                self._jobs.appendleft(
                    replace(
                        job,
                        shard=f"{job.parent}.{first}-{last}",
                        first=first,
                        last=last,
                        deaths=_deaths(last - first),
                    )
                )

    def _enforce_deadlines(self) -> None:
        now = time.monotonic()
        for ref, task in list(self._tasks.items()):
            limit = self.work.shard_seconds if task.job else self.work.start_seconds
            if ref in self._tasks and now - task.since > limit:
                what = f"a shard took more than {limit:g} s" if task.job else f"no start within {limit:g} s"
                self._died(task.hand, [task.job] if task.job else [], WORKER_HUNG, what)


def _deaths(rows: int) -> int:
    """A half starts one death from the next halving; a row alone gets its full number of attempts."""
    return DEATHS_BEFORE_HALVING - 1 if rows > 1 else 0


def _cause(error: Exception) -> str:
    cause = error.cause if isinstance(error, RayTaskError) and error.cause else error
    return f"{type(cause).__name__}: {cause}".splitlines()[0][:2000]


def last_output(pid: int | None, lines: int = 20) -> str:
    """The end of a dead worker's standard error, when it ran on this machine; for the error message."""
    if pid is None:
        return ""
    node = ray._private.worker._global_node
    if node is None:
        return ""
    folder = Path(node.get_session_dir_path()) / "logs"
    text = "".join(path.read_text(errors="replace") for path in folder.glob(f"worker-*-{pid}.err"))
    tail = [line for line in text.splitlines() if not line.startswith(":")][-lines:]
    return "\nIts last output:\n  " + "\n  ".join(tail) if tail else ""
