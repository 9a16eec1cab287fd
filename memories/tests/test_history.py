import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import erasing
from accounts.models import User
from memories import profiles
from memories.access import MemoryAccess
from memories.belongings import empty_ledger
from memories.engine import fading, history, writing
from memories.engine.history import Difference, Trouble
from memories.engine.types import Candidate, Slot
from memories.models import Kind, Memory, MemoryEvent, PrivacyMode, Status
from memorychat.lib.crypto import key_ring

pytestmark = pytest.mark.django_db

HOME = Slot("person", "home town")


def remember(access: MemoryAccess, content: str, **columns: object) -> uuid.UUID:
    written = writing.remember(access, Candidate(content, **columns))  # type: ignore[arg-type]  # fields of Candidate
    assert written.memory_id
    return written.memory_id


def tamper(statement: str, *values: uuid.UUID) -> None:
    """As somebody does who has the database and knows of the triggers."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE memories_memoryevent DISABLE TRIGGER USER")
        cursor.execute(statement, values)
        cursor.execute("ALTER TABLE memories_memoryevent ENABLE TRIGGER USER")


def test_a_profile_is_known_as_it_was_on_a_date(access: MemoryAccess) -> None:
    before = timezone.now()
    porto = remember(access, "I live in Porto", slot=HOME, importance=8, metadata={"from": "a form"})
    tea = remember(access, "I like tea")
    first = timezone.now()
    lisbon = remember(access, "I live in Lisbon", slot=HOME)
    writing.revise(access, tea, "I like green tea")
    second = timezone.now()
    writing.forget(access, tea)

    assert history.held_at(access, before) == []
    assert [held.content for held in history.held_at(access, first)] == ["I live in Porto", "I like tea"]
    [held, _] = history.held_at(access, first)
    assert (held.memory_id, held.importance, held.metadata, held.kind) == (porto, 8, {"from": "a form"}, Kind.FACT)
    assert {held.memory_id: held.content for held in history.held_at(access, second)} == {
        tea: "I like green tea",
        lisbon: "I live in Lisbon",
    }
    assert [held.memory_id for held in history.held_at(access, timezone.now())] == [lisbon]
    gone = history.held_at(access, timezone.now(), [Status.SUPERSEDED, Status.FORGOTTEN])
    assert [held.memory_id for held in gone] == [porto, tea]


def test_of_another_profile_and_in_a_mode_that_does_not_read_nothing_is_told(
    alice: User, access: MemoryAccess, bobs_access: MemoryAccess
) -> None:
    remember(access, "I like tea")
    incognito = MemoryAccess(access.profile, PrivacyMode.INCOGNITO, actor=alice, door=access.door)
    travel = profiles.by_hand(alice, profiles.create(alice, "Travel"))
    for other in (bobs_access, incognito, travel):
        assert history.held_at(other, timezone.now()) == []


def test_the_table_is_what_the_ledger_says(
    alice: User, access: MemoryAccess, bobs_access: MemoryAccess, capsys: pytest.CaptureFixture[str]
) -> None:
    porto = remember(access, "I live in Porto", slot=HOME)
    remember(access, "I live in Lisbon", slot=HOME)
    writing.revise(access, porto, "I lived in Porto")
    remember(bobs_access, "I like tea")
    call_command("verify_ledger")
    call_command("verify_ledger", "--person", alice.email)
    assert capsys.readouterr().out.splitlines() == [
        "3 memories, 5 events, 0 differences",
        "2 memories, 4 events, 0 differences",
    ]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("importance", 9),
        ("salience", 0.9),
        ("status", Status.FORGOTTEN),
        ("pinned", True),
        ("slot", b"x" * 16),
        ("occurred_at", timezone.now() - timedelta(days=400)),
        ("confidence", 0.1),
        ("kind", Kind.NOTE),
    ],
)
def test_a_column_that_was_changed_past_the_ledger_is_told_without_words(
    alice: User,
    bob: User,
    access: MemoryAccess,
    capsys: pytest.CaptureFixture[str],
    column: str,
    value: object,
) -> None:
    memory_id = remember(access, "I live in Porto")
    Memory.objects.update(**{column: value})
    with pytest.raises(SystemExit) as left:
        call_command("verify_ledger")
    told = capsys.readouterr().out
    assert left.value.code == 1
    assert told.splitlines()[0] == f"{memory_id} ({column}) differs from the ledger"
    assert "Porto" not in told
    with pytest.raises(SystemExit):
        call_command("verify_ledger", "--person", alice.email)
    call_command("verify_ledger", "--person", bob.email)


def test_words_that_were_changed_past_the_ledger_are_told(access: MemoryAccess) -> None:
    memory_id = remember(access, "I live in Porto")
    memory = Memory.objects.get()
    memory.content = "I live in Paris"
    memory.save(update_fields=["content"])
    assert history.verify().differences == [Difference(memory_id, Trouble.DIFFERS, "content")]


def test_rows_and_events_that_were_taken_away_or_brought_in_are_told(access: MemoryAccess) -> None:
    lost, unrecorded, gap, sealed = (remember(access, f"I like tea {number}") for number in range(4))
    writing.revise(access, gap, "I like coffee")
    writing.revise(access, gap, "I like cocoa")
    [_, middle, _] = MemoryEvent.objects.filter(memory=gap).oldest_first()
    tamper("DELETE FROM memories_memoryevent WHERE id = %s", middle.pk)
    tamper("DELETE FROM memories_memoryevent WHERE memory_id = %s", unrecorded)
    tamper(
        "UPDATE memories_memory SET content = set_byte(content, 40, 255 - get_byte(content, 40)) WHERE id = %s", sealed
    )
    Memory.objects.filter(pk=lost).delete()
    assert set(history.verify().differences) == {
        Difference(lost, Trouble.MISSING),
        Difference(unrecorded, Trouble.UNRECORDED),
        Difference(sealed, Trouble.SEALED),
        Difference(gap, Trouble.GAP, "content"),
    }


@pytest.mark.django_db(transaction=True)
def test_an_erased_person_is_told_as_erased(
    alice: User, access: MemoryAccess, bobs_access: MemoryAccess, capsys: pytest.CaptureFixture[str]
) -> None:
    remember(access, "I live in Porto")
    writing.forget(access, remember(access, "I like tea"))
    remember(bobs_access, "I like tea")
    erasing.erase(alice.pk)
    capsys.readouterr()
    with key_ring():
        call_command("verify_ledger")
        assert history.held_at(access, timezone.now()) == []
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "2 memories of 1 people were erased; of them there are ids alone",
        "1 memories, 6 events, 0 differences",
    ]


def test_a_memory_that_was_erased_and_is_there_again_is_told(alice: User, access: MemoryAccess) -> None:
    memory_id = remember(access, "I live in Porto")
    empty_ledger(alice.pk)
    assert history.verify().differences == [Difference(memory_id, Trouble.NOT_ERASED)]


def test_the_queries_do_not_grow_with_the_memories_of_a_piece(
    access: MemoryAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured, key_ring():
            assert history.verify().differences == []
        return len(captured)

    remember(access, "I live in Porto")
    few = queries()
    for number in range(20):
        remember(access, f"I like tea number {number}")
    assert queries() == few
    monkeypatch.setattr(history, "AT_ONCE", 5)
    assert history.verify().memories == 21
    assert len(history.held_at(access, timezone.now())) == 21


def test_what_the_clock_did_is_in_the_ledger(access: MemoryAccess, run_jobs: Callable[[], int]) -> None:
    remember(access, "I like tea", confidence=0.9)
    then = timezone.now() - timedelta(days=400)
    fading.archive_faded()
    assert history.verify().differences == []
    Memory.objects.update(last_said_at=then)
    assert history.verify().differences == []


def test_who_is_not_known_is_said_in_one_line() -> None:
    with pytest.raises(CommandError) as raised:
        call_command("verify_ledger", "--person", "nobody@example.com")
    assert raised.value.returncode == 2
