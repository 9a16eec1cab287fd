import json
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress

import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import Settings

from accounts.models import User
from accounts.tests.programs import Program
from conversations import episodes, turns
from conversations.models import Conversation, Message, MessageStatus, Role
from conversations.tasks import learn_from, write_episode
from conversations.tests.conftest import UseModel
from conversations.turns import Said
from memories import profiles
from memories.engine import history, undoing, writing
from memories.models import (
    FoundBy,
    Kind,
    LearningMode,
    Memory,
    MemoryBatch,
    MemoryEvent,
    MemoryProfile,
    Origin,
    PrivacyMode,
    Sector,
    Status,
)
from memorychat.lib.crypto import key_ring
from memorychat.llm.fakes import FakeChat
from memorychat.llm.types import ProviderError

pytestmark = pytest.mark.django_db

RunJobs = Callable[[], int]

SMALL_TALK = "Well, that is how the weather goes."
SAID = ["I live in Porto.", "I'm vegetarian.", *[SMALL_TALK] * 6]
IN_OWN_WORDS = "I wrote: “I live in Porto” “I'm vegetarian”"


def say(
    user: User,
    text: str,
    to: uuid.UUID | None = None,
    mode: PrivacyMode = PrivacyMode.NORMAL,
    answer: str = "Noted.",
) -> uuid.UUID:
    turn = turns.begin(user, Said(text, mode, conversation_id=to))
    turns.finish(turn, answer, MessageStatus.COMPLETE, None)
    assert turn.conversation_id
    return turn.conversation_id


def converse(user: User, said: list[str], **more: str) -> uuid.UUID:
    conversation_id = say(user, said[0], **more)  # type: ignore[arg-type]  # the answer
    for text in said[1:]:
        say(user, text, conversation_id, **more)  # type: ignore[arg-type]  # the answer
    return conversation_id


def told() -> list[str]:
    return [memory.content for memory in Memory.objects.filter(kind=Kind.EPISODE).order_by("pk")]


def answering(episode: str) -> FakeChat:
    """The same answer to every question, so to extraction too."""
    return FakeChat(json.dumps({"memories": [], "forget": [], "episode": episode}))


def test_a_long_conversation_gets_one_episode_in_the_persons_own_words(
    alice: User, program: Program, run_jobs: RunJobs
) -> None:
    conversation_id = converse(alice, SAID[:-1])
    run_jobs()
    assert told() == []
    say(alice, SAID[-1], conversation_id)
    run_jobs()
    say(alice, "I like tea.", conversation_id)
    run_jobs()
    conversation = Conversation.objects.get()
    episode = Memory.objects.get(kind=Kind.EPISODE)
    assert (episode.content, episode.sector, episode.status) == (IN_OWN_WORDS, Sector.EPISODIC, Status.ACTIVE)
    assert (episode.occurred_at, episode.origin) == (conversation.created_at, Origin.SYSTEM)
    event = MemoryEvent.objects.get(memory=episode)
    assert (event.found_by, event.actor, event.conversation_id) == (FoundBy.RULES, None, conversation_id)
    response = program.call("GET", f"/conversations/{conversation_id}/summary")
    assert json.loads(response.content)["summary"] == IN_OWN_WORDS


def test_fifteen_messages_in_all_are_enough(alice: User, settings: Settings, run_jobs: RunJobs) -> None:
    settings.EPISODE_OWN_MESSAGES = 100
    conversation_id = converse(alice, SAID[:7])
    run_jobs()
    assert (Message.objects.count(), told()) == (14, [])
    say(alice, SAID[7], conversation_id)
    run_jobs()
    assert told() == [IN_OWN_WORDS]


def test_the_numbers_are_settings(alice: User, settings: Settings, run_jobs: RunJobs) -> None:
    settings.EPISODE_OWN_MESSAGES = 2
    converse(alice, SAID[:2])
    run_jobs()
    assert told() == [IN_OWN_WORDS]


def test_what_was_said_while_paused_neither_counts_nor_is_told(alice: User, run_jobs: RunJobs) -> None:
    conversation_id = converse(alice, SAID[:7])
    for _ in range(8):
        say(alice, "I work as a spy.", conversation_id, PrivacyMode.PAUSED)
    run_jobs()
    assert told() == []
    say(alice, SAID[7], conversation_id)
    run_jobs()
    assert told() == [IN_OWN_WORDS]


def test_the_answers_are_no_evidence(alice: User, use_model: UseModel, run_jobs: RunJobs) -> None:
    model = use_model(answering("I told where I live."))
    converse(alice, SAID, answer="You work as a spy.")
    run_jobs()
    assert told() == ["I told where I live."]
    shown = model.prompts[-1].history[-1].text if "episode" in model.prompts[-1].instructions else ""
    prompts = [prompt for prompt in model.prompts if "diary" in prompt.instructions]
    assert len(prompts) == 1
    assert "I live in Porto." in prompts[0].history[0].text
    assert "spy" not in prompts[0].history[0].text + shown
    assert MemoryEvent.objects.get().found_version.startswith("episode-")


def test_an_episode_is_no_write_of_the_model_that_counts(
    alice: User, use_model: UseModel, settings: Settings, run_jobs: RunJobs
) -> None:
    settings.MEMORY_WRITES_PER_HOUR = settings.MEMORY_WRITES_PER_CONVERSATION = 0
    use_model(answering("I told where I live."))
    converse(alice, SAID)
    run_jobs()
    assert Memory.objects.get().status == Status.ACTIVE


@pytest.mark.parametrize(
    "answer", ["It was about Porto.", '{"about": "Porto"}', '{"episode": ""}', '{"episode": ["x"]}']
)
def test_an_answer_of_another_shape_fails_the_job_and_writes_nothing(
    alice: User, use_model: UseModel, answer: str
) -> None:
    conversation_id = converse(alice, SAID)
    model = use_model(FakeChat(answer))
    with pytest.raises(ProviderError) as raised:
        write_episode(conversation_id=conversation_id)
    assert (raised.value.code, raised.value.permanent, len(model.prompts)) == ("nonsense", False, 2)
    assert (Memory.objects.count(), MemoryBatch.objects.count()) == (0, 0)


def test_a_model_that_is_down_is_asked_again_later(alice: User, use_model: UseModel, run_jobs: RunJobs) -> None:
    conversation_id = converse(alice, SAID)
    use_model(FakeChat(error=ProviderError("down", code="unreachable")))
    with suppress(ProviderError):
        write_episode(conversation_id=conversation_id)
    assert told() == []
    use_model(answering("I told where I live."))
    write_episode(conversation_id=conversation_id)
    write_episode(conversation_id=conversation_id)
    assert told() == ["I told where I live."]


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_write_one_episode(alice: User, use_model: UseModel) -> None:
    model = use_model(answering("I told where I live."))
    conversation_id = converse(alice, SAID)
    barrier = threading.Barrier(2)

    def work() -> None:
        try:
            with key_ring():
                barrier.wait(10)
                episodes.write(conversation_id)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert told() == ["I told where I live."]
    assert len(model.prompts) == 2
    assert MemoryBatch.objects.filter(purpose=MemoryBatch.Purpose.EPISODE).count() == 1


@pytest.mark.parametrize(("learning", "status"), [(LearningMode.ASK, Status.PENDING), (LearningMode.NEVER, None)])
def test_a_profile_that_asks_is_asked_and_one_that_never_learns_gets_none(
    alice: User, run_jobs: RunJobs, learning: LearningMode, status: Status | None
) -> None:
    profiles.default_for(alice)
    MemoryProfile.objects.update(learning=learning)
    converse(alice, SAID)
    run_jobs()
    episode = Memory.objects.filter(kind=Kind.EPISODE).first()
    assert (episode.status if episode else None) == status


def test_secrets_and_what_is_sensitive_are_left_out(alice: User, settings: Settings, run_jobs: RunJobs) -> None:
    settings.EPISODE_OWN_MESSAGES = 3
    converse(alice, ["I live in Porto.", "I'm HIV positive.", "My password is hunter2pass!9."])
    run_jobs()
    assert told() == ["I wrote: “I live in Porto”"]


def test_where_the_rules_know_no_statement_the_longest_sentences_are_told(
    alice: User, settings: Settings, run_jobs: RunJobs
) -> None:
    settings.EPISODE_OWN_MESSAGES = 2
    converse(alice, ["Comprei uma figueira para o jardim", "Obrigado."])
    run_jobs()
    assert told() == ["I wrote: “Comprei uma figueira para o jardim”"]


def test_nothing_is_written_of_a_conversation_that_says_nothing(
    alice: User, settings: Settings, run_jobs: RunJobs
) -> None:
    settings.EPISODE_OWN_MESSAGES = 2
    converse(alice, ["Ok.", "Yes."])
    run_jobs()
    assert told() == []


def test_two_conversations_in_the_same_words_have_an_episode_each_told_by_both(
    alice: User, program: Program, run_jobs: RunJobs
) -> None:
    conversation_ids = [converse(alice, SAID), converse(alice, SAID)]
    run_jobs()
    for conversation_id in conversation_ids:
        response = program.call("GET", f"/conversations/{conversation_id}/summary")
        assert json.loads(response.content)["summary"] == IN_OWN_WORDS


def test_an_episode_is_taken_back_with_its_conversation(alice: User, run_jobs: RunJobs) -> None:
    conversation_id = converse(alice, SAID)
    run_jobs()
    undoing.undo_conversation(profiles.by_hand(alice, profiles.default_for(alice)), conversation_id)
    assert set(Memory.objects.values_list("status", flat=True)) == {Status.FORGOTTEN}


def test_all_is_forgotten_with_the_episode_that_tells_of_it(alice: User, run_jobs: RunJobs) -> None:
    converse(alice, SAID)
    run_jobs()
    access = profiles.by_hand(alice, profiles.default_for(alice))
    assert len(writing.forget_all(access)) == 3
    assert set(Memory.objects.values_list("status", flat=True)) == {Status.FORGOTTEN}
    assert history.verify().differences == []


def test_what_was_deleted_meanwhile_gets_no_episode(alice: User) -> None:
    conversation_id = converse(alice, SAID)
    message = Message.objects.filter(role=Role.USER).first()
    assert message
    turns.clear(alice, conversation_id)
    write_episode(conversation_id=conversation_id)
    write_episode(conversation_id=uuid.uuid4())
    learn_from(message_id=message.pk)
    assert told() == []
    assert not ProcrastinateJob.objects.filter(task_name="conversations.write_episode").exists()


def test_an_episode_that_was_forgotten_is_not_written_again(alice: User, run_jobs: RunJobs) -> None:
    conversation_id = converse(alice, SAID)
    run_jobs()
    episode = Memory.objects.get(kind=Kind.EPISODE)
    writing.forget(profiles.by_hand(alice, profiles.default_for(alice)), episode.pk)
    say(alice, "I like tea.", conversation_id)
    run_jobs()
    assert Memory.objects.get(kind=Kind.EPISODE).status == Status.FORGOTTEN


def test_what_was_forgotten_before_is_in_no_episode(alice: User, run_jobs: Callable[[], int]) -> None:
    conversation_id = None
    for number in range(8):
        words = "I own a yellow submarine" if number == 0 else f"I visited museum number {number} in May"
        turn = turns.begin(alice, Said(words, PrivacyMode.NORMAL, conversation_id=conversation_id))
        turns.finish(turn, "Noted.", MessageStatus.COMPLETE, None)
        conversation_id = turn.conversation_id
        run_jobs()
        if number == 0:
            memory = Memory.objects.get(kind=Kind.FACT)
            writing.forget(profiles.by_hand(alice, memory.profile), memory.pk)
    assert "submarine" not in Memory.objects.get(kind=Kind.EPISODE).content


def test_a_conversation_of_questions_alone_has_no_episode(alice: User, run_jobs: Callable[[], int]) -> None:
    conversation_id = None
    for number in range(8):
        words = f"Which instrument am I taking up in year {number}?"
        turn = turns.begin(alice, Said(words, PrivacyMode.NORMAL, conversation_id=conversation_id))
        turns.finish(turn, "I don't know that yet.", MessageStatus.COMPLETE, None)
        conversation_id = turn.conversation_id
    run_jobs()
    assert not Memory.objects.filter(kind=Kind.EPISODE).exists()
