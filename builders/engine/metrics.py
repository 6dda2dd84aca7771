"""Ray metrics of a build, for Prometheus and the Ray dashboard: rows, seconds, units and memory hits by stage."""

from ray.util.metrics import Counter, Histogram

from builders.engine.ledger import ShardRecord

TAGS = ("stage",)


class WorkerMetrics:
    """The metrics one worker reports; Ray sums them over workers."""

    def __init__(self, stage: str) -> None:
        self.rows = Counter("babelvision_rows_total", "Rows, by what became of them.", tag_keys=(*TAGS, "fate"))
        self.units = Counter("babelvision_units_total", "Translation units looked at.", tag_keys=TAGS)
        self.hits = Counter("babelvision_memory_hits_total", "Units found in the translation memory.", tag_keys=TAGS)
        self.seconds = Histogram(
            "babelvision_shard_seconds",
            "Seconds a shard took.",
            boundaries=[0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000],
            tag_keys=TAGS,
        )
        self.tags = {"stage": stage}

    def record(self, record: ShardRecord) -> None:
        fates = {"written": record.rows.rows, "rejected": record.rows_rejected, "failed": record.rows_failed}
        for fate, rows in fates.items():
            if rows:
                self.rows.inc(rows, {**self.tags, "fate": fate})
        for metric, counter in ((self.units, "units"), (self.hits, "memory_hits")):
            if record.counters.get(counter):
                metric.inc(record.counters[counter], self.tags)
        self.seconds.observe(max(record.seconds, 0.001), self.tags)
