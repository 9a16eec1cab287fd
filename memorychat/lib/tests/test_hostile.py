"""What a model might say, or be made to say, so that an answer runs, fetches or deceives: see hostile.json."""

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from memorychat.lib.markdown import to_html
from memorychat.lib.unfolding import Unfolding

HOSTILE: list[str] = json.loads(Path(__file__).with_name("hostile.json").read_text())
TEXT_ELEMENTS = "p br hr strong em s blockquote pre code a sup span div ul ol li h3 h4 h5 h6"
ELEMENTS = {*TEXT_ELEMENTS.split(), "table", "thead", "tbody", "tr", "th", "td"}
ATTRIBUTES = {"href", "target", "rel", "aria-label", "class", "dir", "data-language", "tabindex", "role", "start"}


class Forbidden(HTMLParser):
    """The tags and attributes that no answer may have."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str | None]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag not in ELEMENTS:
            self.found.append((tag, "", ""))
        for name, value in attributes:
            leads_away = name == "href" and not (value or "").lower().startswith(("https://", "http://", "mailto:"))
            if name not in ATTRIBUTES or leads_away:
                self.found.append((tag, name, value))

    def handle_comment(self, data: str) -> None:
        self.found.append(("comment", "", data))


def forbidden_in(html: str) -> list[tuple[str, str, str | None]]:
    parser = Forbidden()
    parser.feed(html)
    parser.close()
    return parser.found


def test_there_are_enough_of_them() -> None:
    assert len(set(HOSTILE)) == len(HOSTILE) >= 300


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_an_answer_has_nothing_but_what_is_allowed(number: int) -> None:
    text = HOSTILE[number]
    assert forbidden_in(to_html(text, citations=[1, 2])) == []


def test_while_it_is_written_it_has_nothing_else_either() -> None:
    unfolding = Unfolding()
    for text in HOSTILE[::5]:
        unfolding.add(f"{text[:2000]}\n\n")
        unfolding.look([1, 2])
        assert forbidden_in(unfolding.open) == []
    assert forbidden_in("".join(unfolding.blocks)) == []
