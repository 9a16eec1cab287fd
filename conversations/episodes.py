"""The episode of a conversation: one memory that says what it was about, written once, when enough was said.

Only what the person said in normal mode counts, and only that is evidence.
"""

import hashlib
import json
import uuid
from collections.abc import Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Annotated

from django.conf import settings
from django.db.models import Count, Q
from pydantic import AfterValidator, BaseModel

from conversations.branches import Tree
from conversations.models import Conversation, Message, MessageQuerySet, Role
from memories.access import MemoryAccess
from memories.engine import guard, rules, writing
from memories.engine.rules_sentences import SENTENCE_END
from memories.engine.types import Candidate, Provenance
from memories.models import (
    FoundBy,
    Kind,
    LearningMode,
    MemoryBatch,
    MemoryProfile,
    MemorySource,
    Origin,
    PrivacyMode,
    Sector,
    Status,
)
from memorychat.jobs import correlation_id
from memorychat.lib.crypto import unlock
from memorychat.lib.text import clean
from memorychat.llm.providers import has_language_model
from memorychat.llm.structured import answer_as
from memorychat.llm.types import ChatMessage, Prompt

PROMPT = Path(__file__).parent / "prompts" / "episode.txt"
EPISODE_LIMIT = 1_000
# Of a conversation that went on before its episode was written, so much is read, and so much of each message.
MOST_MESSAGES, MOST_OF_EACH = 60, 1_000
# Without a model: so many sentences of the person's own, each with so many characters at most.
TOLD, LONGEST, FEWEST_WORDS = 4, 200, 4
OWN_WORDS = "I wrote: {sentences}"
SURELY = 0.9


class _Answer(BaseModel):
    episode: Annotated[str, AfterValidator(partial(clean, limit=EPISODE_LIMIT, name="episode"))]


def due_with(message_id: uuid.UUID) -> uuid.UUID | None:
    """The conversation of this message, if it is time for its episode."""
    message = Message.objects.filter(pk=message_id, mode=PrivacyMode.NORMAL).select_related("conversation").first()
    return message.conversation_id if message and _is_due(message.conversation) else None


def write(conversation_id: uuid.UUID) -> None:
    """Raises ProviderError when the model does not answer. Running it again, or twice at once, writes once."""
    conversation = (
        Conversation.objects.filter(pk=conversation_id, profile__deleted_at=None)
        .select_related("profile__owner")
        .first()
    )
    if conversation is None or conversation.profile.learning == LearningMode.NEVER or not _is_due(conversation):
        return
    said = list(_own(conversation)[:MOST_MESSAGES])
    unlock(said)
    content = _worded(conversation.profile, [message.text for message in said])
    # Deleted while a model read it, it is told of no more.
    if not content or not Conversation.objects.filter(pk=conversation_id).exists():
        return
    access = MemoryAccess(conversation.profile, PrivacyMode.NORMAL, actor=None, door=Origin.SYSTEM)
    # An episode is compared with no other memory: what happened, happened.
    with suppress(writing.AlreadyWritten):
        candidate = _candidate(content, conversation, said[-1])
        writing.remember_all(access, [candidate], batch=_batch(conversation), as_given=True)


def _shown(conversation: Conversation) -> MessageQuerySet:
    """What was said in normal mode in the branch that is shown: what was edited away is told of no more."""
    branch = Tree.of(conversation).branch(conversation.leaf_id)
    return conversation.messages.filter(mode=PrivacyMode.NORMAL, pk__in=[place.id for place in branch])


def _is_due(conversation: Conversation) -> bool:
    said = _shown(conversation)
    counted = said.aggregate(own=Count("pk", filter=Q(role=Role.USER)), all=Count("pk"))
    enough = counted["own"] >= settings.EPISODE_OWN_MESSAGES or counted["all"] >= settings.EPISODE_ALL_MESSAGES
    return enough and counted["own"] > 0 and not _is_written(conversation)


def _is_written(conversation: Conversation) -> bool:
    batch = _batch(conversation)
    return MemoryBatch.objects.filter(purpose=batch.purpose, reference=batch.reference).exists()


def _batch(conversation: Conversation) -> writing.Batch:
    return writing.Batch(MemoryBatch.Purpose.EPISODE, conversation.pk)


def _own(conversation: Conversation) -> MessageQuerySet:
    """What the person said and did not have forgotten since."""
    own = _shown(conversation).filter(role=Role.USER)
    sources = MemorySource.objects.filter(message_id__in=own.values("pk"), memory__status=Status.FORGOTTEN)
    return own.exclude(pk__in=sources.values("message_id")).oldest_first()


def _candidate(content: str, conversation: Conversation, last: Message) -> Candidate:
    by_model = has_language_model(conversation.profile)
    return Candidate(
        content,
        kind=Kind.EPISODE,
        sector=Sector.EPISODIC,
        confidence=SURELY,
        occurred_at=conversation.created_at,
        found_by=FoundBy.MODEL if by_model else FoundBy.RULES,
        found_version=_version() if by_model else rules.VERSION,
        provenance=Provenance(conversation_id=conversation.pk, said_at=last.created_at),
    )


def _worded(profile: MemoryProfile, said: Sequence[str]) -> str:
    return _by_model(profile, said) if has_language_model(profile) else _in_own_words(said)


def _by_model(profile: MemoryProfile, said: Sequence[str]) -> str:
    lines = "\n".join(json.dumps(words[:MOST_OF_EACH], ensure_ascii=False) for words in said)
    prompt = Prompt(PROMPT.read_text(encoding="utf-8"), history=[ChatMessage("user", lines)])
    return answer_as(_Answer, profile, prompt, correlation_id=correlation_id()).episode


def _in_own_words(said: Sequence[str]) -> str:
    """The statements that matter most; where the rules know none, the sentences that say most. Empty for neither."""
    found = [(finding.importance, finding.content) for words in said for finding in rules.find(words[:MOST_OF_EACH])]
    told = found or [(len(sentence), sentence) for words in said for sentence in _sentences(words[:MOST_OF_EACH])]
    harmless = {content: weight for weight, content in told if _may_be_told(content)}
    chosen = sorted(harmless, key=lambda content: harmless[content], reverse=True)[:TOLD]
    sentences = " ".join(f"“{content}”" for content in harmless if content in chosen)
    return OWN_WORDS.format(sentences=sentences) if sentences else ""


def _may_be_told(content: str) -> bool:
    return len(content) <= LONGEST and guard.inspect(content).is_harmless


def _sentences(words: str) -> list[str]:
    """Without questions: they state nothing, and would be found as answers to themselves."""
    parts = [part.strip() for part in SENTENCE_END.split(words) if part]
    return [part for part in parts if len(part.split()) >= FEWEST_WORDS and not part.endswith("?")]


@cache
def _version() -> str:
    return f"episode-{hashlib.sha256(PROMPT.read_bytes()).hexdigest()[:12]}"
