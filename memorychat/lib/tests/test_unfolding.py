import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memorychat.lib.markdown import to_html
from memorychat.lib.unfolding import LONGEST_OPEN, Unfolding

TEXT = """Some *words* [1] before.

# A heading
1. one
2. two

   more of two
- three

```python
def f():

    return 1
```
> quoted
lazily

| a | b |
|---|---|
| 1 | 2 |

    indented

***
***bold*** end"""
SIGNS = "a| |\n|\n\n|*|**|***|- |1. |> |# |```|```\n|    |\r\n|\r|[1]|`|~~~\n|=\n|---\n|\t|word|<b>|https://x.example"
PIECES = st.lists(st.sampled_from([*SIGNS.split("|"), "|", "|-|-|\n"]), max_size=40)


def unfolded(pieces: list[str]) -> str:
    unfolding = Unfolding()
    for piece in pieces:
        unfolding.add(piece)
        unfolding.look([1])
    return "".join(unfolding.blocks) + unfolding.open


@settings(max_examples=300, deadline=None)
@given(PIECES)
def test_block_by_block_comes_to_the_same_as_the_whole(pieces: list[str]) -> None:
    assert unfolded(pieces) == to_html("".join(pieces).rstrip(), citations=[1])


def test_an_answer_in_pieces_of_any_size_comes_to_the_same() -> None:
    randomness = random.Random(1)
    for _ in range(50):
        cuts = sorted(randomness.sample(range(len(TEXT)), 20))
        pieces = [TEXT[start:end] for start, end in zip([0, *cuts], [*cuts, len(TEXT)], strict=True)]
        assert unfolded(pieces) == to_html(TEXT, citations=[1])


def test_blocks_that_are_whole_are_rendered_once() -> None:
    unfolding, closed = Unfolding(), []
    for letter in TEXT:
        unfolding.add(letter)
        closed += unfolding.look()
    assert closed == unfolding.blocks
    assert len(closed) == 8


@pytest.mark.parametrize("text", ["Nothing but words. " * 100, "One.\n\nTwo, and three!\n\nIt is 5 o'clock (or 6)."])
def test_prose_needs_no_rendering(text: str) -> None:
    unfolding = Unfolding()
    for letter in text:
        unfolding.add(letter)
        assert not unfolding.needs_look


@pytest.mark.parametrize(
    ("shown", "more", "needed"),
    [
        ("A *word* and", " another", False),
        ("A *word* and", " another*", True),
        ("- an item", " that goes on", False),
        ("- an item", "\n", True),
        ("- an item\n", "more", True),
        ("*a*\n\n1", ". x", True),
        ("```python\nx = 1", "\ny = 2\n", False),
        ("```python", "3\n", True),
        ("```python\nx = 1\n", "```\n", True),
    ],
)
def test_what_a_page_can_add_by_itself_needs_no_rendering(shown: str, more: str, needed: bool) -> None:
    unfolding = Unfolding()
    unfolding.add(shown)
    assert unfolding.needs_look
    unfolding.look()
    unfolding.add(more)
    assert unfolding.needs_look is needed


def test_a_block_without_end_is_left_to_the_end() -> None:
    unfolding = Unfolding()
    unfolding.add("- " + "word *and* " * LONGEST_OPEN)
    unfolding.needs_look  # noqa: B018  # finds the markup
    assert not unfolding.needs_look
