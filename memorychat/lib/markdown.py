"""Markdown of an answer as HTML that is safe to show: no images, no scripts, no styles."""

import re
from collections.abc import Collection
from html import escape

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

CITATION = re.compile(r"\s?\[(\d{1,3})\]")
TAGS = {
    *(
        [
            "p",
            "br",
            "hr",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "strong",
            "em",
            "s",
            "blockquote",
            "ul",
            "ol",
            "li",
            "pre",
            "code",
            "a",
            "sup",
        ]
    ),
    *(["table", "thead", "tbody", "tr", "th", "td"]),
}
ATTRIBUTES = {
    "a": {"href", "class"},
    "code": {"class"},
    "sup": {"class"},
    "ol": {"start"},
    "th": {"align"},
    "td": {"align"},
}


def to_html(text: str, *, citations: Collection[int] = ()) -> str:
    """`citations` are the numbers of memories that an answer may name: "[1]" becomes a mark that leads to its note."""
    html = _parser.render(text, {"citations": frozenset(citations)})
    return nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )


def cited(text: str) -> set[int]:
    """The numbers of memories that an answer names."""
    return {int(number) for number in CITATION.findall(text)}


def _mark_citations(state: StateCore) -> None:
    """Turns "[1]" into a mark, in running text only: never in code."""
    numbers = state.env.get("citations", frozenset())
    if not numbers:
        return
    for block in state.tokens:
        if block.children:
            block.children = [part for token in block.children for part in _marked(token, numbers)]


def _marked(token: Token, numbers: Collection[int]) -> list[Token]:
    if token.type != "text" or not CITATION.search(token.content):
        return [token]
    parts, at = [], 0
    for match in CITATION.finditer(token.content):
        if int(match[1]) in numbers:
            parts += [_text(token.content[at : match.start()]), _mark(match[1])]
            at = match.end()
    return [*parts, _text(token.content[at:])]


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _mark(number: str) -> Token:
    return Token("html_inline", "", 0, content=f'<sup class="cite">{escape(number)}</sup>')


_parser = MarkdownIt("commonmark", {"html": False, "breaks": True, "linkify": False}).enable(["table", "strikethrough"])
_parser.disable("image")
_parser.core.ruler.push("citations", _mark_citations)
