import asyncio
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.db.models import QuerySet
from procrastinate.contrib.django.models import ProcrastinateJob

from memorychat import jobs
from memorychat.management.commands import run_worker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.setup]

begun = threading.Event()
may_end = threading.Event()
done: list[int] = []


@jobs.job("test: take time", lock="one after the other")
def take_time(number: int) -> None:
    begun.set()
    assert may_end.wait(10)
    done.append(number)


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_worker, "RESCUE_SECONDS", 0.3)
    begun.clear()
    may_end.clear()
    done.clear()


def waiting() -> QuerySet[ProcrastinateJob]:
    return ProcrastinateJob.objects.filter(task_name=take_time.name)


@asynccontextmanager
async def worker() -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(run_worker.work())
    try:
        yield task
    finally:
        may_end.set()
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(task, 10)


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not await sync_to_async(condition)():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_a_job_is_done_soon_after_it_was_enqueued() -> None:
    may_end.set()
    async with worker():
        await sync_to_async(jobs.enqueue)(take_time, number=1)
        await until(lambda: done == [1])
        # What went well leaves no row behind.
        await until(lambda: not waiting().exists())


async def test_on_sigterm_the_job_in_hand_is_finished_and_no_other_taken() -> None:
    for number in (1, 2):
        await sync_to_async(jobs.enqueue)(take_time, number=number)

    async with worker():
        await until(begun.is_set)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.1)

    assert done == [1]
    assert await waiting().filter(status="todo").acount() == 1


async def test_a_worker_that_loses_its_connections_in_the_middle_of_a_job_goes_on() -> None:
    async with worker():
        for number in (1, 2):
            await sync_to_async(jobs.enqueue)(take_time, number=number)
        await until(begun.is_set)
        await sync_to_async(_cut_all_other_connections)()
        may_end.set()
        # The first may be done twice; the second waits for its lock.
        await until(lambda: set(done) == {1, 2})
        await until(lambda: not waiting().exists())


def _cut_all_other_connections() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
