"""How the write gate weighs candidates.

Before the lock, since it is slow: guard, one embedding call for all, and the model's verdict on what the rules leave
open. Under the lock: limits, what is known already, what holds the slot, and the write itself.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import chain
from typing import Any

from django.conf import settings
from django.utils import timezone

from memories.access import MemoryAccess
from memories.engine import changes, conflicts, endings, guard, index, judging, scoring
from memories.engine.judging import Pair, Verdict
from memories.engine.ledger import Act
from memories.engine.limits import Allowance
from memories.engine.links import Near, nearest
from memories.engine.sameness import differ
from memories.engine.types import CONTENT_LIMIT, Candidate, Outcome, Written
from memories.models import (
    Action,
    FoundBy,
    Kind,
    LearningMode,
    Memory,
    MemoryProfile,
    Sector,
    Status,
)
from memorychat.jobs import correlation_id
from memorychat.lib import text
from memorychat.lib.identifiers import uuid7
from memorychat.llm.providers import has_language_model
from memorychat.llm.types import Vector

LOOKED_AT = 10  # the nearest memories that are compared with a new one
AT_ONE_TIME = timedelta(days=1)  # event times nearer than this decide nothing between two sides
CLEARLY_SURER = 0.2
EARLIEST_YEAR = 1900
FURTHEST = timedelta(days=100 * 366)

NOT_CLEAR = "It was not said clearly enough."
NOT_LEARNING = "This profile learns nothing by itself."
ASKS_FIRST = "This profile asks before it remembers."
LIMIT_REACHED = "The limit of memories that are written by themselves is reached."
NEWER_HOLDS = "A newer statement holds."
SURER_HOLDS = "It contradicts a surer statement."
WAITS_ALREADY = "The same waits for a decision already."
HELD_BACK = "It reads like an instruction, so it is held back."
MASKED = "Left out, since it is never stored: {secrets}."
SENSITIVE = "It is about {topics}, which is kept only when you ask for it."


class BadCandidate(ValueError):
    """A candidate with a value that no memory can have; the message says which."""


@dataclass(frozen=True)
class Weighed:
    """A candidate that came as far as the lock. `verdicts` are about known memories as their words were then."""

    candidate: Candidate
    is_held_back: bool = False
    vector: Vector | None = None
    verdicts: dict[uuid.UUID, tuple[bytes, Verdict]] = field(default_factory=dict)


def is_found_by_itself(candidate: Candidate) -> bool:
    """Found in what was said, and not given by a person's hand or program."""
    return candidate.found_by in (FoundBy.MODEL, FoundBy.RULES)


def weigh(access: MemoryAccess, candidates: Sequence[Candidate], *, as_given: bool) -> list[Weighed | Written]:
    """What can be decided without the lock: a `Written` for those that end here, the others go on.

    Raises TextError for a content that cannot be stored, BadCandidate, and ProviderError when the model that is asked
    does not answer: then nothing is written at all.
    """
    guarded = [screened(access, candidate) for candidate in candidates]
    going_on = [each for each in guarded if isinstance(each, Weighed)]
    vectors = iter(changes.embed([each.candidate.content for each in going_on], access.profile))
    embedded = [replace(each, vector=next(vectors)) if isinstance(each, Weighed) else each for each in guarded]
    return embedded if as_given else _judged(access, embedded)


def screened(access: MemoryAccess, candidate: Candidate) -> Weighed | Written:
    """What can be said of a candidate at once, before anything is embedded or looked up. Raises as `weigh` does."""
    return _guard(access, _checked(candidate))


def _checked(candidate: Candidate) -> Candidate:
    try:
        kind, sector = Kind(candidate.kind), Sector(candidate.sector)
    except ValueError as error:
        raise BadCandidate(str(error)) from error
    if not 1 <= candidate.importance <= 10:
        raise BadCandidate("The importance must be between 1 and 10.")
    if not 0 <= candidate.confidence <= 1:
        raise BadCandidate("The confidence must be between 0 and 1.")
    at = candidate.occurred_at
    if at and (at.tzinfo is None or at.year < EARLIEST_YEAR or at > timezone.now() + FURTHEST):
        raise BadCandidate("The time must have a zone, and lie between 1900 and a hundred years from now.")
    if candidate.slot and sector is Sector.EPISODIC:
        # What gives the present value of something is a state, however it came about.
        sector = Sector.SEMANTIC
    content = text.clean(candidate.content, limit=CONTENT_LIMIT, name="memory")
    return replace(candidate, content=content, kind=kind, sector=sector)


def _guard(access: MemoryAccess, candidate: Candidate) -> Weighed | Written:
    """Mask secrets; leave out what is sensitive and was not asked for; hold back what instructs."""
    if is_found_by_itself(candidate) and access.profile.learning == LearningMode.NEVER:
        return Written(Outcome.NOT_ALLOWED, reason=NOT_LEARNING)
    verdict = guard.inspect(candidate.content)
    if verdict.sensitive and is_found_by_itself(candidate) and not candidate.asked_for:
        return Written(Outcome.DISCARDED, reason=SENSITIVE.format(topics=" and ".join(verdict.sensitive)))
    if candidate.confidence < settings.MEMORY_CONFIDENCE_ASK:
        return Written(Outcome.DISCARDED, reason=NOT_CLEAR)
    is_held_back = verdict.is_quarantined
    reasons = [candidate.reason, HELD_BACK if is_held_back else "", told_of_masks(verdict)]
    safe = replace(
        candidate,
        content=verdict.masked,
        quote=guard.inspect(candidate.quote).masked if candidate.quote else "",
        reason=" ".join(filter(None, reasons)),
    )
    return Weighed(safe, is_held_back)


def told_of_masks(verdict: guard.Verdict) -> str:
    return MASKED.format(secrets=", ".join(verdict.secrets)) if verdict.secrets else ""


def _judged(access: MemoryAccess, weighed: list[Weighed | Written]) -> list[Weighed | Written]:
    """Ask the model about all pairs that the rules leave open, at once; without one both sides are kept."""
    if not has_language_model(access.profile):
        return weighed
    open_pairs = [
        (at, known)
        for at, each in enumerate(weighed)
        if isinstance(each, Weighed)
        for known in _left_open(access.profile, each)
    ]
    if not open_pairs:
        return weighed
    asked = [_pair(known, each.candidate) for at, known in open_pairs if isinstance(each := weighed[at], Weighed)]
    for (at, known), verdict in zip(
        open_pairs, judging.judge(asked, access.profile, correlation_id=correlation_id()), strict=True
    ):
        each = weighed[at]
        if isinstance(each, Weighed):
            each.verdicts[known.pk] = bytes(known.digest), verdict
    return weighed


def _left_open(profile: MemoryProfile, weighed: Weighed) -> Iterator[Memory]:
    """The near memories of which neither equal words, nor a slot, nor the rules of sameness decide.

    A person who writes by hand is not kept waiting for a model, and says what supersedes what by their own act.
    """
    candidate = weighed.candidate
    if weighed.vector is None or weighed.is_held_back or not is_found_by_itself(candidate):
        return
    digest, slot = index.digest_of(profile, candidate.content), index.slot_key(profile, candidate.slot)
    near = dict(nearest(profile, weighed.vector, LOOKED_AT))
    rows = (
        changes.of_profile(profile)
        .active()
        .in_bulk([memory_id for memory_id, position in near.items() if position >= settings.MEMORY_DUPLICATE_NEAR])
    )
    if any(bytes(known.digest) == digest for known in rows.values()):
        return
    for known in rows.values():
        is_same = near[known.pk] >= settings.MEMORY_DUPLICATE_SAME and not differ(known.content, candidate.content)
        if not is_same and (slot is None or changes.slot_of(known) != slot):
            yield known


def _pair(known: Memory, candidate: Candidate) -> Pair:
    return Pair(known.content, known.occurred_at, candidate.content, event_time(candidate))


def event_time(candidate: Candidate) -> datetime:
    """When it held or happened. A state holds when it is said, however long ago it began."""
    said_at = candidate.provenance.said_at
    at = candidate.occurred_at or said_at or timezone.now()
    return max(at, said_at) if candidate.slot and said_at else at


@dataclass(frozen=True)
class Placing:
    """One weighed candidate on its way into a profile that is locked."""

    act: Act
    profile: MemoryProfile
    weighed: Weighed
    allowance: Allowance

    def place(self) -> Written:
        if self.candidate.ends:
            settled = replace(self.weighed, candidate=endings.resolved(self.profile, self.candidate))
            return replace(self, weighed=settled).place()
        if not self.weighed.is_held_back and (known := self._known()):
            return self._reinforce(known)
        if waiting := waits(self.profile, self.weighed):
            return self._wait(*waiting)
        if not self.allowance.has_room_for(self.candidate):
            return self._wait(Status.PENDING, Outcome.RATE_LIMITED, LIMIT_REACHED)
        return self._place_beside(self._holder_of_slot())

    @property
    def candidate(self) -> Candidate:
        return self.weighed.candidate

    @property
    def _slot(self) -> bytes | None:
        """What is yet to come takes none."""
        if event_time(self.candidate) > timezone.now() + AT_ONE_TIME:
            return None
        return index.slot_key(self.profile, self.candidate.slot)

    def _known(self) -> Memory | None:
        """The active memory that says the same: by equal words, by nearly equal ones, or by the model's verdict."""
        equal = changes.with_digest(self.profile, index.digest_of(self.profile, self.candidate.content))
        known = chain(equal, chain.from_iterable(look() for look in (self._nearly_equal, self._judged_same)))
        return next((memory for memory in known if not self._is_another_event(memory)), None)

    def _judged_same(self) -> list[Memory]:
        return self._judged_as(Verdict.SAME)

    def _is_another_event(self, memory: Memory) -> bool:
        """What happened twice is no repetition; what is told again without a date is one."""
        at = self.candidate.occurred_at
        return (
            at is not None
            and Sector.EPISODIC in (self.candidate.sector, memory.sector)
            and abs(at - memory.occurred_at) > AT_ONE_TIME
            and at != self.candidate.provenance.said_at
        )

    @cached_property
    def _near(self) -> Near:
        return nearest(self.profile, self.weighed.vector, LOOKED_AT) if self.weighed.vector is not None else []

    def _nearly_equal(self) -> list[Memory]:
        alike = [memory_id for memory_id, position in self._near if position >= settings.MEMORY_DUPLICATE_SAME]
        rows = changes.of_profile(self.profile).in_bulk(alike) if alike else {}
        found = (rows[memory_id] for memory_id in alike)
        return [memory for memory in found if not differ(memory.content, self.candidate.content)]

    def _judged_as(self, verdict: Verdict) -> list[Memory]:
        """Those that the model said this of, as far as they are still what it was shown."""
        judged = {key: digest for key, (digest, found) in self.weighed.verdicts.items() if found is verdict}
        rows = changes.of_profile(self.profile).active().in_bulk(list(judged)) if judged else {}
        return [memory for memory in rows.values() if bytes(memory.digest) == judged[memory.pk]]

    def _holder_of_slot(self) -> Memory | None:
        return changes.slot_holder(self.profile, self._slot)

    def _place_beside(self, holder: Memory | None) -> Written:
        """Both are kept, unless one takes the place of the other; episodic ones never do, for both happened."""
        at, displaced, disputed = event_time(self.candidate), [], []
        if holder is not None:
            displaced.append(holder)
        if self.candidate.sector != Sector.EPISODIC:
            displaced += [each for each in self._judged_as(Verdict.NEWER) if each.sector != Sector.EPISODIC]
            disputed = [each for each in self._judged_as(Verdict.CONTRADICTS) if each.sector != Sector.EPISODIC]
        displaced += [each for each in disputed if abs(at - each.occurred_at) > AT_ONE_TIME]
        disputed = [each for each in disputed if each not in displaced]
        if newer := next((each for each in displaced if each.occurred_at > at), None):
            late = self._create(Status.SUPERSEDED, Outcome.SUPERSEDED, superseded_by_id=newer.pk)
            return Written(Outcome.SUPERSEDED, late.pk, self.act.change_id, reason=NEWER_HOLDS)
        confidence = self.candidate.confidence
        if any(each.confidence - confidence >= CLEARLY_SURER for each in disputed):
            return self._wait(Status.PENDING, Outcome.PENDING, SURER_HOLDS)
        displaced += [each for each in disputed if confidence - each.confidence >= CLEARLY_SURER]
        return self._write(displaced, [each for each in disputed if each not in displaced])

    def _write(self, displaced: list[Memory], disputed: list[Memory]) -> Written:
        memory_id = uuid7()
        for former in displaced:
            changes.supersede(self.act, former, memory_id)
        outcome = Outcome.CONFLICT if disputed else Outcome.SUPERSEDED if displaced else Outcome.CREATED
        gone = {former.pk for former in displaced}
        near = [(other, position) for other, position in self._near if other not in gone]
        memory = self._create(Status.ACTIVE, outcome, near=near, id=memory_id)
        for other in disputed:
            conflicts.mark(self.profile, memory, other)
        return Written(outcome, memory.pk, self.act.change_id, reason=self.act.reason)

    def _reinforce(self, memory: Memory) -> Written:
        return reinforce(self.act, self.candidate, memory)

    def _wait(self, status: Status, outcome: Outcome, reason: str) -> Written:
        digest = index.digest_of(self.profile, self.candidate.content)
        if waiting := changes.with_digest(self.profile, digest, status).first():
            return Written(outcome, waiting.pk, reason=WAITS_ALREADY)
        memory = self._create(status, outcome)
        if status is Status.PENDING:
            self._note_what_it_disputes(memory)
        return Written(outcome, memory.pk, self.act.change_id, reason=reason)

    def _note_what_it_disputes(self, memory: Memory) -> None:
        """Once its owner keeps it, both sides stand, and wait in the inbox."""
        if self.candidate.sector == Sector.EPISODIC:
            return
        for verdict in (Verdict.NEWER, Verdict.CONTRADICTS):
            for other in self._judged_as(verdict):
                if other.sector != Sector.EPISODIC:
                    conflicts.mark(self.profile, memory, other)

    def _create(self, status: Status, outcome: Outcome, *, near: Near = (), **columns: Any) -> Memory:
        memory = draft(self.act.access, self.profile, self.candidate, status, slot=self._slot, **columns)
        changes.make(self.act, memory, self.weighed.vector, outcome, near=near)
        return memory


def waits(profile: MemoryProfile, weighed: Weighed) -> tuple[Status, Outcome, str] | None:
    """As what a candidate is stored that may not be recalled yet, and why; None for one that may."""
    if weighed.is_held_back:
        return Status.QUARANTINED, Outcome.QUARANTINED, HELD_BACK
    if weighed.candidate.confidence < settings.MEMORY_CONFIDENCE_AUTO:
        return Status.PENDING, Outcome.PENDING, ""
    if profile.learning == LearningMode.ASK and is_found_by_itself(weighed.candidate):
        return Status.PENDING, Outcome.PENDING, ASKS_FIRST
    return None


def draft(access: MemoryAccess, profile: MemoryProfile, candidate: Candidate, status: Status, **columns: Any) -> Memory:
    """The memory that a candidate would be; not saved."""
    now = timezone.now()
    return Memory(
        owner=profile.owner,
        profile=profile,
        content=candidate.content,
        metadata=candidate.metadata,
        kind=candidate.kind,
        sector=candidate.sector,
        importance=candidate.importance,
        confidence=candidate.confidence,
        salience=candidate.importance / 10,
        salience_at=now,
        status=status,
        origin=access.door,
        occurred_at=event_time(candidate),
        digest=index.digest_of(profile, candidate.content),
        last_said_at=candidate.provenance.said_at or now,
        **columns,
    )


def reinforce(act: Act, candidate: Candidate, memory: Memory) -> Written:
    """What is known was said again: its salience, its confidence and its count rise."""
    now = timezone.now()
    memory.times_said += 1
    memory.last_said_at = max(memory.last_said_at, candidate.provenance.said_at or now)
    memory.save(update_fields=["times_said", "last_said_at"])
    columns: dict[str, Any] = {
        "salience": scoring.reinforced(scoring.salience_of(memory, now)),
        "salience_at": now,
        "confidence": max(candidate.confidence, scoring.reinforced(memory.confidence)),
    }
    if memory.slot and event_time(candidate) > memory.occurred_at:
        columns["occurred_at"] = event_time(candidate)
    if candidate.metadata is not None:
        columns["metadata"] = candidate.metadata
    changes.change(act, memory, Action.REINFORCED, outcome=Outcome.REINFORCED, **columns)
    changes.add_source(act, memory)
    return Written(Outcome.REINFORCED, memory.pk, act.change_id)
