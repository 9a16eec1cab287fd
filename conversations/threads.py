"""The border between the asynchronous sockets and the rest, which is synchronous: crossed here and nowhere else."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.db import close_old_connections

P = ParamSpec("P")
R = TypeVar("R")


async def in_thread(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run it in a thread of the pool, where it may wait for the database without holding up the sockets."""
    return await database_sync_to_async(work, thread_sensitive=False)(*args, **kwargs)


async def give_connection_back() -> None:
    """The connection by which a request asked who comes would be held until its answer ends, which may take minutes."""
    await sync_to_async(close_old_connections, thread_sensitive=True)()
