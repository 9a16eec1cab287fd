"""The life of one memory, as its page tells it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from memories.engine.undoing import undone_among
from memories.models import Action, FoundBy, Memory, MemoryEvent, MemorySource
from memorychat.lib.crypto import unlock


@dataclass(frozen=True)
class Chapter:
    """One event of the ledger in words. `before` and `after` are the wordings, where they changed.

    The newest can be undone; of an older one it is shown first what would follow.
    """

    word: str
    before: str
    after: str
    reason: str
    how: str
    at: datetime
    change_id: uuid.UUID
    conversation_id: uuid.UUID | None
    is_undone: bool
    can_undo: bool
    can_take_back: bool
    is_undo: bool


def history_of(memory: Memory) -> list[Chapter]:
    """Oldest first. What a later change built on is undone together with that, after a look at what would follow."""
    events = list(memory.events.select_related("profile").order_by("number"))
    unlock(events)
    undone = undone_among(event.change_id for event in events)
    newest = next((event for event in reversed(events) if event.action != Action.USED), None)
    return [_chapter(event, is_newest=event is newest, is_undone=event.change_id in undone) for event in events]


def sources_of(memory: Memory) -> Sequence[MemorySource]:
    """The words it came from, oldest first; a source without any says nothing to a reader."""
    sources = list(memory.sources.order_by("said_at"))
    unlock(sources)
    return [source for source in sources if source.quote]


def _chapter(event: MemoryEvent, *, is_newest: bool, is_undone: bool) -> Chapter:
    action = Action(event.action)
    return Chapter(
        word=str(action.label),
        before=(event.before or {}).get("content", ""),
        after=event.after.get("content", ""),
        reason=event.reason,
        how=_how(event),
        at=event.created_at,
        change_id=event.change_id,
        # A copy was not found in the conversation that it goes back to, and so is not taken back with it.
        conversation_id=event.conversation_id if event.found_by else None,
        is_undone=is_undone,
        can_undo=is_newest and not is_undone,
        can_take_back=not (is_newest or is_undone or action in (Action.USED, Action.UNDONE)),
        is_undo=action is Action.UNDONE,
    )


def _how(event: MemoryEvent) -> str:
    """By which door it came in and how it was found: "Chat, found by rules"."""
    found = [str(FoundBy(event.found_by).label)] if event.found_by else []
    return ", ".join([str(event.get_door_display()), *found])
