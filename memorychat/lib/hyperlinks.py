"""Links of an answer: where they lead stands beside them, images become links, bare addresses too."""

import re
from collections.abc import Iterable, Iterator
from html import escape
from urllib.parse import urlsplit

from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from memorychat.lib.invisible import without

# No name or password before the host, which people take for the host; nothing in a mail but to whom it goes.
WEB = re.compile(
    r"https?://(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*\.?|\[[0-9a-f:.]+\])(?::\d{1,5})?(?:[/?#][\x21-\x7e]*)?", re.IGNORECASE
)
MAIL = re.compile(r"mailto:[a-z0-9._%+-]+@[a-z0-9.-]+", re.IGNORECASE)
BARE = re.compile(r"\bhttps?://[^\s<>\"'`\\]+", re.IGNORECASE)
AFTER_ADDRESS = ".,;:!?*_~"
LONGEST = 2_000


def is_allowed(address: str) -> bool:
    return len(address) <= LONGEST and bool(WEB.fullmatch(address) or MAIL.fullmatch(address))


def mark_links(state: StateCore) -> None:
    """The rule of markdown-it that does all this to running text."""
    for block in state.tokens:
        if block.children:
            plain = list(_without_images(block.children))
            block.children = list(_with_places(_with_bare_addresses(state, plain)))


def _without_images(tokens: Iterable[Token]) -> Iterator[Token]:
    """Nothing of an answer is loaded: its image is a link with the words that stand for it."""
    inside = 0
    for token in tokens:
        inside += token.nesting if token.type.startswith("link_") else 0
        if token.type != "image":
            yield token
            continue
        words = _words(token.children or []) or "image"
        yield from [_text(words)] if inside else _link(str(token.attrs["src"]), words)


def _with_bare_addresses(state: StateCore, tokens: Iterable[Token]) -> Iterator[Token]:
    inside = 0
    for token in tokens:
        inside += token.nesting if token.type.startswith("link_") else 0
        if token.type == "text" and not inside and "://" in token.content:
            yield from _linked(state, token.content)
        else:
            yield token


def _linked(state: StateCore, text: str) -> Iterator[Token]:
    at = 0
    for match in BARE.finditer(text):
        words = _trimmed(match[0])
        address = state.md.normalizeLink(words)
        if is_allowed(address):
            yield _text(text[at : match.start()])
            yield from _link(address, words)
            at = match.start() + len(words)
    yield _text(text[at:])


def _trimmed(address: str) -> str:
    """Without the punctuation of the sentence that it stands in."""
    address = address.rstrip(AFTER_ADDRESS)
    while address.endswith((")", "]")) and address.count(address[-1]) > address.count("(["[address[-1] == "]"]):
        address = address[:-1].rstrip(AFTER_ADDRESS)
    return address


def _with_places(tokens: Iterable[Token]) -> Iterator[Token]:
    """After each link the place that it leads to, unless its words are the address."""
    link: list[Token] = []
    for token in tokens:
        if token.type == "link_open" or link:
            link.append(token)
        else:
            yield token
        if token.type == "link_close":
            yield from _told(link)
            link = []
    yield from link


def _told(link: list[Token]) -> Iterator[Token]:
    opening, inner = link[0], link[1:-1]
    address = str(opening.attrs["href"])
    for token in inner:
        token.content = without(token.content)
    words = _words(inner).strip()
    place = _place(address)
    is_bare = _bared(words) == _bared(address)
    opening.attrs = {"href": address}
    if not address.lower().startswith("mailto:"):
        whole = words if is_bare or not words else f"{words} ({place})"
        opening.attrs |= {"target": "_blank", "aria-label": f"{whole or place}, opens a new page"}
    yield from [opening, *(inner if words else [_text(place)]), link[-1]]
    if words and not is_bare:
        yield Token("html_inline", "", 0, content=f' <span class="place" dir="ltr">({escape(place)})</span>')


def _place(address: str) -> str:
    return address[len("mailto:") :] if address.lower().startswith("mailto:") else urlsplit(address).netloc.lower()


def _bared(address: str) -> str:
    return address.removeprefix("mailto:").rstrip("/")


def _words(tokens: Iterable[Token]) -> str:
    return "".join(_words(token.children or []) if token.type == "image" else _content(token) for token in tokens)


def _content(token: Token) -> str:
    return " " if token.type in ("softbreak", "hardbreak") else token.content


def _link(address: str, words: str) -> list[Token]:
    return [Token("link_open", "a", 1, attrs={"href": address}), _text(words), Token("link_close", "a", -1)]


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)
