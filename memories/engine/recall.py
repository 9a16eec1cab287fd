"""The read gate: every use of memories passes here. It finds and scores; it never writes.

Exact cosine over a covering index and exact BM25 over keyed-hash terms, both inside one profile, give the hundred best
each; the rest is arithmetic over at most two hundred candidates (`scoring`).
"""

import heapq
import time
import uuid
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

import structlog
from django.db import connection
from django.utils import timezone
from pgvector import HalfVector

from memories.access import MemoryAccess
from memories.engine import index, scoring
from memories.engine.rules import slots_asked
from memories.engine.types import Hit, Recall
from memories.models import MemoryProfile
from memorychat.lib import text
from memorychat.llm.providers import get_embedder
from memorychat.llm.types import ProviderError, Vector

log = structlog.get_logger(__name__)

QUERY_LIMIT = 1_000
BEST_OF_EACH = 100
# BM25 (Robertson, Zaragoza 2009): saturation, and the influence of a memory's length.
K1, B = 1.2, 0.75

# A memory may hold a word of the query in two forms, as it is and as its stem: the better one counts, once.
WORDS = """
hits AS MATERIALIZED (
  SELECT memory_id, term, frequency::float8, length::float8, (count(*) OVER (PARTITION BY term))::float8 AS found
    FROM memories_memoryterm
   WHERE profile_id = %(profile)s AND term = ANY(%(terms)s::bigint[]) AND recallable),
words AS MATERIALIZED (
  SELECT memory_id, sum(weight) AS score
    FROM (SELECT memory_id, word, max(ln(1 + (%(memories)s - found + 0.5) / (found + 0.5)) * frequency * %(k1)s
                                      / (frequency + %(k)s + %(b)s * length)) AS weight
            FROM hits JOIN unnest(%(terms)s::bigint[], %(words)s::int[]) AS asked (term, word) USING (term)
           GROUP BY memory_id, word) AS best
   {filter}
   GROUP BY memory_id ORDER BY score DESC LIMIT %(limit)s)"""

VECTORS = """
vectors AS MATERIALIZED (
  SELECT memory_id, 1 - (embedding <=> %(vector)s::halfvec) AS score
    FROM memories_memoryembedding
   WHERE profile_id = %(profile)s AND model = %(model)s AND recallable {filter}
   ORDER BY score DESC LIMIT %(limit)s)"""

# What holds a slot that is asked for takes part, however its words read.
HOLDER = """
holder AS MATERIALIZED (
  SELECT memory_id
    FROM (SELECT id AS memory_id FROM memories_memory
           WHERE profile_id = %(profile)s AND slot = ANY(%(slots)s::bytea[]) AND status = 'active') AS held
   WHERE true {filter})"""

CANDIDATES = """
SELECT memory.id, vectors.score, words.score, holder.memory_id IS NOT NULL,
       memory.salience, memory.sector, (extract(epoch FROM %(now)s - memory.salience_at) / 86400)::float8,
       (extract(epoch FROM %(now)s - memory.last_said_at) / 86400)::float8
  FROM vectors FULL JOIN words USING (memory_id) FULL JOIN holder USING (memory_id)
  JOIN memories_memory memory ON memory.id = memory_id"""

NO_VECTORS = "vectors AS (SELECT NULL::uuid AS memory_id, NULL::float8 AS score WHERE false)"

# A filter narrows before the hundred best are taken, so that it never drops what it asks for.
FILTER = """{word} memory_id IN (SELECT id FROM memories_memory WHERE profile_id = %(profile)s AND status = 'active'
   AND (%(kinds)s::text[] IS NULL OR kind = ANY(%(kinds)s::text[]))
   AND (%(sectors)s::text[] IS NULL OR sector = ANY(%(sectors)s::text[])))"""


# Tuples, for two hundred of each are made for one recall, and frozen dataclasses take five times as long.
class _Candidate(NamedTuple):
    memory_id: uuid.UUID
    similarity: float | None
    keywords: float | None
    has_asked_slot: bool
    salience: float
    sector: str
    days_since_set: float
    days_since_said: float


class _Weighed(NamedTuple):
    score: float
    relevance: float
    salience: float
    recency: float
    candidate: _Candidate


def recall(
    access: MemoryAccess,
    query: str,
    *,
    limit: int = 5,
    kinds: Collection[str] | None = None,
    sectors: Collection[str] | None = None,
    threshold: float = 0.0,
) -> Recall:
    """The memories of this profile that answer best; none at all in a mode that does not read.

    `kinds` and `sectors` allow what they name: an empty one allows nothing, None does not narrow. `threshold` compares
    with the relevance, 0–1. Raises TextError for a query that is empty, too long or holds what cannot be stored.
    """
    started = time.perf_counter()
    query = text.clean(query, limit=QUERY_LIMIT, name="query")
    if not access.mode.reads or _allows_nothing(kinds, sectors):
        return Recall(took_ms=_milliseconds(started))
    vector, degraded = _embed(query, access.profile)
    profile = MemoryProfile.objects.active().get(pk=access.profile.pk)
    candidates = _candidates(profile, query, vector, kinds=kinds, sectors=sectors)
    weighed = _weigh(candidates, profile, threshold)
    best = heapq.nlargest(limit, weighed, key=lambda each: (each.score, each.candidate.memory_id.int))
    return Recall(tuple(_hit(each) for each in best), _milliseconds(started), degraded)


def _allows_nothing(*allowed: Collection[str] | None) -> bool:
    return any(values is not None and not values for values in allowed)


def _embed(query: str, profile: MemoryProfile) -> tuple[Vector | None, tuple[str, ...]]:
    try:
        return index.embed([query], profile)[0], ()
    except ProviderError as error:
        log.warning("recall_degraded", part="vectors", code=error.code)
        return None, ("vectors",)


def _candidates(
    profile: MemoryProfile,
    query: str,
    vector: Vector | None,
    *,
    kinds: Collection[str] | None,
    sectors: Collection[str] | None,
) -> list[_Candidate]:
    terms, words = index.asked_terms(profile, query)
    narrowed = FILTER if kinds is not None or sectors is not None else ""
    vectors = VECTORS.format(filter=narrowed.format(word="AND")) if vector is not None else NO_VECTORS
    holder = HOLDER.format(filter=narrowed.format(word="AND"))
    statement = f"WITH {WORDS.format(filter=narrowed.format(word='WHERE'))}, {vectors}, {holder} {CANDIDATES}"
    parameters: dict[str, Any] = {
        "profile": profile.pk,
        "terms": terms,
        "words": words,
        "memories": profile.memory_count,
        "k1": K1 + 1,
        "k": K1 * (1 - B),
        "b": K1 * B * profile.memory_count / max(profile.term_count, 1),
        "model": get_embedder(profile).name,
        "vector": HalfVector(vector.tolist()).to_text() if vector is not None else None,
        "kinds": list(kinds) if kinds is not None else None,
        "sectors": list(sectors) if sectors is not None else None,
        "slots": [index.slot_key(profile, slot) for slot in slots_asked(query)],
        "limit": BEST_OF_EACH,
        "now": timezone.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [_Candidate._make(row) for row in cursor.fetchall()]


def _weigh(candidates: list[_Candidate], profile: MemoryProfile, threshold: float) -> Iterator[_Weighed]:
    calibration = get_embedder(profile).calibration
    for candidate in candidates:
        relevance = scoring.relevance(
            candidate.similarity,
            candidate.keywords or 0.0,
            memories=profile.memory_count,
            has_asked_slot=candidate.has_asked_slot,
            calibration=calibration,
        )
        if relevance >= threshold:
            salience = scoring.salience_now(candidate.salience, candidate.sector, candidate.days_since_set)
            recency = scoring.recency(candidate.days_since_said)
            yield _Weighed(scoring.score(relevance, salience, recency), relevance, salience, recency, candidate)


def _hit(weighed: _Weighed) -> Hit:
    candidate = weighed.candidate
    return Hit(
        memory_id=candidate.memory_id,
        parts=scoring.parts(weighed.relevance, weighed.salience, weighed.recency),
        relevance=weighed.relevance,
        similarity=candidate.similarity,
        keywords=candidate.keywords or 0.0,
    )


def _milliseconds(started: float) -> float:
    return (time.perf_counter() - started) * 1000
