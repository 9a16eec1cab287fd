"""Hostile answers in the chat page itself: no script runs, nothing is asked for elsewhere, nothing is out of place."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import pytest
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect

from accounts.models import User
from conversations.models import Conversation, Message, Role
from conversations.rendering import html_of
from memories import profiles
from memorychat.lib.environment import ROOT
from memorychat.llm.standin import Request
from memorychat.tests.browser.models import Modelled
from memorychat.tests.browser.pages import Chat, sign_up

HOSTILE: list[str] = json.loads((ROOT / "memorychat/lib/tests/hostile.json").read_text())
TURNS_A_PAGE = 50
STREAMED = 12
# Whatever they call is told, and told is what a policy had to refuse.
TRAPS = """
window.caught = [];
for (const name of ["canary", "alert", "confirm", "prompt", "print", "open"]) {
  window[name] = () => { window.caught.push(name); };
}
document.addEventListener("securitypolicyviolation", (event) => {
  window.caught.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
"""
OUT_OF_PLACE = """() => {
  const elements = new Set(["P", "BR", "HR", "STRONG", "EM", "S", "BLOCKQUOTE", "PRE", "CODE", "A", "SUP", "SPAN",
    "DIV", "UL", "OL", "LI", "H3", "H4", "H5", "H6", "TABLE", "THEAD", "TBODY", "TR", "TH", "TD"]);
  const attributes = new Set(["href", "target", "rel", "aria-label", "class", "dir", "data-language", "tabindex",
    "role", "start"]);
  const found = [];
  for (const element of document.querySelectorAll(".say *")) {
    if (element.closest(".code > button")) continue;
    if (!elements.has(element.tagName)) found.push(element.outerHTML.slice(0, 200));
    for (const { name, value } of element.attributes) {
      const leadsAway = name === "href" && !/^(https?:\\/\\/|mailto:|#knew-)/i.test(value);
      if (!attributes.has(name) || leadsAway) found.push(`${name}=${value}`.slice(0, 200));
    }
  }
  return found;
}"""
HOVER = """() => {
  for (const element of document.querySelectorAll(".say, .say *")) {
    for (const kind of ["pointerenter", "mouseover", "focus", "toggle", "load", "error"]) {
      element.dispatchEvent(new Event(kind, { bubbles: true }));
    }
  }
}"""


@dataclass
class Watched:
    """A page in which traps are set, and the addresses that it asked for."""

    page: Page
    asked: list[str] = field(default_factory=list)

    def troubles(self) -> list[str]:
        self.page.evaluate(HOVER)
        origin = self.page.evaluate("location.origin")
        away = [address for address in self.asked if not address.startswith((f"{origin}/", "data:"))]
        return [*self.page.evaluate("window.caught"), *away, *self.page.evaluate(OUT_OF_PLACE)]


def watched(context: BrowserContext) -> Watched:
    page = context.new_page()
    page.add_init_script(TRAPS)
    found = Watched(page)
    page.on("request", lambda request: found.asked.append(request.url))
    page.on("dialog", lambda dialog: found.asked.append(f"dialog {dialog.message}"))
    page.on("framenavigated", lambda frame: found.asked.append(frame.url))
    return found


@pytest.fixture
def alices_page(browser: Browser, base_url: str, alice: User) -> Iterator[Watched]:
    client = Client()
    client.force_login(alice)
    with browser.new_context(base_url=base_url) as context:
        context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": base_url}])
        yield watched(context)


def told(owner: User, texts: list[str]) -> Conversation:
    """A conversation in which these were the answers."""
    conversation = Conversation.objects.create(owner=owner, profile=profiles.get(owner, None), title="Hostile")
    last = None
    for text in texts:
        common = {"owner": owner, "conversation": conversation, "mode": "normal"}
        last = Message.objects.create(
            role=Role.USER, text="Tell me.", parent=last, learnt_at="2026-01-01T00:00Z", **common
        )
        last = Message.objects.create(role=Role.ASSISTANT, text=text, parent=last, **common)
    conversation.leaf_id = last.pk if last else None
    conversation.save(update_fields=["leaf_id"])
    return conversation


def said(answer: str, _: Request) -> str:
    return answer


def test_the_traps_catch_what_they_are_set_for(alices_page: Watched, alice: User) -> None:
    page = alices_page.page
    page.goto(told(alice, ["An answer."]).get_absolute_url())
    page.locator(".say").evaluate(
        "say => { say.innerHTML = '<img src=https://evil.example/ onerror=canary()>'; window.canary(); }"
    )
    page.wait_for_function("window.caught.length > 2")
    troubles = alices_page.troubles()
    assert "canary" in troubles
    assert any("img-src" in trouble for trouble in troubles)
    assert any("script-src" in trouble for trouble in troubles)
    assert any("onerror" in trouble for trouble in troubles)


def test_stored_answers_run_nothing_and_ask_for_nothing(alices_page: Watched, alice: User) -> None:
    for start in range(0, len(HOSTILE), TURNS_A_PAGE):
        texts = HOSTILE[start : start + TURNS_A_PAGE]
        alices_page.page.goto(told(alice, texts).get_absolute_url())
        expect(alices_page.page.locator(".say")).to_have_count(len(texts))
        assert alices_page.troubles() == [], f"between {start} and {start + len(texts)}"


def test_what_a_browser_reads_is_what_the_server_wrote(alices_page: Watched, alice: User) -> None:
    """Nothing of an answer changes its meaning between the two, as mutations do."""
    texts = [text for text in HOSTILE if len(text) < 500][: 4 * TURNS_A_PAGE]
    page = alices_page.page
    page.goto("/")
    same = "html => { const box = document.createElement('template'); box.innerHTML = html; return box.innerHTML; }"
    for html in (html_of(text, 2) for text in texts):
        once = page.evaluate(same, html)
        assert page.evaluate(same, once) == once
    assert alices_page.troubles() == []


def test_answers_run_nothing_while_they_are_written(browser: Browser, modelled: Modelled) -> None:
    samples = [text.replace("\0", "") for text in HOSTILE[:: len(HOSTILE) // (STREAMED * 8)] if len(text) < 2000]
    answers = ["\n\n".join(samples[start::STREAMED]) for start in range(STREAMED)]
    behaviour = modelled.behaviour
    with browser.new_context(base_url=modelled.house.address) as context:
        sign_up(context, "mallory@example.com").close()
        seen = watched(context)
        frames: list[str] = []
        seen.page.on("websocket", lambda line: line.on("framereceived", lambda frame: frames.append(str(frame))))
        chat = Chat(seen.page)
        chat.begin()
        usual, behaviour.pause = behaviour.answer, 0.005
        try:
            for number, answer in enumerate(answers):
                behaviour.answer = partial(said, answer)
                chat.say(f"Number {number}, please")
                assert seen.troubles() == [], answer
            assert any("reply.rendered" in frame for frame in frames)
        finally:
            behaviour.answer, behaviour.pause = usual, 0.05
