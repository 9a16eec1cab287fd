"""For everybody: what axe-core finds (WCAG 2.2 AA), the keyboard alone, less motion, and what is announced."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from accounts.models import User
from conversations import learning, turns
from conversations.models import Message, MessageStatus
from conversations.prompting import prompt_of
from conversations.receipts import Draft
from conversations.turns import Said
from memories import profiles
from memories.engine import writing
from memories.engine.types import Candidate
from memories.models import MemoryEvent, PrivacyMode

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
SIZES: dict[str, ViewportSize] = {
    "wide": {"width": 1200, "height": 900},
    "phone": {"width": 390, "height": 844},
}
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
    turn = turns.begin(alice, Said("I live in Turku. What is the plan?", PrivacyMode.NORMAL))
    draft = Draft("normal", "openai", "gpt")
    prompt_of(turn, draft)
    turns.finish(turn, RICH, MessageStatus.COMPLETE, draft)
    learning.learn(turn.id)
    event = MemoryEvent.objects.latest("pk")
    answer = Message.objects.get(role="assistant")
    return Story(
        str(answer.conversation_id), str(answer.pk), str(event.memory_id), str(event.profile_id), str(event.change_id)
    )


@pytest.fixture
def context(browser: Browser, base_url: str, alice: User) -> Iterator[BrowserContext]:
    """Alice's browser, signed in."""
    client = Client()
    client.force_login(alice)
    with browser.new_context(base_url=base_url) as context:
        context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": base_url}])
        yield context


def addresses(story: Story) -> list[str]:
    chat, memory, profile = f"/chat/{story.conversation}", f"/memories/{story.memory}", f"/profiles/{story.profile}"
    return [
        *("/", f"{chat}/", f"{chat}/seen/{story.answer}/", f"{chat}/options/", "/chats/archived/", "/search/"),
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
        *("/accounts/2fa/", "/accounts/2fa/totp/activate/", "/accounts/reauthenticate/", "/accounts/logout/"),
        *("/nowhere/", f"/memories/changes/{story.change}/", f"/chat/{story.conversation}/delete/"),
    ]


STRANGERS = ("/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/accounts/password/reset/done/")


def violations(page: Page, address: str, rules: tuple[str, ...] = RULES) -> list[str]:
    """What axe finds on a page in both themes, on a wide screen and on a phone."""
    found = []
    page.goto(address)
    for size, viewport in SIZES.items():
        page.set_viewport_size(viewport)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            found += [f"{address} {size} {scheme}: {each}" for each in _violations_now(page, rules)]
    return found


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
