import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import numpy as np
import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from memories import profiles
from memories.access import MemoryAccess
from memories.engine import scoring, writing
from memories.engine.explaining import explain
from memories.engine.recall import left_out, recall, recall_recent
from memories.engine.rules import find
from memories.engine.types import Candidate, NotAllowed, Provenance
from memories.models import (
    Conflict,
    Kind,
    Memory,
    MemoryEmbedding,
    MemoryEvent,
    MemoryLink,
    MemoryTerm,
    PrivacyMode,
    Sector,
    Status,
)
from memorychat.lib.text import TextError
from memorychat.llm import providers
from memorychat.llm.fakes import FakeEmbedder
from memorychat.llm.types import Calibration, Vector

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


MONDAY = datetime(2023, 5, 8, 12, tzinfo=UTC)


def say(access: MemoryAccess, *turns: tuple[str, str], thread: str = "letters", on: datetime = MONDAY) -> None:
    """Turns of (speaker, words), as a program gives them."""
    candidates = [
        Candidate(words, occurred_at=on, provenance=Provenance(thread=thread, position=at, speaker=speaker))
        for at, (speaker, words) in enumerate(turns)
    ]
    writing.remember_all(access, candidates, as_given=True)


def test_who_is_asked_about_decides_between_equal_statements(access: MemoryAccess) -> None:
    say(access, ("Ana Sousa", "My dog is called Bruno"), ("Ben", "My dog is called Rex"))
    assert answers(access, "What is Ana's dog called?")[0] == "My dog is called Bruno"
    assert answers(access, "what is ben's dog called?")[0] == "My dog is called Rex"
    assert recall(access, "What is Ben's dog called?").hits[0].grounds.said_by_asked


def test_a_name_that_nobody_in_the_profile_bears_is_a_word_like_others(access: MemoryAccess) -> None:
    tell(access, "My sister Clara lives in Leeds. I live in Porto.")
    assert answers(access, "Where does Clara live?")[0] == "My sister Clara lives in Leeds"


def test_a_program_that_asks_about_the_user_asks_about_the_owner(access: MemoryAccess) -> None:
    tell(access, STORY)
    assert answers(access, "Where does the user live?")[0] == "I live in Porto"
    assert recall(access, "Where does the user live?").hits[0].grounds.has_asked_slot


@pytest.mark.parametrize("question", ["What did I paint in May 2023?", "What did I paint on the 8th of May?"])
def test_a_date_in_the_question_speaks_for_its_time_and_rules_nothing_out(access: MemoryAccess, question: str) -> None:
    say(access, ("Ana", "I painted a lake"), thread="one", on=MONDAY)
    say(access, ("Ana", "I painted a hill"), thread="two", on=MONDAY + timedelta(days=200))
    assert answers(access, question) == ["I painted a lake", "I painted a hill"]
    assert [hit.grounds.in_asked_time for hit in recall(access, question).hits] == [True, False]


def test_an_answer_in_a_thread_is_found_by_its_question(access: MemoryAccess) -> None:
    noise = [("Ben", f"The weather on day number {number} was fine") for number in range(8)]
    say(access, *noise, ("Ben", "Which instrument would you like to learn?"), ("Ana", "Oh, the cello for sure"))
    found = recall(access, "Which instrument does Ana want to learn?").hits
    contents = answers(access, "Which instrument does Ana want to learn?")
    assert contents[0] == "Oh, the cello for sure"
    assert found[0].grounds.answers_question


def test_what_happened_outside_the_asked_times_does_not_come(access: MemoryAccess) -> None:
    for day, words in ((0, "I painted a lake"), (10, "I painted a hill"), (20, "I painted a wood")):
        say(access, ("", words), thread=words, on=MONDAY + timedelta(days=day))
    days = {"since": MONDAY + timedelta(days=10), "until": MONDAY + timedelta(days=20)}
    assert answers(access, "What did I paint?", **days) == ["I painted a hill"]


def link(access: MemoryAccess, one: str, other: str, weight: float) -> None:
    """In place of the links that likeness drew between them."""
    ids = {memory.content: memory.pk for memory in Memory.objects.filter(profile=access.profile)}
    first, second = sorted((ids[one], ids[other]))
    MemoryLink.objects.update_or_create(
        profile=access.profile, one_id=first, other_id=second, defaults={"weight": weight}
    )


def ids_of(access: MemoryAccess) -> dict[str, uuid.UUID]:
    return {memory.content: memory.pk for memory in Memory.objects.filter(profile=access.profile)}


def test_what_is_linked_comes_by_its_link_with_the_score_that_the_link_gives(access: MemoryAccess) -> None:
    tell(access, STORY)
    MemoryLink.objects.all().delete()
    link(access, "I live in Porto", "We have a dog called Bruno", 0.9)
    found = {hit.memory_id: hit for hit in recall(access, "Which town is my home?", threshold=0.6).hits}
    ids = ids_of(access)
    home, dog = found[ids["I live in Porto"]], found[ids["We have a dog called Bruno"]]
    assert len(found) == 2
    assert dog.grounds.came_by == home.memory_id
    assert dog.score == pytest.approx(0.8 * home.score + 0.2 * 0.9)


def test_a_link_beside_a_threshold_brings_nothing_weaker_than_it(access: MemoryAccess) -> None:
    tell(access, STORY)
    MemoryLink.objects.all().delete()
    link(access, "I live in Porto", "We have a dog called Bruno", 0.1)
    assert answers(access, "Which town is my home?", threshold=0.85) == ["I live in Porto"]


def test_links_keep_the_limit_and_nothing_comes_twice(access: MemoryAccess) -> None:
    tell(access, STORY)
    contents = list(ids_of(access))
    for other in contents[1:]:
        link(access, contents[0], other, 0.95)
    hits = recall(access, "Which town is my home?", limit=3).hits
    assert len({hit.memory_id for hit in hits}) == len(hits) == 3


def test_only_the_two_strongest_links_of_a_hit_are_followed(access: MemoryAccess) -> None:
    tell(access, STORY)
    MemoryLink.objects.all().delete()
    for weight, other in ((0.95, "I'm vegetarian"), (0.9, "I'm Ana"), (0.85, "We have a dog called Bruno")):
        link(access, "I live in Porto", other, weight)
    came = answers(access, "Which town is my home?", threshold=0.6)
    assert set(came) == {"I live in Porto", "I'm vegetarian", "I'm Ana"}


def test_links_among_the_first_hits_raise_their_scores(access: MemoryAccess) -> None:
    tell(access, STORY)
    MemoryLink.objects.all().delete()
    assert {hit.parts.links for hit in recall(access, "Should I order tea or coffee?").hits} == {0}
    link(access, "I'm vegetarian", "I'd rather have tea than coffee", 0.9)
    found = {hit.memory_id: hit for hit in recall(access, "Should I order tea or coffee?").hits}
    tea = found[ids_of(access)["I'd rather have tea than coffee"]]
    assert tea.parts.links == pytest.approx(0.09)
    assert tea.grounds.linked_to == ids_of(access)["I'm vegetarian"]


def test_a_link_leads_to_nothing_that_must_not_come(access: MemoryAccess) -> None:
    tell(access, STORY)
    ids = ids_of(access)
    link(access, "I live in Porto", "We have a dog called Bruno", 0.99)
    # Past the gate, which would take the link away.
    Memory.objects.filter(pk=ids["We have a dog called Bruno"]).update(status=Status.FORGOTTEN)
    MemoryTerm.objects.filter(memory=ids["We have a dog called Bruno"]).update(recallable=False)
    MemoryEmbedding.objects.filter(memory=ids["We have a dog called Bruno"]).update(recallable=False)
    assert "We have a dog called Bruno" not in answers(access, "Which town is my home?", limit=20)


@pytest.mark.parametrize("status", [status for status in Status if not status.recallable])
def test_what_is_not_active_comes_only_when_its_owner_asks(access: MemoryAccess, bob: User, status: Status) -> None:
    tell(access, STORY)
    tea = ids_of(access)["I'd rather have tea than coffee"]
    Memory.objects.filter(pk=tea).update(status=status)
    for rows in (MemoryTerm, MemoryEmbedding):
        rows.objects.filter(memory=tea).update(recallable=False)
    assert tea not in {hit.memory_id for hit in recall(access, "tea or coffee", limit=20).hits}
    included = recall(access, "Should I order tea or coffee?", include=[status]).hits[0]
    assert included.memory_id == tea
    assert included.similarity is not None
    assert included.keywords > 0
    for stranger in (bob, None):
        with pytest.raises(NotAllowed):
            recall(replace(access, actor=stranger), "tea", include=[status])


def test_a_hit_names_what_it_stands_in_conflict_with(access: MemoryAccess) -> None:
    tell(access, STORY)
    ids = ids_of(access)
    one, other = sorted((ids["I live in Porto"], ids["I work as a nurse"]))
    conflict = Conflict.objects.create(profile=access.profile, one_id=one, other_id=other)
    hit = recall(access, "Which town is my home?").hits[0]
    assert hit.conflicts_with == (ids["I work as a nurse"],)
    writing.forget(access, ids["I work as a nurse"])
    assert recall(access, "Which town is my home?").hits[0].conflicts_with == ()
    conflict.delete()


@dataclass
class Strange:
    """An embedder that answers `vector` to everything."""

    vector: Vector | None
    name: str = "strange"
    dimensions: int = 3
    calibration: ClassVar[Calibration] = FakeEmbedder.calibration

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        return [self.vector] * len(texts) if self.vector is not None else []


@pytest.mark.parametrize(
    "vector",
    [
        np.zeros(3, np.float32),
        np.array([1, np.nan, 0], np.float32),
        np.array([1, np.inf, 0], np.float32),
        np.ones(2, np.float32),
        None,
    ],
    ids=["zeros", "NaN", "infinite", "too short", "too few"],
)
def test_what_is_no_vector_leaves_vectors_out_and_answers_the_rest(
    access: MemoryAccess, monkeypatch: pytest.MonkeyPatch, vector: Vector | None
) -> None:
    tell(access, STORY)
    monkeypatch.setattr(providers, "EMBEDDERS", [lambda: Strange(vector)])
    providers._embedder.cache_clear()
    before = left_out["vectors"]
    try:
        found = recall(access, "tea or coffee")
    finally:
        providers._embedder.cache_clear()
    assert found.degraded == ("vectors",)
    assert left_out["vectors"] == before + 1
    assert found.hits[0].memory_id == ids_of(access)["I'd rather have tea than coffee"]
    assert found.hits[0].similarity is None


def test_links_that_cannot_be_read_are_left_out_and_named(access: MemoryAccess) -> None:
    tell(access, STORY)

    def fail(execute: Callable[..., object], sql: str, *rest: object) -> object:
        if "memories_memorylink" in sql:
            raise OperationalError("canceling statement due to statement timeout")
        return execute(sql, *rest)

    with connection.execute_wrapper(fail):
        found = recall(access, "Which town is my home?")
    assert found.degraded == ("links",)
    assert found.hits[0].memory_id == ids_of(access)["I live in Porto"]


def test_recent_ones_come_by_what_matters_and_was_said_last(access: MemoryAccess) -> None:
    now = timezone.now()
    for days, importance, words in ((400, 9, "I own a boat"), (1, 5, "I row"), (2, 9, "I sail"), (300, 1, "I swam")):
        said = Provenance(message_id=uuid.uuid4(), said_at=now - timedelta(days=days))
        writing.remember(access, Candidate(words, importance=importance, provenance=said))
    found = recall_recent(access, limit=3)
    names = {pk: content for content, pk in ids_of(access).items()}
    assert [names[hit.memory_id] for hit in found.hits] == ["I sail", "I row", "I own a boat"]
    assert all(hit.parts.relevance == hit.parts.links == 0 < hit.score for hit in found.hits)


def test_recent_ones_need_no_vectors_and_keep_to_the_mode_and_the_profile(
    access: MemoryAccess, bobs_access: MemoryAccess, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    tell(access, STORY)
    with django_assert_num_queries(2):
        assert len(recall_recent(access, limit=20).hits) == 8
    assert recall_recent(replace(access, mode=PrivacyMode.INCOGNITO)).hits == ()
    assert recall_recent(bobs_access).hits == ()


def test_words_of_the_question_reach_no_statement(access: MemoryAccess) -> None:
    say(access, ("Ana", "I painted a lake"))
    sent: list[str] = []

    def listen(execute: Callable[..., object], sql: str, values: object, *rest: object) -> object:
        sent.append(f"{sql} {values}".lower())
        return execute(sql, values, *rest)

    with connection.execute_wrapper(listen):
        recall(access, "When did Ana paint the zanzibar lake?")
    assert all(str(access.profile.pk) in each for each in sent)
    for word in ("zanzibar", "lake", "ana", "paint"):
        assert not any(word in each for each in sent)


def test_an_explanation_says_why_each_came(access: MemoryAccess) -> None:
    tell(access, STORY)
    MemoryLink.objects.all().delete()
    link(access, "I live in Porto", "We have a dog called Bruno", 0.9)
    question = "Which town is my home, Porto?"
    hits = recall(access, question, threshold=0.6).hits
    names = {pk: content for content, pk in ids_of(access).items()}
    told = {names[hit.memory_id]: explain(hit, question=question, content=names[hit.memory_id]) for hit in hits}
    home, dog = told["I live in Porto"], told["We have a dog called Bruno"]
    assert home.sentence.startswith("Answers your question (similarity 0.")
    assert "shares “porto” with it" in home.sentence
    assert "is just what was asked for" in home.sentence
    assert "heard today" in home.sentence
    assert dog.sentence.startswith("Came by its link to a memory that answers (0.90)")
    assert {round(sum(part.value for part in each.parts), 6) for each in told.values()} == {
        round(hit.score, 6) for hit in hits
    }
    assert all(0 <= part.share <= 1 for explained in told.values() for part in explained.parts)
