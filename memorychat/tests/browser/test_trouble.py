"""What goes wrong in life: killed processes, lost sockets, broken models. Nothing that was acknowledged may be lost."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from memorychat.llm.standin import Behaviour
from memorychat.tests.browser.house import House, wait_until
from memorychat.tests.browser.lines import Line, open_line
from memorychat.tests.browser.models import Modelled, Patient
from memorychat.tests.browser.pages import Cable, Chat, Turn, sign_up

# An answer that ends before anything else happens, and one that does not.
SHORT, LONG = "Give me 5 words.", "Give me 5000 words."


@pytest.fixture
def model(modelled: Modelled) -> Patient:
    return modelled.model


@pytest.fixture
def behaviour(modelled: Modelled) -> Behaviour:
    return modelled.behaviour


@pytest.fixture
def house(modelled: Modelled) -> House:
    """In good order, whatever a test before left of it."""
    modelled.model.release()
    modelled.behaviour.trouble, modelled.behaviour.pause = "", 0.05
    if not modelled.house.is_running:
        modelled.house.start()
    return modelled.house


@pytest.fixture(scope="module")
def kept_context(browser: Browser, modelled: Modelled) -> Iterator[BrowserContext]:
    with browser.new_context(base_url=modelled.house.address) as context:
        sign_up(context, "carol@example.com")
        yield context


@pytest.fixture
def context(kept_context: BrowserContext, house: House) -> Iterator[BrowserContext]:
    """Carol's browser, without the pages of a test before."""
    yield kept_context
    for page in kept_context.pages:
        page.close()


@pytest.fixture
def chat(context: BrowserContext) -> Chat:
    chat = Chat(context.new_page())
    chat.begin()
    return chat


def learnt(house: House, message_id: str) -> list[str]:
    """What was done to memories because of a message, once it was learnt from."""
    wait_until(lambda: house.rows("SELECT learnt_at FROM conversations_message WHERE id = %s", message_id) != [(None,)])
    rows = house.rows("SELECT action FROM memories_memoryevent WHERE message_id = %s ORDER BY number", message_id)
    return [action for (action,) in rows]


def learn_what_was_abandoned(house: House) -> None:
    """As the worker does by itself some minutes later."""
    house.rows("UPDATE conversations_message SET created_at = created_at - interval '1 hour' RETURNING id")
    house.manage("procrastinate", "defer", "conversations.learn_abandoned", '{"timestamp": 0}')


def statuses(house: House, message_ids: list[str]) -> list[str]:
    """Of the answers that are stored for these messages."""
    rows = house.rows(
        "SELECT status FROM conversations_message WHERE parent_id = ANY(%s::uuid[]) AND role = 'assistant'", message_ids
    )
    return [status for (status,) in rows]


def message_id_of(turn: Turn) -> str:
    expect(turn.article).to_have_attribute("data-message", re.compile(".+"))
    return turn.article.get_attribute("data-message") or ""


def test_killed_processes_learn_once_lose_no_message_and_block_no_conversation(
    house: House, chat: Chat, model: Patient
) -> None:
    model.lessons.hold()
    being_learnt = chat.say("I own a kite called Zephyrine.")
    model.lessons.wait_until_reached()
    being_answered = chat.send(f"I own a kite called Boreas. {LONG}")
    expect(being_answered.reply).to_contain_text("1 2 3")

    house.kill("run_worker")
    house.kill("daphne")
    assert house.wait_for_the_end() != 0
    model.lessons.release()
    house.start()

    # The page finds its way back by itself.
    expect(being_answered.article).to_contain_text("The answer broke off.")
    wait_until(lambda: is_taken(chat, SHORT))
    learn_what_was_abandoned(house)
    for turn, key in ((being_learnt, "Zephyrine"), (being_answered, "Boreas")):
        assert learnt(house, message_id_of(turn)) == ["created"]
        expect(turn.notes("Remembered")).to_contain_text(key)
    wait_until(house.has_nothing_to_do)

    chat.page.reload()
    expect(chat.turns).to_have_count(3)
    expect(chat.turn(2).reply).to_have_text("1 2 3 4 5")
    for turn in (being_learnt, being_answered):
        assert learnt(house, message_id_of(turn)) == ["created"]
        expect(turn.notes("Remembered")).to_have_count(1)


def is_taken(chat: Chat, words: str) -> bool:
    """The conversation is held for some seconds more by the process that died."""
    chat.try_to_send(words)
    expect(chat.send_button.and_(chat.page.locator(":disabled"))).to_have_count(0)
    return chat.message.input_value() == ""


def test_a_killed_database_loses_nothing_that_was_acknowledged(
    house: House, context: BrowserContext, chat: Chat
) -> None:
    with ExitStack() as stack:
        lines = [stack.enter_context(open_line(context, house.address)) for _ in range(4)]
        said = [
            line.say(f"I own a kite called {name}. {LONG}")["id"]
            for line, name in zip(lines, ("Eurus", "Notus", "Auster", "Caurus"), strict=True)
        ]
        for line in lines:
            line.wait_for("reply.delta")

        house.kill_database()
        # The launcher starts it again.
        wait_until(house.is_ready)

        for line in lines:
            line.send("reply.stop")
            assert line.wait_for_reply()["type"] in ("reply.stopped", "reply.failed")
    chat.say(SHORT)
    learn_what_was_abandoned(house)
    assert [learnt(house, message_id) for message_id in said] == [["created"]] * 4


def test_a_stop_under_load_ends_what_it_can_and_marks_the_rest(
    house: House, context: BrowserContext, chat: Chat, model: Patient
) -> None:
    with ExitStack() as stack:
        learning, first, second, *endless = [stack.enter_context(open_line(context, house.address)) for _ in range(6)]
        model.lessons.hold()
        in_hand = learning.say("I own a kite called Solano.")["id"]
        learning.wait_for_reply()
        model.lessons.wait_until_reached()
        model.replies.hold()
        almost_done = [line.say(f"{SHORT} But in a while.")["id"] for line in (first, second)]
        cut = [line.say(LONG)["id"] for line in endless]
        for line in endless:
            line.wait_for("reply.delta")

        house.ask_to_stop()
        wait_until(lambda: is_refused(learning))
        model.release()

        assert [line.wait_for_reply()["type"] for line in (first, second)] == ["reply.finished"] * 2
        assert [line.wait_for_reply().get("code") for line in endless] == ["stopping"] * 3
    assert house.wait_for_the_end() == 0
    stopped_at = datetime.now(UTC)
    house.start()

    assert statuses(house, almost_done) == ["complete"] * 2
    assert statuses(house, cut) == ["interrupted"] * 3
    assert learnt(house, in_hand) == ["created"]
    assert house.rows("SELECT learnt_at < %s FROM conversations_message WHERE id = %s", stopped_at, in_hand) == [
        (True,)
    ]
    chat.page.goto(f"/chat/{endless[0].conversation_id}/")
    expect(chat.turn(0).reply).to_contain_text("1 2 3")
    expect(chat.turn(0).article).to_contain_text("Cut short")


def is_refused(line: Line) -> bool:
    """Whether the server takes no turn any more; one that it takes is waited for."""
    frame = line.say(SHORT)
    if frame["type"] == "error":
        assert frame["code"] == "stopping"
        return True
    line.wait_for_reply()
    return False


def test_a_page_that_lost_its_socket_keeps_what_was_typed_and_sends_it_once(context: BrowserContext) -> None:
    page = context.new_page()
    cable, chat = Cable(page), Chat(page)
    chat.begin()
    chat.message.fill("I own a kite called Levanter.")

    cable.cut()
    expect(chat.message).to_have_value("I own a kite called Levanter.")
    chat.send_button.click()
    expect(chat.trouble).not_to_be_empty()
    expect(chat.message).to_have_value("I own a kite called Levanter.")
    cable.mend()

    turn = chat.turn(0)
    turn.wait_for_the_end()
    expect(turn.notes("Remembered")).to_contain_text("Levanter")
    expect(chat.message).to_have_value("")
    page.reload()
    expect(chat.turns).to_have_count(1)


def test_a_page_that_lost_its_socket_hears_the_rest_of_the_answer(context: BrowserContext) -> None:
    page = context.new_page()
    cable, chat = Cable(page), Chat(page)
    chat.begin()
    turn = chat.send("Give me 60 words.")
    expect(turn.reply).to_contain_text("1 2 3")

    cable.cut()
    cable.mend()

    turn.wait_for_the_end()
    expect(turn.reply).to_have_text(" ".join(str(number) for number in range(1, 61)))


def test_two_tabs_of_one_conversation_do_not_answer_at_once(context: BrowserContext, chat: Chat) -> None:
    chat.say(SHORT)
    other = Chat(context.new_page())
    other.page.goto(chat.page.url)

    turn = chat.send(f"I own a kite called Ostro. {LONG}")
    expect(turn.reply).to_contain_text("1 2 3")
    # The other tab follows by itself, and sends nothing of its own meanwhile.
    expect(other.turn(1).reply).to_contain_text("1 2 3")
    other.message.fill(SHORT)
    other.message.press("Enter")
    expect(other.message).to_have_value(SHORT)
    expect(other.turns).to_have_count(2)

    # Loaded anew, it follows again, and can end it.
    other.page.reload()
    expect(other.turn(1).reply).to_contain_text("1 2 3")
    other.stop_button.click()
    for tab in (chat, other):
        expect(tab.turn(1).article).to_contain_text("Stopped here.")
        expect(tab.turn(1).notes("Remembered")).to_contain_text("Ostro")
    other.say(SHORT)


@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        ("500", "The model cannot be reached just now."),
        ("401", "Its key or its settings may be wrong."),
        ("cut", "The answer broke off."),
        ("nonsense", "The answer broke off."),
        ("empty", "The model gave no usable answer."),
    ],
)
def test_a_broken_model_is_told_in_a_sentence_and_the_next_answer_is_whole(
    house: House, chat: Chat, behaviour: Behaviour, trouble: str, sentence: str
) -> None:
    behaviour.trouble = trouble
    turn = chat.say("Give me 10 words.")
    expect(turn.article).to_contain_text(sentence)
    assert "complete" not in statuses(house, [message_id_of(turn)])

    behaviour.trouble = ""
    turn.article.get_by_role("button", name="Write it again").click()
    expect(turn.reply).to_have_text("1 2 3 4 5 6 7 8 9 10")
    expect(turn.article).not_to_contain_text(sentence)
    chat.say("Give me 10 words.")
