"""The border between the asynchronous sockets and the rest, which is synchronous: crossed here and nowhere else."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async

P = ParamSpec("P")
R = TypeVar("R")


async def in_thread(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run it in a thread of the pool, where it may wait for the database without holding up the sockets."""
    return await database_sync_to_async(work, thread_sensitive=False)(*args, **kwargs)
