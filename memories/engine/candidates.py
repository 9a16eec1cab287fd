"""The memories that may answer: the hundred best by vectors and the hundred best by words, in one statement.

Exact cosine over a covering index and exact BM25 over keyed-hash terms, both inside one profile; the rows of memories
are joined after the cut. Words never reach SQL, only their keyed hashes.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.utils import timezone

from memories.engine.questions import ProfileFacts, Question
from memories.models import MemoryProfile, Status
from memorychat.lib.prepared import prepared_cursor
from memorychat.llm.providers import get_embedder
from memorychat.llm.types import Vector

BEST_OF_EACH = 100
# BM25 (Robertson, Zaragoza 2009): saturation, and the influence of a memory's length.
K1, B = 1.2, 0.75

FACTS = """
SELECT memory_count, term_count, languages, speakers FROM memories_memoryprofile
 WHERE id = %(profile)s AND deleted_at IS NULL"""

# A memory may hold a word of the query in two forms, as it is and as its stem: the better one counts, once.
WORDS = """
hits AS MATERIALIZED (
  SELECT memory_id, term, frequency::float8, length::float8, (count(*) OVER (PARTITION BY term))::float8 AS found
    FROM ({terms}) AS term_rows),
words AS MATERIALIZED (
  SELECT memory_id, sum(weight) AS score
    FROM (SELECT memory_id, word, max(ln(1 + (greatest(%(memories)s, found) - found + 0.5) / (found + 0.5))
                                      * frequency * %(k1)s / (frequency + %(k)s + %(b)s * length)) AS weight
            FROM hits JOIN unnest(%(terms)s::bigint[], %(words)s::int[]) AS asked (term, word) USING (term)
           GROUP BY memory_id, word) AS best
   WHERE true {allowed}
   GROUP BY memory_id ORDER BY score DESC LIMIT %(limit)s)"""
TERMS = """
SELECT memory_id, term, frequency, length FROM memories_memoryterm
 WHERE profile_id = %(profile)s AND term = ANY(%(terms)s::bigint[]) AND recallable"""
OTHER_TERMS = """
 UNION ALL
SELECT memory_id, term, frequency, length FROM memories_memoryterm
  JOIN memories_memory other ON other.id = memory_id
 WHERE other.profile_id = %(profile)s AND other.status = ANY(%(statuses)s::text[]) AND NOT recallable
   AND term = ANY(%(terms)s::bigint[])"""

VECTORS = """
vectors AS MATERIALIZED ({vectors} ORDER BY score DESC LIMIT %(limit)s)"""
EMBEDDINGS = """
SELECT memory_id, 1 - (embedding <=> %(vector)s::halfvec) AS score FROM memories_memoryembedding
 WHERE profile_id = %(profile)s AND model = %(model)s AND recallable {allowed}"""
OTHER_EMBEDDINGS = """
 UNION ALL
SELECT memory_id, 1 - (embedding <=> %(vector)s::halfvec) FROM memories_memoryembedding
  JOIN memories_memory other ON other.id = memory_id
 WHERE other.profile_id = %(profile)s AND other.status = ANY(%(statuses)s::text[]) AND NOT recallable
   AND model = %(model)s {allowed}"""
NO_VECTORS = "vectors AS (SELECT NULL::uuid AS memory_id, NULL::float8 AS score WHERE false)"

# What holds a slot that is asked for takes part, however its words read.
HOLDER = """,
holder AS MATERIALIZED (
  SELECT memory_id
    FROM (SELECT id AS memory_id FROM memories_memory
           WHERE profile_id = %(profile)s AND slot = ANY(%(slots)s::bytea[]) AND status = 'active') AS held
   WHERE true {allowed})"""

CANDIDATES = """
SELECT memory.id, vectors.score, words.score, {is_holder}, memory.salience, memory.sector,
       (extract(epoch FROM %(now)s - memory.salience_at) / 86400)::float8,
       (extract(epoch FROM %(now)s - memory.last_said_at) / 86400)::float8,
       (extract(epoch FROM memory.occurred_at) / 86400)::float8,
       memory.thread, memory.position, memory.speaker, memory.asks, memory.stated
  FROM vectors FULL JOIN words USING (memory_id) {holder}
  JOIN memories_memory memory ON memory.id = memory_id"""


# Narrows before the hundred best are taken, so that it never drops what it asks for.
ALLOWED = """AND memory_id IN (SELECT id FROM memories_memory WHERE profile_id = %(profile)s
   AND (status = 'active' OR status = ANY(%(statuses)s::text[])) {conditions})"""


# Tuples, for two hundred are made for one recall, and frozen dataclasses take five times as long.
class Candidate(NamedTuple):
    """A row that may answer. Times are in days; `occurred_on` counts them from 1970, in UTC."""

    memory_id: uuid.UUID
    similarity: float | None
    keywords: float | None
    has_asked_slot: bool
    salience: float
    sector: str
    days_since_set: float
    days_since_said: float
    occurred_on: float
    thread: int | None
    position: int | None
    speaker: int | None
    asks: bool
    stated: int | None


@dataclass(frozen=True)
class Narrowing:
    """What recall may answer with; None does not narrow, `include` names statuses besides active.

    Times are of what held or happened: from `since` on, before `until`.
    """

    kinds: Collection[str] | None = None
    sectors: Collection[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    include: Collection[Status] = ()

    @property
    def allows_nothing(self) -> bool:
        return any(values is not None and not values for values in (self.kinds, self.sectors))

    @property
    def statuses(self) -> list[str]:
        """Besides active."""
        return [status.value for status in self.include if status is not Status.ACTIVE]

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "kinds": list(self.kinds) if self.kinds is not None else None,
            "sectors": list(self.sectors) if self.sectors is not None else None,
            "since": self.since,
            "until": self.until,
            "statuses": self.statuses,
        }

    def conditions(self) -> str:
        """On rows of memories_memory, each beginning with AND."""
        asked = {
            "AND kind = ANY(%(kinds)s::text[])": self.kinds,
            "AND sector = ANY(%(sectors)s::text[])": self.sectors,
            "AND occurred_at >= %(since)s": self.since,
            "AND occurred_at < %(until)s": self.until,
        }
        return " ".join(condition for condition, value in asked.items() if value is not None)

    def allowed(self) -> str:
        """On rows of vectors and words, beginning with AND."""
        if not (conditions := self.conditions()):
            return ""
        return ALLOWED.format(conditions=conditions)


def facts_of(profile: MemoryProfile) -> ProfileFacts:
    """As they are now; raises DoesNotExist for a profile that was deleted."""
    with prepared_cursor() as cursor:
        cursor.execute(FACTS, {"profile": profile.pk})
        row = cursor.fetchone()
    if row is None:
        raise MemoryProfile.DoesNotExist
    return ProfileFacts._make(row)


def find(
    profile: MemoryProfile, facts: ProfileFacts, question: Question, vector: Vector | None, narrowing: Narrowing
) -> list[Candidate]:
    """At most two hundred, and what holds an asked slot."""
    parameters: dict[str, Any] = {
        "profile": profile.pk,
        "terms": question.terms,
        "words": question.words,
        # Always of one type, or another number of digits would be another statement to the server.
        "memories": float(facts.memories),
        "k1": K1 + 1,
        "k": K1 * (1 - B),
        "b": K1 * B * facts.memories / max(facts.terms, 1),
        "model": get_embedder(profile).name,
        "vector": _as_text(vector) if vector is not None else None,
        "slots": question.slots,
        "limit": BEST_OF_EACH,
        "now": timezone.now(),
        **narrowing.parameters,
    }
    with prepared_cursor() as cursor:
        cursor.execute(_statement(narrowing, by_vector=vector is not None, by_slot=bool(question.slots)), parameters)
        return [Candidate._make(row) for row in cursor.fetchall()]


def _as_text(vector: Vector) -> str:
    """As pgvector reads it, to more digits than half of a float has: half as long as to the last one."""
    return f"[{','.join(['%.5f'] * len(vector)) % tuple(vector.tolist())}]"


def _statement(narrowing: Narrowing, *, by_vector: bool, by_slot: bool) -> str:
    allowed, others = narrowing.allowed(), bool(narrowing.statuses)
    words = WORDS.format(terms=TERMS + (OTHER_TERMS if others else ""), allowed=allowed)
    embeddings = (EMBEDDINGS + (OTHER_EMBEDDINGS if others else "")).format(allowed=allowed)
    vectors = VECTORS.format(vectors=embeddings) if by_vector else NO_VECTORS
    holder = HOLDER.format(allowed=allowed) if by_slot else ""
    candidates = CANDIDATES.format(
        is_holder="holder.memory_id IS NOT NULL" if by_slot else "false",
        holder="FULL JOIN holder USING (memory_id)" if by_slot else "",
    )
    return f"WITH {words}, {vectors} {holder} {candidates}"
