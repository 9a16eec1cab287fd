"""Markdown of an answer as HTML that is safe to show: no images, no scripts, no styles.

The HTML is a function of the text and of the numbers that it may cite, and nothing else.
"""

import re
from collections.abc import Collection, Sequence
from html import escape
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from memorychat.lib import highlighting, hyperlinks
from memorychat.lib.invisible import shown, without_overrides

CITATION = re.compile(r"\s?\[(\d{1,3})\]")
# Longer texts are shown as they were written, and so are longer paragraphs: what stands in one is weighed against all
# else in it. Answers are no longer than the first, and people's paragraphs are far from the second.
LONGEST, LONGEST_PARAGRAPH = 100_000, 10_000
DEEPEST = 20
# Characters of code that are coloured in one answer.
MOST_COLOURED = 30_000
# A page has its own first and second headings.
HEADINGS = {"h1": "h3", "h2": "h4", "h3": "h5", "h4": "h6", "h5": "h6", "h6": "h6"}
# What says its own direction; a paragraph within one of these takes it from there.
DIRECTED = {"paragraph_open", "heading_open", "list_item_open", "blockquote_open", "th_open", "td_open"}
DIRECTING = {"list_item", "blockquote"}

TEXT_TAGS = {"p", "br", "hr", "strong", "em", "s", "blockquote", "pre", "code", "a", "sup", "span", "div"}
TAGS = TEXT_TAGS | {"ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", *HEADINGS.values()}
ATTRIBUTES = {"a": {"href", "aria-label"}, "div": {"data-language"}, "ol": {"start"}}
VALUES = {
    **{tag: {"dir": {"auto"}} for tag in ("p", "li", "blockquote", "th", "td", *HEADINGS.values())},
    "a": {"target": {"_blank"}},
    "div": {"tabindex": {"0"}, "role": {"group"}, "aria-label": {"Table"}},
    "pre": {"tabindex": {"0"}, "dir": {"ltr"}},
    "span": {"dir": {"ltr"}},
}
CLASSES = {
    "div": {"code", "wide"},
    "span": {"place", "invisible", *highlighting.CLASSES.values()},
    "sup": {"cite"},
    "th": {"center", "right"},
    "td": {"center", "right"},
}


def to_html(text: str, *, citations: Collection[int] = ()) -> str:
    """`citations` are the numbers of memories that an answer may name: "[1]" becomes a mark that leads to its note."""
    if len(text) > LONGEST:
        return f'<p dir="auto">{escape(text)}</p>\n'
    return _cleaned(_parser.render(text, {"citations": frozenset(citations)}))


def cited(text: str) -> set[int]:
    """The numbers of memories that an answer names."""
    return {int(number) for number in CITATION.findall(text)}


def blocks_of(text: str) -> list[tuple[str, int]]:
    """What the text is made of at its outermost: the kind of each block, and the line at which it begins."""
    tokens: list[Token] = []
    _parser.block.parse(text, _parser, {}, tokens)
    return [(token.type, token.map[0]) for token in tokens if token.level == 0 and token.nesting >= 0 and token.map]


def _cleaned(html: str) -> str:
    """Whatever the parser made of it, only this leaves."""
    return nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        tag_attribute_values=VALUES,
        allowed_classes=CLASSES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow ugc",
    )


def _drop_overrides(state: StateCore) -> None:
    """In running text; code shows what is in it."""
    for token in (token for block in state.tokens for token in block.children or []):
        if token.type == "text":
            token.content = without_overrides(token.content)


def _leave_long_paragraphs(state: StateCore) -> None:
    for token in state.tokens:
        if token.type == "inline" and len(token.content) > LONGEST_PARAGRAPH:
            token.type, token.children = "text", None


def _lower_headings(state: StateCore) -> None:
    for token in state.tokens:
        token.tag = HEADINGS.get(token.tag, token.tag)


def _direct(state: StateCore) -> None:
    """Each paragraph, item and cell reads the way its first letter does."""
    depth = 0
    for token in state.tokens:
        if token.type in DIRECTED and not (token.type == "paragraph_open" and depth):
            token.attrSet("dir", "auto")
        if token.type.rsplit("_", 1)[0] in DIRECTING:
            depth += token.nesting


def _align(state: StateCore) -> None:
    for token in state.tokens:
        if style := token.attrs.pop("style", None):
            token.attrSet("class", str(style).removeprefix("text-align:"))


def _mark_citations(state: StateCore) -> None:
    """Turns "[1]" into a mark, in running text only: never in code, never in a link."""
    numbers = state.env.get("citations", frozenset())
    for block in state.tokens:
        if numbers and block.children:
            block.children = _with_marks(block.children, numbers)


def _with_marks(tokens: Sequence[Token], numbers: Collection[int]) -> list[Token]:
    parts, inside = [], 0
    for token in tokens:
        inside += token.nesting if token.type.startswith("link_") else 0
        parts += [token] if inside else _marked(token, numbers)
    return parts


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


def _code_block(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    """What scrolls by itself is reached by the keyboard."""
    token = tokens[at]
    language = escape(highlighting.language_of(token.info))
    env["coloured"] = env.get("coloured", 0) + len(token.content)
    info = token.info if env["coloured"] <= MOST_COLOURED else ""
    code = highlighting.highlighted(token.content.rstrip("\n"), info)
    return f'<div class="code" data-language="{language}"><pre tabindex="0" dir="ltr"><code>{code}</code></pre></div>\n'


def _code(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    return f"<code>{shown(escape(tokens[at].content))}</code>"


def _open_table(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    return '<div class="wide" tabindex="0" role="group" aria-label="Table"><table>\n'


def _close_table(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    return "</table></div>\n"


def _made_parser() -> MarkdownIt:
    options = {"html": False, "breaks": True, "linkify": False, "maxNesting": DEEPEST}
    parser = MarkdownIt("commonmark", options).enable(["table", "strikethrough"])
    parser.validateLink = hyperlinks.is_allowed  # type: ignore[assignment,method-assign]  # meant to be replaced
    parser.core.ruler.before("inline", "long_paragraphs", _leave_long_paragraphs)
    for rule in (_drop_overrides, hyperlinks.mark_links, _mark_citations, _lower_headings, _direct, _align):
        parser.core.ruler.push(rule.__name__, rule)
    rules = {"fence": _code_block, "code_block": _code_block, "code_inline": _code}
    for name, render in (rules | {"table_open": _open_table, "table_close": _close_table}).items():
        parser.add_render_rule(name, render)
    return parser


_parser = _made_parser()
