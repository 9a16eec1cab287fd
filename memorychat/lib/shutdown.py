"""What is brought to an end before the web process stops."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any

import structlog

logger = structlog.get_logger(__name__)

# Replies get 5 s of them; the rest is for writing down how they ended. Whoever kills the processes waits for longer.
GRACE_SECONDS = 7.0

Drain = Callable[[], Coroutine[Any, Any, None]]
Message = MutableMapping[str, Any]

_drains: list[Drain] = []


def on_shutdown(drain: Drain) -> Drain:
    """Have this awaited when the process is told to stop; all of them together have `GRACE_SECONDS`."""
    _drains.append(drain)
    return drain


async def drain() -> None:
    """Await all of them at once; one that fails or is late keeps no other from its end."""
    tasks = [asyncio.create_task(each()) for each in _drains]
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=GRACE_SECONDS)
    for task in late:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, BaseException):
            logger.error("drain_failed", exc_info=result)


def drain_before_stopping(reactor: Any) -> None:
    """For daphne, which has no lifespan: on SIGTERM or Ctrl-C drain first, then stop its reactor.

    A trigger before Twisted's own shutdown would be too late: there daphne cancels all that runs at that same moment.
    """

    async def stop() -> None:
        try:
            await drain()
        finally:
            reactor.stop()

    begun: list[asyncio.Task[None]] = []

    def begin() -> None:
        if not begun:
            begun.append(asyncio.ensure_future(stop()))

    def take_over() -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: reactor.callFromThread(begin))

    reactor.callWhenRunning(take_over)


async def lifespan(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[..., Awaitable[None]]
) -> None:
    """The same for servers that speak ASGI's lifespan, such as uvicorn."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            await drain()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
