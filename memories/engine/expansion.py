"""What stands beside the hits: their links among each other, what they lead to, and the conflicts they stand in."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from memories.engine.candidates import Narrowing
from memories.models import Conflict, MemoryProfile

FOLLOWED = 2  # the strongest links of each hit
FOLLOWED_WHEN_NARROWED = 10  # of these, the strongest that are allowed
LINKED_AMONG = 10  # links count among so many first hits

# Checks of what links lead to would cost more to plan here than all the rest: they follow, for what is new alone.
BESIDE = """
SELECT hit, near, weight
  FROM (SELECT hit, near, weight, row_number() OVER (PARTITION BY hit ORDER BY weight DESC, near DESC) AS place
          FROM (SELECT hit, other_id AS near, weight
                  FROM unnest(%(hits)s::uuid[]) AS hit JOIN memories_memorylink ON one_id = hit
                 UNION ALL
                SELECT hit, one_id, weight
                  FROM unnest(%(hits)s::uuid[]) AS hit JOIN memories_memorylink ON other_id = hit) AS linked) AS placed
 WHERE place <= %(most)s OR near = ANY(%(hits)s::uuid[])
 UNION ALL
SELECT one_id, other_id, NULL FROM memories_conflict WHERE profile_id = %(profile)s AND resolved_at IS NULL"""
ALLOWED = """
SELECT id FROM memories_memory WHERE id = ANY(%(ids)s::uuid[]) AND profile_id = %(profile)s
   AND (status = 'active' OR status = ANY(%(statuses)s::text[])) {conditions}"""
ACTIVE = """
SELECT id FROM memories_memory WHERE id = ANY(%(ids)s::uuid[]) AND profile_id = %(profile)s AND status = 'active'"""


@dataclass
class Surroundings:
    """`links`: of the first hits, the strongest to another of them; `leads`: (hit, memory, weight), hit by hit."""

    links: dict[uuid.UUID, tuple[uuid.UUID, float]] = field(default_factory=dict)
    leads: list[tuple[uuid.UUID, uuid.UUID, float]] = field(default_factory=list)
    conflicts: dict[uuid.UUID, list[uuid.UUID]] = field(default_factory=lambda: defaultdict(list))


def surroundings_of(
    profile: MemoryProfile, hits: Sequence[uuid.UUID], known: Collection[uuid.UUID], narrowing: Narrowing
) -> Surroundings:
    """Of `hits`, best first. What is `known` is allowed already; where else their links lead is looked up."""
    links: dict[uuid.UUID, list[tuple[float, uuid.UUID]]] = defaultdict(list)
    conflicts: list[tuple[uuid.UUID, uuid.UUID]] = []
    most = FOLLOWED_WHEN_NARROWED if narrowing.conditions() else FOLLOWED
    for one, other, weight in _rows(BESIDE, profile=profile.pk, hits=list(hits), most=most):
        if weight is None:
            conflicts.append((one, other))
        else:
            links[one].append((weight, other))
    found = Surroundings()
    _note_links(found, links, hits, _allowed(profile, links, known, narrowing))
    _note_conflicts(found, profile, conflicts)
    return found


def _allowed(
    profile: MemoryProfile,
    links: Mapping[uuid.UUID, list[tuple[float, uuid.UUID]]],
    known: Collection[uuid.UUID],
    narrowing: Narrowing,
) -> set[uuid.UUID]:
    near = {memory_id for linked in links.values() for _, memory_id in linked}
    unknown = near.difference(known)
    if not unknown:
        return near
    statement = ALLOWED.format(conditions=narrowing.conditions())
    rows = _rows(statement, ids=list(unknown), profile=profile.pk, **narrowing.parameters)
    return near.intersection(known) | {memory_id for (memory_id,) in rows}


def _note_links(
    found: Surroundings,
    links: Mapping[uuid.UUID, list[tuple[float, uuid.UUID]]],
    hits: Sequence[uuid.UUID],
    allowed: Collection[uuid.UUID],
) -> None:
    first = set(hits[:LINKED_AMONG])
    for hit in hits:
        strongest = sorted(((weight, near) for weight, near in links[hit] if near in allowed), reverse=True)
        found.leads += [(hit, near, weight) for weight, near in strongest[:FOLLOWED]]
        among = next(((near, weight) for weight, near in strongest if near in first), None)
        if among and hit in first:
            found.links[hit] = among


def conflicts_among(profile: MemoryProfile) -> dict[uuid.UUID, list[uuid.UUID]]:
    """Memory → those that it stands in an open conflict with, in the whole profile."""
    found: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    for one, other in Conflict.objects.filter(profile=profile).open().values_list("one", "other"):
        found[one].append(other)
        found[other].append(one)
    return found


def _note_conflicts(
    found: Surroundings, profile: MemoryProfile, conflicts: Sequence[tuple[uuid.UUID, uuid.UUID]]
) -> None:
    """What was forgotten or superseded since contradicts nothing."""
    if not conflicts:
        return
    ids = list({memory_id for pair in conflicts for memory_id in pair})
    active = {memory_id for (memory_id,) in _rows(ACTIVE, ids=ids, profile=profile.pk)}
    for one, other in conflicts:
        if one in active and other in active:
            found.conflicts[one].append(other)
            found.conflicts[other].append(one)


def _rows(statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
