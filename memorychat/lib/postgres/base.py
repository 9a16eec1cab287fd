"""Where Django looks for a backend (`ENGINE`)."""

from typing import Any

from django.db.backends.postgresql import base
from psycopg import Connection, OperationalError
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    """After a restart of the database all connections that wait in the pool are dead.

    The pool itself tries one after the other, and waits twice as long after each: with five of them a request fails
    that a new connection would have served. Here the first dead one clears the pool.
    """

    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection[Any]:
        connection: Connection[Any] = super().get_new_connection(conn_params)
        if self.pool is None or _lives(connection):
            return connection
        self.pool.putconn(connection)
        self.pool.drain()
        return super().get_new_connection(conn_params)


def _lives(connection: Connection[Any]) -> bool:
    try:
        ConnectionPool.check_connection(connection)
    except OperationalError:
        return False
    return True
