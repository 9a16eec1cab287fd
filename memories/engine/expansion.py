"""What stands beside the hits: their links among each other, what they lead to, and the conflicts they stand in."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import connection

from memories.engine.candidates import Narrowing
from memories.models import MemoryProfile

FOLLOWED = 2  # the strongest links of each hit

LINKS_AMONG = """
SELECT 'among', one_id, other_id, weight FROM memories_memorylink
 WHERE one_id = ANY(%(first)s::uuid[]) AND other_id = ANY(%(first)s::uuid[])"""
LINKS_BEYOND = """
SELECT 'beyond', hit, near, weight
  FROM unnest(%(hits)s::uuid[]) AS hit, LATERAL (
       SELECT near, weight
         FROM (SELECT other_id AS near, weight FROM memories_memorylink WHERE one_id = hit
               UNION ALL
               SELECT one_id, weight FROM memories_memorylink WHERE other_id = hit) AS linked
         JOIN memories_memory memory ON memory.id = near AND memory.profile_id = %(profile)s
          AND (memory.status = 'active' OR memory.status = ANY(%(statuses)s::text[])) {conditions}
        ORDER BY weight DESC, near LIMIT %(followed)s) AS strongest"""
CONFLICTS = """
SELECT 'conflict', one_id, other_id, NULL::float8 FROM memories_conflict
  JOIN memories_memory one ON one.id = one_id AND one.status = 'active'
  JOIN memories_memory other ON other.id = other_id AND other.status = 'active'
 WHERE memories_conflict.profile_id = %(profile)s AND resolved_at IS NULL"""


@dataclass
class Surroundings:
    """`links`: of the first hits, the strongest to another of them; `leads`: (hit, memory, weight), hit by hit."""

    links: dict[uuid.UUID, tuple[uuid.UUID, float]] = field(default_factory=dict)
    leads: list[tuple[uuid.UUID, uuid.UUID, float]] = field(default_factory=list)
    conflicts: dict[uuid.UUID, list[uuid.UUID]] = field(default_factory=lambda: defaultdict(list))

    def note_link(self, one: uuid.UUID, other: uuid.UUID, weight: float) -> None:
        for this, that in ((one, other), (other, one)):
            if weight > self.links.get(this, (that, 0.0))[1]:
                self.links[this] = (that, weight)

    def note_conflict(self, one: uuid.UUID, other: uuid.UUID) -> None:
        self.conflicts[one].append(other)
        self.conflicts[other].append(one)


def surroundings_of(
    profile: MemoryProfile, first: Sequence[uuid.UUID], hits: Sequence[uuid.UUID], narrowing: Narrowing
) -> Surroundings:
    """Of the `first` hits the links among each other, of all `hits` where their strongest links lead."""
    beyond = LINKS_BEYOND.format(conditions=narrowing.conditions())
    parameters = {"profile": profile.pk, "first": first, "hits": hits, "followed": FOLLOWED, **narrowing.parameters}
    found = Surroundings()
    with connection.cursor() as cursor:
        cursor.execute(f"{LINKS_AMONG} UNION ALL {beyond} UNION ALL {CONFLICTS}", parameters)
        for what, one, other, weight in cursor.fetchall():
            if what == "among":
                found.note_link(one, other, weight)
            elif what == "beyond":
                found.leads.append((one, other, weight))
            else:
                found.note_conflict(one, other)
    return found
