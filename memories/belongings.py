"""What memories keep of a person. Their events stay, as ids and numbers: a ledger does not lose its lines."""

import uuid

from django.db import connection

from accounts.models import Organization
from accounts.personal_data import Belongings
from memories.models import (
    Conflict,
    Memory,
    MemoryBatch,
    MemoryEmbedding,
    MemoryEvent,
    MemoryLink,
    MemoryProfile,
    MemorySource,
    MemoryTerm,
)
from memories.organizations import dissolve_all_of
from memorychat.lib.identifiers import uuid7

DERIVED = "made of the words of memories, and made again at any time"

# The trigger of the table lets through what empties texts, and nothing else, in a transaction that says this.
ERASING = "SET LOCAL memorychat.erasing = 'on'"
EMPTY = """
UPDATE memories_memoryevent SET before = NULL, after = '', reason = '', correlation_id = ''
 WHERE owner_id = %s AND (after <> '' OR reason <> '' OR before IS NOT NULL OR correlation_id <> '')"""
# One a memory, also of memories that are known by their events alone.
RECORD = """
INSERT INTO memories_memoryevent
       (id, number, owner_id, profile_id, memory_id, change_id, action, door, outcome, reason, after, found_by,
        found_version, correlation_id, milliseconds, created_at)
SELECT gen_random_uuid(), nextval('memory_event_number'), latest.owner_id, latest.profile_id, latest.memory_id,
       %s, 'erased', 'system', '', '', '', '', '', '', 0, now()
  FROM (SELECT DISTINCT ON (memory_id) memory_id, owner_id, profile_id, action FROM memories_memoryevent
         WHERE owner_id = %s ORDER BY memory_id, number DESC) AS latest
 WHERE latest.action <> 'erased'"""


def empty_ledger(person_id: uuid.UUID) -> int:
    """How many events lost their words. A further event of each memory says that it was erased."""
    with connection.cursor() as cursor:
        cursor.execute(ERASING)
        cursor.execute(EMPTY, [person_id])
        emptied = cursor.rowcount
        cursor.execute(RECORD, [uuid7(), person_id])
    return emptied


BELONGINGS = [
    Belongings(MemoryProfile, locks=True),
    Belongings(Memory),
    Belongings(MemoryEmbedding, "memory__owner", why_untold=DERIVED),
    Belongings(MemoryTerm, "memory__owner", why_untold=DERIVED),
    # By the columns that have a full index: of the profile there is none.
    Belongings(MemoryLink, "one__owner", why_untold=DERIVED),
    Belongings(Conflict, "one__owner"),
    Belongings(MemoryBatch),
    Belongings(MemorySource, "memory__owner"),
    Belongings(MemoryEvent, emptied_by=empty_ledger),
    # Here, for with an organization the profiles of others lose it.
    Belongings(Organization, emptied_by=dissolve_all_of, locks=True),
]
