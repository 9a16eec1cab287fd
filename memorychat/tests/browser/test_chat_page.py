"""The pages in hands, on screens and under lights of all kinds."""

import re

import pytest
from playwright.sync_api import APIResponse, Browser, BrowserContext, Route, ViewportSize, expect

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


def test_a_message_is_edited_in_its_place_and_what_it_brought_goes_first(chat: Chat) -> None:
    first = chat.say("I live in Turku.")
    expect(first.notes("Remembered")).to_contain_text("Turku")
    chat.say("Where do I live?")

    first.act("Edit").click()
    expect(chat.editor.get_by_role("textbox")).to_have_value("I live in Turku.")
    chat.editor.get_by_role("textbox").fill("I live in Oulu.")
    chat.editor.get_by_role("radio", name="Take it back first").check()
    chat.editor.get_by_role("button", name="Save and rerun").click()

    expect(chat.turns).to_have_count(1)
    expect(first.article).to_contain_text("I live in Oulu.")
    expect(first.article).to_contain_text("2 of 2")
    expect(first.notes("Remembered")).to_contain_text("Oulu")
    first.act("Previous message").click()
    expect(chat.turns).to_have_count(2)
    expect(first.notes("Remembered")).to_contain_text("Undone")
    chat.page.reload()
    expect(chat.turns).to_have_count(2)


def test_up_edits_the_last_message_and_escape_leaves_it(chat: Chat) -> None:
    chat.say("I live in Turku.")
    chat.message.press("ArrowUp")
    expect(chat.editor.get_by_role("textbox")).to_be_focused()
    chat.page.keyboard.press("Escape")
    expect(chat.editor).to_have_count(0)

    chat.message.fill("Half a thought")
    chat.message.press("ArrowUp")
    expect(chat.editor).to_have_count(0)
    chat.message.fill("")
    chat.message.press("ArrowUp")
    chat.page.keyboard.type(" And I am a bookbinder.")
    chat.page.keyboard.press("Enter")
    turn = chat.turn(0)
    expect(turn.article).to_contain_text("I live in Turku. And I am a bookbinder.")
    turn.wait_for_the_end()
    expect(chat.turns).to_have_count(1)


def test_another_answer_stands_beside_the_first(chat: Chat) -> None:
    turn = chat.say("What is my name?")
    turn.act("Another answer").click()
    expect(turn.article).to_contain_text("2 of 2")
    turn.wait_for_the_end()
    chat.say("Thanks")

    turn.act("Previous answer").click()
    expect(turn.article).to_contain_text("1 of 2")
    expect(chat.turns).to_have_count(1)
    turn.act("Next answer").press("Enter")
    expect(turn.article).to_contain_text("2 of 2")
    expect(chat.turns).to_have_count(2)


def test_two_tabs_show_the_same(chat: Chat, context: BrowserContext) -> None:
    expect(chat.say("I live in Turku.").notes("Remembered")).to_be_visible()
    other = Chat(context.new_page())
    other.page.goto(chat.page.url)
    other.message.fill("Half a thought")

    chat.say("Where do I live?")
    expect(other.turn(1).reply).to_contain_text("Turku")
    other.turn(1).wait_for_the_end()
    expect(other.message).to_have_value("Half a thought")
    expect(other.turn(1).notes("Knew")).to_be_visible()
    chat.turn(1).notes("Knew").get_by_role("button", name="Forget").click()
    expect(other.turn(1).notes("Knew")).to_contain_text("Forgotten since.")


def test_a_page_that_was_fetched_before_a_message_does_not_take_its_place(chat: Chat, context: BrowserContext) -> None:
    chat.say("I live in Turku.")
    other = Chat(context.new_page())
    other.page.goto(chat.page.url)
    held: list[tuple[Route, APIResponse]] = []

    def hold(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append((route, route.fetch()))

    other.page.route(chat.page.url, hold)
    turn = chat.turn(0)
    with other.page.expect_request(chat.page.url):
        turn.act("Another answer").click()
    expect(turn.article).to_contain_text("2 of 2")
    other.say("Where do I live?")
    # It is asked for once more, since the message came between.
    with other.page.expect_request(chat.page.url):
        route, response = held[0]
        route.fulfill(response=response)
    expect(other.turns).to_have_count(2)
    expect(other.turn(0).article).to_contain_text("2 of 2")
    expect(other.turn(1).article).to_contain_text("Where do I live?")


def test_a_memory_is_steered_where_it_was_used(chat: Chat) -> None:
    expect(chat.say("I live in Turku.").notes("Remembered")).to_be_visible()
    knew = chat.say("Where do I live?").notes("Knew")
    expect(knew.get_by_role("link", name="said today")).to_have_attribute("href", re.compile("/chat/messages/"))
    knew.get_by_role("img", name="Why it came").click()
    expect(knew).to_contain_text("Relevance")

    knew.get_by_role("button", name="Not relevant here").click()
    expect(knew).to_contain_text("Counts less now")
    expect(chat.turn(1).notes("Counts less").get_by_role("button", name="Undo")).to_be_visible()
    knew.get_by_text("Correct").click()
    knew.get_by_role("textbox", name="Corrected words").fill("I live in Oulu")
    knew.get_by_role("button", name="Save").click()
    expect(knew).to_contain_text("Corrected since.")
    expect(knew).to_contain_text("I live in Turku")
    chat.begin()
    expect(chat.say("Where do I live?").reply).to_contain_text("Oulu")


def test_commands_are_chosen_by_arrows_and_keep_their_words_out_of_addresses(chat: Chat) -> None:
    addresses: list[str] = []
    chat.page.on("request", lambda request: addresses.append(request.url))
    keyboard = chat.page.keyboard
    keyboard.type("/")
    options = chat.page.get_by_role("listbox", name="Commands").get_by_role("option")
    expect(options).to_have_count(7)
    keyboard.press("ArrowDown")
    expect(chat.message).to_have_attribute("aria-activedescendant", "command-forget")
    keyboard.press("Escape")
    expect(options).to_have_count(0)
    keyboard.type("rem")
    keyboard.press("Enter")
    expect(chat.message).to_have_value("/remember ")
    keyboard.type("I own a boat called Aurora")
    keyboard.press("Enter")
    expect(chat.notice).to_contain_text("Remembered.")
    expect(chat.message).to_have_value("")

    chat.try_to_send("/forget my boat")
    chat.notice.get_by_role("checkbox", name=re.compile("Aurora")).check()
    chat.notice.get_by_role("button", name="Forget these").click()
    expect(chat.notice).to_contain_text("1 forgotten.")
    chat.notice.get_by_role("button", name="Undo").click()
    expect(chat.notice).to_contain_text("Undone.")
    expect(chat.turns).to_have_count(0)
    assert not [address for address in addresses if "boat" in address or "Aurora" in address]
    chat.say("/etc/hosts is a file, and no command.")


def test_in_paused_one_forgets_by_hand_and_takes_each_back_by_itself(chat: Chat) -> None:
    for words in ("I own a boat called Aurora", "I own a boat called Borealis"):
        chat.try_to_send(f"/remember {words}")
        expect(chat.notice).to_contain_text("Remembered.")
    chat.choose("Paused")
    chat.try_to_send("/forget my boat")
    expect(chat.notice).to_contain_text("You are in Paused")
    for name in ("Aurora", "Borealis"):
        chat.notice.get_by_role("checkbox", name=re.compile(name)).check()
    chat.notice.get_by_role("button", name="Forget these").click()
    expect(chat.notice).to_contain_text("2 forgotten. Paused goes on")
    chat.notice.get_by_role("button", name=re.compile("Undo.*Aurora")).click()
    expect(chat.notice).to_contain_text("Undone.")
    expect(chat.notice.get_by_role("button")).to_have_count(1)
    chat.choose("Incognito")
    chat.try_to_send("/forget my boat")
    expect(chat.notice).to_contain_text("Incognito: no memory is read")
    expect(chat.notice.get_by_role("button", name="Switch to Normal")).to_be_visible()


def test_a_command_that_would_write_asks_for_the_normal_mode(chat: Chat) -> None:
    for command, mode in (("/pause", "Paused"), ("/incognito", "Incognito")):
        chat.try_to_send(command)
        expect(chat.page.get_by_role("radio", name=mode)).to_be_checked()
        chat.try_to_send("/remember I own a boat")
        expect(chat.notice).to_contain_text(f"{mode}: nothing is remembered by a command.")
        chat.notice.get_by_role("button", name="Switch to Normal").click()
        expect(chat.page.get_by_role("radio", name="Normal")).to_be_checked()
    chat.choose("Paused")
    chat.say("Please remember that I own a boat.")
    expect(chat.notice).to_contain_text("this is not kept")


def test_the_palette_and_the_keys_open_by_keyboard_on_every_page(chat: Chat) -> None:
    page, keyboard = chat.page, chat.page.keyboard
    keyboard.type("?")
    expect(chat.message).to_have_value("?")
    expect(page.get_by_role("dialog")).to_have_count(0)
    keyboard.press("Control+k")
    keyboard.type("incog")
    keyboard.press("Enter")
    expect(page.get_by_role("radio", name="Incognito")).to_be_checked()
    page.goto("/memories/")
    keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Go to or do")
    expect(palette).to_be_visible()
    expect(palette.get_by_role("option", name="Switch to Paused")).to_have_count(0)
    keyboard.press("Escape")
    expect(palette).to_have_count(0)
    keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys and commands")).to_be_visible()
    keyboard.press("Escape")
    keyboard.press("Control+k")
    keyboard.type("prof")
    keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Profiles", level=1)).to_be_visible()


# Before the browser has moved the focus out of what was closed.
CLOSED_AND_ASKED = """() => {
  const palette = document.getElementById("palette");
  palette.close();
  palette.querySelector("input").dispatchEvent(new KeyboardEvent("keydown", { key: "?", bubbles: true }));
}"""


def test_the_list_of_keys_opens_right_after_the_palette_was_closed(chat: Chat) -> None:
    chat.page.keyboard.press("Control+k")
    expect(chat.page.get_by_role("dialog", name="Go to or do")).to_be_visible()
    chat.page.evaluate(CLOSED_AND_ASKED)
    expect(chat.page.get_by_role("dialog", name="Keys and commands")).to_be_visible()


def test_the_palette_finds_what_was_said_and_what_is_remembered(chat: Chat) -> None:
    turn = chat.say("I own a boat called Aurora.")
    expect(turn.notes("Remembered")).to_be_visible()
    page, keyboard = chat.page, chat.page.keyboard
    page.goto("/profiles/")
    keyboard.press("Control+k")
    keyboard.type("aurora")
    options = page.get_by_role("dialog", name="Go to or do").get_by_role("option")
    expect(options.filter(has_text="Aurora").first).to_have_attribute("aria-selected", "true")
    keyboard.press("Enter")
    expect(chat.turn(0).article).to_contain_text("Aurora")


def test_a_new_conversation_is_held_in_the_profile_that_is_chosen(chat: Chat) -> None:
    page = chat.page
    page.goto("/profiles/new/")
    page.get_by_role("textbox", name="Name").fill("Work")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Profiles", level=1)).to_be_visible()
    chat.begin()
    page.get_by_role("combobox", name="Profile").select_option(label="Work")
    chat.say("I live in Turku.")
    # It keeps the profile, and can be named and set aside: the head of the page says so at once.
    expect(page.get_by_role("combobox", name="Profile")).to_have_count(0)
    expect(page.get_by_role("link", name="Work", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Options", exact=True)).to_have_attribute(
        "href", re.compile(r"/chat/.+/options/")
    )
    page.reload()
    expect(page.get_by_role("link", name="Work", exact=True)).to_be_visible()
    chat.try_to_send("/profile")
    chat.notice.get_by_role("link", name="Personal").click()
    expect(page.get_by_role("combobox", name="Profile")).to_be_visible()
    expect(chat.say("Where do I live?").reply).not_to_contain_text("Turku")
