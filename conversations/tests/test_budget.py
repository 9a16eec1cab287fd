"""One budget of a person and a day: answers, what jobs learn, and tests of a provider."""

import json
from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import Settings

from accounts.models import User
from conversations import usage
from conversations.models import Conversation, Message, Usage
from conversations.tasks import learn_from_abandoned
from conversations.tests.conftest import UseModel
from conversations.tests.test_consumers import OpenPage, cookies, open_page
from conversations.tests.test_turns import answer, say
from conversations.threads import in_thread
from memories import profiles
from memories.models import Memory, MemoryProfile
from memories.tasks import consolidate
from memories.tests.conftest import profile
from memories.tests.test_consolidation import HIKING, given
from memorychat.jobs import enqueue
from memorychat.llm.fakes import FakeChat
from memorychat.llm.metering import Purpose, Spent

__all__ = ["cookies", "given", "open_page", "profile"]

pytestmark = pytest.mark.django_db(transaction=True)

RunJobs = Callable[[], int]

PAGE = "/settings/models/"
FOUND = {
    "memories": [{"content": "I own a red boat", "confidence": 0.9, "quote": "I own a red boat"}],
    "forget": [],
    "title": "A red boat",
    "summary": "The person owns a red boat.",
    "episode": "The person told of a red boat.",
    "verdicts": [],
}
SPENT = Spent("fake", "fake", 500, 500)


def learning(**columns: object) -> FakeChat:
    return FakeChat("Noted.", found=json.dumps(FOUND), **columns)  # type: ignore[arg-type]  # as FakeChat has them


def used(person: User) -> dict[str, tuple[int, int]]:
    """Purpose → how many answers, and how many tokens."""
    rows = Usage.objects.filter(owner=person)
    return {row.purpose: (row.answers, row.input_tokens + row.output_tokens) for row in rows}


def waiting() -> list[str]:
    return sorted(ProcrastinateJob.objects.filter(status="todo").values_list("task_name", flat=True))


def next_day() -> None:
    """Of everybody: what was used is yesterday's, and what waits for the day is due."""
    Usage.objects.update(day=timezone.localdate() - timedelta(days=2))
    ProcrastinateJob.objects.filter(status="todo").update(scheduled_at=timezone.now() - timedelta(seconds=1))


@pytest.fixture
def limited(settings: Settings) -> None:
    settings.LLM_TOKENS_PER_DAY = 1_000


def test_what_jobs_ask_is_counted_beside_the_answers(alice: User, use_model: UseModel, run_jobs: RunJobs) -> None:
    model = use_model(learning())
    answer(say(alice, "I own a red boat."))
    run_jobs()
    assert set(used(alice)) == {Purpose.LEARNING}
    answers, tokens = used(alice)[Purpose.LEARNING]
    assert answers == len(model.prompts) >= 2
    assert tokens == answers * (10 + len(json.dumps(FOUND).split(" ")))
    assert not Usage.objects.exclude(guessed_tokens=0).exists()
    # Done again, nothing is asked and nothing counted.
    run_jobs()
    assert used(alice)[Purpose.LEARNING] == (answers, tokens)


async def test_an_answer_of_a_server_that_does_not_count_is_counted_for(
    open_page: OpenPage, alice: User, use_model: UseModel
) -> None:
    use_model(learning(counts=False))
    page = await open_page(alice)
    receipt = (await page.say("I own a red boat."))[-1]["receipt"]
    row = await in_thread(Usage.objects.get)
    assert (row.purpose, row.input_tokens, row.output_tokens) == (
        Purpose.ANSWERS,
        receipt["input_tokens"],
        receipt["output_tokens"],
    )
    assert row.guessed_tokens == row.input_tokens + row.output_tokens > 100


def test_what_was_guessed_is_told(reader: Client, alice: User, use_model: UseModel, run_jobs: RunJobs) -> None:
    use_model(learning(counts=False))
    answer(say(alice, "I own a red boat."))
    run_jobs()
    row = Usage.objects.get()
    assert row.guessed_tokens == row.input_tokens + row.output_tokens > 100
    assert f"{row.guessed_tokens:,} of these tokens are estimated by the length of the words" in reader.get(PAGE).text


@pytest.mark.usefixtures("limited")
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/Los_Angeles"])
def test_learning_waits_for_the_person_s_next_day_and_loses_nothing(
    alice: User, use_model: UseModel, run_jobs: RunJobs, zone: str
) -> None:
    alice.time_zone = zone
    alice.save()
    model = use_model(learning())
    usage.count(alice, SPENT, Purpose.ANSWERS)
    turn = say(alice, "I own a red boat. I live in Porto.")
    answer(turn)
    run_jobs()

    # Neither asked, nor guessed by the rules, nor given up.
    assert model.prompts == []
    assert not Memory.objects.exists()
    assert Message.objects.get(pk=turn.id).is_unlearnt
    assert waiting() == ["conversations.learn", "conversations.name"]
    assert not ProcrastinateJob.objects.filter(status="failed").exists()
    times = ProcrastinateJob.objects.filter(status="todo").values_list("scheduled_at", flat=True)
    local = [at.astimezone(ZoneInfo(zone)) for at in times if at]
    tomorrow = timezone.localdate(timezone=ZoneInfo(zone)) + timedelta(days=1)
    assert {(at.date(), at.hour) for at in local} == {(tomorrow, 0)}
    assert run_jobs() == 0
    # What finds turns that nobody learnt from finds that this one waits.
    Message.objects.update(created_at=timezone.now() - timedelta(days=2), learning_since=None)
    learn_from_abandoned()
    assert waiting() == ["conversations.learn", "conversations.name"]

    next_day()
    run_jobs()
    assert [memory.content for memory in Memory.objects.all()] == ["I own a red boat"]
    assert Conversation.objects.select_related("owner").get().title == "A red boat"
    assert not Message.objects.get(pk=turn.id).is_unlearnt


@pytest.mark.usefixtures("limited")
def test_what_learning_uses_counts_against_the_answers_of_the_same_day(
    alice: User, bob: User, use_model: UseModel
) -> None:
    usage.count(alice, SPENT, Purpose.LEARNING)
    assert usage.is_used_up(alice)
    assert not usage.is_used_up(bob)


@pytest.mark.usefixtures("limited")
def test_the_day_of_one_person_stops_nobody_else(
    alice: User, bob: User, use_model: UseModel, run_jobs: RunJobs
) -> None:
    use_model(learning())
    usage.count(alice, SPENT, Purpose.ANSWERS)
    for person in (alice, bob):
        answer(say(person, "I own a red boat."))
    run_jobs()
    assert {memory.owner for memory in Memory.objects.select_related("owner")} == {bob}
    assert set(used(bob)) == {Purpose.LEARNING}


@pytest.mark.usefixtures("limited")
def test_the_summary_of_a_profile_and_consolidation_wait_too(
    alice: User, given: Callable[..., list[Memory]], use_model: UseModel, run_jobs: RunJobs
) -> None:
    given(*HIKING)
    model = use_model(FakeChat(found=json.dumps({"summary": "They hike.", "say_one_thing": [], "statement": None})))
    usage.count(alice, SPENT, Purpose.ANSWERS)
    ProcrastinateJob.objects.filter(status="todo").update(scheduled_at=None)
    enqueue(consolidate, profile_id=profiles.default_for(alice).pk)
    run_jobs()
    assert waiting() == ["memories.consolidate", "memories.summarise"]
    # By hand, for all people at once: one who has used up their day is left out.
    call_command("consolidate_memories")
    assert model.prompts == []
    assert MemoryProfile.objects.get().summary is None
    next_day()
    run_jobs()
    assert len(model.prompts) == 2
    assert MemoryProfile.objects.get().summary == "They hike."


@pytest.mark.usefixtures("limited")
def test_an_import_that_needs_a_model_says_why_it_waits(reader: Client, alice: User, use_model: UseModel) -> None:
    model = use_model(learning())
    usage.count(alice, SPENT, Purpose.ANSWERS)
    said = {"author": {"role": "user"}, "content": {"content_type": "text", "parts": ["I own a red boat."]}}
    node: dict[str, object] = {
        "id": "a",
        "message": {"id": "a", "create_time": 1.7e9, **said},
        "parent": None,
        "children": [],
    }
    file = [{"title": "Boats", "create_time": 1.7e9, "mapping": {"a": node}, "current_node": "a"}]
    profile = profiles.default_for(alice)
    page = reader.post("/memories/import/", {"text": json.dumps(file), "profile": str(profile.pk)})
    assert page.status_code == 422
    assert "used up for today" in page.text
    assert model.prompts == []


def test_who_was_erased_while_a_model_thought_is_counted_no_more(alice: User) -> None:
    person_id = alice.pk
    alice.delete()
    usage.DailyMeter().admit(person_id)
    usage.DailyMeter().count(person_id, SPENT, Purpose.LEARNING)
    assert not Usage.objects.exists()


@pytest.mark.parametrize(("limit", "queries"), [(0, 0), (1_000, 1)])
def test_an_answer_waits_for_no_further_query(alice: User, settings: Settings, limit: int, queries: int) -> None:
    settings.LLM_TOKENS_PER_DAY = limit
    with CaptureQueriesContext(connection) as captured:
        usage.is_used_up(alice)
    assert len(captured) == queries
    with CaptureQueriesContext(connection) as captured:
        usage.count(alice, SPENT, Purpose.ANSWERS)
    assert len(captured) == 1


def test_the_page_tells_what_answers_used_and_what_learning_did(
    reader: Client, alice: User, bob: User, settings: Settings
) -> None:
    settings.LLM_TOKENS_PER_DAY = 4_000
    settings.LLM_PRICES = {"fake": (1.0, 2.0)}
    for purpose in (Purpose.ANSWERS, Purpose.LEARNING, Purpose.LEARNING, Purpose.TRIALS):
        usage.count(alice, SPENT, purpose)
    usage.count(bob, SPENT, Purpose.ANSWERS)
    page = reader.get(PAGE).text
    assert "4,000 tokens of 4,000, $0.0060" in page
    assert "Answers: 1,000 tokens, $0.0015" in page
    assert "Learning, titles and summaries: 2,000 tokens, $0.0030" in page
    assert "Tests of a model: 1,000 tokens" in page
    assert "what you tell is learnt tomorrow" in page
    assert "estimated" not in page


def test_a_test_of_a_provider_counts(reader: Client, alice: User, use_model: UseModel) -> None:
    use_model(FakeChat("Yes."))
    assert "fake answered." in reader.post(f"{PAGE}fake/test/", follow=True).text
    assert used(alice) == {Purpose.TRIALS: (1, 11)}


@pytest.mark.usefixtures("limited")
def test_a_test_past_the_limit_of_the_day_asks_nobody(reader: Client, alice: User, use_model: UseModel) -> None:
    model = use_model(FakeChat("Yes."))
    usage.count(alice, SPENT, Purpose.ANSWERS)
    assert "used up for today" in reader.post(f"{PAGE}fake/test/", follow=True).text
    assert model.prompts == []
    # But for who costs nothing.
    assert "The built-in responder answered." in reader.post(f"{PAGE}builtin/test/", follow=True).text


@pytest.mark.parametrize(("scale", "passed"), [(1, 5), (2, 10), (0, 30)])
def test_nobody_has_providers_tested_without_end(
    reader: Client, bob: User, use_model: UseModel, settings: Settings, scale: int, passed: int
) -> None:
    settings.RATE_LIMIT_SCALE = scale
    model = use_model(FakeChat("Yes."))
    codes = [reader.post(f"{PAGE}fake/test/").status_code for _ in range(30)]
    assert codes.count(302) == len(model.prompts)
    assert passed <= len(model.prompts) <= passed + scale
    assert codes.count(429) == 30 - len(model.prompts)
    other = Client()
    other.force_login(bob)
    assert other.post(f"{PAGE}fake/test/").status_code == 302
