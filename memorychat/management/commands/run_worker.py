import asyncio
import signal
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.exceptions import ConnectorException

from memorychat import jobs, readings

logger = structlog.get_logger(__name__)

CONCURRENCY = 4
POLLING_SECONDS = 0.5
RESCUE_SECONDS = 4
# Less than the grace of whoever runs the processes, so that a job that is cut off is written down as such.
GRACE_SECONDS = 4


class Command(BaseCommand):
    help = "Run the jobs of the queue until SIGTERM; then finish what is in hand and take no other."

    def handle(self, *args: Any, **options: Any) -> None:
        _tell_numbers()
        asyncio.run(work())


def _tell_numbers() -> None:
    """Of several workers on one machine the first alone is heard; the others work all the same."""
    if settings.WORKER_METRICS_PORT is None:
        return
    try:
        readings.serve(settings.METRICS_HOST, settings.WORKER_METRICS_PORT, token=settings.METRICS_TOKEN)
    except OSError as error:
        logger.warning("metrics_not_served", port=settings.WORKER_METRICS_PORT, error=error.strerror)


async def work() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    logger.info("worker_started", concurrency=CONCURRENCY)
    while not stop.is_set():
        try:
            await _work_until(stop)
        except ConnectorException:
            logger.warning("worker_waits_for_database")
        # The database went away: it is looked for again, for as long as nobody says stop.
        if not stop.is_set():
            await asyncio.sleep(1)
    logger.info("worker_stopped")


async def _work_until(stop: asyncio.Event) -> None:
    connector = await asyncio.to_thread(DjangoConnector().get_worker_connector)
    with app.replace_connector(connector):
        async with app.open_async():
            hands = jobs.Hands()
            working = asyncio.create_task(
                app.run_worker_async(
                    concurrency=CONCURRENCY,
                    fetch_job_polling_interval=POLLING_SECONDS,
                    shutdown_graceful_timeout=GRACE_SECONDS,
                    update_heartbeat_interval=jobs.HEARTBEAT.total_seconds(),
                    stalled_worker_timeout=jobs.STALLED_AFTER.total_seconds(),
                    delete_jobs="successful",
                    install_signal_handlers=False,
                    worker_middleware=[hands.hold],
                )
            )
            rescuing = asyncio.create_task(_rescue_from_time_to_time(hands))
            tasks: list[asyncio.Task[Any]] = [working, rescuing, asyncio.create_task(stop.wait())]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            _raise_failure(working)
            _raise_failure(rescuing)


def _raise_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        raise error


async def _rescue_from_time_to_time(hands: jobs.Hands) -> None:
    """Jobs of a worker that was killed wait only until its last heartbeat is old enough to be sure of it."""
    while True:
        await jobs.rescue()
        await hands.put_back_dropped()
        await asyncio.sleep(RESCUE_SECONDS)
