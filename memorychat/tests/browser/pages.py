"""The pages as a person uses them: everything is found by the role and the name that it has for people."""

import re

from django.test import Client
from playwright.sync_api import BrowserContext, Locator, Page, WebSocketRoute, expect

from accounts.models import User

PASSWORD = "tall hedges and low walls"


def sign_up(context: BrowserContext, email: str) -> Page:
    page = context.new_page()
    page.goto("/accounts/signup/")
    page.get_by_role("textbox", name="Email").fill(email)
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("button", name="Send")).to_be_enabled()
    return page


def sign_in(context: BrowserContext, base_url: str, person: User) -> None:
    """Without the page for it: a person who is in the tests' database."""
    client = Client()
    client.force_login(person)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": base_url}])


class Turn:
    """What was said, the answer, and the notes in its margin."""

    def __init__(self, article: Locator) -> None:
        self.article = article
        self.reply = article.locator("[aria-busy]")
        self.margin = article.get_by_role("group", name="Memory")

    def wait_for_the_end(self) -> None:
        expect(self.reply).to_have_attribute("aria-busy", "false")

    def act(self, name: str) -> Locator:
        """What may be done with the message or with its answer. Some of it shows itself to a pointer that is near."""
        self.article.hover()
        return self.article.get_by_role("button", name=name, exact=True)

    def notes(self, word: str) -> Locator:
        """The margin's notes under this word: Remembered, Changed, Knew."""
        heading = self.article.page.get_by_role("heading", name=re.compile(rf"\b{word}$"))
        return self.margin.locator("section").filter(has=heading)


class Chat:
    """The chat page. `said` is all that the person wrote in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.said: list[str] = []
        self.message = page.get_by_role("textbox", name="Message")
        self.send_button = page.get_by_role("button", name="Send")
        self.stop_button = page.get_by_role("button", name="Stop")
        self.turns = page.get_by_role("article")
        self.trouble = page.get_by_role("form", name="Write").get_by_role("alert")
        self.notice = page.locator("#pen-notice")
        self.editor = page.get_by_role("form", name="Edit your message")

    def turn(self, number: int) -> Turn:
        return Turn(self.turns.nth(number))

    def begin(self) -> None:
        """A new conversation."""
        self.page.goto("/")

    def choose(self, mode: str) -> None:
        self.page.get_by_role("radiogroup", name="Privacy mode").get_by_role("radio", name=mode).check()

    def send(self, words: str) -> Turn:
        self.said.append(words)
        number = self.turns.count()
        self.try_to_send(words)
        turn = self.turn(number)
        expect(turn.article).to_contain_text(words)
        return turn

    def try_to_send(self, words: str) -> None:
        """Where it may be refused: then the words stay where they are."""
        self.message.fill(words)
        self.send_button.click()

    def say(self, words: str) -> Turn:
        """Send it, and wait for the whole answer."""
        turn = self.send(words)
        turn.wait_for_the_end()
        return turn


class Memories:
    """The list of memories, under one status; episodes, which tell of whole conversations, apart."""

    def __init__(self, page: Page) -> None:
        self.page = page
        rows = page.get_by_role("list", name="Memories").get_by_role("listitem")
        is_episode = page.locator(".kind", has_text="Episode")
        self.entries, self.episodes = rows.filter(has_not=is_episode), rows.filter(has=is_episode)

    def open(self, status: str = "active") -> None:
        self.page.goto(f"/memories/?status={status}")

    def entry(self, words: str) -> Locator:
        return self.entries.filter(has_text=words)

    def edit(self, words: str, corrected: str) -> None:
        entry = self.entry(words)
        entry.get_by_role("link", name="Edit").click()
        field = self.entries.get_by_role("textbox")
        field.fill(corrected)
        self.entries.get_by_role("button", name="Save").click()
        expect(self.entry(corrected)).to_be_visible()

    def forget(self, words: str) -> None:
        self.entry(words).get_by_role("button", name="Forget").click()
        expect(self.entry(words).get_by_role("button", name="Restore")).to_be_visible()

    def undo_last_change(self, words: str, *, status: str) -> None:
        """On the memory's own page, whose history begins with the newest change."""
        self.open(status)
        self.entry(words).get_by_role("link", name=re.compile(words)).click()
        self.page.get_by_role("button", name="Undo").first.click()
        expect(self.page.get_by_role("status")).to_have_text("The change is undone.")


class Cable:
    """What connects the chat page with the server, to be cut. Made before the page is opened."""

    def __init__(self, page: Page) -> None:
        self._is_cut = False
        self._sockets: list[WebSocketRoute] = []
        page.route_web_socket(re.compile("/ws/chat/"), self._plug_in)

    def cut(self) -> None:
        self._is_cut = True
        for socket in self._sockets:
            socket.close(code=1001)
        self._sockets.clear()

    def mend(self) -> None:
        self._is_cut = False

    def _plug_in(self, socket: WebSocketRoute) -> None:
        if self._is_cut:
            socket.close(code=1001)
        else:
            self._sockets += [socket, socket.connect_to_server()]
