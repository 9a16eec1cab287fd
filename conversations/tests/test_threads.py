"""The border to the threads: who goes first, and that nobody is waited for who waits himself."""

import asyncio
import threading
import time

import pytest

from conversations.threads import ALONE_SECONDS, MOST_THREADS, in_thread, in_thread_ahead, in_thread_aside

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 20.0


async def test_what_goes_on_already_does_not_wait_for_all_that_are_to_begin() -> None:
    done: list[str] = []
    holds = threading.Event()
    first = asyncio.create_task(in_thread(holds.wait, PATIENCE))
    await asyncio.sleep(0)
    beginnings = [asyncio.create_task(in_thread(done.append, "beginning")) for _ in range(10)]
    await asyncio.sleep(0)
    await in_thread_ahead(done.append, "end")
    holds.set()
    await asyncio.gather(first, *beginnings)

    assert len(done) == 11
    assert done.index("end") <= 3


async def test_one_after_the_other() -> None:
    running, most = 0, 0

    def work() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        time.sleep(ALONE_SECONDS / 4)
        running -= 1

    await asyncio.gather(*(in_thread(work) for _ in range(20)))

    assert most == 1


async def test_whoever_waits_for_something_holds_up_nobody() -> None:
    """What the first ones wait for is done by the last one."""
    told = threading.Event()
    waiting = [asyncio.create_task(in_thread(told.wait, PATIENCE)) for _ in range(MOST_THREADS - 1)]
    await in_thread(told.set)

    assert all(await asyncio.gather(*waiting))


async def test_what_may_not_wait_has_threads_of_its_own() -> None:
    """All others hang in something, as in an embedder that does not answer."""
    holds = threading.Event()
    begun = threading.Semaphore(0)

    def hang() -> None:
        begun.release()
        holds.wait(PATIENCE)

    hanging = [asyncio.create_task(in_thread(hang)) for _ in range(MOST_THREADS + 4)]

    assert [await in_thread_aside(begun.acquire, timeout=PATIENCE) for _ in range(MOST_THREADS)] == [
        True
    ] * MOST_THREADS
    assert not any(task.done() for task in hanging)
    holds.set()
    await asyncio.gather(*hanging)


async def test_whoever_is_called_off_lets_the_next_one_in() -> None:
    told = threading.Event()
    waiting = asyncio.create_task(in_thread(told.wait, PATIENCE))
    queued = [asyncio.create_task(in_thread(threading.Event)) for _ in range(3)]
    await asyncio.sleep(0.01)
    for task in (waiting, *queued):
        task.cancel()
    await asyncio.gather(waiting, *queued, return_exceptions=True)
    told.set()

    assert await in_thread_ahead(int, "7") == await in_thread(int, "7") == 7


async def test_what_breaks_is_raised_and_lets_the_next_one_in() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        await in_thread(int, "seven")

    assert await in_thread(int, "7") == 7
