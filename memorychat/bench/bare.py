"""Filling large tables: what would be kept row by row is made once, after the last one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection

# What a constraint keeps is left: these grow at their end, by keys that rise.
INDEXES = """
SELECT format('DROP INDEX %%I', relname), pg_get_indexdef(indexrelid)
  FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
 WHERE indrelid = ANY(%(tables)s::regclass[]) AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)"""
FOREIGN_KEYS = """
SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
       format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid))
  FROM pg_constraint WHERE contype = 'f' AND conrelid = ANY(%(tables)s::regclass[])"""


@contextmanager
def bare(tables: Sequence[str]) -> Iterator[None]:
    """These tables without indexes and foreign keys; an index made at once is the smaller for it, as after REINDEX."""
    found = _asked(INDEXES, tables) + _asked(FOREIGN_KEYS, tables)
    _run(drop for drop, _ in found)
    yield
    _run(make for _, make in found)


def _asked(statement: str, tables: Sequence[str]) -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"tables": list(tables)})
        return list(cursor.fetchall())


def _run(statements: Iterator[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
