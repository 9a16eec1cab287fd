"""What a tool saves: what it rests on, when it is weighed, and what it leaves for the reading of the message."""

import json
from collections.abc import Callable

import pytest

from accounts.models import User
from conversations import turns, wishes
from conversations.models import Message, MessageStatus
from conversations.receipts import Draft
from conversations.tests.conftest import UseModel
from conversations.toolbox import Toolbox
from conversations.turns import Said, Turn
from memories import profiles
from memories.engine import writing
from memories.engine.types import Candidate
from memories.models import Memory, MemorySource, PrivacyMode, Sector, Status
from memorychat.llm.fakes import FakeChat
from memorychat.llm.types import ProviderError, ToolCall

pytestmark = pytest.mark.django_db(transaction=True)

NOTHING = '{"memories": [], "forget": []}'
NORMAL, PAUSED = PrivacyMode.NORMAL, PrivacyMode.PAUSED


@pytest.fixture
def model(use_model: UseModel) -> FakeChat:
    return use_model(FakeChat("Noted.", found=NOTHING))


def begin(alice: User, text: str, mode: PrivacyMode = NORMAL, to: Turn | None = None) -> Turn:
    return turns.begin(alice, Said(text, mode, conversation_id=to.conversation_id if to else None))


def call(turn: Turn, name: str, **given: object) -> str:
    draft = Draft(turn.mode, "fake", "fake", prompt={"steps": []})
    answer = json.loads(Toolbox(turn, draft).use(ToolCall("1", name, json.dumps(given))))
    return str(answer["action"])


def save(turn: Turn, content: str, **more: object) -> str:
    return call(turn, "save_memory", content=content, confidence=0.9, **more)


def finish(turn: Turn) -> None:
    turns.finish(turn, "Noted.", MessageStatus.COMPLETE, None)


def test_what_was_said_while_paused_is_saved_by_no_later_turn(alice: User, model: FakeChat) -> None:
    paused = begin(alice, "I plan to buy a boat", PAUSED)
    finish(paused)
    assert save(begin(alice, "What is for dinner?", to=paused), "I plan to buy a boat") == "discarded"


def test_what_was_forgotten_does_not_come_back_with_an_unrelated_turn(
    alice: User, model: FakeChat, run_jobs: Callable[[], int]
) -> None:
    first = begin(alice, "I live in Porto")
    assert save(first, "I live in Porto") == "queued"
    finish(first)
    run_jobs()
    [memory] = Memory.objects.active()
    writing.forget(profiles.by_hand(alice, profiles.default_for(alice)), memory.pk)
    assert save(begin(alice, "What shall I cook?", to=first), "I live in Porto") == "discarded"


def test_only_the_sentence_behind_it_is_quoted(alice: User, model: FakeChat, run_jobs: Callable[[], int]) -> None:
    turn = begin(alice, "I have a secret affair. I live in Porto. It rains.")
    save(turn, "I live in Porto")
    finish(turn)
    run_jobs()
    [source] = MemorySource.objects.select_related("memory__profile")
    assert source.quote == "I live in Porto."


def test_a_wish_is_weighed_though_the_message_cannot_be_read(
    alice: User, model: FakeChat, run_jobs: Callable[[], int]
) -> None:
    turn = begin(alice, "I live in Porto")
    save(turn, "I live in Porto")
    finish(turn)
    model.error = ProviderError("down", code="unreachable")
    with pytest.raises(ProviderError):
        run_jobs()
    assert [memory.content for memory in Memory.objects.active()] == ["I live in Porto"]
    assert Message.objects.get(role="user").wishes is None


def test_a_wish_of_an_answer_that_is_given_again_is_weighed_too(
    alice: User, model: FakeChat, run_jobs: Callable[[], int]
) -> None:
    turn = begin(alice, "I live in Porto and my dog is called Bruno")
    save(turn, "I live in Porto")
    finish(turn)
    run_jobs()
    again = turns.begin_again(alice, turn.id, turn.conversation_id)
    assert save(again, "My dog is called Bruno") == "queued"
    finish(again)
    run_jobs()
    assert {memory.content for memory in Memory.objects.active()} == {"I live in Porto", "My dog is called Bruno"}


def test_what_was_wished_meanwhile_stays(alice: User, model: FakeChat) -> None:
    turn = begin(alice, "I live in Porto and my dog is called Bruno")
    save(turn, "I live in Porto")
    [first] = Message.objects.get(pk=turn.id).wishes
    save(turn, "My dog is called Bruno")
    wishes.drop(turn.id, [wishes.id_of(first)])
    assert [wish["content"] for wish in Message.objects.get(pk=turn.id).wishes] == ["My dog is called Bruno"]


@pytest.mark.parametrize(
    ("wish", "found", "is_told"),
    [
        ("My sister Ana lives in Porto", "My sister Eva lives in Porto", False),
        ("I fly to Lisbon at 10:30", "I fly to Lisbon at 11:30", False),
        ("I am allergic to peanuts", "I am not allergic to peanuts", False),
        ("I have a dog called Bruno", "My dog is called Bruno", True),
        ("I live in Porto", "I live in Porto now", True),
    ],
)
def test_a_second_fact_of_a_message_is_not_dropped(wish: str, found: str, is_told: bool) -> None:
    left = wishes.not_told_by([Candidate(wish)], [Candidate(found)])
    assert (not left) == is_told


def test_a_wish_has_the_time_and_the_sector_of_what_it_tells(
    alice: User, model: FakeChat, run_jobs: Callable[[], int]
) -> None:
    turn = begin(alice, "I ran a marathon on 5 March 2024")
    save(turn, "I ran a marathon on 5 March 2024")
    finish(turn)
    run_jobs()
    [memory] = Memory.objects.active()
    assert (memory.occurred_at.year, memory.occurred_at.month) == (2024, 3)
    assert memory.sector == Sector.EPISODIC


def test_what_is_sensitive_is_kept_only_where_the_person_asks_for_it(
    alice: User, model: FakeChat, run_jobs: Callable[[], int]
) -> None:
    assert save(begin(alice, "I have epilepsy"), "I have epilepsy") == "not_allowed"
    turn = begin(alice, "Please remember that I have epilepsy")
    assert save(turn, "I have epilepsy") == "queued"
    finish(turn)
    run_jobs()
    assert [memory.content for memory in Memory.objects.active()] == ["I have epilepsy"]


def test_what_the_person_is_asked_about_is_not_forgotten_before_they_answer(
    alice: User, model: FakeChat, run_jobs: Callable[[], int]
) -> None:
    writing.remember(profiles.by_hand(alice, profiles.default_for(alice)), Candidate("I live in Porto"))
    model.found = '{"memories": [], "forget": ["I live in Porto"]}'
    turn = begin(alice, "Forget that I live in Porto")
    assert call(turn, "delete_memory", description="I live in Porto") == "candidates"
    finish(turn)
    run_jobs()
    assert Memory.objects.get().status == Status.ACTIVE


def test_no_more_is_said_to_be_queued_than_the_limit_holds(alice: User, model: FakeChat) -> None:
    turn = begin(alice, "One two three four five six seven eight nine ten eleven twelve cats")
    toolbox = Toolbox(turn, Draft(turn.mode, "fake", "fake", prompt={"steps": []}))
    said = []
    for number in turn.question.split()[:12]:
        given = json.dumps({"content": f"{number} cats", "confidence": 0.9})
        said.append(json.loads(toolbox.use(ToolCall("1", "save_memory", given)))["action"])
    assert said == ["queued"] * 10 + ["rate_limited"] * 2
