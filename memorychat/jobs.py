"""The one door to the queue: work that the worker does after the answer.

A job is done at least once, so it must bear being done twice. It is a row of the same database, so it is enqueued, or
not, together with what it is about. Its arguments are ids only.
"""

import json
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from asgiref.sync import async_to_sync
from django.db import connection, transaction
from django.utils import timezone
from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued, UniqueViolation
from procrastinate.job_context import JobContext
from procrastinate.jobs import Job as Row
from procrastinate.jobs import Status
from procrastinate.tasks import Task
from procrastinate.worker import Worker

from memorychat.lib.crypto import key_ring

logger = structlog.get_logger(__name__)

WAITS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30))
# A job whose worker died is run again, but not one that kills every worker.
MOST_RESCUES = 5
HEARTBEAT = timedelta(seconds=2)
STALLED_AFTER = timedelta(seconds=10)

Id = uuid.UUID | int
Work = Callable[..., None]


class TooEarly(Exception):
    """The work cannot be done before a time, and nobody is to blame: it is put off until then."""

    not_before: datetime


class LaterAndLater(BaseRetryStrategy):
    """Three more tries, unless the error says of itself that it is permanent."""

    def get_retry_decision(self, *, exception: BaseException, job: Row) -> RetryDecision | None:
        if getattr(exception, "permanent", False) or job.attempts >= len(WAITS):
            return None
        return RetryDecision(retry_in={"seconds": int(WAITS[job.attempts].total_seconds())})


@dataclass(frozen=True)
class Job:
    """Work that can be enqueued. Called, it runs here and now."""

    name: str
    work: Work
    task: Task[Any, Any, Any]
    lock: str | None
    queueing_lock: str | None

    def __call__(self, **ids: Id) -> None:
        self.work(**ids)


def job(
    name: str, *, queue: str = "default", lock: str | None = None, queueing_lock: str | None = None
) -> Callable[[Work], Job]:
    """Of the jobs with the same lock one runs at a time, in order; of those with the same queueing lock only one waits.

    Both are patterns over the ids: `"profile {profile_id}"`.
    """

    def register(work: Work) -> Job:
        def run(correlation_id: str, **ids: str | int) -> None:
            known = {key: _identifier(value) for key, value in ids.items()}
            _run(name, partial(_do_or_put_off, made), correlation_id, known)

        task = app.task(name=name, queue=queue, retry=LaterAndLater())(run)
        made = Job(name=name, work=work, task=task, lock=lock, queueing_lock=queueing_lock)
        return made

    return register


def periodic(name: str, *, cron: str) -> Callable[[Work], Job]:
    """Work of the clock: five fields of cron, in UTC."""

    def register(work: Work) -> Job:
        def run(timestamp: int) -> None:
            _run(name, work, f"{name}-{timestamp}", {})

        task = app.periodic(cron=cron)(app.task(name=name, queueing_lock=name)(run))
        return Job(name=name, work=work, task=task, lock=None, queueing_lock=name)

    return register


def enqueue(job: Job, *, after: timedelta | None = None, **ids: Id) -> bool:
    """In the caller's transaction. False if the same is waiting already."""
    configured = job.task.configure(
        lock=job.lock.format(**ids) if job.lock else None,
        queueing_lock=job.queueing_lock.format(**ids) if job.queueing_lock else None,
        schedule_in={"seconds": int(after.total_seconds())} if after else None,
    )
    arguments = {key: str(value) if isinstance(value, uuid.UUID) else value for key, value in ids.items()}
    try:
        # A refused row would spoil the transaction around it.
        with transaction.atomic():
            configured.defer(correlation_id=correlation_id(), **arguments)
    except AlreadyEnqueued:
        return False
    return True


def correlation_id() -> str:
    """The id that runs from the request through its jobs to the provider's calls."""
    current: str = structlog.contextvars.get_contextvars().get("correlation_id") or str(uuid.uuid4())
    return current


def _do_or_put_off(job: Job, **ids: Id) -> None:
    """What is put off is a new row, so that waiting uses up no tries."""
    try:
        job(**ids)
    except TooEarly as error:
        enqueue(job, after=max(timedelta(), error.not_before - timezone.now()), **ids)
        logger.info("job_put_off", until=error.not_before.isoformat())


def _identifier(value: str | int) -> Id:
    return uuid.UUID(value) if isinstance(value, str) else value


def _run(name: str, work: Work, correlation_id: str, ids: dict[str, Id]) -> None:
    started = time.perf_counter()
    with structlog.contextvars.bound_contextvars(job=name, correlation_id=correlation_id), key_ring():
        try:
            work(**ids)
        # Whatever breaks, the line says which job and how long; the queue decides what becomes of it.
        except Exception as error:
            logger.exception("job_failed", error=type(error).__name__, milliseconds=_milliseconds(started))
            raise
        logger.info("job_finished", milliseconds=_milliseconds(started))


def _milliseconds(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)


async def rescue() -> int:
    """Put the jobs of dead workers back into the queue, and say how many."""
    stalled = await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER.total_seconds())
    return sum([await _put_back(row) for row in stalled])


class Hands:
    """What one worker has in hand.

    A worker that loses its connection as a job ends cannot write that down, and lives on: for the queue that job is in
    the doing for ever, and all that wait for its lock wait for ever. So both are compared from time to time.
    """

    def __init__(self) -> None:
        self.worker: int | None = None
        self.held: set[int | None] = set()
        self.suspected: set[int | None] = set()

    async def hold(self, run: Callable[[], Awaitable[Any]], context: JobContext, worker: Worker) -> Any:
        """Goes around every job of the worker."""
        self.worker = worker.worker_id
        self.held.add(context.job.id)
        try:
            return await run()
        finally:
            self.held.discard(context.job.id)

    async def put_back_dropped(self) -> int:
        """Only what was missing the last time too: a job that has just ended is written down in a moment."""
        if self.worker is None:
            return 0
        rows = await app.job_manager.list_jobs_async(status="doing", worker_id=self.worker)
        missing = {row.id: row for row in rows if row.id not in self.held}
        dropped = [row for number, row in missing.items() if number in self.suspected]
        self.suspected = set(missing)
        return sum([await _put_back(row) for row in dropped])


async def _put_back(row: Row) -> bool:
    """False: it was put back too often, so it is given up."""
    again = row.attempts < MOST_RESCUES
    logger.warning("job_rescued" if again else "job_given_up", job=row.task_name, job_id=row.id, attempts=row.attempts)
    if not again:
        await app.job_manager.finish_job(row, status=Status.FAILED, delete_job=False)
        return False
    try:
        await app.job_manager.retry_job(row)
    except UniqueViolation:
        # The same was enqueued since, and waits: that one does the work of both.
        await app.job_manager.finish_job(row, status=Status.FAILED, delete_job=True)
    return True


def run_waiting() -> int:
    """Run what is due, here and in order, as the worker would, and say how many; the first that fails raises."""
    manager = app.job_manager
    worker = async_to_sync(manager.register_worker)()
    count = 0
    while row := async_to_sync(manager.fetch_job)(queues=None, worker_id=worker):
        count += 1
        try:
            app.tasks[row.task_name](**_arguments(row))
        except Exception as error:
            # What it raises is the caller's; the queue must know of it first.
            async_to_sync(_record_failure)(row, error)
            raise
        async_to_sync(manager.finish_job)(row, status=Status.SUCCEEDED, delete_job=True)
    async_to_sync(manager.unregister_worker)(worker)
    return count


def _arguments(row: Row) -> dict[str, Any]:
    # Django's connections leave JSON as it is written; the worker's own read it.
    written: Any = row.task_kwargs
    arguments: dict[str, Any] = json.loads(written) if isinstance(written, str) else written
    return arguments


async def _record_failure(row: Row, error: Exception) -> None:
    retry = app.tasks[row.task_name].get_retry_exception(exception=error, job=row)
    if retry:
        await app.job_manager.retry_job(row, retry_at=retry.retry_decision.retry_at)
    else:
        await app.job_manager.finish_job(row, status=Status.FAILED, delete_job=False)


@dataclass(frozen=True)
class QueueState:
    """Seconds; None: no job is due, or no worker is known."""

    oldest_due: float | None
    last_heartbeat: float | None
    failed: int


def queue_state() -> QueueState:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT (SELECT extract(epoch FROM now() - min(coalesce(job.scheduled_at, event.at)))
                      FROM procrastinate_jobs job JOIN procrastinate_events event ON event.job_id = job.id
                     WHERE job.status = 'todo' AND event.type = 'deferred'
                       AND coalesce(job.scheduled_at, now()) <= now()),
                   (SELECT extract(epoch FROM now() - max(last_heartbeat)) FROM procrastinate_workers),
                   (SELECT count(*) FROM procrastinate_jobs WHERE status = 'failed')
            """
        )
        oldest_due, last_heartbeat, failed = cursor.fetchone()
    return QueueState(
        oldest_due=None if oldest_due is None else float(oldest_due),
        last_heartbeat=None if last_heartbeat is None else float(last_heartbeat),
        failed=failed,
    )
