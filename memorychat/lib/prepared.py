"""A cursor for statements that are asked again and again: the server keeps their plans, and answers in binary."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connection
from django.db.backends.utils import CursorDebugWrapper, CursorWrapper
from psycopg.pq import Format


@contextmanager
def prepared_cursor() -> Iterator[CursorWrapper]:
    """Django's own cursors write values into the statement, so that each is another one to the server and is planned.

    What the server keeps, it keeps for the connection, from `prepare_threshold` runs on. Values go beside the
    statement, so none but their types may decide what it does: cast those that PostgreSQL cannot know.
    """
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.format = Format.BINARY
        wrapped_in = CursorDebugWrapper if connection.queries_logged else CursorWrapper
        yield wrapped_in(cursor, connection)
