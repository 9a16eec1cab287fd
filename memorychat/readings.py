"""What `/metrics` reads of numbers that others keep: what recall left out, the cache of vectors, the queue, turns."""

from collections.abc import Iterable

from django.db import DatabaseError
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from conversations import replies
from memories.engine import recall
from memorychat import jobs
from memorychat.lib.metrics import Numbers, Reading, registry, serve, text
from memorychat.llm.minilm import cache_of_vectors

# Whoever tells the numbers takes these from here, so that what is read is among them.
__all__ = ["serve", "text"]


class Queue(Collector):
    """One question to the database for all of it; nothing is told while that is away."""

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        try:
            state = jobs.queue_state()
        except DatabaseError:
            return
        yield _gauge("memorychat_queue_oldest_due_seconds", "How long the oldest due job waits.", state.oldest_due or 0)
        yield _gauge("memorychat_queue_failed_jobs", "Jobs that were given up.", state.failed)
        if state.last_heartbeat is not None:
            name = "memorychat_worker_heartbeat_age_seconds"
            yield _gauge(name, "When a worker last gave a sign of life.", state.last_heartbeat)


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(name, documentation, value=value)


def _lookups() -> Numbers:
    return {"hit": cache_of_vectors.hits, "miss": cache_of_vectors.misses}


READINGS: tuple[Collector, ...] = (
    Reading(
        CounterMetricFamily,
        "memorychat_recall_left_out",
        "Parts of recall that could not take part.",
        lambda: recall.left_out,
        label="part",
    ),
    Reading(
        CounterMetricFamily,
        "memorychat_vector_cache_lookups",
        "Texts that were looked up among the vectors of the built-in embedder.",
        _lookups,
        label="result",
    ),
    Reading(
        GaugeMetricFamily,
        "memorychat_vector_cache_hit_rate",
        "The share of them that was found, 0–1, since the process started.",
        lambda: {"": cache_of_vectors.hit_rate},
    ),
    Reading(
        GaugeMetricFamily,
        "memorychat_vector_cache_entries",
        "Vectors that are kept.",
        lambda: {"": len(cache_of_vectors)},
    ),
    Reading(
        GaugeMetricFamily,
        "memorychat_running_turns",
        "Answers that are being written.",
        lambda: {"": sum(not reply.is_over for reply in list(replies.running.values()))},
    ),
    Queue(),
)
for reading in READINGS:
    registry.register(reading)
