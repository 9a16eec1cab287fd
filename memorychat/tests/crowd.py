"""A database as a busy site has it: one person did everything once, and SQL multiplies what came of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import AutoField, Model

from accounts.models import ApiKey, DataKey, IdempotencyRecord, User
from conversations.models import Conversation, Message, Receipt
from memories.models import (
    Memory,
    MemoryBatch,
    MemoryEmbedding,
    MemoryEvent,
    MemoryProfile,
    MemorySource,
    MemoryTerm,
)

PEOPLE, CONVERSATIONS, MESSAGES, MEMORIES, TERMS = 10_000, 20_000, 60_000, 100_000, 300_000


def row_id(number: str) -> str:
    """SQL for the id of the row of that number; it ascends with the number, as ids do with time."""
    return f"(lpad(to_hex({number}), 12, '0') || '70008000000000000000')::uuid"


PERSON = row_id(f"n % {PEOPLE}")
# Row n belongs to the person, the memory … of these numbers, wherever it has such a column.
BELONGS_TO = {
    "owner_id": PERSON,
    "user_id": PERSON,
    "actor_id": PERSON,
    "profile_id": row_id(f"n % {PEOPLE}"),
    "memory_id": row_id(f"n % {MEMORIES}"),
    "batch_id": row_id(f"n % {MESSAGES}"),
    "conversation_id": row_id(f"n % {CONVERSATIONS}"),
}
RANDOM_HASH = "decode(md5(n::text), 'hex')"


@dataclass(frozen=True)
class Many:
    """So many rows of a kind; `columns` holds SQL over n for what else differs between them."""

    model: type[Model]
    count: int
    columns: dict[str, str] = field(default_factory=dict)

    def statement(self) -> str:
        meta, quote = self.model._meta, connection.ops.quote_name
        differing = BELONGS_TO | {"id": row_id("n")} | self.columns
        # Numbers count up by themselves.
        names = [str(column.column) for column in meta.concrete_fields if not isinstance(column, AutoField)]
        values = [differing.get(name, f"example.{quote(name)}") for name in names]
        return (
            f"INSERT INTO {meta.db_table} ({', '.join(map(quote, names))}) SELECT {', '.join(values)}"  # noqa: S608  # our names
            f"  FROM (SELECT * FROM {meta.db_table} ORDER BY {meta.pk.column} LIMIT 1) AS example,"
            f"       generate_series(0, {self.count - 1}) AS n"
        )


CROWD = [
    Many(User, PEOPLE, {"email": "'person' || n || '@example.com'"}),
    Many(EmailAddress, PEOPLE, {"email": "'person' || n || '@example.com'"}),
    Many(Session, PEOPLE, {"session_key": "md5(n::text)"}),
    Many(UserSession, PEOPLE, {"session_key": "md5(n::text)"}),
    Many(ApiKey, PEOPLE, {"digest": RANDOM_HASH}),
    Many(IdempotencyRecord, PEOPLE, {"key_digest": RANDOM_HASH}),
    Many(DataKey, PEOPLE * 2, {"purpose": f"CASE WHEN n < {PEOPLE} THEN 'person' ELSE 'profile' END"}),
    Many(MemoryProfile, PEOPLE, {"data_key_id": row_id(f"n + {PEOPLE}")}),
    Many(Conversation, CONVERSATIONS, {"leaf_id": row_id("n * 2 + 1")}),
    Many(
        Message,
        MESSAGES,
        {
            "owner_id": row_id(f"n / 2 % {PEOPLE}"),
            "conversation_id": row_id(f"n / 2 % {CONVERSATIONS}"),
            "role": "CASE n % 2 WHEN 0 THEN 'user' ELSE 'assistant' END",
            "parent_id": f"CASE n % 2 WHEN 1 THEN {row_id('n - 1')} END",
        },
    ),
    Many(Receipt, MESSAGES, {"message_id": row_id("n")}),
    Many(
        Memory,
        MEMORIES,
        {
            "digest": RANDOM_HASH,
            "slot": f"CASE n % 4 WHEN 0 THEN {RANDOM_HASH} END",
            "status": "CASE n % 20 WHEN 1 THEN 'superseded' ELSE 'active' END",
            "superseded_by_id": f"CASE n % 20 WHEN 1 THEN {row_id('n - 1')} END",
        },
    ),
    Many(MemoryEmbedding, MEMORIES),
    Many(MemoryTerm, TERMS, {"term": "n::bigint * 7919"}),
    Many(MemorySource, MEMORIES, {"message_id": row_id("n")}),
    Many(MemoryBatch, MESSAGES, {"reference": row_id("n")}),
    Many(
        MemoryEvent,
        MEMORIES,
        {
            "number": "nextval('memory_event_number')",
            "change_id": row_id("n"),
            "message_id": row_id("n"),
            "undoes": f"CASE n % 20 WHEN 1 THEN {row_id('n - 1')} END",
        },
    ),
]


def gather() -> None:
    """Committed, since only a vacuumed table is read as it will be; for `disperse` to take away."""
    tables = [many.model._meta.db_table for many in CROWD]
    with connection.cursor() as cursor:
        with transaction.atomic(), _bare(cursor, tables):
            for many in CROWD:
                cursor.execute(many.statement())
        cursor.execute(f"VACUUM (ANALYZE) {', '.join(tables)}")


def disperse() -> None:
    with connection.cursor() as cursor:
        # The ledger hangs on nothing, so that it outlives what is erased.
        cursor.execute("TRUNCATE accounts_user, memories_memoryevent, django_session, procrastinate_jobs CASCADE")


# How to drop each, and how to make it again.
FOREIGN_KEYS = """
SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
       format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid))
  FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text = ANY(%s)"""
INDEXES = """
SELECT format('DROP INDEX %%s', indexrelid::regclass), pg_get_indexdef(indexrelid)
  FROM pg_index WHERE indrelid::regclass::text = ANY(%s)
   AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)"""


@contextmanager
def _bare(cursor: CursorWrapper, tables: list[str]) -> Iterator[None]:
    """Rows come in several times faster where indexes and foreign keys are made after them."""
    made_again = []
    for question in (FOREIGN_KEYS, INDEXES):
        cursor.execute(question, [tables])
        for drop, make in cursor.fetchall():
            cursor.execute(drop)
            made_again.append(make)
    yield
    cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")
    for make in reversed(made_again):
        cursor.execute(make)
