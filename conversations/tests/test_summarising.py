import json
import uuid
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import Settings

from accounts.models import User
from conversations import keeping, turns, versions
from conversations.branches import Tree
from conversations.history import Earlier, earlier_in
from conversations.models import Conversation, Message
from conversations.summarising import SUMMARY_LIMIT
from conversations.tasks import summarise
from conversations.tests.conftest import UseModel
from conversations.tests.test_turns import answer, say
from memories import profiles
from memorychat.llm.fakes import FakeChat
from memorychat.llm.types import Pieces, Prompt, ProviderError

pytestmark = pytest.mark.django_db

# About a quarter of what fits the prompt.
LONG = "All about hedges, and how they grow. " * 65


@pytest.fixture(autouse=True)
def short_history(settings: Settings) -> None:
    """A few long messages are more than a prompt takes."""
    settings.LLM_HISTORY_TOKENS = 3_000


def summing(summary: str = "The person wrote of hedges.") -> FakeChat:
    return FakeChat("Noted.", found=json.dumps({"memories": [], "forget": [], "title": "Hedges", "summary": summary}))


def talk(user: User, count: int, to: Conversation | None = None) -> Conversation:
    conversation_id = to.pk if to else None
    for number in range(count):
        turn = say(user, f"Number {number}. {LONG}", conversation_id=conversation_id)
        answer(turn, f"Answer {number}.")
        conversation_id = turn.conversation_id
    assert conversation_id
    return reread(conversation_id)


def reread(conversation_id: uuid.UUID) -> Conversation:
    return Conversation.objects.select_related("owner", "profile__owner").get(pk=conversation_id)


def known_of(conversation: Conversation) -> Earlier:
    return earlier_in(conversation, Tree.of(conversation).branch(conversation.leaf_id))


def asked(model: FakeChat) -> list[Prompt]:
    return [prompt for prompt in model.prompts if "summary" in str(prompt.json_schema)]


def waiting() -> int:
    return ProcrastinateJob.objects.filter(task_name="conversations.summarise", status="todo").count()


def test_what_does_not_fit_the_prompt_is_told_by_a_summary(alice: User, use_model: UseModel) -> None:
    model = use_model(summing())
    conversation = talk(alice, 6)
    assert waiting() == 1
    left_out = known_of(conversation).left_out
    assert left_out > 0
    summarise(conversation_id=conversation.pk)
    earlier = known_of(reread(conversation.pk))
    assert (earlier.summary, earlier.summarised, earlier.left_out) == ("The person wrote of hedges.", left_out, 0)
    [prompt] = asked(model)
    assert "Number 0" in prompt.question
    assert "Number 5" not in prompt.question


def test_a_short_conversation_has_none(alice: User, use_model: UseModel) -> None:
    model = use_model(summing())
    conversation = talk(alice, 2)
    assert waiting() == 0
    summarise(conversation_id=conversation.pk)
    assert (asked(model), reread(conversation.pk).summary) == ([], None)


def test_a_summary_grows_by_what_came_since_and_reads_nothing_twice(alice: User, use_model: UseModel) -> None:
    model = use_model(summing("First part."))
    conversation = talk(alice, 6)
    summarise(conversation_id=conversation.pk)
    summarise(conversation_id=conversation.pk)
    assert len(asked(model)) == 1
    talk(alice, 4, conversation)
    summarise(conversation_id=conversation.pk)
    lines = [json.loads(line) for line in asked(model)[1].question.splitlines()]
    assert lines[0] == {"summary": "First part."}
    assert not any(line["said"].startswith("Number 0. All") and line["who"] == "user" for line in lines[1:3])
    assert known_of(reread(conversation.pk)).left_out == 0


def test_a_long_past_is_told_in_parts(alice: User, use_model: UseModel) -> None:
    conversation = talk(alice, 30)
    model = use_model(summing())
    summarise(conversation_id=conversation.pk)
    assert len(asked(model)) == 2
    assert known_of(reread(conversation.pk)).left_out == 0


def test_the_summary_of_another_branch_is_not_used(alice: User, use_model: UseModel) -> None:
    use_model(summing("Of the first branch."))
    conversation = talk(alice, 6)
    summarise(conversation_id=conversation.pk)
    first = Message.objects.filter(conversation=conversation).order_by("pk").first()
    assert first
    edited = say(alice, f"Otherwise. {LONG}", conversation_id=conversation.pk, edits=first.pk)
    answer(edited)
    talk(alice, 6, conversation)
    assert known_of(reread(conversation.pk)).summary == ""
    model = use_model(summing("Of the second branch."))
    summarise(conversation_id=conversation.pk)
    assert known_of(reread(conversation.pk)).summary == "Of the second branch."
    assert "Of the first branch." not in asked(model)[0].question
    versions.show(alice, conversation.pk, first.pk)
    assert known_of(reread(conversation.pk)).summary == ""


def test_deleted_words_take_their_summary_with_them(alice: User, use_model: UseModel) -> None:
    use_model(summing())
    conversation = talk(alice, 6)
    summarise(conversation_id=conversation.pk)
    turns.clear(alice, conversation.pk)
    cleared = reread(conversation.pk)
    assert (cleared.summary, cleared.summary_through) == (None, None)


@pytest.mark.django_db(transaction=True)
def test_a_summary_of_words_that_were_deleted_meanwhile_is_dropped(alice: User, use_model: UseModel) -> None:
    conversation = talk(alice, 6)
    first = conversation.messages.order_by("pk")[0]

    class Slow(FakeChat):
        async def stream(self, prompt: Prompt, *, correlation_id: str) -> Pieces:
            await sync_to_async(keeping.delete_turn)(alice, conversation.pk, first.pk)
            async for piece in super().stream(prompt, correlation_id=correlation_id):
                yield piece

    use_model(Slow("Noted.", found=json.dumps({"summary": "Of what is gone."})))
    summarise(conversation_id=conversation.pk)
    assert reread(conversation.pk).summary is None


def test_a_summary_that_is_too_long_is_asked_for_once_more_and_not_kept(alice: User, use_model: UseModel) -> None:
    conversation = talk(alice, 6)
    model = use_model(summing("x" * (SUMMARY_LIMIT + 1)))
    with pytest.raises(ProviderError):
        summarise(conversation_id=conversation.pk)
    assert (len(asked(model)), reread(conversation.pk).summary) == (2, None)


def test_without_a_language_model_there_is_none(alice: User) -> None:
    conversation = talk(alice, 6)
    assert waiting() == 0
    summarise(conversation_id=conversation.pk)
    assert reread(conversation.pk).summary is None


def test_a_model_that_is_away_is_asked_again_later(alice: User, use_model: UseModel) -> None:
    conversation = talk(alice, 6)
    use_model(FakeChat(error=ProviderError("x", code="unreachable")))
    with pytest.raises(ProviderError):
        summarise(conversation_id=conversation.pk)
    use_model(summing())
    summarise(conversation_id=conversation.pk)
    assert known_of(reread(conversation.pk)).left_out == 0


def test_a_deleted_profile_has_nothing_summarised(alice: User, use_model: UseModel) -> None:
    conversation = talk(alice, 6)
    profile = profiles.create(alice, "Another")
    Conversation.objects.update(profile=profile)
    profiles.delete(profile)
    model = use_model(summing())
    summarise(conversation_id=conversation.pk)
    assert asked(model) == []


def test_turns_that_follow_closely_are_told_of_together(alice: User, use_model: UseModel) -> None:
    use_model(summing())
    talk(alice, 8)
    [job] = ProcrastinateJob.objects.filter(task_name="conversations.summarise", status="todo")
    assert job.scheduled_at
    assert job.scheduled_at > timezone.now() - timedelta(minutes=1)
