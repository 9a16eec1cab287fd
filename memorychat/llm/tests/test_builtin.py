from collections.abc import Sequence
from datetime import UTC, datetime
from time import perf_counter

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
        ("We have a dog called Iris", "you have a dog called Iris"),
        ("We're selling our car", "you're selling your car"),
        ("We've a cat that loves us", "you've a cat that loves you"),
        ("Bruno is our dog", "Bruno is your dog"),
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


@pytest.mark.parametrize(
    "question",
    [
        "What do you know about me?",
        "Tell me everything you know about me",
        "anything u know?",
        "What have you kept on me",
    ],
)
def test_all_is_asked_for_in_many_ways(question: str) -> None:
    assert answer(prompt(question, [("I like tea", 0.1)])).endswith("- you like tea[1]")


@pytest.mark.parametrize("question", ["What do you know about Porto?", "You know me, and what of it?", "All is well"])
def test_other_words_ask_for_no_list(question: str) -> None:
    assert "\n- " not in answer(prompt(question, [("I like tea", 0.1)]))


@pytest.mark.parametrize(
    "wish",
    [
        "Forget that I live in Porto.",
        "Please forget about Rex",
        "Delete the memory about my dog",
        "Can you forget my dog Rex?",
        "I want you to forget what I told you about Rex",
        "Delete everything you know about me",
        "don't remember my age",
    ],
)
def test_a_wish_to_forget_is_taken_up_and_nothing_is_promised_that_is_not_clear(wish: str) -> None:
    known = [("I live in Porto", 0.9)]
    assert answer(prompt(wish, known)) == (
        "I will look for that memory and forget it if it is clear which one you mean."
    )
    assert "nothing is changed in this privacy mode" in answer(prompt(wish, known, writes=False))


@pytest.mark.parametrize("words", ["I always forget my keys", "Forget it.", "Remove the lid", "Delete line three"])
def test_other_forgetting_is_no_wish(words: str) -> None:
    assert "forget" not in answer(prompt(words))


@pytest.mark.parametrize(
    "fragment",
    [
        "what you ",
        "what you remember ",
        "anything u know ",
        "all you know about ",
        "please ",
        "hi ",
        "hi, ",
        "thanks ",
        "forget ",
        "delete the memory ",
        "could you ",
        "?",
        " ",
        "I'm ",
        "we've ",
    ],
)
def test_no_question_takes_long(fragment: str) -> None:
    question = (fragment * 32_000)[:31_900]
    started = perf_counter()
    answer(prompt(question))
    answer(prompt(question + "x"))
    second_person(question)
    assert perf_counter() - started < 1


def test_it_never_claims_to_keep_what_is_not_kept() -> None:
    assert "not keep" in answer(prompt("I love kumquats", writes=False))
    assert "not keep" not in answer(prompt("I love kumquats"))
    assert "incognito" in answer(prompt("Where do I live?", reads=False, writes=False))


async def test_it_streams_and_ends_by_itself() -> None:
    pieces = [piece async for piece in BuiltinChat().stream(prompt("I love kumquats"), correlation_id="c")]
    assert "".join(str(piece) for piece in pieces[:-1]) == "Thank you for telling me."
    assert pieces[-1] == Finished("stop")


def test_what_repeats_a_better_memory_is_not_told_beside_it() -> None:
    memories = [("I live in Porto", 0.9), ("I wrote: “I live in Porto” “I like tea”", 0.85)]
    assert answer(prompt("Where do I live?", memories)) == "You told me that you live in Porto.[1]"
