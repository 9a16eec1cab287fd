import pytest

from memories.engine.sameness import differ


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I am allergic to peanuts", "I am not allergic to peanuts"),
        ("I am allergic to peanuts", "I'm no longer allergic to peanuts"),
        ("I can eat nuts", "I can't eat nuts"),
        ("My flight is at 10:30", "My flight is at 11:30"),
        ("The meeting is on Monday", "The meeting is on Tuesday"),
        ("My birthday is in May", "My birthday is in March"),
        ("I have two cats", "I have three cats"),
        ("My sister is called Teresa", "My sister is called Marta"),
        ("We meet in the morning", "We meet in the evening"),
        ("Ich esse Fleisch", "Ich esse kein Fleisch"),
    ],
)
def test_a_difference_that_counts_is_seen_both_ways(one: str, other: str) -> None:
    assert differ(one, other)
    assert differ(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I like tea", "I like the tea"),
        ("I'm vegetarian", "I am a vegetarian"),
        ("I live in Porto", "I do live in Porto"),
        ("My dog is small", "my dog is very small"),
    ],
)
def test_other_words_alone_are_no_difference(one: str, other: str) -> None:
    assert not differ(one, other)
