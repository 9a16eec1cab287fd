"""What stands beside the hits: their links among each other, what they lead to, and the conflicts they stand in."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from memories.engine.candidates import Narrowing
from memories.models import Conflict, MemoryProfile
from memorychat.lib.prepared import prepared_cursor

FOLLOWED = 2  # the strongest links of each hit
FOLLOWED_WHEN_NARROWED = 10  # of these, the strongest that are allowed
LINKED_AMONG = 10  # links count among so many first hits

# With what stands in a conflict, links without a weight. What is not active any more leads nowhere and contradicts
# nothing; what is narrowed away is not led to. A plan that is kept knows no profile's size: as a join, that check could
# read the whole of a large one.
BESIDE = """
SELECT hit, near, weight
  FROM (SELECT hit, near, weight, row_number() OVER (PARTITION BY hit ORDER BY weight DESC, near DESC) AS place
          FROM (SELECT hit, other_id AS near, weight
                  FROM unnest(%(hits)s::uuid[]) AS hit JOIN memories_memorylink ON one_id = hit
                 UNION ALL
                SELECT hit, one_id, weight
                  FROM unnest(%(hits)s::uuid[]) AS hit JOIN memories_memorylink ON other_id = hit) AS linked) AS placed
 WHERE (place <= %(most)s OR near = ANY(%(hits)s::uuid[]))
   AND (SELECT profile_id = %(profile)s AND (status = 'active' OR status = ANY(%(statuses)s::text[])) {conditions}
          FROM memories_memory WHERE id = near)
 UNION ALL
SELECT one_id, other_id, NULL
  FROM memories_conflict AS conflict
  JOIN memories_memory AS one ON one.id = one_id AND one.status = 'active'
  JOIN memories_memory AS other ON other.id = other_id AND other.status = 'active'
 WHERE conflict.profile_id = %(profile)s AND resolved_at IS NULL"""


@dataclass
class Surroundings:
    """`links`: of the first hits, the strongest to another of them; `leads`: (hit, memory, weight), hit by hit."""

    links: dict[uuid.UUID, tuple[uuid.UUID, float]] = field(default_factory=dict)
    leads: list[tuple[uuid.UUID, uuid.UUID, float]] = field(default_factory=list)
    conflicts: dict[uuid.UUID, list[uuid.UUID]] = field(default_factory=lambda: defaultdict(list))


def surroundings_of(profile: MemoryProfile, hits: Sequence[uuid.UUID], narrowing: Narrowing) -> Surroundings:
    """Of `hits`, best first."""
    conditions = narrowing.conditions()
    parameters = {
        "profile": profile.pk,
        "hits": list(hits),
        "most": FOLLOWED_WHEN_NARROWED if conditions else FOLLOWED,
        **narrowing.parameters,
    }
    links: dict[uuid.UUID, list[tuple[float, uuid.UUID]]] = defaultdict(list)
    found = Surroundings()
    with prepared_cursor() as cursor:
        cursor.execute(BESIDE.format(conditions=conditions), parameters)
        for one, other, weight in cursor.fetchall():
            if weight is None:
                found.conflicts[one].append(other)
                found.conflicts[other].append(one)
            else:
                links[one].append((weight, other))
    _note_links(found, links, hits)
    return found


def _note_links(
    found: Surroundings, links: Mapping[uuid.UUID, list[tuple[float, uuid.UUID]]], hits: Sequence[uuid.UUID]
) -> None:
    first = set(hits[:LINKED_AMONG])
    for hit in hits:
        strongest = sorted(links.get(hit, ()), reverse=True)
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
