from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from memorychat.llm.builtin import BuiltinChat, answer, second_person
from memorychat.llm.types import ChatMessage, Finished, KnownMemory, Prompt

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def prompt(
    question: str, memories: Sequence[tuple[str, float]] = (), *, reads: bool = True, writes: bool = True
) -> Prompt:
    known = [KnownMemory(number, text, DAY, relevance) for number, (text, relevance) in enumerate(memories, start=1)]
    return Prompt("", [ChatMessage("user", question)], known, reads_memories=reads, writes_memories=writes)


@pytest.mark.parametrize(
    ("words", "turned"),
    [
        ("I live in Porto", "you live in Porto"),
        ("I'm Ana", "you're Ana"),
        ("My dog's name is Bruno", "your dog's name is Bruno"),
        ("I was born in my aunt's house", "you were born in your aunt's house"),
        ("We have a dog called Iris", "we have a dog called Iris"),
    ],
)
def test_a_statement_is_said_back_in_the_second_person(words: str, turned: str) -> None:
    assert second_person(words) == turned


def test_a_question_is_answered_by_the_best_memory_and_names_it() -> None:
    known = [("I'm vegetarian", 0.2), ("I live in Porto", 0.95)]
    assert answer(prompt("Where is my home?", known)) == "You told me that you live in Porto.[2]"


def test_close_seconds_are_named_too() -> None:
    known = [("I live in Porto", 0.9), ("I moved house in May", 0.85), ("I like tea", 0.4)]
    told = answer(prompt("Where do I live?", known))
    assert told == "You told me that you live in Porto.[1] You also said that you moved house in May.[2]"


def test_nothing_is_made_up_where_no_memory_answers() -> None:
    assert "don't know" in answer(prompt("What is the capital of France?", [("I live in Porto", 0.2)]))


def test_everything_is_listed_when_everything_is_asked_for() -> None:
    told = answer(prompt("What do you remember about me?", [("I live in Porto", 0.1), ("I like tea", 0.1)]))
    assert told.endswith("- you live in Porto[1]\n- you like tea[2]")


def test_it_never_claims_to_keep_what_is_not_kept() -> None:
    assert "not keep" in answer(prompt("I love kumquats", writes=False))
    assert "not keep" not in answer(prompt("I love kumquats"))
    assert "incognito" in answer(prompt("Where do I live?", reads=False, writes=False))


async def test_it_streams_and_ends_by_itself() -> None:
    pieces = [piece async for piece in BuiltinChat().stream(prompt("I love kumquats"), correlation_id="c")]
    assert "".join(str(piece) for piece in pieces[:-1]) == "Thank you for telling me."
    assert pieces[-1] == Finished("stop")
