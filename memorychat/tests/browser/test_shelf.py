"""Conversations are named, pinned, set aside, found and deleted: by keys, on a phone, and without scripts."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect

from memorychat.tests.browser.models import Modelled
from memorychat.tests.browser.pages import PASSWORD, Chat, sign_up

PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture
def chat(context: BrowserContext) -> Chat:
    return Chat(sign_up(context, "keeper@example.com"))


def row(page: Page, title: str) -> Locator:
    return page.get_by_role("navigation", name="Main").get_by_role("listitem").filter(has_text=title)


def menu_of(page: Page, title: str) -> Locator:
    row(page, title).hover()
    row(page, title).get_by_role("button", name="Options of").click()
    return page.locator("#conversation-menu")


def test_the_menu_is_worked_by_keys_and_gives_the_focus_back(chat: Chat) -> None:
    page = chat.page
    chat.say("I live in Turku.")
    expect(row(page, "Turku").get_by_role("button")).to_be_attached()
    button = row(page, "Turku").get_by_role("button")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Rename")).to_be_focused()
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Rename")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Pinned")).to_be_visible()
    expect(page.locator("#conversation-menu")).to_be_hidden()


def test_a_title_is_written_anew_in_its_place(chat: Chat) -> None:
    page = chat.page
    chat.say("I live in Turku.")
    menu_of(page, "Turku").get_by_role("link", name="Rename").click()
    field = page.get_by_role("textbox", name="Title")
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(row(page, "I live in Turku.")).to_be_visible()
    menu_of(page, "Turku").get_by_role("link", name="Rename").click()
    field.fill("   ")
    page.keyboard.press("Enter")
    expect(row(page, "This field is required").or_(page.locator(".renaming .errorlist"))).to_be_visible()
    field.fill("Where I live")
    page.keyboard.press("Enter")
    expect(row(page, "Where I live").get_by_role("link", name="Where I live")).to_be_focused()
    expect(page.get_by_role("heading", name="Where I live", level=1)).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Where I live", level=1)).to_be_visible()


def test_what_is_archived_leaves_the_side_and_comes_back_by_a_message(chat: Chat) -> None:
    page = chat.page
    chat.say("I live in Turku.")
    address = page.url
    menu_of(page, "Turku").get_by_role("button", name="Archive").click()
    expect(row(page, "Turku")).to_have_count(0)
    expect(page.locator("#conversations")).to_be_focused()
    page.goto("/chats/archived/")
    expect(page.get_by_role("list", name="Archived conversations")).to_contain_text("I live in Turku.")
    page.goto(address)
    chat.say("And I like it.")
    expect(row(page, "Turku")).to_be_visible()


def test_another_tab_follows_what_becomes_of_a_conversation(chat: Chat, context: BrowserContext) -> None:
    chat.say("I live in Turku.")
    other = Chat(context.new_page())
    other.begin()
    menu_of(chat.page, "Turku").get_by_role("link", name="Rename").click()
    chat.page.get_by_role("textbox", name="Title").fill("Where I live")
    chat.page.keyboard.press("Enter")
    expect(row(other.page, "Where I live")).to_be_visible()
    menu_of(chat.page, "Where I live").get_by_role("button", name="Archive").click()
    expect(row(other.page, "Where I live")).to_have_count(0)


def test_one_box_finds_what_was_said_and_what_is_remembered(chat: Chat) -> None:
    page = chat.page
    turn = chat.say("I live in Turku.")
    expect(turn.notes("Remembered")).to_have_count(1)
    page.goto("/")
    page.get_by_role("searchbox", name="Search conversations and memories").fill("turku")
    found = page.locator("#finder-found")
    for kind in ("Conversations", "Messages", "Memories"):
        expect(found.get_by_text(kind, exact=True)).to_be_visible()
    expect(row(page, "All conversations")).to_be_hidden()
    found.get_by_role("link", name=re.compile("You,")).click()
    expect(page).to_have_url(re.compile(r"/chat/.*#turn-"))
    assert "turku" not in page.url.lower()
    page.get_by_role("searchbox", name="Search conversations and memories").fill("turku")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/search/$"))
    expect(page.get_by_role("main").get_by_role("link")).to_have_count(3)


def test_a_turn_is_deleted_with_the_memory_that_came_of_it(chat: Chat) -> None:
    page = chat.page
    turn = chat.say("I live in Turku.")
    expect(turn.notes("Remembered")).to_have_count(1)
    message = turn.article.get_attribute("data-message")
    page.goto(f"{page.url}turns/{message}/delete/")
    expect(page.get_by_role("heading", name="1 memory came from this message")).to_be_visible()
    page.get_by_role("button", name="Delete, and take it back").click()
    expect(page.get_by_role("status")).to_contain_text("taken back")
    expect(chat.turns).to_have_count(0)
    page.goto("/memories/")
    expect(page.get_by_role("listitem").filter(has_text="I live in Turku")).to_have_count(0)


def test_all_of_it_works_without_scripts(browser: Browser, chat: Chat, base_url: str) -> None:
    chat.say("I live in Turku.")
    with browser.new_context(base_url=base_url, java_script_enabled=False, viewport=PHONE) as context:
        page = context.new_page()
        page.goto("/accounts/login/?next=/chats/")
        page.get_by_role("textbox", name="Email").fill("keeper@example.com")
        page.get_by_role("textbox", name="Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("main").get_by_role("link", name="More").click()
        page.get_by_role("link", name="Rename").click()
        page.get_by_role("textbox", name="Title").fill("Where I live")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("heading", name="Where I live", level=1)).to_be_visible()
        page.goto("/chats/")
        page.get_by_role("button", name="Archive").click()
        expect(page.get_by_role("list", name="Archived conversations")).to_contain_text("Where I live")
        page.get_by_role("link", name="Delete").click()
        page.get_by_role("button", name="Delete").first.click()
        expect(page.get_by_role("status")).to_contain_text("The conversation is deleted.")


@pytest.fixture
def named(browser: Browser, modelled: Modelled) -> Iterator[Chat]:
    """Where a language model answers."""
    if not modelled.house.is_running:
        modelled.house.start()
    with browser.new_context(base_url=modelled.house.address) as context:
        yield Chat(sign_up(context, "named@example.com"))


def test_the_title_of_a_model_comes_to_the_open_page(named: Chat) -> None:
    named.say("I live in Turku.")
    expect(row(named.page, "All about themselves")).to_be_visible()
    expect(named.page.get_by_role("heading", name="All about themselves", level=1)).to_be_visible()
