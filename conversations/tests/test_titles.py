import json
from collections.abc import Callable

import pytest

from accounts.models import User
from conversations.models import Conversation, MessageStatus
from conversations.tasks import name_conversation
from conversations.tests.conftest import UseModel
from conversations.tests.test_turns import answer, say
from conversations.titles import TITLE_LENGTH
from memories.models import PrivacyMode
from memorychat.llm.fakes import FakeChat
from memorychat.llm.types import Prompt, ProviderError

pytestmark = pytest.mark.django_db

RunJobs = Callable[[], int]


def naming(title: str) -> FakeChat:
    return FakeChat("Noted.", found=json.dumps({"memories": [], "forget": [], "title": title}))


def title() -> str:
    return Conversation.objects.select_related("owner").get().title


def asked(model: FakeChat) -> list[Prompt]:
    return [prompt for prompt in model.prompts if "title" in (prompt.json_schema or {}).get("properties", {})]  # type: ignore[operator]


def about_titles(model: FakeChat) -> int:
    return len(asked(model))


def test_a_model_names_a_conversation_after_its_first_answer(
    alice: User, use_model: UseModel, run_jobs: RunJobs
) -> None:
    model = use_model(naming("“Pruning a fig tree.”"))
    turn = say(alice, "When should I cut back the fig in my yard?")
    answer(turn, "In March.")
    assert title() == "When should I cut back the fig in my yard?"
    run_jobs()
    assert title() == "Pruning a fig tree"
    answer(say(alice, "And the plum?", conversation_id=turn.conversation_id))
    run_jobs()
    assert about_titles(model) == 1
    [prompt] = asked(model)
    assert [json.loads(line)["said"] for line in prompt.question.splitlines()] == [
        "When should I cut back the fig in my yard?",
        "In March.",
    ]


def test_naming_twice_asks_once(alice: User, use_model: UseModel, run_jobs: RunJobs) -> None:
    model = use_model(naming("Fig tree"))
    turn = say(alice, "When should I cut it back?")
    answer(turn)
    run_jobs()
    assert turn.conversation_id
    name_conversation(conversation_id=turn.conversation_id)
    assert (title(), about_titles(model)) == ("Fig tree", 1)


def test_what_its_owner_called_it_stays(alice: User, use_model: UseModel, run_jobs: RunJobs) -> None:
    model = use_model(naming("Fig tree"))
    answer(say(alice, "When should I cut it back?"))
    conversation = Conversation.objects.select_related("owner").get()
    conversation.title, conversation.is_renamed = "The yard", True
    conversation.save()
    run_jobs()
    assert (title(), about_titles(model)) == ("The yard", 0)


@pytest.mark.parametrize(
    "found", ["no JSON at all", '{"title": ""}', '{"title": "“ ”"}', json.dumps({"title": "x" * (TITLE_LENGTH + 1)})]
)
def test_what_cannot_be_a_title_is_asked_for_once_more_and_then_let_be(
    alice: User, use_model: UseModel, found: str
) -> None:
    model = use_model(FakeChat(found=found))
    turn = say(alice, "When should I cut it back?")
    answer(turn)
    assert turn.conversation_id
    name_conversation(conversation_id=turn.conversation_id)
    assert (title(), about_titles(model)) == ("When should I cut it back?", 2)


def test_a_model_that_is_away_leaves_the_first_words(alice: User, use_model: UseModel) -> None:
    use_model(FakeChat(error=ProviderError("x", code="refused", permanent=True)))
    turn = say(alice, "When should I cut it back?")
    answer(turn)
    assert turn.conversation_id
    name_conversation(conversation_id=turn.conversation_id)
    assert title() == "When should I cut it back?"


@pytest.mark.parametrize("status", [MessageStatus.STOPPED, MessageStatus.INTERRUPTED])
def test_half_an_answer_names_nothing(
    alice: User, use_model: UseModel, run_jobs: RunJobs, status: MessageStatus
) -> None:
    model = use_model(naming("Fig tree"))
    answer(say(alice, "When should I cut it back?"), status=status)
    run_jobs()
    assert about_titles(model) == 0


def test_what_is_said_paused_names_nothing(alice: User, use_model: UseModel, run_jobs: RunJobs) -> None:
    model = use_model(naming("Fig tree"))
    answer(say(alice, "When should I cut it back?", PrivacyMode.PAUSED))
    run_jobs()
    assert (title(), model.prompts) == ("When should I cut it back?", [])


def test_without_a_language_model_nothing_is_enqueued_for_it(alice: User, run_jobs: RunJobs) -> None:
    answer(say(alice, "When should I cut it back?"))
    assert run_jobs() == 1  # the learning
    assert title() == "When should I cut it back?"
