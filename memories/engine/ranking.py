"""From candidates to hits: scores, the links among the first, what came by a link, and the cut. Pure."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from memories.engine import scoring
from memories.engine.candidates import Candidate
from memories.engine.expansion import LINKED_AMONG, Surroundings
from memories.engine.scoring import WEIGHTS, Signals
from memories.engine.types import Grounds, Hit
from memorychat.llm.types import Calibration

# A memory of this relevance answers, more likely than not; one of that has next to nothing to do with the question.
ANSWERS, HARDLY_ANSWERS = 0.5, 0.1


class Weighed(NamedTuple):
    candidate: Candidate
    relevance: float
    salience: float
    recency: float
    is_of_asked_time: bool
    is_answer: bool


def rank(
    found: Sequence[Candidate],
    signals: Signals,
    *,
    memories: int,
    calibration: Calibration,
    threshold: float,
    most: int,
) -> list[Weighed]:
    """The best, by relevance, salience and recency; equal ones in the order of their ids, newest first."""
    relevance = scoring.relevance(signals, memories=memories, calibration=calibration)
    salience = scoring.saliences_now(
        [each.salience for each in found],
        [each.sector for each in found],
        [each.days_since_set for each in found],
    )
    recency = scoring.recencies([each.days_since_said for each in found])
    scores = scoring.score(relevance, salience, recency).tolist()
    kept = np.flatnonzero(relevance >= threshold).tolist()
    kept.sort(key=lambda at: (scores[at], found[at].memory_id.int), reverse=True)
    return [
        Weighed(
            found[at],
            float(relevance[at]),
            float(salience[at]),
            float(recency[at]),
            is_of_asked_time=bool(signals.period[at] > 0),
            is_answer=bool(signals.answered[at] > 0),
        )
        for at in kept[:most]
    ]


def hits_of(
    first: Sequence[Weighed],
    found: Sequence[Candidate],
    surroundings: Surroundings,
    *,
    speaker: int | None,
    limit: int,
    threshold: float,
) -> list[Hit]:
    """The best `limit` of what came first and of what their links lead to, each once.

    `speaker` is whom the question asks about. A link lifts what does not answer by itself, and brings what was not
    found in place of what hardly answers.
    """
    hits = [_hit(each, surroundings, speaker, is_first=at < LINKED_AMONG) for at, each in enumerate(first)]
    hits = sorted(hits, key=_order, reverse=True)[:limit]
    kept = {hit.memory_id: hit for hit in hits}
    candidates = {each.memory_id: each for each in found} if surroundings.leads else {}
    for hit in _by_links(hits, surroundings, candidates):
        known = kept.get(hit.memory_id)
        is_better = known is None or (known.relevance < ANSWERS and known.score < hit.score)
        if is_better and hit.relevance >= threshold:
            kept[hit.memory_id] = hit
    own = {hit.memory_id for hit in hits if hit.relevance >= HARDLY_ANSWERS}
    best = sorted(kept.values(), key=lambda hit: (hit.memory_id in own, _order(hit)), reverse=True)[:limit]
    return sorted(best, key=_order, reverse=True)


def _order(hit: Hit) -> tuple[float, int]:
    return hit.score, hit.memory_id.int


def _hit(weighed: Weighed, surroundings: Surroundings, speaker: int | None, *, is_first: bool) -> Hit:
    candidate = weighed.candidate
    linked_to, link = surroundings.links.get(candidate.memory_id, (None, 0.0)) if is_first else (None, 0.0)
    return Hit(
        memory_id=candidate.memory_id,
        parts=scoring.parts(weighed.relevance, weighed.salience, weighed.recency, link),
        relevance=weighed.relevance,
        similarity=candidate.similarity,
        keywords=candidate.keywords or 0.0,
        grounds=Grounds(
            days_since_said=candidate.days_since_said,
            has_asked_slot=candidate.has_asked_slot,
            said_by_asked=speaker is not None and candidate.speaker == speaker,
            in_asked_time=weighed.is_of_asked_time,
            answers_question=weighed.is_answer,
            linked_to=linked_to,
            link=link,
        ),
        conflicts_with=tuple(surroundings.conflicts.get(candidate.memory_id, ())),
    )


def _by_links(
    hits: Sequence[Hit], surroundings: Surroundings, candidates: Mapping[uuid.UUID, Candidate]
) -> Iterator[Hit]:
    by_id = {hit.memory_id: hit for hit in hits}
    for hit_id, memory_id, weight in surroundings.leads:
        if hit := by_id.get(hit_id):
            yield _linked(hit, memory_id, weight, candidates.get(memory_id), surroundings)


def _linked(
    hit: Hit, memory_id: uuid.UUID, weight: float, candidate: Candidate | None, surroundings: Surroundings
) -> Hit:
    parts = scoring.parts_by_link(hit.parts, weight)
    return Hit(
        memory_id=memory_id,
        parts=parts,
        relevance=parts.relevance / WEIGHTS.relevance,
        similarity=candidate.similarity if candidate else None,
        keywords=(candidate.keywords or 0.0) if candidate else 0.0,
        grounds=Grounds(
            days_since_said=candidate.days_since_said if candidate else None, came_by=hit.memory_id, link=weight
        ),
        conflicts_with=tuple(surroundings.conflicts.get(memory_id, ())),
    )
