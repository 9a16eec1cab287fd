"""Learning from what was said: once for each message, and only from a person's own words in normal mode."""

import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from conversations import wishes
from conversations.models import Message, MessageStatus, Receipt
from memories.access import MemoryAccess
from memories.engine import writing
from memories.engine.extraction import Extraction, extract
from memories.engine.recall import recall
from memories.engine.rules import find_forgets
from memories.engine.types import Candidate, Provenance
from memories.models import Action, LearningMode, MemoryBatch, MemoryEvent, Origin, PrivacyMode
from memorychat.jobs import Job, correlation_id, enqueue
from memorychat.lib.crypto import unlock
from memorychat.lib.notify import announce

# A request to forget is carried out when one memory answers it this well, and no second one nearly as well.
FORGETS, CLEARLY = 0.75, 0.85
# A turn whose process died is learnt from without waiting for the end of its answer.
ABANDONED = timedelta(minutes=5)
AGAIN_AFTER, GIVEN_UP_AFTER = timedelta(days=1), timedelta(days=7)
AT_ONCE = 1_000
# A notification of PostgreSQL holds 8,000 bytes.
TOLD_AT_ONCE = 20


def learn(message_id: uuid.UUID) -> None:
    """Weigh and write what a message tells. Running it again changes nothing: each of its batches exists once.

    What a model asked to be remembered comes first, and does not wait for the reading of the message.
    """
    message = (
        Message.objects.filter(pk=message_id, conversation__profile__deleted_at=None)
        .select_related("owner", "conversation__profile__owner")
        .first()
    )
    if message is None or not PrivacyMode(message.mode).writes:
        return
    access = MemoryAccess(
        message.conversation.profile, PrivacyMode(message.mode), actor=message.owner, door=Origin.CHAT
    )
    provenance = Provenance(message_id=message.pk, conversation_id=message.conversation_id, said_at=message.created_at)
    wished = _grant_wishes(access, message, provenance)
    if message.is_unlearnt:
        _read(access, message, provenance, wished)
    _tell(message)


def _grant_wishes(access: MemoryAccess, message: Message, provenance: Provenance) -> list[Candidate]:
    """Weigh what tools were asked to save, and take it off the message; gives it, for it not to be told again."""
    unlock([message])
    zone = ZoneInfo(message.owner.time_zone)
    granted = {wishes.id_of(wish): wishes.candidate_of(wish, provenance, zone) for wish in message.wishes or []}
    for wish_id, candidate in granted.items():
        with suppress(writing.AlreadyWritten):
            writing.remember_all(access, [candidate], batch=writing.Batch(MemoryBatch.Purpose.TURN, wish_id))
    if granted:
        wishes.drop(message.pk, granted.keys())
    return list(granted.values())


def _read(access: MemoryAccess, message: Message, provenance: Provenance, wished: Sequence[Candidate]) -> None:
    """What the message itself tells, and what it asks to be forgotten."""
    found = _find(message, provenance)
    # Deleted while a model read it, it is learnt from no more.
    if not Message.objects.filter(pk=message.pk).exists():
        return
    # It is written already when a worker died between this and the mark below.
    with suppress(writing.AlreadyWritten):
        batch = writing.Batch(MemoryBatch.Purpose.TURN, message.pk)
        writing.remember_all(access, wishes.not_told_by(wished, found.candidates), batch=batch)
    if not _is_forgotten_otherwise(message):
        for wish in found.forgets:
            _forget(access, wish, message.pk)
    writing.revive(access, _cited_in_answer_to(message))
    Message.objects.filter(pk=message.pk).update(learnt_at=timezone.now())


def _is_forgotten_otherwise(message: Message) -> bool:
    """It was done already, or the person is being asked which memory they mean."""
    is_asked = Message.objects.filter(pk=message.pk).exclude(offered=[]).exists()
    return is_asked or MemoryEvent.objects.filter(message_id=message.pk, action=Action.FORGOTTEN).exists()


def enqueue_abandoned(learn_from: Job) -> int:
    """Have those messages learnt from that nobody enqueued, because the process that answered them died.

    And, once a day for a week, those whose job gave up: a model that was away for hours comes back.
    """
    now = timezone.now()
    given_up = Q(learning_since__lt=now - AGAIN_AFTER, created_at__gt=now - GIVEN_UP_AFTER)
    unlearnt = Message.objects.unlearnt().filter(
        Q(learning_since=None) | given_up, created_at__lt=now - ABANDONED, conversation__profile__deleted_at=None
    )
    rows = list(unlearnt.order_by("created_at").values_list("pk", flat=True)[:AT_ONCE])
    for message_id in rows:
        with transaction.atomic(durable=True):
            Message.objects.filter(pk=message_id).update(learning_since=timezone.now())
            enqueue(learn_from, message_id=message_id)
    return len(rows)


def _find(message: Message, provenance: Provenance) -> Extraction:
    """In a profile that learns nothing, only what the person asks to be forgotten."""
    if message.conversation.profile.learning == LearningMode.NEVER:
        return Extraction([], find_forgets(message.text))
    return extract(message.text, provenance, profile=message.conversation.profile, correlation_id=correlation_id())


def _cited_in_answer_to(message: Message) -> list[uuid.UUID]:
    whole = Receipt.objects.filter(message__parent=message).exclude(message__status=MessageStatus.INTERRUPTED)
    receipts = whole.values_list("recalled", flat=True)
    return [uuid.UUID(row["memory_id"]) for rows in receipts for row in rows if row["cited"]]


def _forget(access: MemoryAccess, wish: str, message_id: uuid.UUID) -> None:
    """Forget the one memory that the wish names; none when it is not clear which."""
    hits = recall(access, wish[:1_000], limit=2).hits
    if hits and hits[0].relevance >= FORGETS and (len(hits) == 1 or hits[1].relevance < hits[0].relevance * CLEARLY):
        writing.forget(access, hits[0].memory_id, reason="Asked for in the chat.", message_id=message_id)


def _tell(message: Message) -> None:
    events = MemoryEvent.objects.filter(message_id=message.pk).order_by("number")
    told = [
        {
            "message_id": str(message.pk),
            "change_id": str(event.change_id),
            "memory_id": str(event.memory_id),
            "action": event.action,
        }
        for event in events
    ]
    for at in range(0, len(told), TOLD_AT_ONCE):
        announce(message.owner_id, "memory.changed", {"events": told[at : at + TOLD_AT_ONCE]})
