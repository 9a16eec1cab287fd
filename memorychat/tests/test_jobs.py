import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import structlog
from asgiref.sync import async_to_sync
from django.db import connection, transaction
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from structlog.testing import capture_logs

from memorychat import jobs
from memorychat.lib import crypto

pytestmark = pytest.mark.django_db

seen: list[dict[str, object]] = []


class ProviderIsGoneForGood(Exception):
    permanent = True


@jobs.job("test: note")
def note(**ids: jobs.Id) -> None:
    context = structlog.contextvars.get_contextvars()
    seen.append({**ids, "correlation_id": context["correlation_id"], "ring": crypto.current_ring()})


@jobs.job("test: one at a time", lock="profile {profile_id}", queueing_lock="profile {profile_id}")
def one_at_a_time(profile_id: uuid.UUID) -> None:
    seen.append({"profile_id": profile_id})


@jobs.job("test: fail")
def fail() -> None:
    raise ConnectionError("I live in Porto")


@jobs.job("test: fail for good")
def fail_for_good() -> None:
    raise ProviderIsGoneForGood


@jobs.job("test: too early", queueing_lock="too early {number}")
def too_early(number: int) -> None:
    error = jobs.TooEarly()
    error.not_before = timezone.now() + timedelta(hours=9)
    raise error


@pytest.fixture(autouse=True)
def nothing_seen() -> Iterator[None]:
    seen.clear()
    yield
    seen.clear()


def status_of_the_only_job() -> str:
    return ProcrastinateJob.objects.get().status


def test_a_job_gets_the_ids_it_was_enqueued_with(run_jobs: Callable[[], int]) -> None:
    memory_id = uuid.uuid4()

    jobs.enqueue(note, memory_id=memory_id, number=3)

    assert run_jobs() == 1
    assert (seen[0]["memory_id"], seen[0]["number"]) == (memory_id, 3)
    assert run_jobs() == 0


def test_a_job_carries_the_correlation_id_of_the_request(run_jobs: Callable[[], int]) -> None:
    with structlog.contextvars.bound_contextvars(correlation_id="request-1"):
        jobs.enqueue(note)
    run_jobs()

    assert seen[0]["correlation_id"] == "request-1"


def test_a_job_has_a_key_ring_of_its_own(key_ring: crypto.KeyRing, run_jobs: Callable[[], int]) -> None:
    jobs.enqueue(note)
    run_jobs()

    assert seen[0]["ring"] is not key_ring


def test_a_job_is_enqueued_or_not_together_with_what_it_is_about() -> None:
    with transaction.atomic():
        jobs.enqueue(note)
        transaction.set_rollback(True)

    assert not ProcrastinateJob.objects.exists()


def test_the_same_waits_only_once_and_the_transaction_goes_on(run_jobs: Callable[[], int]) -> None:
    one, other = uuid.uuid4(), uuid.uuid4()

    with transaction.atomic():
        first, again, another = (jobs.enqueue(one_at_a_time, profile_id=each) for each in (one, one, other))

    assert (first, again, another) == (True, False, True)
    assert run_jobs() == 2
    assert jobs.enqueue(one_at_a_time, profile_id=one)


def test_a_job_for_later_waits(run_jobs: Callable[[], int]) -> None:
    jobs.enqueue(note, after=timedelta(minutes=5))

    assert run_jobs() == 0


def test_a_failed_job_comes_back_three_times_ever_later(run_jobs: Callable[[], int]) -> None:
    jobs.enqueue(fail)
    waits = []
    for _ in range(4):
        with pytest.raises(ConnectionError):
            run_jobs()
        waits.append(_minutes_until_the_next_try())
        assert run_jobs() == 0
        _let_the_next_try_be_due()

    assert waits[:3] == [1, 5, 30]
    assert status_of_the_only_job() == "failed"


def test_an_error_that_says_it_is_permanent_is_not_tried_again(run_jobs: Callable[[], int]) -> None:
    jobs.enqueue(fail_for_good)
    with pytest.raises(ProviderIsGoneForGood):
        run_jobs()

    assert status_of_the_only_job() == "failed"


def test_each_run_writes_one_line_with_its_milliseconds_and_no_words(run_jobs: Callable[[], int]) -> None:
    jobs.enqueue(note)
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        run_jobs()
        jobs.enqueue(fail)
        with pytest.raises(ConnectionError):
            run_jobs()

    assert [(line["event"], line["job"]) for line in lines] == [
        ("job_finished", "test: note"),
        ("job_failed", "test: fail"),
    ]
    assert all(line["milliseconds"] >= 0 for line in lines)
    assert lines[1]["error"] == "ConnectionError"
    assert "Porto" not in str({key: value for key, value in lines[1].items() if key != "exc_info"})


def test_jobs_of_a_dead_worker_are_put_back_and_run_again(run_jobs: Callable[[], int]) -> None:
    jobs.enqueue(note)
    _take_and_die()
    assert run_jobs() == 0

    assert async_to_sync(jobs.rescue)() == 1
    _let_the_next_try_be_due()

    assert run_jobs() == 1
    assert len(seen) == 1


@pytest.mark.django_db(transaction=True)
def test_a_job_of_a_dead_worker_that_was_enqueued_anew_is_done_by_the_new_one(run_jobs: Callable[[], int]) -> None:
    """Two that wait with one queueing lock are refused, and a worker that did not get over that did nothing else."""
    profile_id = uuid.uuid4()
    jobs.enqueue(one_at_a_time, profile_id=profile_id)
    _take_and_die()
    assert jobs.enqueue(one_at_a_time, profile_id=profile_id)

    assert async_to_sync(jobs.rescue)() == 1
    assert status_of_the_only_job() == "todo"
    assert run_jobs() == 1
    assert [each["profile_id"] for each in seen] == [profile_id]


def test_jobs_of_a_living_worker_are_left_to_it() -> None:
    jobs.enqueue(note)
    _take_and_die()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now()")

    assert async_to_sync(jobs.rescue)() == 0


def test_a_job_that_kills_its_workers_is_given_up_in_the_end(run_jobs: Callable[[], int]) -> None:
    jobs.enqueue(note)
    for _ in range(jobs.MOST_RESCUES):
        _take_and_die()
        assert async_to_sync(jobs.rescue)() == 1
        _let_the_next_try_be_due()
    _take_and_die()

    assert async_to_sync(jobs.rescue)() == 0
    assert status_of_the_only_job() == "failed"


def test_the_state_of_the_queue_tells_how_long_the_oldest_waits_and_the_worker_was_silent() -> None:
    assert jobs.queue_state() == jobs.QueueState(oldest_due=None, last_heartbeat=None, failed=0)

    jobs.enqueue(note, after=timedelta(minutes=5))
    assert jobs.queue_state().oldest_due is None

    jobs.enqueue(note)
    async_to_sync(app.job_manager.register_worker)()
    state = jobs.queue_state()
    assert state.oldest_due is not None
    assert state.last_heartbeat is not None


def _take_and_die() -> None:
    worker = async_to_sync(app.job_manager.register_worker)()
    assert async_to_sync(app.job_manager.fetch_job)(queues=None, worker_id=worker)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")


def _minutes_until_the_next_try() -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT round(extract(epoch FROM scheduled_at - clock_timestamp()) / 60) FROM procrastinate_jobs"
        )
        (minutes,) = cursor.fetchone()
    return None if minutes is None else int(minutes)


def _let_the_next_try_be_due() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'")


def test_what_is_too_early_is_put_off_without_counting_as_a_failure(run_jobs: Callable[[], int]) -> None:
    jobs.enqueue(too_early, number=1)
    with capture_logs() as lines:
        assert run_jobs() == 1

    [row] = ProcrastinateJob.objects.filter(status="todo")
    assert (row.task_name, row.args["number"], row.attempts) == ("test: too early", 1, 0)
    assert row.scheduled_at is not None
    assert timedelta(hours=8) < row.scheduled_at - timezone.now() < timedelta(hours=10)
    assert {"job_put_off", "job_finished"} <= {line["event"] for line in lines}
    assert "job_failed" not in {line["event"] for line in lines}
    # It waits once, however often it is wanted meanwhile.
    assert not jobs.enqueue(too_early, number=1)
    assert run_jobs() == 0
