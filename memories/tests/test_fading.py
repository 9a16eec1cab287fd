from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from structlog.testing import capture_logs

from accounts.models import User
from memories import profiles
from memories.access import MemoryAccess
from memories.engine import fading, undoing, writing
from memories.engine.types import Candidate, Slot
from memories.models import Action, FoundBy, Memory, MemoryEvent, MemoryProfile, Origin, PrivacyMode, Sector, Status
from memories.tasks import archive_faded

pytestmark = pytest.mark.django_db

YEAR = timedelta(days=365)


@pytest.fixture
def chat(alice: User, profile: MemoryProfile) -> MemoryAccess:
    """As learning from the chat writes."""
    return MemoryAccess(profile, PrivacyMode.NORMAL, actor=alice, door=Origin.CHAT)


def learnt(access: MemoryAccess, content: str = "I once rowed to Vigo", **columns: object) -> Memory:
    candidate = Candidate(content, confidence=0.9, found_by=FoundBy.RULES, **columns)  # type: ignore[arg-type]  # fields of Candidate
    memory_id = writing.remember(access, candidate).memory_id
    assert memory_id
    return Memory.objects.get(pk=memory_id)


def age(by: timedelta = YEAR) -> None:
    then = timezone.now() - by
    Memory.objects.update(last_said_at=then, salience_at=then, created_at=then)


def statuses() -> dict[str, str]:
    return {memory.content: memory.status for memory in Memory.objects.all()}


def test_what_has_faded_is_archived_once_with_its_event(chat: MemoryAccess) -> None:
    memory = learnt(chat)
    age()
    archive_faded()
    archive_faded()
    memory.refresh_from_db()
    assert memory.status == Status.ARCHIVED
    events = MemoryEvent.objects.filter(memory=memory).oldest_first()
    assert [(event.action, event.door, event.actor) for event in events] == [
        (Action.CREATED, Origin.CHAT, chat.actor),
        (Action.ARCHIVED, Origin.SYSTEM, None),
    ]
    assert MemoryProfile.objects.get(pk=chat.profile.pk).memory_count == 0


@pytest.mark.parametrize(
    ("days", "importance", "sector", "archived"),
    [
        (179, 1, Sector.SEMANTIC, False),
        (181, 1, Sector.SEMANTIC, True),
        (181, 10, Sector.SEMANTIC, False),
        (400, 10, Sector.SEMANTIC, True),
        (181, 10, Sector.EPISODIC, True),
        (1_000, 10, Sector.REFLECTIVE, False),
    ],
)
def test_it_must_be_old_and_matter_little(
    chat: MemoryAccess, days: int, importance: int, sector: Sector, archived: bool
) -> None:
    memory = learnt(chat, importance=importance, sector=sector)
    age(timedelta(days=days))
    archive_faded()
    memory.refresh_from_db()
    assert (memory.status == Status.ARCHIVED) is archived


def test_what_was_said_or_used_lately_stays(chat: MemoryAccess) -> None:
    learnt(chat)
    used = learnt(chat, "I play the cello")
    age()
    learnt(chat)
    writing.revive(chat, [used.pk])
    archive_faded()
    assert set(statuses().values()) == {Status.ACTIVE}


def test_what_a_person_put_their_hand_to_is_never_archived(
    chat: MemoryAccess, access: MemoryAccess, alice: User
) -> None:
    writing.remember(access, Candidate("I wrote this", importance=1))
    writing.remember(
        chat, Candidate("I asked for this", importance=1, confidence=1.0, found_by=FoundBy.RULES, asked_for=True)
    )
    writing.adjust(access, learnt(chat, "I pinned this", importance=1).pk, pinned=True)
    writing.revise(access, learnt(chat, "I corected this", importance=1).pk, "I corrected this")
    doubtful = writing.remember(chat, Candidate("I confirmed this", importance=1, confidence=0.6))
    assert doubtful.memory_id
    writing.confirm(access, doubtful.memory_id)
    learnt(chat, "I live in Porto", importance=1, slot=Slot("person", "home town"))
    programs = profiles.by_hand(alice, access.profile, door=Origin.API)
    given = writing.remember(programs, Candidate("I gave and corected this", importance=1))
    assert given.memory_id
    writing.revise(access, given.memory_id, "I gave and corrected this")
    age()
    archive_faded()
    assert len(statuses()) == 7
    assert set(statuses().values()) == {Status.ACTIVE}


def test_what_a_program_gave_fades_however_sure_it_was(alice: User, profile: MemoryProfile) -> None:
    programs = profiles.by_hand(alice, profile, door=Origin.API)
    writing.remember_all(programs, [Candidate("I had tea at five")], as_given=True)
    age()
    archive_faded()
    assert statuses() == {"I had tea at five": Status.ARCHIVED}


@pytest.mark.parametrize("how", ["restored", "undone"])
def test_what_its_owner_brought_back_is_not_archived_again(chat: MemoryAccess, access: MemoryAccess, how: str) -> None:
    memories = [learnt(chat, content) for content in ("I once rowed to Vigo", "I once swam in the Douro")]
    age()
    archive_faded()
    [change_id] = MemoryEvent.objects.filter(action=Action.ARCHIVED).values_list("change_id", flat=True).distinct()
    if how == "undone":
        undoing.undo(access, change_id)
    else:
        for memory in memories:
            writing.restore(access, memory.pk)
    archive_faded()
    assert set(statuses().values()) == {Status.ACTIVE}


def test_many_are_archived_in_pieces_as_one_change(chat: MemoryAccess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fading, "AT_ONCE", 2)
    for number in range(5):
        learnt(chat, f"I counted {number} gulls")
    age()
    assert fading.archive_faded().archived.total() == 5
    archived = MemoryEvent.objects.filter(action=Action.ARCHIVED)
    assert archived.values("change_id").distinct().count() == 1


def test_each_profile_is_a_change_of_its_own_and_a_deleted_one_is_left_alone(
    alice: User, bob: User, chat: MemoryAccess
) -> None:
    learnt(chat)
    learnt(profiles.by_hand(bob, profiles.default_for(bob), door=Origin.CHAT))
    gone = profiles.create(alice, "Travel")
    learnt(profiles.by_hand(alice, gone, door=Origin.CHAT))
    profiles.delete(gone)
    age()
    archive_faded()
    archived = MemoryEvent.objects.filter(action=Action.ARCHIVED)
    assert archived.values("change_id").distinct().count() == 2
    assert Memory.objects.get(profile=gone).status == Status.ACTIVE


def test_the_command_and_the_log_say_how_many(chat: MemoryAccess, capsys: pytest.CaptureFixture[str]) -> None:
    learnt(chat)
    learnt(chat, "I think before I speak", sector=Sector.REFLECTIVE, importance=10)
    age()
    with capture_logs() as logs:
        call_command("archive_faded")
    assert capsys.readouterr().out == "2 old memories looked at, 1 archived (1 semantic)\n"
    [line] = [line for line in logs if line["event"] == "faded_archived"]
    assert (line["looked_at"], line["archived"], line["sectors"]) == (2, 1, {"semantic": 1})
