"""For everybody: what axe-core finds (WCAG 2.2 AA), the keyboard alone, less motion, and what is announced."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import RequestFactory
from django.views.defaults import server_error
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from accounts import organizations
from accounts.models import Membership, User
from conversations import learning, turns
from conversations.models import Message, MessageStatus
from conversations.prompting import prompt_of
from conversations.receipts import Draft
from conversations.turns import Said
from memories import profiles
from memories.access import MemoryAccess
from memories.engine import conflicts, writing
from memories.engine.types import Candidate
from memories.models import Memory, MemoryEvent, PrivacyMode
from memories.organizations import profile_at
from memorychat.tests.browser.models import Modelled
from memorychat.tests.browser.pages import Chat, sign_in, sign_up

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
SIZES: dict[str, ViewportSize] = {
    "wide": {"width": 1200, "height": 900},
    "phone": {"width": 390, "height": 844},
}
SMALL: ViewportSize = {"width": 360, "height": 740}
RICH = """# A plan

Some *words*, [docs](https://example.org), `code`[1] and a list:

1. one
2. two
   - [ ] three

> Quoted words
> in two lines

```python
# A comment that is long enough to have the box scroll by itself on any screen whatever, or so one would hope, at least.
def plan(name: str) -> int:
    return len(name) + 1  # twice
```

| a long heading | another long heading | a third long heading | a fourth | a fifth | a sixth | a seventh |
|---|:-:|--:|---|---|---|---|
| 1 | 2 | 3 | 4 | 5 | 6 | 7 |

\u0645\u0631\u062d\u0628\u0627 \u0628\u0643\u0645 \u0641\u064a *\u0628\u0648\u0631\u062a\u0648*.

- \u0634\u0627\u064a
- \u0642\u0647\u0648\u0629
"""


@dataclass(frozen=True)
class Story:
    """Rows of Alice's, so that every page has something to show."""

    conversation: str
    answer: str
    memory: str
    profile: str
    change: str


@pytest.fixture
def story(alice: User) -> Story:
    access = profiles.by_hand(alice, profiles.default_for(alice))
    writing.remember(access, Candidate("I am allergic to peanuts"))
    _leave_open(access)
    turn = turns.begin(alice, Said("I live in Turku. What is the plan?", PrivacyMode.NORMAL))
    draft = Draft("normal", "openai", "gpt")
    prompt_of(turn, draft)
    turns.finish(turn, RICH, MessageStatus.COMPLETE, draft)
    learning.learn(turn.id)
    _join(alice)
    event = MemoryEvent.objects.latest("pk")
    answer = Message.objects.get(role="assistant")
    return Story(
        str(answer.conversation_id), str(answer.pk), str(event.memory_id), str(event.profile_id), str(event.change_id)
    )


def _join(person: User) -> None:
    """Of one organization they decide who answers there, of another they see it."""
    organizations.found(person, "The harbour pilots")
    bakers = organizations.found(User.objects.create_user("baker@example.com"), "The bakers of the old town")
    organizations.admit(bakers, person, Membership.Role.MEMBER)
    profile_at(person, bakers)


def _leave_open(access: MemoryAccess) -> None:
    """Something to decide: a memory that waits, and two that contradict each other."""
    writing.remember(access, Candidate("I may like opera", confidence=0.6, reason="It was hedged."))
    written = writing.remember_all(access, [Candidate("My shop opens at nine"), Candidate("My shop opens at ten")])
    conflicts.mark(access.profile, *Memory.objects.filter(pk__in=[each.memory_id for each in written]))


@pytest.fixture
def context(browser: Browser, base_url: str, alice: User) -> Iterator[BrowserContext]:
    """Alice's browser, signed in."""
    with browser.new_context(base_url=base_url) as context:
        sign_in(context, base_url, alice)
        yield context


def addresses(story: Story) -> list[str]:
    chat, memory, profile = f"/chat/{story.conversation}", f"/memories/{story.memory}", f"/profiles/{story.profile}"
    return [
        *(
            "/",
            f"{chat}/",
            f"{chat}/seen/{story.answer}/",
            f"{chat}/options/",
            "/chats/",
            "/chats/archived/",
            "/search/",
        ),
        *("/memories/", "/memories/pending/", "/memories/conflicts/", f"{memory}/", f"{memory}/edit/"),
        *("/memories/import/", "/memories/export/", f"/memories/changes/{story.change}/preview/"),
        *(
            "/profiles/",
            "/profiles/new/",
            f"{profile}/",
            f"{profile}/history/",
            f"{profile}/copy/",
            f"{profile}/delete/",
        ),
        *("/settings/", "/settings/models/", "/accounts/email/", "/accounts/password/change/", "/accounts/sessions/"),
        *("/accounts/2fa/", "/accounts/reauthenticate/", "/accounts/logout/"),
        *(NOWHERE, f"/memories/changes/{story.change}/", f"/chat/{story.conversation}/delete/"),
    ]


NOWHERE = "/nowhere/"
STRANGERS = ("/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/accounts/password/reset/done/")


def violations(page: Page, address: str, rules: tuple[str, ...] = RULES) -> list[str]:
    """What axe finds on a page in both themes, on a wide screen and on a phone."""
    response = page.goto(address)
    assert response
    assert (response.status, page.url.removesuffix(address)) == (404 if address == NOWHERE else 200, _origin(page)), (
        address
    )
    return violations_as_it_stands(page, address, rules)


def violations_as_it_stands(page: Page, name: str, rules: tuple[str, ...] = RULES) -> list[str]:
    """The same of what was done on a page since it was opened."""
    found = []
    for size, viewport in SIZES.items():
        page.set_viewport_size(viewport)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found += [f"{name} {size} {scheme}: {each}" for each in _violations_now(page, rules)]
    return found


def _origin(page: Page) -> str:
    return str(page.evaluate("location.origin"))


def _violations_now(page: Page, rules: tuple[str, ...] = RULES) -> list[str]:
    options = {"runOnly": {"type": "tag", "values": list(rules)}, "resultTypes": ["violations"]}
    results = Axe().run(page, options=options).response
    return [
        f"{violation['id']} {node['target']} {node['html'][:200]} {node['failureSummary'][:300]}"
        for violation in results["violations"]
        for node in violation["nodes"][:3]
    ]


def test_axe_finds_what_is_wrong(context: BrowserContext, base_url: str) -> None:
    page = context.new_page()
    page.goto("/settings/")
    page.evaluate("document.querySelector('h1').innerHTML = '<img src=/favicon.svg><button></button>'")
    assert any("image-alt" in each for each in _violations_now(page))


def test_axe_finds_nothing_on_any_page(context: BrowserContext, story: Story) -> None:
    page = context.new_page()
    found = [each for address in addresses(story) for each in violations(page, address)]
    assert found == [], "\n".join(found)


def test_axe_finds_nothing_on_the_pages_of_strangers(browser: Browser, base_url: str) -> None:
    with browser.new_context(base_url=base_url) as context:
        page = context.new_page()
        found = [each for address in STRANGERS for each in violations(page, address)]
    assert found == [], "\n".join(found)


@pytest.mark.parametrize("mode", ["Paused", "Incognito"])
def test_axe_finds_nothing_in_another_mode(context: BrowserContext, story: Story, mode: str) -> None:
    page = context.new_page()
    page.goto("/")
    chat = Chat(page)
    chat.choose(mode)
    found = violations_as_it_stands(page, f"new, {mode}")
    page.goto(f"/chat/{story.conversation}/")
    chat.choose(mode)
    chat.say("Please remember that I live in Oulu.")
    found += violations_as_it_stands(page, mode)
    chat.choose("Normal")
    found += violations_as_it_stands(page, f"after {mode}")
    assert found == [], "\n".join(found)


def test_axe_finds_nothing_in_what_was_searched_and_is_to_be_imported(context: BrowserContext, story: Story) -> None:
    page = context.new_page()
    page.goto("/search/")
    page.get_by_role("searchbox", name="Search everything").fill("turku")
    page.keyboard.press("Enter")
    expect(page.get_by_role("main").get_by_role("link").filter(has_text="I live in Turku")).not_to_have_count(0)
    found = violations_as_it_stands(page, "found")
    page.get_by_role("searchbox", name="Search everything").fill("zzzz")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing holds these words.")).to_be_visible()
    found += violations_as_it_stands(page, "nothing found")
    page.goto("/memories/import/")
    page.get_by_role("textbox", name="Or paste a list").fill("I own a boat\nI am allergic to peanuts\nI own a boat")
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("table").get_by_role("row")).to_have_count(4)
    found += violations_as_it_stands(page, "to be imported")
    assert found == [], "\n".join(found)


def test_axe_finds_nothing_in_what_opens_over_a_conversation(context: BrowserContext, story: Story) -> None:
    page = context.new_page()
    page.goto(f"/chat/{story.conversation}/")
    chat = Chat(page)
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog", name="Go to or do")).to_be_visible()
    found = violations_as_it_stands(page, "palette")
    page.keyboard.type("turku")
    expect(page.get_by_role("option").filter(has_text="Turku")).not_to_have_count(0)
    found += violations_as_it_stands(page, "palette, filled")
    page.keyboard.press("Escape")
    chat.message.fill("/")
    found += violations_as_it_stands(page, "commands")
    chat.try_to_send("/forget peanuts")
    expect(chat.notice.get_by_role("checkbox")).to_have_count(1)
    found += violations_as_it_stands(page, "what is to be forgotten")
    chat.try_to_send("/help")
    expect(page.get_by_role("dialog", name="Keys and commands")).to_be_visible()
    found += violations_as_it_stands(page, "keys")
    page.keyboard.press("Escape")
    chat.turn(0).act("Edit").click()
    expect(chat.editor).to_be_visible()
    found += violations_as_it_stands(page, "editor")
    assert found == [], "\n".join(found)


def test_axe_finds_nothing_where_the_server_broke(context: BrowserContext) -> None:
    broken = server_error(RequestFactory().get("/"))
    page = context.new_page()
    page.route("**/broken/", lambda route: route.fulfill(status=500, content_type="text/html", body=broken.content))
    page.goto("/broken/")
    expect(page.get_by_role("heading", name="Something broke on our side")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).fontFamily").startswith('"Instrument Sans"')
    found = violations_as_it_stands(page, "500")
    assert found == [], "\n".join(found)


def test_axe_finds_nothing_in_the_admin(context: BrowserContext, story: Story, alice: User) -> None:
    alice.is_staff = alice.is_superuser = True
    alice.save()
    page = context.new_page()
    found = []
    for address in ("/admin/", "/admin/memories/memory/", f"/admin/memories/memory/{story.memory}/change/"):
        found += violations(page, address)
    assert found == [], "\n".join(found)


# What has the focus, and whether it, or what holds it, looks otherwise than without.
FOCUSED = """() => {
  const element = document.activeElement;
  if (element === document.body) return { html: "", isSeen: true };
  const holders = ["*", ".pen", "label"].map((selector) => element.closest(selector)).filter(Boolean);
  const look = () => holders.map((each) => {
    const { outline, boxShadow, borderColor, backgroundColor } = getComputedStyle(each);
    return [outline, boxShadow, borderColor, backgroundColor].join();
  }).join();
  const withFocus = look();
  element.blur();
  const without = look();
  element.focus({ focusVisible: true });
  return { html: element.outerHTML.slice(0, 120), isSeen: withFocus !== without };
}"""
# All that can be worked: each group of radio buttons is one stop.
STOPS = """() => [
  ...document.querySelectorAll("a[href], button, input, textarea, select, summary, [tabindex='0']"),
].filter(
  (each) => each.checkVisibility({ visibilityProperty: true }) && !each.disabled && each.tabIndex >= 0
    && each.type !== "hidden" && (each.type !== "radio" || each.checked)
).map((each) => each.outerHTML.slice(0, 120))"""


def test_the_tab_key_reaches_all_there_is_and_shows_where_it_is(context: BrowserContext, story: Story) -> None:
    page = context.new_page()
    page.goto(f"/chat/{story.conversation}/")
    expect(page.get_by_role("button", name="Copy the Python code")).to_be_visible()
    stops = page.evaluate(STOPS)
    reached = []
    for _ in range(len(stops) + 3):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        assert focused["isSeen"], focused["html"]
        reached.append(focused["html"])
    assert [stop for stop in stops if stop not in reached] == []


# What is worked by a finger, and how high that is; links within sentences are as high as their lines.
TOUCHED = """() => [
  ...document.querySelectorAll("button, select, summary, textarea, input:not([type=hidden])"),
  ...document.querySelectorAll(":is(nav, .links, .by, .acts) a, a:is(.back, .button)"),
].filter(
  (each) => each.checkVisibility({ visibilityProperty: true, opacityProperty: true })
    && !each.closest(".visually-hidden")
).map((each) => {
  const places = [each, each.closest(".pen textarea") && each.closest(".pen"), ...(each.labels ?? [])].filter(Boolean);
  const height = Math.max(...places.map((place) => place.getBoundingClientRect().height));
  return { html: each.outerHTML.slice(0, 160), height };
}).filter(({ height }) => height < 43.5)"""


def test_a_finger_finds_every_control_and_no_page_is_wider_than_a_small_phone(
    browser: Browser, base_url: str, alice: User, story: Story
) -> None:
    with browser.new_context(base_url=base_url, has_touch=True, is_mobile=True, viewport=SMALL) as context:
        sign_in(context, base_url, alice)
        page = context.new_page()
        small, wide = [], []
        for address in addresses(story):
            page.goto(address)
            small += [f"{address}: {each}" for each in page.evaluate(TOUCHED)]
            wide += [address] * page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert wide == []
    assert small == [], "\n".join(small)


def test_nothing_moves_for_who_wants_less_motion(context: BrowserContext, story: Story) -> None:
    page = context.new_page()
    page.emulate_media(reduced_motion="reduce")
    for address in addresses(story):
        page.goto(address)
        page.evaluate("document.querySelector('.say')?.setAttribute('aria-busy', 'true')")
        running = "document.getAnimations().filter((each) => each.effect.getComputedTiming().duration > 1).length"
        assert page.evaluate(running) == 0, address


ANNOUNCED = """() => {
  window.announced = [];
  for (const region of document.querySelectorAll("[aria-live], [role=alert], [role=status], [role=log]")) {
    const tell = () => region.textContent.trim() && window.announced.push(region.textContent.trim());
    new MutationObserver(tell).observe(region, { childList: true, characterData: true, subtree: true });
  }
}"""


def test_an_answer_is_announced_once_when_it_is_whole(browser: Browser, modelled: Modelled) -> None:
    modelled.behaviour.trouble, modelled.behaviour.pause = "", 0.02
    with browser.new_context(base_url=modelled.house.address) as context:
        chat = Chat(sign_up(context, "wanda@example.com"))
        chat.page.evaluate(ANNOUNCED)
        turn = chat.send("Give me 60 words.")
        expect(turn.reply).to_contain_text("30")
        assert turn.reply.evaluate("say => say.closest('[aria-live], [role=log]')") is None
        assert chat.page.evaluate("window.announced") == []
        turn.wait_for_the_end()
        announced = chat.page.evaluate("window.announced")
        assert [words for words in announced if "60" in words] == [announced[0]]
        assert announced[0].startswith("1 2 3")


def test_a_whole_turn_goes_by_the_keyboard_alone(browser: Browser, modelled: Modelled) -> None:
    modelled.behaviour.trouble, modelled.behaviour.pause = "", 0.02
    with browser.new_context(base_url=modelled.house.address) as context:
        chat = Chat(sign_up(context, "walter@example.com"))
        keyboard = chat.page.keyboard
        expect(chat.message).to_be_focused()
        keyboard.type("Give me 5000 words.")
        keyboard.press("Enter")
        expect(chat.turn(0).reply).to_contain_text("20")
        keyboard.press("Escape")
        chat.turn(0).wait_for_the_end()
        expect(chat.turn(0).article).to_contain_text("Stopped here.")
        expect(chat.message).to_be_focused()
        keyboard.press("ArrowUp")
        keyboard.press("ControlOrMeta+A")
        keyboard.type("Give me 3 words.")
        keyboard.press("Tab")
        keyboard.press("Enter")
        expect(chat.turn(0).reply).to_have_text("1 2 3")
