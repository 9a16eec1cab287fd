"""What a profile holds in a few sentences: worded by the language model, or put together from its strongest memories.

It is made anew some time after a change (`errands`). Only active memories that the person said themselves go in.
"""

import json
import uuid
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from pydantic import AfterValidator, BaseModel

from memories.engine import guard
from memories.engine.scoring import salience_in_sql
from memories.models import Action, Conflict, Kind, Memory, MemoryEvent, MemoryProfile
from memorychat.jobs import correlation_id
from memorychat.lib.crypto import unlock
from memorychat.lib.text import clean
from memorychat.llm.providers import has_language_model
from memorychat.llm.structured import answer_as
from memorychat.llm.types import ChatMessage, Prompt

PROMPT = Path(__file__).parent.parent / "prompts" / "summary.txt"
SUMMARY_LIMIT = 1_000
STRONGEST = 40
# Without a model their words stand one after the other, so there are fewer.
PUT_TOGETHER = 6

# What leaves all that a summary tells as true as it was.
ADDING = frozenset({Action.CREATED, Action.REINFORCED, Action.CONFIRMED, Action.RESTORED})


class _Answer(BaseModel):
    summary: Annotated[str, AfterValidator(partial(clean, limit=SUMMARY_LIMIT, name="summary"))]


def refresh(profile_id: uuid.UUID) -> None:
    """Raises ProviderError when the model does not answer, or answers something else."""
    profile = MemoryProfile.objects.active().select_related("owner").filter(pk=profile_id).first()
    if profile is None:
        return
    newest = _newest_event(profile)
    memories = strongest(profile)
    _keep(profile, _worded(profile, memories) if memories else None, newest)


def strongest(profile: MemoryProfile) -> list[Memory]:
    """What matters most now. What is disputed is left to its owner; what a named speaker said may be another's."""
    disputed = Conflict.objects.filter(profile=profile).open()
    memories = Memory.objects.filter(profile=profile, speaker=None).active().exclude(kind=Kind.EPISODE)
    memories = memories.exclude(pk__in=disputed.values("one")).exclude(pk__in=disputed.values("other"))
    matters = salience_in_sql(timezone.now())
    rows = list(memories.select_related("profile").order_by("-pinned", matters.desc(), "-pk")[:STRONGEST])
    unlock(rows)
    return rows


def is_behind(profile: MemoryProfile) -> bool:
    """Whether something happened of which the summary does not know."""
    return happened_after(profile, profile.summarised_through).exists()


def tells_too_much(profile: MemoryProfile) -> bool:
    """Whether something that the summary may tell does not hold any more."""
    return profile.summary is not None and _lost_after(profile, profile.summarised_through)


def happened_after(profile: MemoryProfile, number: int) -> QuerySet[MemoryEvent]:
    """That an answer rested on a memory changes nothing that a summary tells."""
    events = MemoryEvent.objects.filter(owner=profile.owner_id, profile=profile, number__gt=number)
    return events.exclude(action=Action.USED)


def _lost_after(profile: MemoryProfile, number: int) -> bool:
    return happened_after(profile, number).exclude(action__in=ADDING).exists()


def _newest_event(profile: MemoryProfile) -> int:
    events = MemoryEvent.objects.filter(owner=profile.owner_id, profile=profile)
    return events.order_by("-number").values_list("number", flat=True).first() or 0


def _worded(profile: MemoryProfile, memories: Sequence[Memory]) -> str:
    put_together = _put_together(memories)
    if not has_language_model(profile):
        return put_together
    said = "\n".join(_line(memory) for memory in memories)
    prompt = Prompt(PROMPT.read_text(encoding="utf-8"), history=[ChatMessage("user", said)])
    answer = answer_as(_Answer, profile, prompt, correlation_id=correlation_id())
    verdict = guard.inspect(answer.summary)
    # Whatever a statement had it say, the summary speaks to nobody.
    return put_together if verdict.is_quarantined else verdict.masked


def _line(memory: Memory) -> str:
    told = {"statement": memory.content, "on": memory.occurred_at.date().isoformat()}
    return json.dumps(told, ensure_ascii=False)


def _put_together(memories: Sequence[Memory]) -> str:
    summary = ""
    for memory in memories[:PUT_TOGETHER]:
        sentence = memory.content if memory.content[-1] in ".!?…。" else f"{memory.content}."
        if len(summary) + len(sentence) < SUMMARY_LIMIT:
            summary = f"{summary} {sentence}".lstrip()
    return summary


def _keep(profile: MemoryProfile, summary: str | None, newest: int) -> None:
    with transaction.atomic(durable=True):
        row = MemoryProfile.objects.active().select_for_update(no_key=True).filter(pk=profile.pk).first()
        # What was lost meanwhile has a refresh of its own waiting.
        if row is None or _lost_after(row, newest):
            return
        row.summary, row.summarised_through = summary, newest
        row.save(update_fields=["summary", "summarised_through"])
