import pytest
from hypothesis import given
from hypothesis import strategies as st

from memorychat.lib.excerpts import LENGTH, Piece, excerpt, holds, words_of
from memorychat.lib.text import fold


def marked(text: str, query: str, length: int = LENGTH) -> str:
    pieces = excerpt(text, words_of(query), length=length)
    return "".join(f"[{piece.text}]" if piece.is_hit else piece.text for piece in pieces)


@pytest.mark.parametrize(
    ("text", "query", "shown"),
    [
        ("I live in Porto", "porto", "I live in [Porto]"),
        ("José's café", "jose cafe", "[José]'s [café]"),
        ("Cafe\u0301 crème", "cafe", "[Cafe\u0301] crème"),
        ("Die Straße", "strasse", "Die [Straße]"),
        ("Die Straße", "ras", "Die St[raß]e"),
        ("aaaa", "aa", "[aaaa]"),
        ("one\n\ntwo", "two", "one [two]"),
        ("<b>bold</b>", "bold", "<b>[bold]</b>"),
        ("東京の天気", "天気", "東京の[天気]"),
        ("Nothing of it", "else", "Nothing of it"),
        ("", "x", ""),
    ],
)
def test_words_are_marked_where_they_stand(text: str, query: str, shown: str) -> None:
    assert marked(text, query) == shown


def test_a_long_text_is_cut_around_the_first_word_between_words() -> None:
    text = f"{'before ' * 100}needle{' after' * 100}"
    shown = marked(text, "needle")
    assert "[needle]" in shown
    assert shown.startswith("…before")
    assert shown.endswith("after…")
    assert len(shown) <= LENGTH + 4


def test_a_long_word_is_cut_in_itself() -> None:
    assert marked("x" * 1_000, "xx", length=10) == f"[{'x' * 10}]…"


@given(st.text(max_size=400), st.text(min_size=1, max_size=5))
def test_an_excerpt_is_a_part_of_the_text_and_marks_what_the_text_holds(text: str, query: str) -> None:
    words = words_of(query)
    pieces = excerpt(text, words, length=1_000)
    line = " ".join(text.split())
    assert "".join(piece.text for piece in pieces) == line
    if words and holds(line, words):
        assert any(piece.is_hit for piece in pieces)


@given(st.text())
def test_a_text_is_folded_letter_by_letter_as_it_is_as_a_whole(text: str) -> None:
    assert "".join(fold(character) for character in text) == fold(text)


def test_all_words_are_wanted() -> None:
    assert holds("I moved to Porto", words_of("PORTO mov"))
    assert not holds("I moved to Porto", words_of("porto lisbon"))


def test_a_piece_holds_no_markup() -> None:
    assert excerpt("<b>", ["b"]) == [Piece("<", is_hit=False), Piece("b", is_hit=True), Piece(">", is_hit=False)]
