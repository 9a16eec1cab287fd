"""The border between the asynchronous sockets and the rest, which is synchronous: crossed here and nowhere else.

A thread that computes takes its time from the loop that streams to everybody. So they cross one after the other, and
each when the loop has sent on what came: where many begin at once the beginnings wait, and words go first. What keeps
answers and sign-ins in order waits for nobody, and has threads of its own: others may all hang in something.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.db import close_old_connections

from memorychat.llm.clients import OnePerLoop

MOST_THREADS, MOST_ASIDE = 16, 2
# Who takes longer waits for something itself, a lock or an embedder, and the next one may begin.
ALONE_SECONDS = 0.02
# A loop that goes round faster than this has nothing to do; one that never does is waited for so long.
IDLE_SECONDS, MOST_WAITED = 0.003, 0.03

P = ParamSpec("P")
R = TypeVar("R")

_threads = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="turns")
_aside = ThreadPoolExecutor(MOST_ASIDE, thread_name_prefix="aside")
_gate = OnePerLoop(asyncio.Lock)
_queue = OnePerLoop(asyncio.Lock)


async def in_thread(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run it in a thread of the pool, where it may wait for the database without holding up the sockets."""
    # Only the first of the queue stands at the gate, beside what goes on already.
    async with _queue.get():
        await _gate.get().acquire()
    return await _run(work, *args, **kwargs)


async def in_thread_ahead(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The same for an answer that is on its way: it does not wait for all that are to begin."""
    await _gate.get().acquire()
    return await _run(work, *args, **kwargs)


async def in_thread_aside(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The same for what is short and may not wait: the end of an answer, claims, stops, sign-ins."""
    return await database_sync_to_async(work, thread_sensitive=False, executor=_aside)(*args, **kwargs)


async def _run(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    async with _gate_held():
        await _idle()
        return await database_sync_to_async(work, thread_sensitive=False, executor=_threads)(*args, **kwargs)


@asynccontextmanager
async def _gate_held() -> AsyncIterator[None]:
    """Whoever is at the gate lets the next one in when they are done, or after a while."""
    leave = asyncio.get_running_loop().call_later(ALONE_SECONDS, _gate.get().release)
    try:
        yield
    finally:
        if asyncio.get_running_loop().time() < leave.when():
            leave.cancel()
            _gate.get().release()


async def _idle() -> None:
    first = began = time.perf_counter()
    while began - first < MOST_WAITED:
        await asyncio.sleep(0)
        before, began = began, time.perf_counter()
        if began - before < IDLE_SECONDS:
            return


async def give_connection_back() -> None:
    """The connection by which a request asked who comes would be held until its answer ends, which may take minutes."""
    await sync_to_async(close_old_connections, thread_sensitive=True)()
