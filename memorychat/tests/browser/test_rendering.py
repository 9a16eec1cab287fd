"""Answers as they are seen: while they are written, when a page comes back, and their code in one's own hands."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from memorychat.llm.standin import Request
from memorychat.tests.browser.models import Modelled
from memorychat.tests.browser.pages import Chat, sign_up

ANSWER = """Here it **is**:

1. One
2. *Two*

```python
x = 1
print(x)
```

| a | b |
|---|---|
| 1 | 2 |

"""
TAIL = "And some more words, " * 20 + "`the end`."


def answer(_: Request) -> str:
    return ANSWER + TAIL


@pytest.fixture
def context(browser: Browser, modelled: Modelled) -> Iterator[BrowserContext]:
    behaviour = modelled.behaviour
    usual, behaviour.answer, behaviour.trouble, behaviour.pause = behaviour.answer, answer, "", 0.05
    with browser.new_context(
        base_url=modelled.house.address, permissions=["clipboard-read", "clipboard-write"]
    ) as context:
        yield context
    behaviour.answer = usual


def test_blocks_that_are_whole_stay_while_the_rest_is_written(context: BrowserContext) -> None:
    chat = Chat(sign_up(context, "rosa@example.com"))
    turn = chat.send("Show me")
    said = turn.reply
    expect(said.get_by_role("table")).to_be_visible()
    expect(said.locator("li em")).to_have_text("Two")
    expect(said).to_have_attribute("aria-busy", "true")
    said.evaluate("say => { window.kept = [...say.children].slice(0, 3); }")
    expect(said).to_contain_text("And some more words, And some more words")
    assert said.evaluate("say => window.kept.length === 3 && window.kept.every((each) => say.contains(each))")
    shown = said.inner_text()
    turn.wait_for_the_end()
    assert said.inner_text().startswith(shown.rstrip())
    expect(said.locator("p code")).to_have_text("the end")


def test_a_page_that_comes_back_shows_the_same(context: BrowserContext) -> None:
    chat = Chat(sign_up(context, "rene@example.com"))
    chat.send("Show me")
    expect(chat.turn(0).reply.get_by_role("table")).to_be_visible()
    chat.page.reload()
    said = chat.turn(0).reply
    expect(said.get_by_role("table")).to_be_visible()
    expect(said.locator("li em")).to_have_text("Two")
    chat.turn(0).wait_for_the_end()
    live = said.inner_html()
    chat.page.reload()
    expect(said.locator(".code button")).to_be_visible()
    assert said.inner_html() == live


def test_code_is_copied_without_anything_around_it(context: BrowserContext) -> None:
    chat = Chat(sign_up(context, "ruth@example.com"))
    said = chat.say("Show me").reply
    said.get_by_role("button", name="Copy the Python code").click()
    expect(said.get_by_role("button", name="Copied")).to_be_visible()
    assert chat.page.evaluate("navigator.clipboard.readText()") == "x = 1\nprint(x)"


# Where the words stand in their box: how far from its left and from its right edge.
DISTANCES = """element => {
  const range = document.createRange();
  range.selectNodeContents(element);
  const [words, box] = [range.getBoundingClientRect(), element.getBoundingClientRect()];
  return [words.left - box.left, box.right - words.right];
}"""


def test_words_that_read_from_the_right_stand_there_wherever_they_are_shown(context: BrowserContext) -> None:
    chat = Chat(sign_up(context, "rashid@example.com"))
    arabic = "\u0623\u0646\u0627 \u0623\u0639\u064a\u0634 \u0641\u064a \u0628\u0648\u0631\u062a\u0648."
    turn = chat.say(arabic)
    chat.try_to_send(f"/remember {arabic}")
    expect(chat.notice).to_contain_text("Remembered.")
    chat.message.fill(arabic)
    left, right = turn.article.locator(".ask").evaluate(DISTANCES)
    assert left > right
    assert turn.article.locator(".ask").evaluate("each => getComputedStyle(each).borderRightWidth") == "2px"
    assert chat.message.evaluate("each => getComputedStyle(each).unicodeBidi") == "plaintext"
    chat.page.goto("/memories/")
    left, right = chat.page.get_by_role("list", name="Memories").locator(".entry-text > p").evaluate(DISTANCES)
    assert left > right
