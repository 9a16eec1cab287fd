import asyncio
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from memorychat.lib import shutdown


@pytest.fixture(autouse=True)
def nothing_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutdown, "_drains", [])


async def test_everything_registered_is_brought_to_its_end() -> None:
    ended = []

    @shutdown.on_shutdown
    async def first() -> None:
        await asyncio.sleep(0)
        ended.append("first")

    @shutdown.on_shutdown
    async def second() -> None:
        ended.append("second")

    await shutdown.drain()

    assert sorted(ended) == ["first", "second"]


async def test_one_that_fails_or_hangs_keeps_no_other_from_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutdown, "GRACE_SECONDS", 0.05)
    ended = []

    @shutdown.on_shutdown
    async def fails() -> None:
        raise RuntimeError

    @shutdown.on_shutdown
    async def hangs() -> None:
        await asyncio.sleep(60)

    @shutdown.on_shutdown
    async def ends() -> None:
        ended.append(True)

    started = time.monotonic()
    with capture_logs() as lines:
        await shutdown.drain()

    assert ended == [True]
    assert time.monotonic() - started < 10
    assert [line["event"] for line in lines] == ["drain_failed", "drain_failed"]


async def test_a_lifespan_server_drains_at_its_shutdown() -> None:
    ended: list[bool] = []

    @shutdown.on_shutdown
    async def ends() -> None:
        ended.append(True)

    received = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return received.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await shutdown.lifespan({"type": "lifespan"}, receive, send)

    assert ended == [True]
    assert [message["type"] for message in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_a_reactor_stops_only_after_the_drain() -> None:
    order: list[str] = []

    class Reactor:
        """As much of Twisted's as is asked of it."""

        def callWhenRunning(self, call: Any) -> None:  # noqa: N802
            self.begin = call

        def callFromThread(self, call: Any) -> None:  # noqa: N802
            call()

        def stop(self) -> None:
            order.append("stopped")

    @shutdown.on_shutdown
    async def ends() -> None:
        order.append("drained")

    reactor = Reactor()
    with _signals_restored():
        shutdown.drain_before_stopping(reactor)
        reactor.begin()
        _raise_sigterm_twice()
        await asyncio.sleep(0.05)

    assert order == ["drained", "stopped"]


def _raise_sigterm_twice() -> None:
    for _ in range(2):
        signal.raise_signal(signal.SIGTERM)


@contextmanager
def _signals_restored() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
