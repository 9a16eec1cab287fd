"""Looking over the whole database, whatever its tables are, for what might be left of a person.

Every column that can hold a text or bytes is read, also those of packages. Where a column is of ids, an id may stay:
the ledger and the tombstone name the person by it.
"""

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

READABLE = ("text", "varchar", "bpchar", "name", "citext", "json", "jsonb", "xml", "inet", "tsvector", "bytea")
COLUMNS = """
SELECT columns.table_name, columns.column_name, columns.udt_name
  FROM information_schema.columns AS columns JOIN information_schema.tables AS tables USING (table_schema, table_name)
 WHERE tables.table_schema = 'public' AND tables.table_type = 'BASE TABLE' AND ltrim(columns.udt_name, '_') = ANY(%s)
 ORDER BY columns.table_name, columns.ordinal_position"""


@dataclass(frozen=True)
class Marks:
    """By what a trace of a person is known: ids as texts and as bytes, addresses, words as they were written.

    Every sealed value begins with the id of its key, so the ids of a person's keys find whatever they sealed.
    """

    ids: frozenset[uuid.UUID] = frozenset()
    addresses: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()

    def pattern(self) -> str:
        """One regular expression for all, which is many times faster; an address is no part of a longer one."""
        named = sorted(map(re.escape, self.texts() - self.addresses))
        whole = [rf"(?:^|[^\w.%+-]){re.escape(each)}(?:$|[^\w-])" for each in sorted(self.addresses)]
        return "|".join([*named, *whole])

    def texts(self) -> frozenset[str]:
        return self.addresses | self.words | {form for each in self.ids for form in (str(each), each.hex)}

    def bytes(self) -> list[bytes]:
        return [each.bytes for each in sorted(self.ids)] + [each.encode() for each in sorted(self.texts())]


@dataclass(frozen=True)
class Search:
    """How much was looked over, and where something was found: "table.column" → rows."""

    tables: int
    columns: int
    found: dict[str, int] = field(default_factory=dict)


def search(marks: Marks) -> Search:
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS, [list(READABLE)])
        columns = cursor.fetchall()
    tables: dict[str, list[tuple[str, str]]] = {}
    for table, column, type_name in columns:
        tables.setdefault(table, []).append((column, type_name))
    found = {place: rows for table, each in tables.items() for place, rows in _found_in(table, each, marks) if rows}
    return Search(len(tables), len(columns), found)


def _found_in(table: str, columns: list[tuple[str, str]], marks: Marks) -> Iterable[tuple[str, int]]:
    """The table is read once for all its columns."""
    quote = connection.ops.quote_name
    conditions = [_condition(quote(name), type_name) for name, type_name in columns]
    counted = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in conditions)
    # What is shorter than every mark, as most plain columns are, need not be looked into.
    sought: list[Any] = [min(map(len, marks.texts())), marks.pattern()]
    arguments: list[Any] = [
        each for _, type_name in columns for each in ([marks.bytes()] if type_name == "bytea" else sought)
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {counted} FROM {quote(table)}", arguments)  # noqa: S608  # names of the catalogue
        [counts] = cursor.fetchall()
    return zip([f"{table}.{name}" for name, _ in columns], counts, strict=True)


def _condition(column: str, type_name: str) -> str:
    if type_name == "bytea":
        return f"EXISTS (SELECT FROM unnest(%s::bytea[]) AS mark WHERE position(mark IN {column}) > 0)"
    return f"length({column}::text) >= %s AND {column}::text ~* %s"
