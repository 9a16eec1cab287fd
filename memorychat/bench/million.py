"""Recall among a million memories of ten thousand people, for people of 100 to 50,000 memories, and among 100,000.

What recall costs must follow the person's own memories, not everybody's: the ratio of the two totals says so.
"""

import itertools
import random
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from django.db import connection

from accounts.models import DataKey, User
from memories import profiles
from memories.access import MemoryAccess
from memories.engine import expansion
from memories.engine.candidates import Narrowing
from memories.engine.expansion import LINKED_AMONG
from memories.engine.recall import recall
from memories.models import MemoryProfile
from memorychat.bench.bare import bare
from memorychat.bench.recall import WORDS_EACH, copy, copy_memories, vocabulary_of, word
from memorychat.bench.report import Times, goal, line, ratio, timed
from memorychat.lib.scratch import connected_to, copy_of_database
from memorychat.llm.minilm import MiniLM

FEW, MANY = 100_000, 1_000_000
SIZES = {100: None, 1_000: 5, 10_000: 10, 50_000: 50}  # memories of one person → goal of the p95, in milliseconds
CROWD_EACH = 94
AT_ONCE = 20_000
TABLES = ("memories_memory", "memories_memoryembedding", "memories_memoryterm")
SAMPLES = 2_000  # vectors that are drawn; many memories have the same, which costs recall nothing less
COMMON, VOCABULARY = 50, 5_000  # the commonest words are function words, which no question asks for
QUERIES, RUNS, UNCOUNTED = 20, 5, 1
LINKED, LINKS = 10_000, 100_000


@dataclass(frozen=True)
class Person:
    """Somebody's profile by its ids, and the numbers under which words stand in its index."""

    profile: MemoryProfile
    size: int
    vocabulary: Sequence[int]


def run() -> Iterator[str]:
    """Fills the database that Django is connected to: give it a scratch one."""
    yield "Recall of one person among a million memories of ten thousand, without embedding"
    few = fill(FEW)
    with copy_of_database("memorychat_bench_few") as apart:
        started = time.perf_counter()
        many = fill(MANY)
        yield line("people", f"{len(many):,}, their memories filled in within {time.perf_counter() - started:.0f} s")
        for one, other in zip(few[: len(SIZES)], many[: len(SIZES)], strict=True):
            yield from _compared(one, other, apart)
    yield from _expansion(next(person for person in many if person.size == LINKED))


def fill(total: int) -> list[Person]:
    """So many memories, mixed as they lie in a table that grew over years; those of SIZES first among their owners."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE memories_memory, memories_memoryprofile, accounts_user CASCADE")
    people = [*_measured(), *_crowd((total - sum(SIZES)) // CROWD_EACH)]
    rows = [person for person in people for _ in range(person.size)]
    random.seed(7)
    random.shuffle(rows)
    vectors = _samples()
    with bare(TABLES):
        for start in range(0, len(rows), AT_ONCE):
            _copy(rows[start : start + AT_ONCE], vectors)
    for person in people[: len(SIZES)]:
        counts = {"memory_count": person.size, "term_count": person.size * WORDS_EACH, "languages": ["en"]}
        MemoryProfile.objects.filter(pk=person.profile.pk).update(**counts)
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM (ANALYZE) {', '.join(TABLES)}")
    return people


def _measured() -> Iterator[Person]:
    for size in SIZES:
        owner = User.objects.create_user(f"bench{size}@example.com")
        profile = profiles.default_for(owner)
        yield Person(profile, size, vocabulary_of(profile))


def _crowd(count: int) -> list[Person]:
    """People whom nobody asks: their words need no true hashes."""
    owners = User.objects.bulk_create(User(email=f"crowd{number}@example.com") for number in range(count))
    keys = [DataKey.objects.for_profile(owner) for owner in owners]
    made = MemoryProfile.objects.bulk_create(
        MemoryProfile(owner=owner, data_key=key, name="Personal", is_default=True)
        for owner, key in zip(owners, keys, strict=True)
    )
    return [Person(profile, CROWD_EACH, _any_numbers()) for profile in made]


def _any_numbers() -> Sequence[int]:
    first = random.getrandbits(62)
    return range(first, first + VOCABULARY)


def _samples() -> list[str]:
    vectors = np.random.default_rng(7).standard_normal((SAMPLES, MiniLM.dimensions))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [f"[{','.join(f'{number:.4f}' for number in vector)}]" for vector in vectors]


def _copy(people: list[Person], vectors: list[str]) -> None:
    ids = copy_memories([person.profile for person in people])
    copy(
        "memories_memoryembedding",
        ["memory_id", "profile_id", "model", "embedding", "recallable"],
        (
            (row_id, person.profile.pk, MiniLM.name, random.choice(vectors), True)
            for row_id, person in zip(ids, people, strict=True)
        ),
    )
    copy(
        "memories_memoryterm",
        ["memory_id", "profile_id", "term", "frequency", "length", "recallable"],
        (
            (row_id, person.profile.pk, person.vocabulary[number], 1, WORDS_EACH, True)
            for row_id, person in zip(ids, people, strict=True)
            for number in set(random.choices(range(VOCABULARY), cum_weights=WEIGHTS, k=WORDS_EACH))
        ),
    )


WEIGHTS = list(itertools.accumulate(1 / (number + 1) for number in range(VOCABULARY)))


def queries() -> list[str]:
    return [" ".join(word(random.randrange(COMMON, VOCABULARY)) for _ in range(6)) for _ in range(QUERIES)]


def _compared(one: Person, other: Person, apart: Any) -> Iterator[str]:
    """The same questions in turn to both, so that a slow moment of the machine strikes both alike.

    Then to the larger alone, for in turn each finds the processor's caches full of the other's vectors.
    """
    asked = queries()
    few, many = list[float](), list[float]()
    for _ in range(RUNS + UNCOUNTED):
        for query in asked:
            with connected_to(apart):
                few.append(recall(_access(one), query).took_ms)
            many.append(recall(_access(other), query).took_ms)
    counted = len(asked) * UNCOUNTED
    among_few, among_many = Times.of(few[counted:]), Times.of(many[counted:])
    alone = Times.of([recall(_access(other), query).took_ms for _ in range(RUNS) for query in asked])
    yield ratio(f"{one.size:,} memories, {MANY:,} to {FEW:,}, p50", among_many.p50, among_few.p50, most=1.5)
    if limit := SIZES[one.size]:
        yield goal(f"{one.size:,} memories among {MANY:,}, p95", alone.p95, most=limit)
    yield line(f"{one.size:,} memories among {MANY:,}", alone)
    yield line(f"{one.size:,} memories among {MANY:,}, in turn", among_many)
    yield line(f"{one.size:,} memories among {FEW:,}, in turn", among_few)


def _access(person: Person) -> MemoryAccess:
    return profiles.by_hand(person.profile.owner, person.profile)


def _expansion(person: Person) -> Iterator[str]:
    """What links cost, with ten of them a memory: looked up for the hits before, since those at hand are warm."""
    access = _access(person)
    _copy_links(person)
    asked, before = queries(), list[uuid.UUID]()
    whole, beside = [], []
    for _ in range(RUNS + UNCOUNTED):
        for query in asked:
            found = recall(access, query, limit=LINKED_AMONG)
            whole.append(found.took_ms)
            beside.append(timed(partial(expansion.surroundings_of, person.profile, before, Narrowing())))
            before = [hit.memory_id for hit in found.hits]
    counted = len(asked) * UNCOUNTED
    total, share = Times.of(whole[counted:]), Times.of(beside[counted:])
    yield line(f"{LINKED:,} memories with {LINKS:,} links, whole recall", total)
    yield goal("what stands beside the hits, p95", share.p95, most=100)
    yield ratio("its share of recall, p50", share.p50, total.p50, most=0.1)


def _copy_links(person: Person) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM memories_memory WHERE profile_id = %s", [person.profile.pk])
        ids = [row_id for (row_id,) in cursor.fetchall()]
    pairs = {tuple(sorted(random.sample(ids, 2))) for _ in range(LINKS)}
    rows = ((person.profile.pk, *pair, random.uniform(0.8, 1)) for pair in pairs)
    copy("memories_memorylink", ["profile_id", "one_id", "other_id", "weight"], rows)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) memories_memorylink")
