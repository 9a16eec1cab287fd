import pytest
from pytest_django import Settings

from accounts.models import User
from conversations import usage
from conversations.models import Message, Usage
from conversations.receipts import Draft
from conversations.tests.conftest import UseModel
from conversations.tests.test_consumers import OpenPage, cookies, open_page
from conversations.threads import in_thread
from memorychat.llm.fakes import FakeChat
from memorychat.llm.types import Finished

__all__ = ["cookies", "open_page"]

pytestmark = pytest.mark.django_db(transaction=True)


def draft(model: str = "m-1", tokens: int = 1_000) -> Draft:
    made = Draft("normal", "fake", model)
    made.used(Finished("stop", tokens, tokens))
    return made


def test_answers_add_up_by_day_and_model(alice: User, settings: Settings) -> None:
    settings.LLM_PRICES = {"m-1": (1.0, 2.0)}
    for each in (draft(), draft(), draft("m-2")):
        usage.add(alice, each)
    first, second = Usage.objects.order_by("model")
    assert (first.answers, first.input_tokens, first.output_tokens) == (2, 2_000, 2_000)
    assert first.cost == pytest.approx(0.006)
    # Of a model without a price no cost is made up.
    assert (second.answers, second.cost) == (1, 0)
    assert draft("m-2").cost is None


@pytest.mark.parametrize(
    ("limits", "is_used_up"),
    [
        ({}, False),
        ({"LLM_TOKENS_PER_DAY": 2_001}, False),
        ({"LLM_TOKENS_PER_DAY": 2_000}, True),
        ({"LLM_DOLLARS_PER_DAY": 0.004}, False),
        ({"LLM_DOLLARS_PER_DAY": 0.003}, True),
    ],
)
def test_a_limit_is_of_one_person(
    alice: User, bob: User, settings: Settings, limits: dict[str, float], is_used_up: bool
) -> None:
    settings.LLM_PRICES = {"m-1": (1.0, 2.0)}
    for name, value in limits.items():
        setattr(settings, name, value)
    usage.add(alice, draft())
    assert usage.is_used_up(alice) == is_used_up
    assert not usage.is_used_up(bob)


@pytest.mark.parametrize("mode", ["normal", "incognito"])
async def test_who_has_used_up_what_they_may_is_told_and_answered_from_memories(
    open_page: OpenPage, alice: User, use_model: UseModel, settings: Settings, mode: str
) -> None:
    settings.LLM_TOKENS_PER_DAY = 11
    model = use_model(FakeChat("Fine."))
    page = await open_page(alice)
    assert (await page.say("Hello", privacy_mode=mode))[-1]["html"] == '<p dir="auto">Fine.</p>\n'
    last = (await page.say("Hello", privacy_mode=mode))[-1]
    assert "used up for today" in last["html"]
    assert last["receipt"]["provider"] == "builtin"
    assert len(model.prompts) == 1
    assert await in_thread(Message.objects.count) == (4 if mode == "normal" else 0)


async def test_what_was_stopped_is_counted_as_far_as_it_went(
    open_page: OpenPage, alice: User, use_model: UseModel
) -> None:
    use_model(FakeChat("word " * 300, pause=0.02))
    page = await open_page(alice)
    await page.send("message.send", text="Hello", client_message_id="m1")
    await page.until("reply.delta")
    await page.send("reply.stop")
    await page.until("reply.stopped")
    used = await in_thread(Usage.objects.get)
    assert used.input_tokens > 0
    assert used.output_tokens > 0
