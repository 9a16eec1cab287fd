from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from conversations import demo
from conversations.models import Message
from conversations.tests.conftest import UseModel
from memories.models import Memory, MemoryEvent, Status
from memorychat.llm.fakes import FakeChat
from memorychat.llm.types import ProviderError

# Answers are written in threads of their own, which see only what is committed.
pytestmark = pytest.mark.django_db(transaction=True)


def load() -> list[str]:
    out = StringIO()
    call_command("load_demo", stdout=out)
    return out.getvalue().splitlines()


def contents(email: str, status: Status = Status.ACTIVE) -> set[str]:
    return {memory.content for memory in Memory.objects.filter(owner__email=email, status=status)}


def counts() -> tuple[int, ...]:
    return (User.objects.count(), Memory.objects.count(), MemoryEvent.objects.count(), Message.objects.count())


def test_sample_people_are_told_how_to_sign_in_as_and_have_talked_and_been_learnt_from() -> None:
    lines = load()

    assert lines[0].startswith("ana@demo.example ")
    assert demo.PASSWORD in lines[-1]
    for person in demo.SAMPLE_PEOPLE:
        answer = Client().post("/accounts/login/", {"login": person.email, "password": demo.PASSWORD})
        assert answer.headers["Location"] == "/"
    assert "I moved to Lisbon last week" in contents("ana@demo.example")
    assert contents("ana@demo.example", Status.SUPERSEDED) == {"I live in Porto"}
    assert contents("ana@demo.example", Status.PENDING) == {"I might spend Christmas in Coimbra"}
    assert contents("tomasz@demo.example", Status.FORGOTTEN) == {"My favourite colour is green"}
    answers = [message.text for message in Message.objects.filter(role="assistant").select_related("owner")]
    assert "You told me that you moved to Lisbon last week.[1]" in answers


def test_loading_them_again_changes_nothing() -> None:
    lines, before = load(), counts()

    assert load() == lines
    assert counts() == before


def test_what_was_broken_off_is_gone_on_with(use_model: UseModel) -> None:
    use_model(FakeChat(error=ProviderError("Down.", code="unreachable"), cut_after=0))
    with pytest.raises(CommandError, match=r"The model cannot be reached just now\. Run this again to go on\."):
        load()
    use_model(FakeChat('{"memories": []}'))

    load()

    first = Message.objects.order_by("pk")[0]
    assert first.client_message_id == "demo 1.1"
    assert first.learnt_at
    assert Message.objects.filter(parent=first).count() == 1


def test_an_address_of_somebody_else_is_refused_before_anything_is_loaded() -> None:
    User.objects.create_user("Tomasz@demo.example", "a long enough password")

    with pytest.raises(CommandError, match=r"tomasz@demo\.example that is no sample") as refused:
        load()

    assert refused.value.returncode == 2
    assert counts() == (1, 0, 0, 0)


def test_the_password_is_the_one_that_is_told() -> None:
    load()
    ana = User.objects.get(email="ana@demo.example")
    ana.set_password("something else altogether")
    ana.save()

    load()

    assert User.objects.get(pk=ana.pk).check_password(demo.PASSWORD)
