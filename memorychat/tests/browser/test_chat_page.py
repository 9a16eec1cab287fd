"""The pages in hands, on screens and under lights of all kinds."""

import re

import pytest
from playwright.sync_api import Browser, BrowserContext, ViewportSize, expect

from memorychat.tests.browser.pages import Chat, sign_up

PHONE: ViewportSize = {"width": 390, "height": 844}
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
REFUSED = {
    "x" * 32_001: "The message is too long: 32,001 characters, and at most 32,000 are allowed.",
    "x" * 100_000: "The message is too long: 100,000 characters, and at most 32,000 are allowed.",
    "a\0b": "The message holds a NUL character (U+0000), which cannot be stored.",
    "a\ud800b": "The message holds half of a character (a lone surrogate), which cannot be stored.",
}
ALL_KINDS = ("אני גר בחיפה, והכלב שלי נקרא רקס", "👩‍👩‍👧‍👦🏳️‍🌈 and 🦉", '<b>bold</b> & "quoted"')
# Whether that sends what the pen holds: until the server has it, it cannot be written on.
PRESS_ENTER = """(pen, isComposing) => {
  pen.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", isComposing, bubbles: true, cancelable: true }));
  return pen.readOnly;
}"""
# The luminance of the paper and of the ink that lies on it, by letting the browser paint both.
LIGHTS = """() => {
  const brush = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const { backgroundColor, color } = getComputedStyle(document.body);
  return [backgroundColor, color].map((paint) => {
    brush.fillStyle = paint;
    brush.fillRect(0, 0, 1, 1);
    const [red, green, blue] = brush.getImageData(0, 0, 1, 1).data;
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
  });
}"""


@pytest.fixture
def chat(context: BrowserContext) -> Chat:
    return Chat(sign_up(context, "alice@example.com"))


def test_the_keyboard_alone_is_enough(chat: Chat) -> None:
    keyboard = chat.page.keyboard
    expect(chat.message).to_be_focused()
    keyboard.type("I live in Turku.")
    keyboard.press("Shift+Enter")
    keyboard.type("I work as a bookbinder.")
    keyboard.press("Enter")
    turn = chat.turn(0)
    turn.wait_for_the_end()
    expect(turn.article).to_contain_text("I live in Turku. I work as a bookbinder.")
    expect(turn.notes("Remembered")).to_have_count(2)

    expect(chat.message).to_be_focused()
    keyboard.press("Tab")
    keyboard.press("ArrowRight")
    expect(chat.page.get_by_role("radio", name="Paused")).to_be_checked()
    keyboard.press("Tab")
    expect(chat.send_button).to_be_focused()
    keyboard.press("Shift+Tab")
    keyboard.press("Shift+Tab")
    keyboard.type("Where do I live?")
    keyboard.press("Enter")
    expect(chat.turn(1).reply).to_contain_text("Turku")
    expect(chat.turn(1).margin).to_contain_text("Paused: nothing was written")


def test_enter_sends_nothing_while_a_word_is_being_composed(chat: Chat) -> None:
    chat.message.fill("にほん")
    assert not chat.message.evaluate(PRESS_ENTER, True)
    assert chat.message.evaluate(PRESS_ENTER, False)
    chat.turn(0).wait_for_the_end()


def test_without_its_script_the_page_sends_no_words_in_an_address(chat: Chat, browser: Browser, base_url: str) -> None:
    state = chat.page.context.storage_state()
    with browser.new_context(base_url=base_url, storage_state=state, java_script_enabled=False) as context:
        bare = Chat(context.new_page())
        bare.begin()
        bare.message.fill("I live in Turku.")
        expect(bare.send_button).to_be_disabled()


def test_words_that_are_refused_stay_in_the_pen(chat: Chat) -> None:
    for words, sentence in REFUSED.items():
        chat.message.evaluate("(pen, words) => (pen.value = words)", words)
        chat.send_button.click()

        expect(chat.trouble).to_have_text(sentence)
        assert chat.message.input_value() == words
    chat.say("This is taken.")


def test_words_of_all_kinds_are_shown_as_they_were_said(chat: Chat) -> None:
    for words in ALL_KINDS:
        chat.say(words)
    chat.page.reload()
    for words in ALL_KINDS:
        expect(chat.page.get_by_role("article").get_by_text(words, exact=True)).to_be_visible()


def test_no_page_is_wider_than_a_phone(chat: Chat) -> None:
    page = chat.page
    page.set_viewport_size(PHONE)
    turn = chat.say("My favourite word is " + "Donaudampfschifffahrtsgesellschaft" * 4 + ".")
    expect(turn.notes("Remembered")).to_be_visible()
    assert page.evaluate(TOO_WIDE) <= 0
    turn.notes("Remembered").get_by_role("link", name="Details").click()
    expect(page.get_by_role("heading", name="Its history")).to_be_visible()
    assert page.evaluate(TOO_WIDE) <= 0
    for address in ("/", "/memories/", "/profiles/", "/profiles/new/", "/settings/"):
        page.goto(address)
        assert page.evaluate(TOO_WIDE) <= 0, address


def test_on_a_phone_the_ways_to_the_other_pages_open_as_a_drawer(chat: Chat) -> None:
    chat.page.set_viewport_size(PHONE)
    memories = chat.page.get_by_role("navigation", name="Main").get_by_role("link", name=re.compile("Memories"))
    expect(memories).to_be_hidden()
    chat.page.get_by_role("button", name=re.compile("menu", re.IGNORECASE)).click()
    memories.click()
    expect(chat.page.get_by_role("heading", name="Memories", level=1)).to_be_visible()


def test_the_dark_theme_is_dark_and_the_light_one_light(chat: Chat) -> None:
    for address in ("/", "/memories/"):
        chat.page.goto(address)
        for scheme in ("dark", "light"):
            chat.page.emulate_media(color_scheme=scheme)
            paper, ink = chat.page.evaluate(LIGHTS)
            dark, light = (paper, ink) if scheme == "dark" else (ink, paper)
            assert dark < 0.3, scheme
            assert light > 0.6, scheme
