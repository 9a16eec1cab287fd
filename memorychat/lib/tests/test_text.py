import pytest

from memorychat.lib.text import TextError, clean, index_terms, language_of, normalise, query_terms, tokens


@pytest.mark.parametrize("text", ["شجرة", "🦊🦊", "a\u202eb", "x" * 50, "  padded  "])
def test_any_script_is_taken(text: str) -> None:
    assert clean(text, limit=50) == text.strip()


@pytest.mark.parametrize(
    ("text", "reason"), [(" \n", "empty"), ("x" * 51, "at most 50"), ("a\x00b", "NUL"), ("a\udc00", "surrogate")]
)
def test_what_cannot_be_taken_is_told_in_a_sentence(text: str, reason: str) -> None:
    with pytest.raises(TextError, match=rf"^The query .*{reason}.*\.$"):
        clean(text, limit=50, name="query")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("José’s dog isn't here", ["jose", "dog", "isn't", "here"]),
        ("10:30, 50%", ["10", "30", "50"]),
        ("日本語", ["日本", "本語"]),
        ("Straße ﬁne", ["strasse", "fine"]),
        ("🦊", []),
    ],
)
def test_words_are_cut_and_folded(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


def test_texts_that_differ_in_case_accents_and_points_alone_are_equal() -> None:
    assert normalise("I live in São Paulo!") == normalise("i LIVE, in sao paulo")
    assert normalise("I live in Porto") != normalise("I lived in Porto")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("ich wohne mit meiner Katze in einem Haus", "de"),
        ("vivo en una casa con mi gato", "es"),
        ("je vis dans une maison avec mon chat", "fr"),
        ("I live in a house with my cat", "en"),
        ("xyzzy", "en"),
    ],
)
def test_function_words_tell_the_language(text: str, language: str) -> None:
    assert language_of(tokens(text)) == language


def test_a_word_is_indexed_as_itself_and_as_its_stem() -> None:
    assert index_terms("moved, moved", "en") == {"moved": 2, "move": 2}
    assert index_terms("cat", "en") == {"cat": 1}


def test_a_query_asks_for_words_that_matter_in_all_languages_of_the_profile() -> None:
    assert query_terms("Where have I moved?", {"en", "es"}) == {"moved": {"moved", "move", "mov"}}
    assert set(query_terms("to be or not", {"en"})) == {"to", "be", "or", "not"}
