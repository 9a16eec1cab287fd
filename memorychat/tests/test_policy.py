"""What browsers are told to refuse on every page that there is, and that no page needs what is refused."""

import re
import uuid
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from django.conf import settings
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import User
from conversations import learning, turns
from conversations.models import Conversation, Message, MessageStatus
from conversations.prompting import prompt_of
from conversations.receipts import Draft
from conversations.turns import Said
from memories.models import MemoryEvent, PrivacyMode

pytestmark = pytest.mark.django_db

STRICT = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "font-src": "'self'",
    "img-src": "'self' data:",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
# Pages of packages; what is loosened for each, and nothing else.
LOOSER = {
    "/admin/": {"script-src": "'self' 'unsafe-eval' 'unsafe-inline'", "style-src": "'self' 'unsafe-inline'"},
    "/api/v1/docs": {"style-src": "'self' 'unsafe-inline'"},
    "/api/v1/redoc": {
        "script-src": "'self' 'unsafe-inline'",
        "style-src": "'self' 'unsafe-inline'",
        "worker-src": "blob:",
    },
}
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>.*?\)(?=[/$-])")
FEWEST_PAGES = 40
ANSWER = "# So\n\n[docs](https://example.org) say:\n\n```python\nx = 1\n```\n\n|a|\n|-|\n|1|"


class Within(HTMLParser):
    """What a page has within itself that the policy refuses."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = dict(attributes)
        if tag == "style" or (tag == "script" and "src" not in named and named.get("type") != "application/json"):
            self.found.append(tag)
        for name, value in attributes:
            is_script = name.startswith(("on", "hx-on")) or (value or "").strip().lower().startswith("javascript:")
            if name == "style" or is_script:
                self.found.append(f"{tag} {name}={value}")


def refused_within(html: str) -> list[str]:
    parser = Within()
    parser.feed(html)
    return parser.found


def policy_of(response: HttpResponseBase) -> dict[str, str]:
    directives = (part.strip().partition(" ") for part in response["Content-Security-Policy"].split(";"))
    return {name: value for name, _, value in directives}


def expected_for(path: str) -> dict[str, str]:
    loosened = (change for prefix, change in LOOSER.items() if path.startswith(prefix))
    return STRICT | next(loosened, {})


def routes(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = before + str(pattern.pattern).removeprefix("^")
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route


@pytest.fixture
def ids(alice: User) -> dict[str, str]:
    """What the parts of addresses may name: rows of Alice's."""
    turn = turns.begin(alice, Said("I live in Turku.", PrivacyMode.NORMAL))
    draft = Draft("normal", "", "")
    prompt_of(turn, draft)
    turns.finish(turn, ANSWER, MessageStatus.COMPLETE, draft)
    learning.learn(turn.id)
    event = MemoryEvent.objects.get()
    answer = Message.objects.get(role="assistant")
    return {
        "conversation_id": str(Conversation.objects.get().pk),
        "message_id": str(turn.id),
        "answer_id": str(answer.pk),
        "memory_id": str(event.memory_id),
        "profile_id": str(event.profile_id),
        "change_id": str(event.change_id),
        "user_id": str(alice.pk),
        "name": "builtin",
    }


def addresses(ids: dict[str, str]) -> list[str]:
    """One of each route; what names no row of ours is a page that says so."""

    def fill(match: re.Match[str]) -> str:
        return ids.get(match[1] or match[2], str(uuid.uuid4()))

    return [f"/{PARAMETER.sub(fill, route)}".removesuffix("$") for route in routes(get_resolver().url_patterns)]


@pytest.mark.parametrize("is_staff", [False, True])
def test_every_page_is_sent_with_the_policy_and_needs_nothing_that_it_refuses(
    client: Client, alice: User, ids: dict[str, str], is_staff: bool
) -> None:
    alice.is_staff = alice.is_superuser = is_staff
    alice.save()
    client.force_login(alice)
    pages = 0
    for path in addresses(ids):
        response = client.get(path)
        assert policy_of(response) | {"connect-src": ""} == expected_for(path) | {"connect-src": ""}, path
        is_page = response["Content-Type"].startswith("text/html") if "Content-Type" in response else False
        if is_page and not path.startswith(tuple(LOOSER)):
            assert refused_within(response.content.decode()) == [], path
        pages += is_page and response.status_code == 200
    assert pages >= FEWEST_PAGES


@pytest.mark.parametrize(
    "path", ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/nowhere/", "/"]
)
def test_so_is_every_page_for_strangers(client: Client, path: str) -> None:
    response = client.get(path)
    assert policy_of(response)["script-src"] == "'self'"
    assert refused_within(response.content.decode()) == []


def test_sockets_and_requests_go_to_this_server_alone(client: Client) -> None:
    address = settings.PUBLIC_URL.replace("http", "ws", 1)
    assert policy_of(client.get("/accounts/login/"))["connect-src"] == f"'self' {address}"


@pytest.mark.parametrize(
    "html", ["<script>x</script>", "<p style=x>", "<p onclick=x>", "<a href=' JavaScript:x'>", "<style></style>"]
)
def test_what_is_refused_is_seen(html: str) -> None:
    assert refused_within(html)
