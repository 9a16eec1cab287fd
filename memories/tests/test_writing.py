import threading
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError
from django.utils import timezone

from accounts.models import User
from memories import profiles
from memories.access import MemoryAccess
from memories.engine import index, scoring, undoing, writing
from memories.engine.recall import recall
from memories.engine.types import Candidate, NotAllowed, Outcome, Provenance, Slot, StaleChange, UnknownMemory, Written
from memories.models import (
    Action,
    Kind,
    Memory,
    MemoryBatch,
    MemoryEvent,
    MemoryProfile,
    MemorySource,
    PrivacyMode,
    Status,
)
from memorychat.lib.crypto import key_ring
from memorychat.lib.text import TextError
from memorychat.llm import providers
from memorychat.llm.fakes import FakeEmbedder
from memorychat.llm.types import ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.django_db

HOME = Slot("person", "home town")


def contents(status: Status = Status.ACTIVE) -> list[str]:
    return [memory.content for memory in Memory.objects.filter(status=status).order_by("pk")]


def actions() -> list[str]:
    return list(MemoryEvent.objects.order_by("number").values_list("action", flat=True))


def remembered(access: MemoryAccess, candidate: Candidate) -> Memory:
    written = writing.remember(access, candidate)
    assert written.memory_id
    return Memory.objects.get(pk=written.memory_id)


def fetch(written: Written) -> Memory:
    assert written.memory_id
    return Memory.objects.get(pk=written.memory_id)


def home(content: str, **more: object) -> Candidate:
    return Candidate(content, slot=HOME, **more)  # type: ignore[arg-type]  # fields of Candidate


def test_a_candidate_becomes_a_memory_with_its_event_and_source(access: MemoryAccess) -> None:
    said_at = timezone.now() - timedelta(days=2)
    message_id = uuid.uuid4()
    candidate = Candidate(
        "I live in Porto",
        importance=8,
        confidence=0.9,
        quote="Hi, I live in Porto.",
        provenance=Provenance(message_id=message_id, said_at=said_at),
    )
    written = writing.remember(access, candidate)
    memory = Memory.objects.get()
    assert (written.outcome, written.memory_id) == (Outcome.CREATED, memory.pk)
    assert (memory.content, memory.salience, memory.occurred_at) == ("I live in Porto", 0.8, said_at)
    event = MemoryEvent.objects.get()
    assert (event.action, event.actor, event.message_id, event.before) == ("created", access.actor, message_id, None)
    assert event.after["content"] == "I live in Porto"
    assert MemorySource.objects.get().quote == "Hi, I live in Porto."


@pytest.mark.parametrize("mode", PrivacyMode)
def test_only_normal_mode_writes(access: MemoryAccess, mode: PrivacyMode) -> None:
    outcome = writing.remember(replace(access, mode=mode), Candidate("I live in Porto")).outcome
    assert (outcome is Outcome.CREATED) == mode.writes == bool(contents())
    assert (outcome is Outcome.NOT_ALLOWED) == (mode is not PrivacyMode.NORMAL) == (not MemoryEvent.objects.exists())


@pytest.mark.parametrize("mode", [PrivacyMode.PAUSED, PrivacyMode.INCOGNITO])
def test_no_verb_changes_anything_in_a_mode_that_does_not_write(access: MemoryAccess, mode: PrivacyMode) -> None:
    written = writing.remember(access, Candidate("I live in Porto"))
    assert written.memory_id
    assert written.change_id
    refused = replace(access, mode=mode)
    verbs: list[Callable[[], object]] = [
        lambda: writing.revise(refused, written.memory_id, "I live in Faro"),  # type: ignore[arg-type]  # asserted above
        lambda: writing.forget(refused, written.memory_id),  # type: ignore[arg-type]  # asserted above
        lambda: writing.restore(refused, written.memory_id),  # type: ignore[arg-type]  # asserted above
        lambda: undoing.undo(refused, written.change_id),  # type: ignore[arg-type]  # asserted above
        lambda: writing.forget_all(refused),
        lambda: writing.adjust(refused, written.memory_id, pinned=True),  # type: ignore[arg-type]  # asserted above
        lambda: writing.confirm(refused, written.memory_id),  # type: ignore[arg-type]  # asserted above
        lambda: writing.reject(refused, written.memory_id),  # type: ignore[arg-type]  # asserted above
    ]
    for verb in verbs:
        with pytest.raises(NotAllowed):
            verb()
    assert (contents(), actions()) == (["I live in Porto"], ["created"])


@pytest.mark.parametrize(
    ("confidence", "outcome", "status"),
    [(0.7, Outcome.CREATED, Status.ACTIVE), (0.69, Outcome.PENDING, Status.PENDING), (0.49, Outcome.DISCARDED, None)],
)
def test_confidence_routes_what_is_written(
    access: MemoryAccess, confidence: float, outcome: Outcome, status: Status | None
) -> None:
    written = writing.remember(access, Candidate("I like tea", confidence=confidence))
    assert written.outcome is outcome
    assert list(Memory.objects.values_list("status", flat=True)) == ([status] if status else [])


@pytest.mark.parametrize("repeat", ["I live in Porto", "i LIVE in porto!", " I live in Pôrto. "])
def test_equal_words_reinforce(access: MemoryAccess, repeat: str) -> None:
    first = writing.remember(access, Candidate("I live in Porto", confidence=0.8))
    second = writing.remember(access, Candidate(repeat, confidence=0.8))
    assert (second.outcome, second.memory_id) == (Outcome.REINFORCED, first.memory_id)
    memory = Memory.objects.get()
    assert memory.times_said == 2
    assert memory.confidence > 0.8
    assert memory.salience > 0.5


def test_nearly_equal_words_reinforce_unless_they_differ_in_what_counts(access: MemoryAccess) -> None:
    writing.remember(access, Candidate("I am allergic to peanuts"))
    assert writing.remember(access, Candidate("I am not allergic to peanuts")).outcome is Outcome.CREATED
    assert writing.remember(access, Candidate("I'm allergic to the peanuts")).outcome is Outcome.REINFORCED


def test_a_newer_statement_supersedes_what_holds_its_slot_and_both_are_kept(access: MemoryAccess) -> None:
    old = writing.remember(access, home("I live in Porto"))
    new = writing.remember(access, home("I moved to Lisbon"))
    assert new.outcome is Outcome.SUPERSEDED
    assert contents() == ["I moved to Lisbon"]
    former = fetch(old)
    assert (former.status, former.superseded_by_id) == (Status.SUPERSEDED, new.memory_id)
    assert actions() == ["created", "superseded", "created"]


def test_a_late_older_statement_never_supersedes_a_newer_one(access: MemoryAccess) -> None:
    now = timezone.now()
    newer = writing.remember(access, home("I live in Lisbon", occurred_at=now))
    late = writing.remember(access, home("I live in Porto", occurred_at=now - timedelta(days=30)))
    assert late.outcome is Outcome.SUPERSEDED
    assert contents() == ["I live in Lisbon"]
    assert fetch(late).superseded_by_id == newer.memory_id


def test_what_a_program_gives_is_stored_as_given(access: MemoryAccess) -> None:
    here = Provenance(thread="t", position=1)
    there = Provenance(thread="t", position=2)
    writing.remember_all(access, [home("I live in Porto", provenance=here)], as_given=True)
    same, other, another = writing.remember_all(
        access,
        [
            home("I live in Porto", provenance=here),
            home("I live in Porto", provenance=there),
            Candidate("I live in Faro", slot=None, provenance=there),
        ],
        as_given=True,
    )
    assert [same.outcome, other.outcome, another.outcome] == [Outcome.REINFORCED, Outcome.CREATED, Outcome.CREATED]


@pytest.mark.parametrize("content", ["", "   ", "x" * 2001, "a\x00b", "a\ud800b"])
def test_a_content_that_cannot_be_stored_writes_nothing_at_all(access: MemoryAccess, content: str) -> None:
    with pytest.raises(TextError):
        writing.remember_all(access, [Candidate("I like tea"), Candidate(content)])
    assert not Memory.objects.exists()


def test_a_batch_is_written_once(access: MemoryAccess) -> None:
    batch = writing.Batch(MemoryBatch.Purpose.TURN, uuid.uuid4())
    writing.remember_all(access, [Candidate("I like tea")], batch=batch)
    with pytest.raises(writing.AlreadyWritten):
        writing.remember_all(access, [Candidate("I like tea"), Candidate("I like coffee")], batch=batch)
    assert (contents(), Memory.objects.get().times_said) == (["I like tea"], 1)


def test_a_memory_is_saved_and_embedded_later_when_the_embedder_is_down(
    access: MemoryAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = FakeEmbedder(error=ProviderError("down", code="unreachable"))
    monkeypatch.setattr(providers, "EMBEDDERS", [lambda: broken])
    providers.forget_models()
    try:
        assert writing.remember(access, Candidate("I live in Porto")).outcome is Outcome.CREATED
        found = recall(access, "Porto")
        assert ([hit.similarity for hit in found.hits], found.degraded) == ([None], ("vectors",))
        broken.error = None
        assert index.embed_missing(10) == 1
        assert index.embed_missing(10) == 0
        assert recall(access, "Porto").hits[0].similarity is not None
    finally:
        monkeypatch.undo()
        providers.forget_models()


ANAS_HOME, SISTERS_HOME = Slot("Ana", "home town"), Slot("sister ana", "home town")


@pytest.mark.parametrize(
    ("former", "slot", "words", "kept"),
    [
        ("Ana lives in Porto", ANAS_HOME, "Ana lives in Lisbon", ANAS_HOME),
        ("Ana lives in Porto", ANAS_HOME, "Ana has moved to Lisbon", ANAS_HOME),
        ("Ana lives in Porto", ANAS_HOME, "My sister Ana lives in Lisbon", ANAS_HOME),
        ("Ana lives in Porto", ANAS_HOME, "Ana works as a nurse", Slot("Ana", "job")),
        ("Ana lives in Porto", ANAS_HOME, "Ana's birthday is on 3 July", Slot("Ana", "birthday")),
        ("Ana lives in Porto", ANAS_HOME, "Ana likes Porto", None),
        ("Ana lives in Porto", ANAS_HOME, "Porto has a bridge", None),
        ("Ana lives in Porto", ANAS_HOME, "I live in Lisbon", None),
        ("I live in Porto", ANAS_HOME, "I live in Lisbon", ANAS_HOME),
        ("She has a flat in Porto", ANAS_HOME, "She has a flat in Lisbon", ANAS_HOME),
        ("She has a flat in Porto", ANAS_HOME, "She has a dog in Lisbon", None),
        ("My sister Ana lives in Porto", SISTERS_HOME, "My sister Ana is a nurse", Slot("sister ana", "job")),
        ("My sister Ana lives in Porto", SISTERS_HOME, "My sister Ana lives in Faro", SISTERS_HOME),
        ("I live in Porto", HOME, "I live in Lisbon", HOME),
        ("I live in Porto", HOME, "I work as a nurse", Slot("person", "job")),
        ("I live in Porto", HOME, "I like Porto", None),
        ("I like Porto", None, "I live in Porto", HOME),
    ],
)
def test_a_reworded_memory_holds_the_slot_that_its_words_tell(
    access: MemoryAccess, former: str, slot: Slot | None, words: str, kept: Slot | None
) -> None:
    memory = remembered(access, Candidate(former, slot=slot))
    writing.revise(access, memory.pk, words)
    memory.refresh_from_db()

    assert (bytes(memory.slot) if memory.slot else None) == index.slot_key(access.profile, kept)


def test_what_is_corrected_of_somebody_else_does_not_touch_the_person_s_own(access: MemoryAccess) -> None:
    remembered(access, Candidate("I live in Faro", slot=HOME))
    anas = remembered(access, Candidate("Ana lives in Porto", slot=ANAS_HOME))
    writing.revise(access, anas.pk, "Ana lives in Lisbon")
    assert contents() == ["I live in Faro", "Ana lives in Lisbon"]
    remembered(access, Candidate("Ana lives in Braga", slot=ANAS_HOME))
    assert contents() == ["I live in Faro", "Ana lives in Braga"]


def test_revising_takes_the_new_words_and_the_slot(access: MemoryAccess) -> None:
    writing.remember(access, home("I live in Porto"))
    wrong = writing.remember(access, Candidate("I like Lisbon", confidence=0.8))
    assert wrong.memory_id
    writing.revise(access, wrong.memory_id, "I live in Lisbon")
    assert contents() == ["I live in Lisbon"]
    assert contents(Status.SUPERSEDED) == ["I live in Porto"]
    assert Memory.objects.get(pk=wrong.memory_id).confidence == 1
    assert [hit.memory_id for hit in recall(access, "Where do I live?").hits] == [wrong.memory_id]


def test_forgetting_hides_and_restoring_shows(access: MemoryAccess) -> None:
    memory_id = writing.remember(access, Candidate("I live in Porto")).memory_id
    assert memory_id
    writing.forget(access, memory_id, reason="I said so.")
    assert recall(access, "Porto").hits == ()
    assert MemoryEvent.objects.get(action=Action.FORGOTTEN).reason == "I said so."
    writing.restore(access, memory_id)
    assert [hit.memory_id for hit in recall(access, "Porto").hits] == [memory_id]
    assert actions() == ["created", "forgotten", "restored"]


def test_restoring_what_was_superseded_takes_the_slot_back(access: MemoryAccess) -> None:
    old = writing.remember(access, home("I live in Porto"))
    writing.remember(access, home("I live in Lisbon"))
    assert old.memory_id
    writing.restore(access, old.memory_id)
    assert (contents(), contents(Status.SUPERSEDED)) == (["I live in Porto"], ["I live in Lisbon"])


def test_undoing_a_supersession_brings_the_former_one_back(access: MemoryAccess) -> None:
    writing.remember(access, home("I live in Porto"))
    change = writing.remember(access, home("I live in Lisbon")).change_id
    assert change
    undone = undoing.undo(access, change).change_id
    assert (contents(), contents(Status.FORGOTTEN)) == (["I live in Porto"], ["I live in Lisbon"])
    assert undone
    undoing.undo(access, undone)
    assert (contents(), contents(Status.SUPERSEDED)) == (["I live in Lisbon"], ["I live in Porto"])


def test_undoing_a_forgetting_takes_the_slot_back_from_what_took_it_meanwhile(access: MemoryAccess) -> None:
    ghent = writing.remember(access, home("I live in Ghent"))
    assert ghent.memory_id
    forgetting = writing.forget(access, ghent.memory_id).change_id
    writing.remember(access, home("I live in Bruges"))
    assert forgetting
    undone = undoing.undo(access, forgetting).change_id
    assert (contents(), contents(Status.SUPERSEDED)) == (["I live in Ghent"], ["I live in Bruges"])
    assert undone
    undoing.undo(access, undone)
    assert (contents(), contents(Status.FORGOTTEN)) == (["I live in Bruges"], ["I live in Ghent"])


def test_undoing_a_correction_brings_the_former_words_back_to_recall(access: MemoryAccess) -> None:
    memory_id = writing.remember(access, Candidate("I play the cello")).memory_id
    assert memory_id
    change = writing.revise(access, memory_id, "I play the tuba").change_id
    assert change
    undoing.undo(access, change)
    assert contents() == ["I play the cello"]
    assert recall(access, "cello").hits[0].keywords > 0
    assert recall(access, "tuba").hits[0].keywords == 0


def test_a_change_that_a_later_one_built_on_is_not_undone(access: MemoryAccess) -> None:
    change = writing.remember(access, Candidate("I live in Porto")).change_id
    writing.remember(access, Candidate("I live in Porto"))
    assert change
    with pytest.raises(StaleChange):
        undoing.undo(access, change)


def test_forgetting_all_touches_this_profile_alone_and_is_one_change(
    access: MemoryAccess, bobs_access: MemoryAccess
) -> None:
    other = profiles.by_hand(access.profile.owner, profiles.create(access.profile.owner, "Work"))
    for owner in (access, other, bobs_access):
        writing.remember_all(owner, [Candidate("I like tea"), Candidate("I like coffee")])
    changes = {written.change_id for written in writing.forget_all(access)}
    assert len(changes) == 1
    assert set(Memory.objects.filter(status=Status.FORGOTTEN).values_list("profile_id", flat=True)) == {
        access.profile.pk
    }
    undoing.undo(access, changes.pop() or uuid.uuid4())
    assert not Memory.objects.filter(status=Status.FORGOTTEN).exists()


def test_nobody_reaches_a_stranger_s_memory_by_any_verb(access: MemoryAccess, bobs_access: MemoryAccess) -> None:
    written = writing.remember(access, Candidate("I live in Porto"))
    assert written.memory_id
    assert written.change_id
    for missing in (written.memory_id, uuid.uuid4()):
        for verb in (writing.forget, writing.restore, writing.adjust, writing.confirm, writing.reject):
            with pytest.raises(UnknownMemory):
                verb(bobs_access, missing)
        with pytest.raises(UnknownMemory):
            writing.revise(bobs_access, missing, "I live in Faro")
    for unknown in (written.change_id, uuid.uuid4()):
        with pytest.raises(UnknownMemory):
            undoing.undo(bobs_access, unknown)
    assert (contents(), actions()) == (["I live in Porto"], ["created"])


def test_duplicates_are_not_looked_up_across_people(access: MemoryAccess, bobs_access: MemoryAccess) -> None:
    for owner in (access, bobs_access):
        assert writing.remember(owner, home("I live in Porto")).outcome is Outcome.CREATED


def test_a_deleted_profile_takes_nothing(access: MemoryAccess) -> None:
    profile = profiles.create(access.profile.owner, "Work")
    profiles.delete(profile)
    with pytest.raises(NotAllowed, match="deleted"):
        writing.remember(profiles.by_hand(access.profile.owner, profile), Candidate("I like tea"))


def test_counters_follow_what_is_recallable(access: MemoryAccess) -> None:
    def counters() -> tuple[int, int]:
        profile = MemoryProfile.objects.get(pk=access.profile.pk)
        return profile.memory_count, profile.term_count

    memory_id = writing.remember(access, Candidate("I live in Porto")).memory_id
    assert memory_id
    assert counters() == (1, 4)
    writing.revise(access, memory_id, "I now live in Faro with Ana")
    assert counters() == (1, 7)
    writing.forget(access, memory_id)
    assert counters() == (0, 0)
    writing.restore(access, memory_id)
    assert counters() == (1, 7)


def test_the_database_holds_one_active_memory_a_slot(access: MemoryAccess) -> None:
    writing.remember(access, home("I live in Porto"))
    written = writing.remember(access, home("I live in Lisbon"))
    with pytest.raises(IntegrityError), transaction.atomic():
        Memory.objects.exclude(pk=fetch(written).pk).update(status=Status.ACTIVE)


@pytest.mark.django_db(transaction=True)
def test_eight_writers_of_one_fact_leave_one_memory(alice: User) -> None:
    access = profiles.by_hand(alice, profiles.default_for(alice))
    barrier = threading.Barrier(8)
    outcomes: list[Outcome] = []

    def write() -> None:
        try:
            with key_ring():
                barrier.wait(10)
                outcomes.append(writing.remember(access, Candidate("I live in Porto", kind=Kind.FACT)).outcome)
        finally:
            connection.close()

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == [Outcome.CREATED, *[Outcome.REINFORCED] * 7]
    assert Memory.objects.get().times_said == 8


def test_equal_words_of_no_known_source_are_given_once(access: MemoryAccess) -> None:
    writing.remember(access, Candidate("I like tea", provenance=Provenance(thread="tea", position=1)))
    writing.remember_all(access, [Candidate("I like tea"), Candidate("I like tea!")], as_given=True)

    assert contents() == ["I like tea", "I like tea"]
    assert actions() == [Action.CREATED, Action.CREATED, Action.REINFORCED]


def test_a_list_of_a_program_is_one_change_and_is_undone_at_once(access: MemoryAccess) -> None:
    items = [Candidate("I like tea"), Candidate("I own a boat"), Candidate("I like tea")]
    written = writing.remember_all(access, items, as_given=True)

    undoing.undo(access, next(iter({each.change_id for each in written})))  # type: ignore[arg-type]  # there is one

    assert len({each.change_id for each in written}) == 1
    assert contents() == []
    assert sorted(contents(Status.FORGOTTEN)) == ["I like tea", "I own a boat"]


def test_whoever_missed_the_answer_to_a_batch_can_read_what_it_wrote(access: MemoryAccess) -> None:
    batch = writing.Batch(MemoryBatch.Purpose.API, uuid.uuid4())
    items = [Candidate("I like tea"), Candidate("I own a boat"), Candidate("I like tea")]
    written = writing.remember_all(access, items, batch=batch, as_given=True)

    assert writing.written_in(access, batch) == written


def test_adjusting_changes_what_is_named_and_is_undone_as_one(access: MemoryAccess) -> None:
    memory_id = remembered(access, Candidate("I like tea", metadata={"from": "a form"})).pk

    written = writing.adjust(access, memory_id, importance=9, pinned=True, kind=Kind.PREFERENCE, metadata=None)

    memory = Memory.objects.get(pk=memory_id)
    assert (memory.importance, memory.salience, memory.pinned, memory.kind) == (9, 0.9, True, Kind.PREFERENCE)
    assert memory.metadata is None
    assert actions() == [Action.CREATED, Action.ADJUSTED]
    undoing.undo(access, written.change_id)  # type: ignore[arg-type]  # something was changed
    memory = Memory.objects.get(pk=memory_id)
    assert (memory.importance, memory.pinned, memory.metadata) == (5, False, {"from": "a form"})


def test_adjusting_to_what_is_leaves_no_event(access: MemoryAccess) -> None:
    memory = remembered(access, Candidate("I like tea", importance=5))

    assert writing.adjust(access, memory.pk, importance=5).outcome == Outcome.DISCARDED
    assert actions() == [Action.CREATED]


def pending(access: MemoryAccess, candidate: Candidate) -> Memory:
    return remembered(access, replace(candidate, confidence=0.6))


def test_what_its_owner_confirms_is_certain_and_found(access: MemoryAccess) -> None:
    memory = pending(access, Candidate("I like tea"))
    assert not recall(access, "tea").hits

    writing.confirm(access, memory.pk)

    memory.refresh_from_db()
    assert (memory.status, memory.confidence) == (Status.ACTIVE, 1.0)
    assert [hit.memory_id for hit in recall(access, "tea").hits] == [memory.pk]
    assert writing.confirm(access, memory.pk).outcome == Outcome.DISCARDED


def test_a_confirmed_memory_takes_its_slot_from_an_older_one(access: MemoryAccess) -> None:
    before = timezone.now() - timedelta(days=1)
    former = remembered(access, home("I live in Porto", occurred_at=before))
    memory = pending(access, home("I live in Lisbon"))

    writing.confirm(access, memory.pk)

    former.refresh_from_db()
    assert contents() == ["I live in Lisbon"]
    assert former.superseded_by_id == memory.pk


@pytest.mark.parametrize("stands", ["I live in Porto", "I live in Lisbon"])
def test_a_confirmed_memory_gives_way_to_a_newer_one_and_to_its_equal(access: MemoryAccess, stands: str) -> None:
    before = timezone.now() - timedelta(days=1)
    memory = pending(access, home("I live in Lisbon", occurred_at=before))
    writing.remember(access, home(stands))

    assert writing.confirm(access, memory.pk).outcome == Outcome.SUPERSEDED
    assert contents() == [stands]
    assert contents(Status.SUPERSEDED) == ["I live in Lisbon"]


def test_what_its_owner_rejects_is_forgotten(access: MemoryAccess) -> None:
    memory = pending(access, Candidate("I like tea"))

    writing.reject(access, memory.pk)

    assert contents(Status.FORGOTTEN) == ["I like tea"]
    assert writing.reject(access, memory.pk).outcome == Outcome.DISCARDED


def test_what_waits_for_a_decision_is_not_slipped_in_by_restoring(access: MemoryAccess) -> None:
    memory = pending(access, Candidate("I like tea"))

    assert writing.restore(access, memory.pk).outcome == Outcome.DISCARDED
    assert contents(Status.PENDING) == ["I like tea"]


def faded(access: MemoryAccess, content: str, days: int = 60) -> Memory:
    memory = remembered(access, Candidate(content))
    Memory.objects.filter(pk=memory.pk).update(salience_at=timezone.now() - timedelta(days=days))
    return memory


def test_what_an_answer_used_comes_back_to_life_once_a_day(access: MemoryAccess) -> None:
    memory = faded(access, "I like tea")

    assert writing.revive(access, [memory.pk]) == 1
    assert writing.revive(access, [memory.pk]) == 0

    before = memory.salience
    memory.refresh_from_db()
    assert scoring.salience_now(before, memory.sector, 60) < memory.salience < 1
    assert actions() == [Action.CREATED, Action.USED]


@pytest.mark.parametrize("mode", [PrivacyMode.PAUSED, PrivacyMode.INCOGNITO])
def test_nothing_comes_back_to_life_in_a_mode_that_does_not_write(access: MemoryAccess, mode: PrivacyMode) -> None:
    memory = faded(access, "I like tea")

    assert writing.revive(replace(access, mode=mode), [memory.pk]) == 0
    assert actions() == [Action.CREATED]


def test_nobody_brings_a_stranger_s_memory_to_life(access: MemoryAccess, bobs_access: MemoryAccess) -> None:
    memory = faded(access, "I like tea")

    assert writing.revive(bobs_access, [memory.pk]) == 0


def test_what_is_forgotten_takes_the_episode_that_tells_of_it_along_and_both_come_back(access: MemoryAccess) -> None:
    here, there = uuid.uuid4(), uuid.uuid4()

    def said(content: str, conversation: uuid.UUID, kind: Kind = Kind.FACT) -> Memory:
        return remembered(access, Candidate(content, kind=kind, provenance=Provenance(conversation_id=conversation)))

    decision = said("I will learn the bassoon", here)
    said("You told of the bassoon and of tea", here, Kind.EPISODE)
    said("You told of a boat", there, Kind.EPISODE)

    change = writing.forget(access, decision.pk).change_id

    assert contents() == ["You told of a boat"]
    assert change
    undoing.undo(access, change)
    assert len(contents()) == 3
