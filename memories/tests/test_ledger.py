import pytest
from django.db import transaction
from django.db.utils import IntegrityError

from memories.access import MemoryAccess
from memories.engine import ledger, writing
from memories.engine.types import Candidate, Slot
from memories.models import Memory, MemoryEvent

pytestmark = pytest.mark.django_db


def test_events_can_be_neither_changed_nor_deleted(access: MemoryAccess) -> None:
    writing.remember(access, Candidate("I live in Porto"))
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        MemoryEvent.objects.update(action="forgotten")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        MemoryEvent.objects.all()._raw_delete("default")
    assert MemoryEvent.objects.count() == 1


def test_what_the_events_say_is_what_the_table_holds(access: MemoryAccess) -> None:
    slot = Slot("person", "home town")
    first = writing.remember(access, Candidate("I live in Porto", slot=slot)).memory_id
    second = writing.remember(access, Candidate("I live in Lisbon", slot=slot))
    assert first
    assert second.change_id
    writing.remember(access, Candidate("I live in Lisbon", slot=slot))
    writing.revise(access, first, "I lived in Porto once")
    writing.restore(access, first)
    for memory in Memory.objects.select_related("profile"):
        rebuilt: dict[str, object] = {}
        for event in MemoryEvent.objects.filter(memory=memory).order_by("number"):
            assert event.before is None or all(rebuilt[name] == value for name, value in event.before.items())
            rebuilt |= event.after
        assert rebuilt == ledger.snapshot(memory)


def test_an_event_keeps_only_the_columns_that_changed(access: MemoryAccess) -> None:
    memory_id = writing.remember(access, Candidate("I live in Porto")).memory_id
    assert memory_id
    writing.forget(access, memory_id)
    event = MemoryEvent.objects.order_by("number").last()
    assert event
    assert (event.before, event.after) == ({"status": "active"}, {"status": "forgotten"})
