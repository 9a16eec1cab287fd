"""Taking changes back: alone, with what built on them, and all of a conversation or run."""

import uuid
from dataclasses import replace

import pytest
from django.utils import timezone

from memories.access import MemoryAccess
from memories.engine import undoing, writing
from memories.engine.types import Candidate, NotAllowed, Outcome, Provenance, Slot, StaleChange, UnknownMemory
from memories.models import Kind, Memory, MemoryBatch, MemoryEvent, Origin, PrivacyMode, Status

pytestmark = pytest.mark.django_db

HOME = Slot("person", "home town")


def state() -> dict[str, str]:
    return {memory.content: memory.status for memory in Memory.objects.all()}


def changed(access: MemoryAccess, candidate: Candidate) -> uuid.UUID:
    change_id = writing.remember(access, candidate).change_id
    assert change_id
    return change_id


def only_memory() -> uuid.UUID:
    return Memory.objects.get().pk


def test_a_change_that_others_built_on_says_what_would_follow_and_asks(access: MemoryAccess) -> None:
    first = changed(access, Candidate("I play the cello"))
    second = writing.revise(access, only_memory(), "I play the tuba").change_id
    third = writing.adjust(access, only_memory(), importance=9).change_id
    with pytest.raises(StaleChange) as stale:
        undoing.undo(access, first)
    assert set(stale.value.follows) == {second, third}
    undoing.undo(access, first, seen=undoing.preview(access, [first]).seen)
    memory = Memory.objects.get()
    assert (memory.content, memory.importance, memory.status) == ("I play the cello", 5, Status.FORGOTTEN)


def test_what_came_after_it_was_shown_is_not_undone_unseen(access: MemoryAccess) -> None:
    first = changed(access, Candidate("I play the cello"))
    writing.revise(access, only_memory(), "I play the tuba")
    shown = undoing.preview(access, [first])
    third = writing.revise(access, only_memory(), "I play the harp").change_id
    with pytest.raises(StaleChange, match="since this was shown") as stale:
        undoing.undo(access, first, seen=shown.seen)
    assert third in stale.value.follows
    assert state() == {"I play the harp": Status.ACTIVE}


def test_undoing_with_what_follows_is_one_change_that_can_be_undone(access: MemoryAccess) -> None:
    first = changed(access, Candidate("I play the cello"))
    writing.revise(access, only_memory(), "I play the tuba")
    undone = undoing.undo(access, first, seen=undoing.preview(access, [first]).seen).change_id
    assert undone
    undoing.undo(access, undone)
    assert state() == {"I play the tuba": Status.ACTIVE}


def test_what_was_undone_in_between_hinders_nothing(access: MemoryAccess) -> None:
    first = changed(access, Candidate("I play the cello"))
    second = writing.revise(access, only_memory(), "I play the tuba").change_id
    assert second
    undoing.undo(access, second)
    undoing.undo(access, first)
    assert state() == {"I play the cello": Status.FORGOTTEN}


def test_nothing_is_undone_twice_unless_it_was_done_again(access: MemoryAccess) -> None:
    change = changed(access, Candidate("I like tea"))
    undone = undoing.undo(access, change).change_id
    with pytest.raises(StaleChange, match="already"):
        undoing.undo(access, change)
    assert undone
    undoing.undo(access, undone)
    assert state() == {"I like tea": Status.ACTIVE}
    undoing.undo(access, change)
    assert state() == {"I like tea": Status.FORGOTTEN}


def said_in(conversation: uuid.UUID, content: str, **more: object) -> Candidate:
    provenance = Provenance(message_id=uuid.uuid4(), conversation_id=conversation, said_at=timezone.now())
    return Candidate(content, provenance=provenance, **more)  # type: ignore[arg-type]  # fields of Candidate


def test_all_that_a_conversation_brought_is_undone_at_once(access: MemoryAccess) -> None:
    here, there = uuid.uuid4(), uuid.uuid4()
    writing.remember(access, said_in(there, "I live in Porto", slot=HOME))
    writing.remember(access, said_in(here, "I like tea"))
    writing.remember(access, said_in(here, "I live in Lisbon", slot=HOME))
    undoing.undo_conversation(access, here)
    assert state() == {
        "I live in Porto": Status.ACTIVE,
        "I like tea": Status.FORGOTTEN,
        "I live in Lisbon": Status.FORGOTTEN,
    }
    assert undoing.changes_of_conversation(access, here) == []


def test_what_another_conversation_built_on_it_is_named_before_it_goes_too(access: MemoryAccess) -> None:
    here, there = uuid.uuid4(), uuid.uuid4()
    writing.remember(access, said_in(here, "I like tea"))
    again = changed(access, said_in(there, "I like tea"))
    shown = undoing.preview(access, undoing.changes_of_conversation(access, here))
    assert shown.follows == (again,)
    with pytest.raises(StaleChange):
        undoing.undo_conversation(access, here)
    undoing.undo_conversation(access, here, seen=shown.seen)
    assert state() == {"I like tea": Status.FORGOTTEN}


def test_a_preview_shows_words_and_status_now_and_then_and_writes_nothing(access: MemoryAccess) -> None:
    writing.remember(access, Candidate("I live in Porto", slot=HOME))
    change = changed(access, Candidate("I live in Lisbon", slot=HOME))
    events = MemoryEvent.objects.count()
    shown = {
        each.words_now: (each.status_now, each.status_then) for each in undoing.preview(access, [change]).differences
    }
    assert shown == {
        "I live in Porto": (Status.SUPERSEDED, Status.ACTIVE),
        "I live in Lisbon": (Status.ACTIVE, Status.FORGOTTEN),
    }
    assert MemoryEvent.objects.count() == events


def test_a_preview_of_a_correction_shows_the_former_words(access: MemoryAccess) -> None:
    writing.remember(access, Candidate("I play the cello"))
    change = writing.revise(access, only_memory(), "I play the tuba").change_id
    assert change
    [difference] = undoing.preview(access, [change]).differences
    assert (difference.words_now, difference.words_then) == ("I play the tuba", "I play the cello")


def test_a_run_is_undone_by_its_batch(access: MemoryAccess) -> None:
    batch = writing.Batch(MemoryBatch.Purpose.IMPORT, uuid.uuid4())
    importing = replace(access, door=Origin.IMPORT)
    writing.remember_all(importing, [Candidate("I like tea"), Candidate("I own a boat")], batch=batch)
    assert undoing.undo_batch(access, batch).outcome is Outcome.CREATED
    assert set(state().values()) == {Status.FORGOTTEN}


def test_a_stranger_undoes_and_previews_nothing(access: MemoryAccess, bobs_access: MemoryAccess) -> None:
    here = uuid.uuid4()
    change = changed(access, said_in(here, "I like tea"))
    for attempt in (
        lambda: undoing.undo(bobs_access, change),
        lambda: undoing.preview(bobs_access, [change]),
        lambda: undoing.undo_conversation(bobs_access, here),
    ):
        with pytest.raises(UnknownMemory):
            attempt()
    assert state() == {"I like tea": Status.ACTIVE}


@pytest.mark.parametrize("mode", [PrivacyMode.PAUSED, PrivacyMode.INCOGNITO])
def test_nothing_is_undone_in_a_mode_that_does_not_write(access: MemoryAccess, mode: PrivacyMode) -> None:
    here = uuid.uuid4()
    writing.remember(access, said_in(here, "I like tea"))
    with pytest.raises(NotAllowed):
        undoing.undo_conversation(replace(access, mode=mode), here)


@pytest.mark.parametrize("mode", [PrivacyMode.PAUSED, PrivacyMode.INCOGNITO])
def test_nothing_is_previewed_in_a_mode_that_does_not_write(access: MemoryAccess, mode: PrivacyMode) -> None:
    change = changed(access, Candidate("I like tea"))
    with pytest.raises(NotAllowed):
        undoing.preview(replace(access, mode=mode), [change])


def test_what_was_done_again_is_not_undone(access: MemoryAccess) -> None:
    change = changed(access, Candidate("I like tea"))
    undone = undoing.undo(access, change).change_id
    assert undone
    assert undoing.undone_among([change]) == {change}
    undoing.undo(access, undone)
    assert undoing.undone_among([change, undone]) == {undone}


def test_a_preview_shows_the_episode_that_would_go_too(access: MemoryAccess) -> None:
    here = uuid.uuid4()
    change = changed(access, said_in(here, "I own a boat"))
    writing.remember(access, said_in(here, "I told of a boat", kind=Kind.EPISODE))
    shown = {each.words_now: each.status_then for each in undoing.preview(access, [change]).differences}
    assert shown == {"I own a boat": Status.FORGOTTEN, "I told of a boat": Status.FORGOTTEN}
    undoing.undo(access, change)
    assert state() == {"I own a boat": Status.FORGOTTEN, "I told of a boat": Status.FORGOTTEN}
