import time
from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from conversations import usage
from conversations.receipts import Draft
from memories import profiles
from memorychat.llm import breakers, outcomes
from memorychat.llm.fakes import FakeChat
from memorychat.llm.providers import BASE_URLS, CHAT_MODELS, configured, get_chat_model, providers_of
from memorychat.llm.types import Finished, ProviderError

pytestmark = pytest.mark.django_db

PAGE = "/settings/models/"


@pytest.fixture
def two_models(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[FakeChat, FakeChat]]:
    first, second = FakeChat("One.", provider="one", model="m-1"), FakeChat("Two.", provider="two", model="m-2")
    monkeypatch.setitem(CHAT_MODELS, "one", lambda: first)
    monkeypatch.setitem(CHAT_MODELS, "two", lambda: second)
    monkeypatch.setattr(outcomes, "last", {})
    settings.LLM_PROVIDERS = ["one", "two", "builtin"]
    yield first, second
    breakers.forget()


@pytest.fixture
def reader(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.mark.parametrize(("seconds", "told"), [(3, "just now"), (200, "3\xa0minutes ago"), (90_000, "1\xa0day ago")])
def test_how_long_ago_an_answer_came_is_told_in_words(
    reader: Client, two_models: tuple[FakeChat, FakeChat], seconds: int, told: str
) -> None:
    outcomes.last["one"] = outcomes.Outcome("", time.monotonic() - seconds)
    assert f"It answered {told}." in reader.get(PAGE).content.decode()


def test_an_order_of_one_s_own_is_kept_and_holds(
    reader: Client, alice: User, bob: User, two_models: tuple[FakeChat, FakeChat]
) -> None:
    assert configured() == ["one", "two", "builtin"]
    reader.post(PAGE, {"providers": "two,one"})
    alice.refresh_from_db()
    assert alice.providers == ["two", "one"]
    assert get_chat_model(profiles.default_for(alice)).provider == "two"
    assert get_chat_model(profiles.default_for(bob)).provider == "one"
    reader.post(PAGE, {"providers": ""})
    alice.refresh_from_db()
    assert alice.providers is None


@pytest.mark.parametrize("order", ["three", "one,three", "builtin,one", "one,one", "'; DROP TABLE"])
def test_an_order_that_makes_no_sense_is_refused(
    reader: Client, alice: User, two_models: tuple[FakeChat, FakeChat], order: str
) -> None:
    assert reader.post(PAGE, {"providers": order}).status_code == 422
    alice.refresh_from_db()
    assert alice.providers is None


def test_a_profile_may_allow_others_than_its_owner(alice: User, two_models: tuple[FakeChat, FakeChat]) -> None:
    profile = profiles.default_for(alice)
    profile.own_providers = ["two"]
    assert get_chat_model(profile).provider == "two"
    # Nobody is allowed: that is nobody, and not everybody.
    profile.own_providers = []
    assert providers_of(profile) == ()
    assert get_chat_model(profile).provider == "builtin"
    # And who is local stays so.
    profile.own_providers, profile.local_only = ["two"], True
    assert get_chat_model(profile).provider == "builtin"


def test_the_page_of_a_profile_keeps_who_may_see_it(
    reader: Client, alice: User, two_models: tuple[FakeChat, FakeChat]
) -> None:
    profile = profiles.default_for(alice)
    form = {"name": "Personal", "default_mode": "normal", "learning": "automatic", "own_providers": "two"}
    assert reader.post(f"/profiles/{profile.pk}/", form).status_code == 302
    profile.refresh_from_db()
    assert profile.own_providers == ["two"]
    assert 'value="two" selected' in reader.get(f"/profiles/{profile.pk}/").text


def test_each_provider_can_be_tried_and_says_how_it_does(reader: Client, two_models: tuple[FakeChat, FakeChat]) -> None:
    first, _ = two_models
    assert "Not asked since the server started." in reader.get(PAGE).text
    assert "one answered." in reader.post(f"{PAGE}one/test/", follow=True).text
    first.error = ProviderError("no", code="refused", permanent=True)
    first.cut_after = 0
    answer = reader.post(f"{PAGE}one/test/", headers={"HX-Request": "true"})
    assert "did not answer" in answer.text
    assert "Its key or its settings may be wrong" in reader.get(PAGE).text
    # No words of anybody are sent to see whether it answers.
    assert {prompt.question for prompt in first.prompts} == {"Hello"}


@pytest.mark.parametrize("name", ["three", "openai", "x"])
def test_who_is_not_configured_cannot_be_tried(reader: Client, name: str) -> None:
    assert reader.post(f"{PAGE}{name}/test/").status_code == 404


def test_the_page_tells_what_was_used_today(reader: Client, alice: User, settings: Settings) -> None:
    settings.LLM_TOKENS_PER_DAY = 2_000
    draft = Draft("normal", "one", "m-1")
    draft.used(Finished("stop", 1_500, 500))
    usage.add(alice, draft)
    page = reader.get(PAGE).text
    assert "2,000 tokens of 2,000" in page
    assert "That is all for today" in page


def test_nobody_reads_it_signed_out(client: Client) -> None:
    assert client.get(PAGE).status_code == 302
    assert client.post(f"{PAGE}builtin/test/").status_code == 302


def test_a_server_of_one_s_own_is_not_called_openai(settings: Settings, reader: Client) -> None:
    settings.LLM_PROVIDERS = ["openai", "builtin"]
    settings.OPENAI_BASE_URL = "http://localhost:11434/v1"
    assert BASE_URLS["openai"]() == settings.OPENAI_BASE_URL
    page = reader.get(PAGE).text
    assert "localhost (OpenAI&#x27;s format)" in page
    assert "On this machine" in page
