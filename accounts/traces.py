"""Looking over the whole database, whatever its tables are, for what might be left of a person.

Every column that can hold a text or bytes is read, also those of packages. Where a column is of ids, an id may stay:
the ledger and the tombstone name the person by it. Only ids are sent to SQL: texts are streamed here and looked into
here, for a person's words are never part of a statement, which a server may log.
"""

import json
import re
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from django.db import connection

AT_ONCE = 1_000
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

    @cached_property
    def shortest(self) -> int:
        return min(map(len, {*self._named, *self.addresses}))

    def is_in(self, text: str) -> bool:
        """In whatever case; an address is no part of a longer one."""
        text = text.lower()
        return any(each in text for each in self._named) or any(
            address in text and pattern.search(text) for address, pattern in self._addresses.items()
        )

    def bytes(self) -> list[bytes]:
        """The ids alone, as bytes and as texts."""
        return [form for each in sorted(self.ids) for form in (each.bytes, str(each).encode(), each.hex.encode())]

    @cached_property
    def _named(self) -> frozenset[str]:
        """Ids and words, these also as JSON writes them."""
        ids = {form for each in self.ids for form in (str(each), each.hex)}
        escaped = {
            json.dumps(word, ensure_ascii=ascii_only)[1:-1] for word in self.words for ascii_only in (True, False)
        }
        return frozenset(each.lower() for each in {*ids, *self.words, *escaped})

    @cached_property
    def _addresses(self) -> dict[str, re.Pattern[str]]:
        lower = {each.lower() for each in self.addresses}
        return {each: re.compile(rf"(?:^|[^\w.%+-]){re.escape(each)}(?:$|[^\w-])") for each in lower}


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


def _found_in(table: str, columns: list[tuple[str, str]], marks: Marks) -> Iterator[tuple[str, int]]:
    """The table is read once for all its columns of bytes, and once for all its texts."""
    sealed = [name for name, type_name in columns if type_name == "bytea"]
    plain = [name for name, type_name in columns if type_name != "bytea"]
    found = _found_in_bytes(table, sealed, marks) + _found_in_texts(table, plain, marks)
    yield from ((f"{table}.{name}", found[name]) for name, _ in columns)


def _found_in_bytes(table: str, columns: list[str], marks: Marks) -> Counter[str]:
    if not columns or not marks.ids:
        return Counter()
    quote = connection.ops.quote_name
    counted = ", ".join(
        f"count(*) FILTER (WHERE EXISTS (SELECT FROM unnest(%s::bytea[]) AS mark WHERE position(mark IN {name}) > 0))"
        for name in map(quote, columns)
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {counted} FROM {quote(table)}", [marks.bytes()] * len(columns))  # noqa: S608  # names of the catalogue
        [counts] = cursor.fetchall()
    return Counter(dict(zip(columns, counts, strict=True)))


def _found_in_texts(table: str, columns: list[str], marks: Marks) -> Counter[str]:
    """What is shorter than every mark, as most plain columns are, is not even fetched."""
    if not columns:
        return Counter()
    quote = connection.ops.quote_name
    texts = [f"{quote(name)}::text" for name in columns]
    told = ", ".join(f"CASE WHEN length({text}) >= %s THEN {text} END" for text in texts)
    are_long = " OR ".join(f"length({text}) >= %s" for text in texts)
    found: Counter[str] = Counter()
    with connection.chunked_cursor() as cursor:
        cursor.execute(f"SELECT {told} FROM {quote(table)} WHERE {are_long}", [marks.shortest] * 2 * len(columns))  # noqa: S608  # names of the catalogue
        while rows := cursor.fetchmany(AT_ONCE):
            for row in rows:
                found.update(name for name, text in zip(columns, row, strict=True) if text and marks.is_in(text))
    return found
