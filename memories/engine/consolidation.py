"""Many near memories that say one thing become one, worded anew; the others are archived behind it.

Links say which are near. The model judges which of them say one thing, and words it; without a model only what the
rules know to give the same one-valued fact, in the same words that matter, is joined, in its newest wording. What a
person put their hand to is left alone, and so are events, each of which happened.

All of a group is written in one transaction that counts its rows, and is taken back by one undo. A group that the model
was asked about is not asked about again.
"""

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated

import structlog
from django.db.models import Q
from django.utils import timezone
from pydantic import AfterValidator, BaseModel, Field

from memories.access import MemoryAccess
from memories.engine import changes, guard, index, rules, scoring
from memories.engine.changes import AlreadyWritten, Batch
from memories.engine.fading import not_by_hand
from memories.engine.ledger import Act
from memories.engine.sameness import differ, words_that_matter
from memories.engine.types import CONTENT_LIMIT, Outcome
from memories.models import (
    Action,
    Conflict,
    Kind,
    LearningMode,
    Memory,
    MemoryBatch,
    MemoryEvent,
    MemoryLink,
    MemoryProfile,
    MemoryQuerySet,
    MemorySource,
    Origin,
    PrivacyMode,
    Sector,
    Status,
)
from memorychat.jobs import correlation_id
from memorychat.lib.crypto import unlock
from memorychat.lib.identifiers import before_uuid7, uuid7
from memorychat.lib.text import clean
from memorychat.llm.providers import has_language_model
from memorychat.llm.structured import answer_as
from memorychat.llm.types import ChatMessage, Prompt, Vector

log = structlog.get_logger(__name__)

PROMPT = Path(__file__).parent.parent / "prompts" / "consolidate.txt"
FEWEST, MOST = 3, 10  # memories of a group
MOST_GROUPS = 20  # that a model is asked about in one run
LATELY = timedelta(days=2)
REASON = "Several memories said one thing."


class NotConsolidated(Exception):
    """What was written is not what should have been; nothing of it was kept."""


class _Answer(BaseModel):
    say_one_thing: list[int] = Field(default_factory=list, max_length=MOST)
    statement: Annotated[str, AfterValidator(partial(clean, limit=CONTENT_LIMIT, name="memory"))] | None = None


@dataclass(frozen=True)
class Joint:
    """Memories that say one thing, and the words for it."""

    members: Sequence[Memory]
    content: str


def consolidate(profile: MemoryProfile) -> int:
    """Says how many groups were joined. Raises ProviderError; what was joined before stays joined.

    Only in a profile that remembers by itself: in others nothing is worded for their owner.
    """
    if profile.learning != LearningMode.AUTOMATIC:
        return 0
    access = MemoryAccess(profile, PrivacyMode.NORMAL, actor=None, door=Origin.SYSTEM)
    groups = islice(_unjudged(_near_groups(profile)), MOST_GROUPS)
    joined = sum(_consolidate(access, group) for group in groups)
    log.info("memories_consolidated", profile_id=str(profile.pk), joined=joined)
    return joined


def changed_lately() -> list[uuid.UUID]:
    """The profiles in which it is worth looking."""
    events = MemoryEvent.objects.filter(pk__gt=before_uuid7(timezone.now() - LATELY))
    return list(events.exclude(action=Action.USED).values_list("profile", flat=True).distinct())


def _consolidate(access: MemoryAccess, group: Sequence[Memory]) -> bool:
    joint = _judged(access.profile, group)
    batch = Batch(MemoryBatch.Purpose.CONSOLIDATION, _reference(group))
    try:
        if joint is not None:
            return _join(access, batch, joint)
        if has_language_model(access.profile):
            _mark_as_judged(access, batch)
    except AlreadyWritten:
        log.info("group_judged_already", profile_id=str(access.profile.pk))
    return False


def _may_be_joined(memories: MemoryQuerySet) -> MemoryQuerySet:
    """One-valued facts supersede each other, events all happened, and what is in dispute is its owner's to decide."""
    disputed = Conflict.objects.open()
    states = memories.active().filter(slot=None).exclude(Q(sector=Sector.EPISODIC) | Q(kind=Kind.EPISODE))
    return not_by_hand(states).exclude(pk__in=disputed.values("one")).exclude(pk__in=disputed.values("other"))


def _near_groups(profile: MemoryProfile) -> Iterator[list[Memory]]:
    """Each a memory with those that are linked to it and of the same speaker, the most linked first; none in two."""
    memories = {memory.pk: memory for memory in _may_be_joined(changes.of_profile(profile))}
    neighbours: dict[uuid.UUID, list[uuid.UUID]] = {}
    links = MemoryLink.objects.filter(one__profile=profile).order_by("-weight", "pk")
    for one, other in links.values_list("one", "other"):
        if one in memories and other in memories and memories[one].speaker == memories[other].speaker:
            neighbours.setdefault(one, []).append(other)
            neighbours.setdefault(other, []).append(one)
    for middle in sorted(neighbours, key=lambda each: (-len(neighbours[each]), each)):
        near = [each for each in [middle, *neighbours[middle]] if each in memories][:MOST]
        if middle in memories and len(near) >= FEWEST:
            yield [memories.pop(each) for each in near]


def _unjudged(groups: Iterable[Sequence[Memory]]) -> Iterator[Sequence[Memory]]:
    """What a person took back, and what the model found to be different things, is not asked about again."""
    judged = MemoryBatch.objects.filter(purpose=MemoryBatch.Purpose.CONSOLIDATION)
    return (group for group in groups if not judged.filter(reference=_reference(group)).exists())


def _reference(group: Sequence[Memory]) -> uuid.UUID:
    """The same for the same memories in the same words."""
    marks = sorted(memory.pk.bytes + bytes(memory.digest) for memory in group)
    return uuid.UUID(bytes=hashlib.blake2b(b"".join(marks), digest_size=16).digest())


def _judged(profile: MemoryProfile, group: Sequence[Memory]) -> Joint | None:
    unlock(group)
    joint = _by_model(profile, group) if has_language_model(profile) else _by_rules(group)
    return joint if joint and len(joint.members) >= FEWEST and _adds_nothing(joint) else None


def _by_rules(group: Sequence[Memory]) -> Joint | None:
    """Around the newest that enough others say, too."""
    for middle in sorted(group, key=_age, reverse=True):
        slot = rules.slot_of(middle.content)
        alike = [
            each for each in group if rules.slot_of(each.content) == slot and not differ(each.content, middle.content)
        ]
        if slot is not None and len(alike) >= FEWEST:
            return Joint(alike, middle.content)
    return None


def _by_model(profile: MemoryProfile, group: Sequence[Memory]) -> Joint | None:
    lines = "\n".join(_line(number, memory) for number, memory in enumerate(group, start=1))
    prompt = Prompt(PROMPT.read_text(encoding="utf-8"), history=[ChatMessage("user", lines)])
    answer = answer_as(_Answer, profile, prompt, correlation_id=correlation_id())
    named = set(answer.say_one_thing)
    members = [memory for number, memory in enumerate(group, start=1) if number in named]
    return Joint(members, answer.statement) if answer.statement else None


def _line(number: int, memory: Memory) -> str:
    told = {"number": number, "statement": memory.content, "on": memory.occurred_at.date().isoformat()}
    return json.dumps(told, ensure_ascii=False)


def _adds_nothing(joint: Joint) -> bool:
    """No secret, no instruction, no word that matters and that none of them has, and none lost that all have."""
    said = [set(words_that_matter(memory.content)) for memory in joint.members]
    joined = set(words_that_matter(joint.content))
    verdict = guard.inspect(joint.content)
    sensitive = {topic for memory in joint.members for topic in guard.inspect(memory.content).sensitive}
    is_harmless = not verdict.secrets and not verdict.is_quarantined and set(verdict.sensitive) <= sensitive
    return is_harmless and set.intersection(*said) <= joined <= set.union(*said)


def _age(memory: Memory) -> tuple[datetime, uuid.UUID]:
    return memory.occurred_at, memory.pk


def _mark_as_judged(access: MemoryAccess, batch: Batch) -> None:
    with changes.locked(access) as profile:
        changes.open_batch(profile, batch)


def _join(access: MemoryAccess, batch: Batch, joint: Joint) -> bool:
    """False if one of them was changed while the model thought. Raises AlreadyWritten and NotConsolidated."""
    [vector] = changes.embed([joint.content], access.profile)
    with changes.locked(access) as profile:
        members = _as_they_were(profile, joint.members)
        if not members:
            return False
        act = Act(access, batch=changes.open_batch(profile, batch), reason=REASON)
        memory = _draft(profile, members, joint.content)
        if changes.with_digest(profile, bytes(memory.digest)).exclude(pk__in=_ids(members)).exists():
            return False
        changes.embed_later([vector])
        _write(act, profile, members, memory, vector)
    return True


def _write(act: Act, profile: MemoryProfile, members: Sequence[Memory], memory: Memory, vector: Vector | None) -> None:
    """The members go first, for the new one may say it in the words of one of them."""
    before = changes.of_profile(profile).active().count()
    for member in members:
        changes.change(act, member, Action.CONSOLIDATED, status=Status.ARCHIVED, superseded_by_id=memory.pk)
    changes.make(act, memory, vector, Outcome.CREATED)
    _carry_sources(members, memory)
    _count(act, profile, members, memory, before)


def _ids(memories: Sequence[Memory]) -> list[uuid.UUID]:
    return [memory.pk for memory in memories]


def _as_they_were(profile: MemoryProfile, members: Sequence[Memory]) -> list[Memory]:
    """Under the lock; empty if one of them is not what was judged, or was touched by a person meanwhile."""
    rows = list(_may_be_joined(changes.of_profile(profile)).filter(pk__in=_ids(members)))
    then = {memory.pk: bytes(memory.digest) for memory in members}
    return rows if {row.pk: bytes(row.digest) for row in rows} == then else []


def _draft(profile: MemoryProfile, members: Sequence[Memory], content: str) -> Memory:
    """What the newest is, as much as the strongest matters, said as often as all of them."""
    newest, now = max(members, key=_age), timezone.now()
    return Memory(
        id=uuid7(),
        owner=profile.owner,
        profile=profile,
        content=content,
        metadata=newest.metadata,
        kind=newest.kind,
        sector=newest.sector,
        importance=max(memory.importance for memory in members),
        confidence=max(memory.confidence for memory in members),
        salience=max(scoring.salience_of(memory, now) for memory in members),
        salience_at=now,
        origin=Origin.SYSTEM,
        occurred_at=newest.occurred_at,
        digest=index.digest_of(profile, content),
        speaker=newest.speaker,
        times_said=sum(memory.times_said for memory in members),
        last_said_at=max(memory.last_said_at for memory in members),
    )


def _carry_sources(members: Sequence[Memory], memory: Memory) -> None:
    """Where each of them was said, so was this."""
    sources = list(MemorySource.objects.filter(memory__in=members).select_related("memory__profile"))
    unlock(sources)
    MemorySource.objects.bulk_create(
        MemorySource(
            memory=memory,
            message_id=source.message_id,
            thread=source.thread,
            position=source.position,
            speaker=source.speaker,
            quote=source.quote,
            said_at=source.said_at,
        )
        for source in sources
    )


def _count(act: Act, profile: MemoryProfile, members: Sequence[Memory], memory: Memory, before: int) -> None:
    """Look at what stands in the tables now. Archiving and then failing to write would lose what was known."""
    active = changes.of_profile(profile).active()
    behind = Memory.objects.filter(superseded_by=memory, status=Status.ARCHIVED).count()
    events = MemoryEvent.objects.filter(change_id=act.change_id).count()
    stands = active.filter(pk=memory.pk).exists()
    found = (stands, active.count(), behind, events)
    if found != (True, before - len(members) + 1, len(members), len(members) + 1):
        raise NotConsolidated(f"Of {len(members)} memories, this came: {found}.")
