"""What a model asked to be remembered while it answered a message: kept with the message until it is weighed.

Each wish has an id of its own, which is its batch in the ledger: weighed twice, it is written once.
"""

import re
import uuid
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from conversations.models import Message
from memories.engine import rules
from memories.engine.sameness import words_that_matter
from memories.engine.types import Candidate, Provenance
from memories.models import FoundBy, Kind, Sector
from memorychat.lib.crypto import unlock
from memorychat.lib.identifiers import uuid7

# From so many words in common, of those that either has, two statements of one message may tell the same.
ALIKE = 0.5
# And only when they have the same numbers, names and negations.
TELLING = re.compile(r"\w*\d\w*|(?<=[^.!?\s]\s)[A-Z]\w+|\b(?:not|no|never|nor|without)\b|n't\b")


def as_json(candidate: Candidate) -> dict[str, Any]:
    return {
        "id": str(uuid7()),
        "content": candidate.content,
        "kind": candidate.kind,
        "confidence": candidate.confidence,
        "importance": candidate.importance,
        "quote": candidate.quote,
        "asked_for": candidate.asked_for,
        "version": candidate.found_version,
        "reason": candidate.reason,
    }


def id_of(wish: dict[str, Any]) -> uuid.UUID:
    return uuid.UUID(wish["id"])


def candidate_of(wish: dict[str, Any], provenance: Provenance, zone: ZoneInfo) -> Candidate:
    """As the write gate takes it; when it happened is worked out by the rules, from the words and the day."""
    content = wish["content"]
    finding = next(iter(rules.find(content)), None)
    at = rules.event_time(finding, provenance.said_at, zone) if finding else None
    candidate = Candidate(
        content,
        kind=Kind(wish["kind"]),
        confidence=wish["confidence"],
        importance=wish["importance"],
        occurred_at=at or provenance.said_at,
        quote=wish["quote"],
        asked_for=wish["asked_for"],
        reason=wish["reason"],
        found_by=FoundBy.MODEL,
        found_version=wish["version"],
        provenance=provenance,
    )
    if finding is None:
        return candidate
    happened = at is not None and finding.tells_what_happened
    sector = Sector.EPISODIC if happened else finding.sector
    return replace(candidate, slot=finding.slot, ends=finding.ends, sector=sector)


def not_told_by(wished: Sequence[Candidate], found: Sequence[Candidate]) -> list[Candidate]:
    """Those found in the message that no wish tells already."""
    return [candidate for candidate in found if not any(_tell_the_same(candidate, wish) for wish in wished)]


def _tell_the_same(one: Candidate, other: Candidate) -> bool:
    if one.slot and one.slot == other.slot:
        return True
    if set(TELLING.findall(one.content)) != set(TELLING.findall(other.content)):
        return False
    words, others = set(words_that_matter(one.content)), set(words_that_matter(other.content))
    return len(words & others) >= ALIKE * len(words | others)


def drop(message_id: uuid.UUID, granted: Collection[uuid.UUID]) -> None:
    """Takes off a message what was weighed; what was added meanwhile stays."""
    with transaction.atomic(durable=True):
        rows = Message.objects.select_for_update(no_key=True, of=("self",)).select_related("owner")
        message = rows.filter(pk=message_id).first()
        if message is None:
            return
        unlock([message])
        message.wishes = [wish for wish in message.wishes or [] if id_of(wish) not in granted] or None
        message.save(update_fields=["wishes"])
