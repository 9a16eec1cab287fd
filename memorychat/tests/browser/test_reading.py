"""A long conversation is read: its earlier turns come to it, and its end is one press away."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from conversations import turns
from conversations.manuscript import PAGE_SIZE
from conversations.models import MessageStatus
from conversations.turns import Said
from memories.models import PrivacyMode
from memorychat.tests.browser.pages import Chat, sign_in


@pytest.fixture
def page(browser: Browser, base_url: str, alice: User) -> Iterator[Page]:
    """A conversation of Alice's that has more turns than are shown at once."""
    conversation_id = None
    for number in range(PAGE_SIZE + 10):
        turn = turns.begin(alice, Said(f"Question {number}", PrivacyMode.PAUSED, conversation_id))
        turns.finish(turn, f"Answer {number}", MessageStatus.COMPLETE, None)
        conversation_id = turn.conversation_id
    with browser.new_context(base_url=base_url) as context:
        sign_in(context, base_url, alice)
        page = context.new_page()
        page.goto(f"/chat/{conversation_id}/")
        yield page


def test_earlier_turns_come_above_those_that_are_read(page: Page) -> None:
    chat = Chat(page)
    expect(chat.turns).to_have_count(PAGE_SIZE)
    first = page.get_by_role("article").filter(has_text="Question 10")
    page.evaluate("window.scrollTo(0, 0)")
    before = first.evaluate("turn => turn.getBoundingClientRect().top")
    earlier = page.get_by_role("link", name="Earlier turns")
    height = earlier.evaluate("link => link.closest('p').getBoundingClientRect().height")
    earlier.focus()
    page.keyboard.press("Enter")
    expect(chat.turns).to_have_count(PAGE_SIZE + 10)
    expect(first).to_be_in_viewport()
    # The button above it is gone, and nothing else has moved it.
    assert abs(first.evaluate("turn => turn.getBoundingClientRect().top") - before) <= height
    assert page.evaluate("document.activeElement.id") == "manuscript"


def test_the_end_is_one_press_away_while_one_reads_further_up(page: Page) -> None:
    chat = Chat(page)
    to_end = page.get_by_role("button", name="To the end")
    last = page.get_by_role("article").filter(has_text=f"Question {PAGE_SIZE + 9}")
    expect(last).to_be_in_viewport()
    expect(to_end).to_have_count(0)
    page.evaluate("window.scrollTo(0, 0)")
    expect(last).not_to_be_in_viewport()
    to_end.click()
    expect(last).to_be_in_viewport()
    expect(to_end).to_have_count(0)
    expect(chat.message).to_be_focused()
