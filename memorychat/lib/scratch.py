"""Databases that are made for one measurement and dropped after it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections


@contextmanager
def scratch_database(name: str) -> Iterator[None]:
    """Migrated and empty; Django is connected to it meanwhile."""
    own = connection.settings_dict["NAME"]
    connection.settings_dict["TEST"]["NAME"] = name
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(own, verbosity=0)


@contextmanager
def copy_of_database(name: str) -> Iterator[Any]:
    """The database as it is now, for `connected_to`; meanwhile Django stays connected to the first."""
    own = connections[DEFAULT_DB_ALIAS]
    # Under a name of its own, since what a connection knows is kept by it: its pool, the types of its server.
    connections[name] = copied = own.copy(alias=name)
    copied.settings_dict["NAME"] = name
    _disconnect(own)
    _on_the_server(f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name} TEMPLATE {own.settings_dict['NAME']}")
    try:
        yield copied
    finally:
        _disconnect(copied)
        del connections[name]
        _on_the_server(f"DROP DATABASE {name}")


@contextmanager
def connected_to(other: Any) -> Iterator[None]:
    own = connections[DEFAULT_DB_ALIAS]
    connections[DEFAULT_DB_ALIAS] = other
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = own


def _disconnect(database: Any) -> None:
    database.close()
    database.close_pool()


def _on_the_server(*statements: str) -> None:
    with connection._nodb_cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
