from dataclasses import replace

import pytest
from pytest_django import DjangoAssertNumQueries

from memories import profiles
from memories.access import MemoryAccess
from memories.engine import scoring, writing
from memories.engine.recall import recall
from memories.engine.rules import find
from memories.engine.types import Candidate
from memories.models import Kind, Memory, MemoryEvent, PrivacyMode, Sector
from memorychat.lib.text import TextError

pytestmark = pytest.mark.django_db

STORY = """Hello, I'm Ana. I live in Porto and work as a nurse. I'm vegetarian.
We have a dog called Bruno. I'd rather have tea than coffee. I've decided to learn the cello this winter.
My birthday is on the 14th of March."""


def tell(access: MemoryAccess, words: str) -> None:
    writing.remember_all(access, [Candidate(found.content, found.kind, slot=found.slot) for found in find(words)])


def answers(access: MemoryAccess, question: str, **more: object) -> list[str]:
    hits = recall(access, question, **more).hits  # type: ignore[arg-type]  # options of recall
    memories = Memory.objects.select_related("profile").in_bulk([hit.memory_id for hit in hits])
    return [memories[hit.memory_id].content for hit in hits]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What am I called?", "I'm Ana"),
        ("Which town is my home?", "I live in Porto"),
        ("How do I earn my money?", "I work as a nurse"),
        ("Is there something I won't eat?", "I'm vegetarian"),
        ("What's the name of my pet?", "We have a dog called Bruno"),
        ("Should I order tea or coffee?", "I'd rather have tea than coffee"),
        ("Which instrument am I taking up?", "I've decided to learn the cello this winter"),
        ("When should people congratulate me?", "My birthday is on the 14th of March"),
    ],
)
def test_what_was_told_is_found_in_other_words(access: MemoryAccess, question: str, answer: str) -> None:
    tell(access, STORY)
    assert answers(access, question)[0] == answer


def test_a_question_about_two_things_finds_both(access: MemoryAccess) -> None:
    tell(access, STORY)
    assert set(answers(access, "Which town is my home, and what should I not eat?")[:2]) == {
        "I live in Porto",
        "I'm vegetarian",
    }


def test_a_word_is_found_in_another_form_and_without_its_accents(access: MemoryAccess) -> None:
    tell(access, "I collect stamps. I live in São Paulo. I like running.")
    assert answers(access, "sao paulo")[0] == "I live in São Paulo"
    for query in ("stamp", "collecting"):
        assert recall(access, query).hits[0].keywords > 0


def test_a_german_memory_is_found_by_its_german_stems(access: MemoryAccess) -> None:
    writing.remember(access, Candidate("Ich wohne mit meinen Katzen in einem Haus"))
    writing.remember(access, Candidate("Ich fahre jeden Tag mit dem Rad zur Arbeit"))
    assert recall(access, "Katze").hits[0].keywords > 0
    assert answers(access, "Katze")[0] == "Ich wohne mit meinen Katzen in einem Haus"


@pytest.mark.parametrize("mode", PrivacyMode)
def test_only_reading_modes_recall_and_no_mode_writes_by_it(access: MemoryAccess, mode: PrivacyMode) -> None:
    tell(access, STORY)
    before = MemoryEvent.objects.count(), list(Memory.objects.order_by("pk").values())
    found = recall(replace(access, mode=mode), "Where do I live?")
    assert bool(found.hits) == mode.reads
    assert before == (MemoryEvent.objects.count(), list(Memory.objects.order_by("pk").values()))


def test_the_score_is_the_sum_of_its_parts_and_each_part_keeps_its_share(access: MemoryAccess) -> None:
    tell(access, STORY)
    for hit in recall(access, "Where do I live?", limit=20).hits:
        parts = hit.parts
        assert hit.score == pytest.approx(parts.relevance + parts.salience + parts.recency + parts.links)
        for name in ("relevance", "salience", "recency", "links"):
            assert 0 <= getattr(parts, name) <= getattr(scoring.WEIGHTS, name)
        assert parts.relevance == pytest.approx(scoring.WEIGHTS.relevance * hit.relevance)


def test_hits_come_best_first_and_no_more_than_asked_for(access: MemoryAccess) -> None:
    tell(access, STORY)
    scores = [hit.score for hit in recall(access, "Where do I live?", limit=3).hits]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)


def test_the_threshold_compares_with_relevance(access: MemoryAccess) -> None:
    tell(access, STORY)
    every = recall(access, "Where do I live?", limit=20).hits
    some = recall(access, "Where do I live?", limit=20, threshold=0.5).hits
    assert [hit.memory_id for hit in some] == [hit.memory_id for hit in every if hit.relevance >= 0.5]
    assert 0 < len(some) < len(every)


def test_a_filter_allows_what_it_names_and_an_empty_one_nothing(access: MemoryAccess) -> None:
    tell(access, STORY)
    decision = "I've decided to learn the cello this winter"
    assert answers(access, "Where do I live?", kinds=[Kind.DECISION]) == [decision]
    assert answers(access, "Where do I live?", sectors=[Sector.PROCEDURAL]) == []
    assert answers(access, "Where do I live?", kinds=[]) == []
    assert len(answers(access, "Where do I live?", kinds=None, limit=20)) == 8


def test_a_filter_drops_nothing_that_other_memories_crowd_out(access: MemoryAccess) -> None:
    many = [Candidate(f"I like tea number {number}", Kind.PREFERENCE) for number in range(120)]
    writing.remember_all(access, [Candidate("I was once in Leeds", Kind.NOTE), *many], as_given=True)
    assert answers(access, "tea", kinds=[Kind.NOTE]) == ["I was once in Leeds"]


def test_another_profile_and_another_person_are_never_recalled(access: MemoryAccess, bobs_access: MemoryAccess) -> None:
    tell(access, STORY)
    other = profiles.by_hand(access.profile.owner, profiles.create(access.profile.owner, "Work"))
    assert recall(other, "Where do I live?").hits == ()
    assert recall(bobs_access, "Where do I live?").hits == ()


def test_the_newest_home_answers_and_not_the_former(access: MemoryAccess) -> None:
    tell(access, "I live in Porto.")
    tell(access, "I moved to Lisbon.")
    assert answers(access, "Where do I live?") == ["I moved to Lisbon"]


@pytest.mark.parametrize("query", ["", " ", "x" * 1001, "a\x00", "\ud800"])
def test_a_query_that_cannot_be_is_refused(access: MemoryAccess, query: str) -> None:
    with pytest.raises(TextError):
        recall(access, query)


@pytest.mark.parametrize("query", ["?!", "🦊", "日本", "the of and", "שלום", "%_'\";--"])
def test_odd_queries_are_answered(access: MemoryAccess, query: str) -> None:
    tell(access, STORY)
    assert recall(access, query).degraded == ()


def test_recall_costs_three_queries(access: MemoryAccess, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    tell(access, STORY)
    with django_assert_num_queries(3):
        recall(access, "Where do I live?")
