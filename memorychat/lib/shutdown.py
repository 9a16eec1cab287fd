"""What is brought to an end before the web process stops."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

logger = structlog.get_logger(__name__)

GRACE_SECONDS = 5.0

Drain = Callable[[], Awaitable[None]]

_drains: list[Drain] = []


def on_shutdown(drain: Drain) -> Drain:
    """Have this awaited when the process is told to stop; all of them together have `GRACE_SECONDS`."""
    _drains.append(drain)
    return drain


async def drain() -> None:
    """Await all of them at once; one that fails or is late keeps no other from its end."""
    tasks = [asyncio.ensure_future(drain()) for drain in _drains]
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=GRACE_SECONDS)
    for task in late:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    for error in results:
        if isinstance(error, BaseException):
            logger.error("drain_failed", exc_info=error)
