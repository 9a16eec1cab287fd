"""The border between the asynchronous sockets and the rest, which is synchronous: crossed here and nowhere else."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.db import close_old_connections

from memorychat.llm.minilm import MiniLM
from memorychat.llm.providers import Nobody, get_embedder

WAITING_THREADS = 16

P = ParamSpec("P")
R = TypeVar("R")


async def in_thread(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run it in a thread of the pool, where it may wait for the database without holding up the sockets."""
    return await database_sync_to_async(work, thread_sensitive=False, executor=_pool())(*args, **kwargs)


@cache
def _pool() -> ThreadPoolExecutor:
    """No more threads than have something to do: each takes its turn from the loop that streams to everybody.

    Where an embedder is asked over the network most of them only wait, and there are more.
    """
    is_here = isinstance(get_embedder(Nobody()), MiniLM)
    return ThreadPoolExecutor(os.cpu_count() if is_here else WAITING_THREADS, thread_name_prefix="turns")


async def give_connection_back() -> None:
    """The connection by which a request asked who comes would be held until its answer ends, which may take minutes."""
    await sync_to_async(close_old_connections, thread_sensitive=True)()
