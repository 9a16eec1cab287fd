"""What the page shows of a model that uses tools: its steps, what waits for the person, and what it saw."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from memorychat.llm.standin import Request, Said
from memorychat.tests.browser.models import Modelled, is_lesson
from memorychat.tests.browser.pages import Chat, sign_up

NUTS = "I might be allergic to nuts"


@pytest.fixture(scope="module")
def own_context(browser: Browser, modelled: Modelled) -> Iterator[BrowserContext]:
    if not modelled.house.is_running:
        modelled.house.start()
    with browser.new_context(base_url=modelled.house.address) as context:
        sign_up(context, "dora@example.com")
        yield context


@pytest.fixture
def context(own_context: BrowserContext, modelled: Modelled) -> Iterator[BrowserContext]:
    """Dora's browser, while the model calls tools."""
    behaviour, answer = modelled.behaviour, modelled.behaviour.answer

    def call_tools(request: Request) -> Said:
        return answer(request) if is_lesson(request) else _called_by(request) or answer(request)

    behaviour.answer, behaviour.trouble, behaviour.pause = call_tools, "", 0.05
    modelled.model.release()
    yield own_context
    behaviour.answer = answer
    for page in own_context.pages:
        page.close()


def _called_by(request: Request) -> Said:
    """A call of a tool for a message that wants one, once."""
    last = request["messages"][-1]
    if last["role"] == "tool":
        return "So it is."
    if "nuts" in last["content"]:
        return [("save_memory", json.dumps({"content": NUTS, "confidence": 0.6}))]
    if last["content"].startswith("Forget"):
        return [("delete_memory", json.dumps({"description": last["content"]}))]
    return ""


@pytest.fixture
def chat(context: BrowserContext) -> Chat:
    chat = Chat(context.new_page())
    chat.begin()
    return chat


def test_what_is_not_sure_waits_on_a_card_that_one_key_answers(chat: Chat) -> None:
    turn = chat.say(f"{NUTS}.")
    card = turn.margin.get_by_role("group", name="Keep this?")
    expect(card).to_contain_text(NUTS)
    card.focus()
    chat.page.keyboard.press("e")
    words = card.get_by_role("textbox", name="Words to keep")
    expect(words).to_be_focused()
    words.fill("I am allergic to walnuts")
    chat.page.keyboard.press("Escape")
    card.focus()
    chat.page.keyboard.press("d")
    expect(turn.notes("Discarded")).to_contain_text(NUTS)

    other = chat.say(f"{NUTS}, I think.")
    card = other.margin.get_by_role("group", name="Keep this?")
    card.focus()
    chat.page.keyboard.press("k")
    expect(other.notes("Kept")).to_contain_text(NUTS)


def test_what_may_be_meant_is_ticked_and_nothing_else_is_forgotten(chat: Chat) -> None:
    for words in ("I own a boat called Aurora.", "I own a dog called Bruno."):
        expect(chat.say(words).notes("Remembered")).to_be_visible()
    turn = chat.say("Forget my boat called Aurora.")
    turn.margin.get_by_role("checkbox", name="Aurora").check()
    turn.margin.get_by_role("button", name="Forget these").click()

    expect(turn.notes("Forgotten")).to_contain_text("Aurora")
    expect(turn.margin.get_by_role("checkbox", name="Aurora")).to_have_count(0)
    chat.page.goto("/memories/")
    expect(chat.page.get_by_role("link", name="I own a dog called Bruno", exact=True)).to_be_visible()
    expect(chat.page.get_by_role("link", name="I own a boat called Aurora", exact=True)).to_have_count(0)


def test_steps_are_shown_until_the_first_word_and_not_announced(chat: Chat, modelled: Modelled) -> None:
    expect(chat.say("I own a canoe called Celeste.").notes("Remembered")).to_be_visible()
    modelled.model.replies.hold()
    turn = chat.send("What is my canoe called? Tell me in a while.")
    expect(turn.article).to_contain_text("at hand")
    expect(turn.reply).to_have_attribute("aria-busy", "true")
    assert "at hand" not in chat.page.locator("#announcer").inner_text()
    modelled.model.replies.release()
    turn.wait_for_the_end()
    expect(turn.article.locator("[data-step]")).to_be_hidden()
    expect(chat.page.locator("#announcer")).to_contain_text("As far as I remember")


def test_a_second_tab_follows_an_answer_and_stops_it(chat: Chat, context: BrowserContext) -> None:
    chat.say("Give me 5 words.")
    other = Chat(context.new_page())
    other.page.goto(chat.page.url)

    turn = chat.send("Give me 5000 words.")
    expect(turn.reply).to_contain_text("1 2 3")
    expect(other.turn(1).reply).to_contain_text("1 2 3")
    other.page.keyboard.press("Escape")

    for tab in (chat, other):
        expect(tab.turn(1).article).to_contain_text("Stopped here.")
        expect(tab.send_button).to_be_visible()


def test_what_the_model_saw_is_one_click_away_and_names_its_tools(chat: Chat) -> None:
    turn = chat.say(f"{NUTS}, I said.")
    expect(turn.article).to_contain_text("127.0.0.1 (OpenAI's format)")
    turn.article.get_by_role("link", name="What the model saw").click()
    page = chat.page
    expect(page.get_by_role("heading", name="What the model saw")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("save_memory: confirm_needed")
    expect(page.get_by_role("main")).to_contain_text(f"{NUTS}, I said.")
    page.get_by_role("link", name="The conversation").click()
    expect(turn.article).to_contain_text(NUTS)
