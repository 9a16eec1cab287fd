import pytest

from memories.engine.questions import first_person


@pytest.mark.parametrize(
    ("question", "own"),
    [
        ("When did Ana go to the museum?", "When did I go to the museum?"),
        ("What is Ana's dog called?", "What is my dog called?"),
        ("What does Ana do to relax?", "What do I do to relax?"),
        ("Is Ana married?", "am I married?"),
        ("How long has Ana had her dog?", "How long have I had my dog?"),
        ("Who gave Ana the ring?", "Who gave me the ring?"),
        ("What did Ana teach herself when she was ill?", "What did I teach myself when I was ill?"),
        ("Where is Anatol?", "Where is Anatol?"),
        ("Wo wohnt die Ana?", "Wo wohnt die Ana?"),
    ],
)
def test_a_question_is_put_into_the_first_person_of_whom_it_asks_about(question: str, own: str) -> None:
    assert first_person(question, "Ana") == own


def test_pronouns_are_left_where_two_are_named() -> None:
    question = "When did Ana give Ben her book?"
    assert first_person(question, "Ana", is_alone=False) == "When did I give Ben her book?"
