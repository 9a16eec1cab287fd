"""The pool of connections, when the database was away."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db(transaction=True)

# With so many the pool's own way of looking for one that lives takes longer than anybody is given to wait.
IDLE = 8


def ask() -> int:
    """In a thread that has no connection yet."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 7")
            [answer] = cursor.fetchone()
            return int(answer)
    finally:
        connection.close()


def test_a_database_that_was_away_costs_nobody_an_answer() -> None:
    pool = connection.pool  # type: ignore[attr-defined]  # of this engine
    held = [pool.getconn() for _ in range(IDLE)]
    for each in held:
        pool.putconn(each)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
        )
        [ended] = cursor.fetchone()

    assert ended >= IDLE - 1
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(ask).result() == 7
