"""Copying a profile into another, through the engine, the API and the page."""

import json
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.tests.programs import Program, error_of
from memories import profiles
from memories.access import MemoryAccess
from memories.engine import copying, ledger, undoing, writing
from memories.engine.recall import recall
from memories.engine.types import Candidate, NotAllowed, Provenance, Slot
from memories.models import (
    Kind,
    Memory,
    MemoryEmbedding,
    MemoryEvent,
    MemoryProfile,
    MemorySource,
    Origin,
    PrivacyMode,
    Sector,
    Status,
)
from memories.tests.holding import HOME, SAID, contents

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def boat(access: MemoryAccess) -> Memory:
    """Alice's memory with everything that a memory may have."""
    provenance = Provenance(message_id=uuid.uuid4(), speaker="Alice", said_at=SAID)
    candidate = Candidate(
        "I own a red boat",
        Kind.DECISION,
        Sector.PROCEDURAL,
        importance=8,
        confidence=0.9,
        occurred_at=SAID,
        quote="Now I own a red boat, at last!",
        metadata={"from": "a letter"},
        provenance=provenance,
    )
    written = writing.remember(access, candidate)
    assert written.memory_id
    writing.adjust(access, written.memory_id, pinned=True)
    Memory.objects.filter(pk=written.memory_id).update(salience_at=timezone.now() - timedelta(days=30))
    return Memory.objects.select_related("profile").get(pk=written.memory_id)


def test_a_copy_is_the_memory_as_it_is_now_under_the_other_key(
    access: MemoryAccess, work: MemoryProfile, boat: Memory
) -> None:
    copying.copy(access, work)
    copy = Memory.objects.select_related("profile").get(profile=work)

    same = ("content", "metadata", "kind", "sector", "importance", "confidence", "occurred_at", "pinned", "origin")
    assert [getattr(copy, name) for name in same] == [getattr(boat, name) for name in same]
    assert copy.salience == pytest.approx(boat.salience * 0.7866, abs=0.001)  # e^(-0.008 * 30)
    [source] = copy.sources.all()
    assert (source.quote, source.speaker, source.said_at) == ("Now I own a red boat, at last!", "Alice", SAID)
    assert copy.data_key_id == work.data_key_id != boat.data_key_id
    assert bytes(copy.digest) != bytes(boat.digest)


def test_a_copy_is_recalled_and_its_ledger_tells_the_whole(
    access: MemoryAccess, alice: User, work: MemoryProfile, boat: Memory
) -> None:
    copying.copy(access, work)
    copy = Memory.objects.get(profile=work)
    [hit, *_] = recall(profiles.by_hand(alice, work), "boat").hits
    [event] = copy.events.select_related("profile")

    assert hit.memory_id == copy.pk
    assert event.after == ledger.snapshot(copy)
    assert event.batch
    assert (event.batch.purpose, event.message_id) == ("copy", None)


def test_no_embedder_is_asked_for_what_has_its_vector(
    access: MemoryAccess, work: MemoryProfile, boat: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(contents: object) -> None:
        raise AssertionError("The embedder was asked.")

    monkeypatch.setattr("memories.engine.index.embed", refuse)
    copying.copy(access, work)

    first, second = (list(row.embedding) for row in MemoryEmbedding.objects.order_by("pk"))
    assert first == second


def test_only_what_holds_is_copied(access: MemoryAccess, work: MemoryProfile) -> None:
    kept = writing.remember(access, Candidate("I like tea"))
    gone = writing.remember(access, Candidate("I own a boat"))
    assert gone.memory_id
    writing.forget(access, gone.memory_id)

    copied = copying.copy(access, work)

    assert (copied.count, copied.known) == (1, 0)
    assert contents(work) == ["I like tea"]
    assert kept.memory_id != Memory.objects.get(profile=work).pk


def test_copied_twice_writes_nothing_new(access: MemoryAccess, work: MemoryProfile, boat: Memory) -> None:
    copying.copy(access, work)
    events = MemoryEvent.objects.count()
    again = copying.copy(access, work)

    assert (again.count, again.known, again.change_id) == (0, 1, None)
    assert MemoryEvent.objects.count() == events


def test_equal_words_of_different_places_are_all_copied(access: MemoryAccess, work: MemoryProfile) -> None:
    places = [Provenance(thread="a", position=at) for at in range(3)]
    writing.remember_all(access, [Candidate("I said so", provenance=place) for place in places], as_given=True)

    assert copying.copy(access, work).count == 3
    assert copying.copy(access, work).known == 3


def test_a_copy_under_the_same_reference_is_the_first_one(
    access: MemoryAccess, work: MemoryProfile, boat: Memory
) -> None:
    reference = uuid.uuid4()
    first, second = (copying.copy(access, work, reference=reference) for _ in range(2))

    assert first == second
    assert len(contents(work)) == 1


def test_the_whole_copy_is_undone_at_once(alice: User, access: MemoryAccess, work: MemoryProfile) -> None:
    for town in ("I own a boat", "I like tea"):
        writing.remember(access, Candidate(town))
    copied = copying.copy(access, work)
    assert copied.change_id
    undoing.undo(profiles.by_hand(alice, work), copied.change_id)

    assert contents(work) == []
    assert len(contents(access.profile)) == 2


@pytest.mark.parametrize(("days", "holds"), [(1, "I live in Braga"), (-1, "I live in Porto")])
def test_of_two_homes_the_newer_stands(
    alice: User, access: MemoryAccess, work: MemoryProfile, days: int, holds: str
) -> None:
    there = profiles.by_hand(alice, work)
    writing.remember(there, Candidate("I live in Porto", slot=HOME, occurred_at=SAID))
    writing.remember(access, Candidate("I live in Braga", slot=HOME, occurred_at=SAID + timedelta(days=days)))

    copying.copy(access, work)

    assert contents(work) == [holds]
    [former] = Memory.objects.filter(profile=work, status=Status.SUPERSEDED)
    assert former.superseded_by == Memory.objects.get(profile=work, status=Status.ACTIVE)


@pytest.mark.parametrize("by_undo", [False, True])
def test_a_copied_episode_goes_with_what_it_tells_of(
    alice: User, access: MemoryAccess, work: MemoryProfile, by_undo: bool
) -> None:
    """Also with what was told again in its conversation, and with nothing else."""
    here, there = uuid.uuid4(), uuid.uuid4()
    said_in(access, here, "I play the bassoon")
    again = said_in(access, there, "I play the bassoon")
    said_in(access, here, "I told of a bassoon", Kind.EPISODE)
    said_in(access, there, "I told of a bassoon again", Kind.EPISODE)
    elsewhere = uuid.uuid4()
    said_in(access, elsewhere, "I own a boat")
    said_in(access, elsewhere, "I told of a boat", Kind.EPISODE)
    copying.copy(access, work)

    into = profiles.by_hand(alice, work)
    bassoon = next(memory for memory in Memory.objects.filter(profile=work) if memory.content == "I play the bassoon")
    forgotten = writing.forget(into, bassoon.pk)
    assert contents(work) == ["I own a boat", "I told of a boat"]
    if by_undo:
        assert forgotten.change_id
        undoing.undo(into, forgotten.change_id)
        assert len(contents(work)) == 5
    assert len(contents(access.profile)) == 5
    assert Memory.objects.get(pk=again).status == Status.ACTIVE


def test_to_take_a_conversation_back_takes_no_copy_back(alice: User, access: MemoryAccess, work: MemoryProfile) -> None:
    here = uuid.uuid4()
    said_in(access, here, "I play the bassoon")
    writing.remember(access, Candidate("I own a boat"))
    copying.copy(access, work)

    into = profiles.by_hand(alice, work)
    assert undoing.changes_of_conversation(into, here) == []
    undoing.undo_conversation(access, here)
    assert contents(work) == ["I play the bassoon", "I own a boat"]


def said_in(access: MemoryAccess, conversation: uuid.UUID, content: str, kind: Kind = Kind.FACT) -> uuid.UUID:
    message = None if kind is Kind.EPISODE else uuid.uuid4()
    provenance = Provenance(message_id=message, conversation_id=conversation, said_at=SAID)
    written = writing.remember(access, Candidate(content, kind, Sector.EPISODIC, provenance=provenance))
    assert written.memory_id
    return written.memory_id


@pytest.mark.parametrize(
    ("slot", "words", "newer"),
    [
        (Slot("Ana", "home town"), "Ana lives in Porto", "Ana has moved to Braga"),
        (Slot("sister Ana", "job"), "My sister Ana nurses people", "My sister Ana is a baker"),
        (Slot("person", "home town"), "Porto is home to me", "I live in Braga"),
        (Slot("neighbour", "age"), "The neighbour is 71 by now", "The neighbour is 72"),
    ],
)
def test_a_slot_is_copied_whoever_it_is_of(
    alice: User, access: MemoryAccess, work: MemoryProfile, slot: Slot, words: str, newer: str
) -> None:
    writing.remember(access, Candidate(words, slot=slot))
    copying.copy(access, work)
    writing.remember(profiles.by_hand(alice, work), Candidate(newer, slot=slot))

    assert contents(work) == [newer]


def test_a_copied_slot_of_somebody_else_never_becomes_the_person_s_own(
    alice: User, access: MemoryAccess, work: MemoryProfile
) -> None:
    """Where the words do not tell whose it is, no slot is better than the wrong one."""
    into = profiles.by_hand(alice, work)
    writing.remember(into, Candidate("I live in Faro", slot=HOME))
    writing.remember(access, Candidate("I live in Porto", slot=Slot("Ana", "home town")))
    copying.copy(access, work)

    assert contents(work) == ["I live in Faro", "I live in Porto"]


def test_a_profile_is_not_copied_into_itself(access: MemoryAccess, boat: Memory) -> None:
    with pytest.raises(NotAllowed):
        copying.copy(access, access.profile)


def test_what_is_local_only_stays_so(alice: User, access: MemoryAccess, work: MemoryProfile, boat: Memory) -> None:
    MemoryProfile.objects.filter(pk=access.profile.pk).update(local_only=True)
    access.profile.refresh_from_db()
    with pytest.raises(NotAllowed):
        copying.copy(access, work)
    like = profiles.create_like(access.profile, "Like it", profile_id=uuid.uuid4())
    copying.copy(access, like)

    assert like.local_only
    assert contents(work) == []
    assert len(contents(like)) == 1


@pytest.mark.parametrize("mode", [PrivacyMode.PAUSED, PrivacyMode.INCOGNITO])
def test_nothing_is_copied_where_nothing_is_written(
    alice: User, profile: MemoryProfile, work: MemoryProfile, boat: Memory, mode: PrivacyMode
) -> None:
    with pytest.raises(NotAllowed):
        copying.copy(MemoryAccess(profile, mode, actor=alice, door=Origin.MANUAL), work)


def test_nobody_copies_into_a_stranger_s_profile(access: MemoryAccess, bob: User, boat: Memory) -> None:
    with pytest.raises(MemoryProfile.DoesNotExist):
        copying.copy(access, profiles.default_for(bob))


def test_a_program_copies_into_a_new_profile_once(
    alice: User, program: Program, profile: MemoryProfile, boat: Memory
) -> None:
    path = f"/profiles/{profile.pk}/copy"
    first, second = (program.call("POST", path, {"name": "Copy"}, Idempotency_Key="k") for _ in range(2))

    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    told = json.loads(first.content)
    assert (told["count"], told["profile"]["name"], told["profile"]["memory_count"]) == (1, "Copy", 1)
    assert MemoryProfile.objects.for_user(alice).count() == 2
    assert program.call("POST", f"/memories/changes/{told['change_id']}/undo").status_code == 200


def test_a_program_copies_into_a_profile_that_is_there(
    program: Program, profile: MemoryProfile, work: MemoryProfile, boat: Memory
) -> None:
    response = program.call("POST", f"/profiles/{profile.pk}/copy", {"profile_id": str(work.pk)})

    assert response.status_code == 201
    assert contents(work) == ["I own a red boat"]


@pytest.mark.parametrize("names_both", [True, False])
def test_a_program_names_one_place_to_copy_to(
    program: Program, profile: MemoryProfile, work: MemoryProfile, names_both: bool
) -> None:
    body = {"name": "Copy", "profile_id": str(work.pk)} if names_both else {}
    response = program.call("POST", f"/profiles/{profile.pk}/copy", body)

    assert response.status_code == 422
    assert "either the name" in error_of(response)["message"]


def test_a_program_is_told_what_goes_with_a_profile(program: Program, alice: User, work: MemoryProfile) -> None:
    writing.remember(profiles.by_hand(alice, work), Candidate("I own a boat"))
    response = program.call("DELETE", f"/profiles/{work.pk}?preview")

    assert json.loads(response.content) == {"count": 1, "preview": True, "change_id": None}
    assert MemoryProfile.objects.get(pk=work.pk).deleted_at is None


def test_the_page_copies_and_offers_the_way_back(
    reader: Client, profile: MemoryProfile, work: MemoryProfile, boat: Memory
) -> None:
    address = reverse("profile-copy", args=[profile.pk])
    assert "Work" in reader.get(address).content.decode()
    done = reader.post(address, {"into": str(work.pk)}, follow=True)
    assert "1 memory written" in done.content.decode()
    undone = reader.post(
        reverse("change-undo", args=[done.context["change_id"]]), {"next": done.request["PATH_INFO"]}, follow=True
    )

    assert "It was undone." in undone.content.decode()
    assert contents(work) == []


def test_the_page_copies_into_a_new_profile(reader: Client, alice: User, profile: MemoryProfile, boat: Memory) -> None:
    reader.post(reverse("profile-copy", args=[profile.pk]), {"into": "", "name": "Second"})

    [second] = MemoryProfile.objects.for_user(alice).exclude(pk=profile.pk)
    assert (second.name, contents(second)) == ("Second", ["I own a red boat"])


@pytest.mark.parametrize("fields", [{}, {"name": "\x00"}, {"name": "x" * 101}, {"into": "nonsense", "name": "x"}])
def test_the_page_refuses_what_names_no_place(
    reader: Client, alice: User, profile: MemoryProfile, fields: dict[str, str]
) -> None:
    assert reader.post(reverse("profile-copy", args=[profile.pk]), fields).status_code == 422
    assert MemoryProfile.objects.for_user(alice).count() == 1


def test_the_page_does_not_copy_into_a_stranger_s_profile(
    reader: Client, profile: MemoryProfile, bob: User, boat: Memory
) -> None:
    foreign = profiles.default_for(bob)

    assert reader.post(reverse("profile-copy", args=[profile.pk]), {"into": str(foreign.pk)}).status_code == 422
    assert not MemorySource.objects.filter(memory__profile=foreign).exists()


@pytest.mark.parametrize("name", ["profile-copy", "profile-delete"])
def test_a_stranger_gets_the_404_of_a_missing_profile(
    client: Client, bob: User, work: MemoryProfile, name: str
) -> None:
    client.force_login(bob)

    for method in (client.get, client.post):
        assert method(reverse(name, args=[work.pk])).status_code == 404
        assert method(reverse(name, args=[uuid.uuid4()])).status_code == 404


def test_what_goes_with_a_profile_is_said_before_it_is_deleted(
    reader: Client, alice: User, work: MemoryProfile, make_memories: Callable[[MemoryProfile, int], None]
) -> None:
    make_memories(work, 2)
    asked = reader.get(reverse("profile-delete", args=[work.pk])).content.decode()
    assert "2 memories go with it" in asked
    assert MemoryProfile.objects.get(pk=work.pk).deleted_at is None
    reader.post(reverse("profile-delete", args=[work.pk]))

    assert MemoryProfile.objects.get(pk=work.pk).deleted_at
    assert Memory.objects.for_user(alice).count() == 0


@pytest.fixture
def make_memories(alice: User) -> Callable[[MemoryProfile, int], None]:
    def make(profile: MemoryProfile, count: int) -> None:
        access = profiles.by_hand(alice, profile)
        writing.remember_all(access, [Candidate(f"I own boat number {number}") for number in range(count)])

    return make
