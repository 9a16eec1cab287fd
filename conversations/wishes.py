"""What a model asked to be remembered while it answered a message: kept with the message until it is learnt from."""

from collections.abc import Sequence
from typing import Any

from conversations.models import Message
from memories.engine.rules import ends_of, slot_of
from memories.engine.sameness import words_that_matter
from memories.engine.types import Candidate, Provenance
from memories.models import FoundBy, Kind

# From so many words in common, of those that either has, two statements of one message tell the same.
ALIKE = 0.5


def as_json(candidate: Candidate) -> dict[str, Any]:
    return {
        "content": candidate.content,
        "kind": candidate.kind,
        "confidence": candidate.confidence,
        "importance": candidate.importance,
        "version": candidate.found_version,
        "reason": candidate.reason,
    }


def candidates_of(message: Message, provenance: Provenance) -> list[Candidate]:
    """What was asked for, as the write gate takes it."""
    return [
        Candidate(
            wish["content"],
            kind=Kind(wish["kind"]),
            confidence=wish["confidence"],
            importance=wish["importance"],
            reason=wish["reason"],
            slot=slot_of(wish["content"]),
            ends=ends_of(wish["content"]),
            quote=message.text,
            found_by=FoundBy.MODEL,
            found_version=wish["version"],
            provenance=provenance,
        )
        for wish in message.wishes or []
    ]


def not_told_by(wished: Sequence[Candidate], found: Sequence[Candidate]) -> list[Candidate]:
    """Those found in the message that no wish tells already."""
    return [candidate for candidate in found if not any(_tell_the_same(candidate, wish) for wish in wished)]


def _tell_the_same(one: Candidate, other: Candidate) -> bool:
    if one.slot and one.slot == other.slot:
        return True
    words, others = set(words_that_matter(one.content)), set(words_that_matter(other.content))
    return len(words & others) >= ALIKE * len(words | others)
