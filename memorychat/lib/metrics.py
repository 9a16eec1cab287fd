"""Numbers for whoever runs MemoryChat, in the text format of Prometheus: no words, and no ids of people.

Each process counts for itself. The web process tells its numbers at `/metrics`, the worker where `serve` listens.
"""

import secrets
import threading
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from socketserver import ThreadingMixIn
from typing import Any, Protocol
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.db import connections
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
REFUSAL = "Ask from this machine, or with METRICS_TOKEN as the bearer token.\n"

# When each number began is that of the process, told once.
disable_created_metrics()  # type: ignore[no-untyped-call]
registry = CollectorRegistry()
ProcessCollector(registry=registry)

recall_seconds = Histogram(
    "memorychat_recall_seconds",
    "How long recall took, by the door that asked.",
    ["door"],
    registry=registry,
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
)
weighed = Counter(
    "memorychat_memories_weighed",
    "Candidates that the write gate decided about, by the outcome and the door that they came by.",
    ["outcome", "door"],
    registry=registry,
)
model_calls = Counter(
    "memorychat_model_calls",
    "Questions to models, by provider and by how they ended: ok, or the code of the trouble.",
    ["provider", "code"],
    registry=registry,
)
open_sockets = Gauge("memorychat_open_sockets", "Pages of the chat that are connected.", registry=registry)

# What `of` tells: a number for each value of `label`, or one alone under the empty name.
Numbers = Mapping[str, float]


@dataclass(frozen=True)
class Reading(Collector):
    """Numbers that are kept elsewhere, and read when they are asked for."""

    family: type[CounterMetricFamily] | type[GaugeMetricFamily]
    name: str
    documentation: str
    of: Callable[[], Numbers]
    label: str = ""

    def collect(self) -> Iterable[Metric]:
        family = self.family(self.name, self.documentation, labels=[self.label] if self.label else [])
        for value, number in self.of().items():
            family.add_metric([value] if self.label else [], number)
        return [family]

    def describe(self) -> Iterable[Metric]:
        """Its name, without reading anything: whatever is read may be away."""
        return [self.family(self.name, self.documentation)]


class Decided(Protocol):
    """What the write gate says of a candidate."""

    @property
    def outcome(self) -> str: ...


def count_weighed(door: str, written: Iterable[Decided]) -> None:
    for outcome, count in Tally(str(each.outcome) for each in written).items():
        weighed.labels(outcome, door).inc(count)


def text() -> bytes:
    return generate_latest(registry)


def may_read(address: str, authorization: str, *, token: str | None) -> bool:
    """Whoever asks from this machine, or brings the token; `address` is empty where others handed the question on."""
    if token and secrets.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
        return True
    return _is_loopback(address)


def _is_loopback(address: str) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return (mapped or parsed).is_loopback


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # so it is called there
        """Its lines would not be ours."""


def serve(host: str, port: int, *, token: str | None) -> WSGIServer:
    """Tell the numbers of a process without pages to whoever may read them; raises OSError where it cannot listen."""

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        forwarded = any(name.startswith(("HTTP_X_FORWARDED", "HTTP_FORWARDED")) for name in environ)
        address = "" if forwarded else environ["REMOTE_ADDR"]
        if may_read(address, environ.get("HTTP_AUTHORIZATION", ""), token=token):
            start_response("200 OK", [("Content-Type", CONTENT_TYPE)])
            try:
                return [text()]
            finally:
                # It belongs to the thread of this one request.
                connections.close_all()
        start_response("403 Forbidden", [("Content-Type", "text/plain; charset=utf-8")])
        return [REFUSAL.encode()]

    server = make_server(host, port, application, server_class=_Server, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
