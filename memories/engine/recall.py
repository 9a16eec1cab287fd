"""The read gate: every use of memories passes here. It finds and scores; it never writes.

A question is understood a little (`questions`), one statement gives at most two hundred candidates (`candidates`), what
speaks for each (`signals`) makes its score (`ranking`), and a last statement tells what stands beside the best of them
(`expansion`). A part that fails is left out and named; the rest is answered.
"""

import time
import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError
from django.db.models import F
from django.utils import timezone

from memories.access import MemoryAccess
from memories.engine import candidates, index, scoring
from memories.engine.candidates import Narrowing
from memories.engine.expansion import LINKED_AMONG, Surroundings, conflicts_among, surroundings_of
from memories.engine.questions import understand
from memories.engine.ranking import Weighed, hits_of, rank
from memories.engine.signals import signals_of
from memories.engine.types import Grounds, Hit, NotAllowed, Recall
from memories.models import Memory, MemoryProfile, Status
from memorychat.lib import metrics, text
from memorychat.llm.providers import get_embedder
from memorychat.llm.types import ProviderError, Vector

log = structlog.get_logger(__name__)

QUERY_LIMIT = 1_000

# Part → how often it was left out since this process started.
left_out: Counter[str] = Counter()


def recall(
    access: MemoryAccess,
    query: str,
    *,
    limit: int = 5,
    kinds: Collection[str] | None = None,
    sectors: Collection[str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    threshold: float = 0.0,
    include: Collection[Status] = (),
) -> Recall:
    """The memories of this profile that answer best; none at all in a mode that does not read.

    `kinds` and `sectors` allow what they name: an empty one allows nothing, None does not narrow. What held or happened
    from `since` on and before `until` may come. `threshold` compares with the relevance, 0–1. `include` adds memories
    that are not active, for their owner alone.
    Raises TextError for a query that is empty, too long or holds what cannot be stored, NotAllowed for somebody else
    who wants what is not active.
    """
    started = time.perf_counter()
    query = text.clean(query, limit=QUERY_LIMIT, name="query")
    narrowing = Narrowing(kinds, sectors, since, until, include)
    _must_own(access, narrowing)
    if not access.mode.reads or narrowing.allows_nothing:
        return Recall(took_ms=_milliseconds(started))
    facts = candidates.facts_of(access.profile)
    question = understand(access.profile, facts, query, timezone.localdate())
    degraded: list[str] = []
    vector = _embed(question.text, access.profile, degraded)
    found = candidates.find(access.profile, facts, question, vector, narrowing)
    calibration = get_embedder(access.profile).calibration
    signals = signals_of(found, question, memories=facts.memories, calibration=calibration, from_utc=_from_utc())
    first = rank(
        found,
        signals,
        memories=facts.memories,
        calibration=calibration,
        threshold=threshold,
        most=max(limit, LINKED_AMONG),
    )
    surroundings = _surroundings(access.profile, first, narrowing, degraded)
    hits = hits_of(first, found, surroundings, speaker=question.speaker, limit=limit, threshold=threshold)
    return _answer(access, hits, started, degraded)


def recall_recent(access: MemoryAccess, *, limit: int = 10) -> Recall:
    """What matters most and was said last, whatever it is about: for whoever has to speak before anything is asked."""
    started, now = time.perf_counter(), timezone.now()
    if not access.mode.reads:
        return Recall(took_ms=_milliseconds(started))
    score = scoring.WEIGHTS.salience * F("salience_now") + scoring.WEIGHTS.recency * F("recency")
    rows = (
        Memory.objects.filter(profile=access.profile, profile__deleted_at=None)
        .active()
        .annotate(salience_now=scoring.salience_in_sql(now), recency=scoring.recency_in_sql(now))
        .order_by(score.desc(), "-pk")
        .values_list("pk", "salience_now", "recency", "last_said_at")[:limit]
    )
    disputed = conflicts_among(access.profile)
    hits = (
        _recent(memory_id, salience, recency, scoring.days_between(last_said_at, now), disputed.get(memory_id, []))
        for memory_id, salience, recency, last_said_at in rows
    )
    return _answer(access, hits, started)


def _answer(access: MemoryAccess, hits: Iterable[Hit], started: float, degraded: Sequence[str] = ()) -> Recall:
    answer = Recall(tuple(hits), _milliseconds(started), tuple(degraded))
    metrics.recall_seconds.labels(access.door).observe(answer.took_ms / 1000)
    return answer


def _recent(
    memory_id: uuid.UUID, salience: float, recency: float, days: float, conflicts_with: Sequence[uuid.UUID]
) -> Hit:
    return Hit(
        memory_id,
        scoring.parts(0.0, salience, recency),
        relevance=0.0,
        similarity=None,
        keywords=0.0,
        grounds=Grounds(days_since_said=days),
        conflicts_with=tuple(conflicts_with),
    )


def _must_own(access: MemoryAccess, narrowing: Narrowing) -> None:
    if narrowing.statuses and (access.actor is None or access.actor.pk != access.profile.owner_id):
        raise NotAllowed("Only their owner can ask for memories that are not active.")


def _embed(question: str, profile: MemoryProfile, degraded: list[str]) -> Vector | None:
    try:
        return index.embed([question], profile)[0]
    except ProviderError as error:
        _leave_out("vectors", error.code, degraded)
        return None


def _surroundings(
    profile: MemoryProfile, first: Sequence[Weighed], narrowing: Narrowing, degraded: list[str]
) -> Surroundings:
    if not first:
        return Surroundings()
    try:
        return surroundings_of(profile, [each.candidate.memory_id for each in first], narrowing)
    except DatabaseError as error:
        _leave_out("links", type(error).__name__, degraded)
        return Surroundings()


def _leave_out(part: str, code: str, degraded: list[str]) -> None:
    degraded.append(part)
    left_out[part] += 1
    log.warning("recall_degraded", part=part, code=code)


def _from_utc() -> timedelta:
    return timezone.localtime().utcoffset() or timedelta()


def _milliseconds(started: float) -> float:
    return (time.perf_counter() - started) * 1000
