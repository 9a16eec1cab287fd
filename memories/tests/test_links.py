"""Links between near memories follow what becomes of the memories."""

import uuid
from collections.abc import Callable

import pytest

from memories import profiles
from memories.access import MemoryAccess
from memories.engine import links, undoing, writing
from memories.engine.types import Candidate
from memories.models import Memory, MemoryLink, Status

pytestmark = pytest.mark.django_db

NEAR = ["My dog Bruno is a beagle", "My dog Bruno likes carrots", "My dog Bruno sleeps on the sofa"]
FAR = "I pay my taxes in April"


@pytest.fixture
def ids(access: MemoryAccess) -> list[uuid.UUID]:
    written = writing.remember_all(access, [Candidate(content) for content in [*NEAR, FAR]])
    return [each.memory_id for each in written if each.memory_id]


def linked(memory_id: uuid.UUID) -> set[uuid.UUID]:
    rows = MemoryLink.objects.all()
    return {
        row.other_id if row.one_id == memory_id else row.one_id
        for row in rows
        if memory_id in (row.one_id, row.other_id)
    }


def test_near_memories_are_linked_once_a_pair_with_their_likeness(ids: list[uuid.UUID]) -> None:
    assert linked(ids[0]) == {ids[1], ids[2]}
    assert linked(ids[3]) == set()
    assert all(row.one_id < row.other_id and links.LINKED < row.weight <= 1 for row in MemoryLink.objects.all())


def test_a_memory_chooses_at_most_five_neighbours(access: MemoryAccess) -> None:
    toys = ["ball", "bone", "rope", "stick", "duck", "frisbee", "shoe"]
    for toy in toys:
        writing.remember(access, Candidate(f"My dog Bruno loves his {toy}"))
    newest = Memory.objects.order_by("-pk")[0].pk
    assert len(linked(newest)) == links.MOST_LINKS


def test_what_is_forgotten_has_no_links_and_what_is_restored_has_them_again(
    access: MemoryAccess, ids: list[uuid.UUID]
) -> None:
    writing.forget(access, ids[0])
    assert linked(ids[0]) == set()
    writing.restore(access, ids[0])
    assert linked(ids[0]) == {ids[1], ids[2]}


def test_what_is_reworded_is_linked_by_its_new_words(access: MemoryAccess, ids: list[uuid.UUID]) -> None:
    change = writing.revise(access, ids[0], "I pay my taxes in May").change_id
    assert linked(ids[0]) == {ids[3]}
    assert change
    undoing.undo(access, change)
    assert linked(ids[0]) == {ids[1], ids[2]}


def test_what_waits_or_was_superseded_is_linked_to_nothing(access: MemoryAccess, ids: list[uuid.UUID]) -> None:
    waiting = writing.remember(access, Candidate("My dog Bruno snores", confidence=0.6)).memory_id
    assert waiting
    assert linked(waiting) == set()
    writing.confirm(access, waiting)
    assert linked(waiting)
    assert not MemoryLink.objects.exclude(one__status=Status.ACTIVE, other__status=Status.ACTIVE).exists()


def test_links_never_leave_a_profile(access: MemoryAccess, bobs_access: MemoryAccess) -> None:
    other = profiles.by_hand(access.profile.owner, profiles.create(access.profile.owner, "Work"))
    for owner, content in zip((access, other, bobs_access), NEAR, strict=True):
        writing.remember(owner, Candidate(content))
    assert not MemoryLink.objects.exists()


def test_what_a_list_brings_is_linked_by_a_job(access: MemoryAccess, run_jobs: Callable[[], int]) -> None:
    written = writing.remember_all(access, [Candidate(content) for content in [*NEAR, FAR]], as_given=True)
    assert not MemoryLink.objects.exists()
    run_jobs()
    first, second, third, fourth = (each.memory_id for each in written)
    assert first
    assert fourth
    assert linked(first) == {second, third}
    assert linked(fourth) == set()
