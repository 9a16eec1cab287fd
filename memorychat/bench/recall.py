"""Recall in a profile of 1,000 memories among 100,000, and the embedder apart."""

import itertools
import json
import random
import uuid
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from django.db import connection, transaction
from django.utils import timezone
from pgvector import HalfVector

from accounts.models import User
from memories import profiles
from memories.access import MemoryAccess
from memories.engine import index, recall
from memories.models import Kind, Memory, MemoryProfile, Origin, Sector, Status
from memorychat.bench.report import Times, goal, in_turn, line, ratio
from memorychat.lib.identifiers import uuid7
from memorychat.llm.minilm import MiniLM, cache_of_vectors

PEOPLE, EACH, WORDS_EACH, VOCABULARY = 100, 1_000, 11, 5_000
QUERIES, RUNS = 25, 8
ROUNDS = 20

VECTOR_PART = """
SELECT memory_id, 1 - (embedding <=> %(vector)s::halfvec) AS score FROM memories_memoryembedding
 WHERE profile_id = %(profile)s AND model = %(model)s AND recallable ORDER BY score DESC LIMIT 100"""


def run() -> Iterator[str]:
    """Fills the database that Django is connected to: give it a scratch one."""
    yield f"Recall: a profile of {EACH:,} memories among {PEOPLE * EACH:,}"
    access = fill()
    yield from _vector_part(access)
    yield from _whole(access)
    yield from _embedder()


def fill(people: int = PEOPLE, each: int = EACH) -> MemoryAccess:
    """Random memories of many people, shuffled as they lie in a table that grew over years; gives one's access."""
    random.seed(7)
    owners = [User.objects.create_user(f"bench{number}@example.com") for number in range(people)]
    found = [profiles.default_for(owner) for owner in owners]
    vocabularies = {profile.pk: vocabulary_of(profile) for profile in found}
    for _ in range(ROUNDS):
        mixed = [profile for profile in found for _ in range(each // ROUNDS)]
        random.shuffle(mixed)
        rows = list(zip(copy_memories(mixed), mixed, strict=True))
        _copy_vectors(rows)
        _copy_terms(rows, vocabularies)
    MemoryProfile.objects.update(memory_count=each, term_count=each * WORDS_EACH, languages=["en"])
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) memories_memory, memories_memoryembedding, memories_memoryterm")
    profile = MemoryProfile.objects.select_related("owner").get(pk=found[0].pk)
    return profiles.by_hand(profile.owner, profile)


Rows = list[tuple[uuid.UUID, MemoryProfile]]


def copy_memories(owners: Sequence[MemoryProfile]) -> list[uuid.UUID]:
    """A memory for each profile that is named, in this order; gives their ids."""
    now = timezone.now()
    fixed = {
        "kind": Kind.FACT.value,
        "sector": Sector.SEMANTIC.value,
        "importance": 5,
        "confidence": 1.0,
        "salience": 0.5,
        "salience_at": now,
        "status": Status.ACTIVE.value,
        "origin": Origin.API.value,
        "pinned": False,
        "occurred_at": now,
        "times_said": 1,
        "last_said_at": now,
        "created_at": now,
    }
    columns = ["id", "owner_id", "profile_id", "digest", "content", *fixed]
    ids = [uuid7() for _ in owners]
    draft = Memory(content="A statement of about as many words as people use for one")
    copy(
        "memories_memory",
        columns,
        (
            (row_id, profile.owner_id, profile.pk, row_id.bytes, _sealed(draft, row_id, profile), *fixed.values())
            for row_id, profile in zip(ids, owners, strict=True)
        ),
    )
    return ids


def _sealed(draft: Memory, row_id: uuid.UUID, profile: MemoryProfile) -> bytes:
    """One draft for all rows: making one takes ten times as long as sealing."""
    draft.pk, draft.profile = row_id, profile
    return bytes(Memory._meta.get_field("content").pre_save(draft, add=True) or b"")


def _copy_vectors(rows: Rows) -> None:
    vectors = np.random.default_rng(random.randrange(2**32)).standard_normal((len(rows), MiniLM.dimensions))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    copy(
        "memories_memoryembedding",
        ["memory_id", "profile_id", "model", "embedding", "recallable"],
        (
            (row_id, profile.pk, MiniLM.name, f"[{','.join(f'{number:.4f}' for number in vector)}]", True)
            for (row_id, profile), vector in zip(rows, vectors, strict=True)
        ),
    )


def vocabulary_of(profile: MemoryProfile) -> list[int]:
    return list(index.hashed_terms(profile, [word(number) for number in range(VOCABULARY)]).values())


def _copy_terms(rows: Rows, vocabularies: dict[uuid.UUID, list[int]]) -> None:
    """Words as often as in a language: the n-th most common one n times rarer than the first (Zipf)."""
    weights = list(itertools.accumulate(1 / (number + 1) for number in range(VOCABULARY)))
    copy(
        "memories_memoryterm",
        ["memory_id", "profile_id", "term", "frequency", "length", "recallable"],
        (
            (row_id, profile.pk, vocabularies[profile.pk][number], 1, WORDS_EACH, True)
            for row_id, profile in rows
            for number in set(random.choices(range(VOCABULARY), cum_weights=weights, k=WORDS_EACH))
        ),
    )


def copy(table: str, columns: list[str], rows: Iterable[tuple[object, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as into:
        for row in rows:
            into.write_row(row)


def word(number: int) -> str:
    return f"zq{number}"


def queries(count: int = QUERIES) -> list[str]:
    """Six words each, common and rare ones."""
    return [" ".join(word(random.randrange(10 ** random.randint(1, 3))) for _ in range(6)) for _ in range(count)]


def _vector_part(access: MemoryAccess) -> Iterator[str]:
    """As the server times it: sending a vector there costs the same with either plan."""
    vectors = np.random.default_rng(7).standard_normal((QUERIES * RUNS, MiniLM.dimensions))
    found: dict[str, list[float]] = {"on": [], "off": []}
    for vector in vectors:
        for setting, times in found.items():
            times.append(_executed_in(access.profile, HalfVector(vector.tolist()).to_text(), index_only=setting))
    covered, baseline = Times.of(found["on"]), Times.of(found["off"])
    yield ratio("vector part against no index-only scan, p50", covered.p50, baseline.p50, most=0.5)
    yield line("vector part", covered)
    yield line("vector part, no index-only scan (baseline)", baseline)


def _executed_in(profile: MemoryProfile, vector: str, *, index_only: str) -> float:
    """Milliseconds."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('enable_indexonlyscan', %s, true)", [index_only])
        cursor.execute(
            f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {VECTOR_PART}",
            {"vector": vector, "profile": profile.pk, "model": MiniLM.name},
        )
        [(plan,)] = cursor.fetchall()
    return float((json.loads(plan) if isinstance(plan, str) else plan)[0]["Execution Time"])


def _whole(access: MemoryAccess) -> Iterator[str]:
    asked = queries()
    for query in asked:
        # The embedder is measured apart: here each query finds its vector in the cache.
        recall.recall(access, query)
    took = [recall.recall(access, query).took_ms for _ in range(RUNS) for query in asked]
    times = Times.of(took)
    yield goal("whole recall without embedding, p95", times.p95, most=5)
    yield line("whole recall without embedding", times)


def _embedder() -> Iterator[str]:
    """New sentences, and the same again from the cache, with the share of all texts that it knew."""
    one, many = in_turn(
        lambda: MiniLM().embed([_sentence()]),
        lambda: MiniLM().embed([_sentence() for _ in range(32)]),
        runs=40,
    )
    known = [_sentence() for _ in range(32)]
    MiniLM().embed(known)
    [cached] = in_turn(lambda: MiniLM().embed(known), runs=40)
    yield line("embedder, one sentence", one)
    yield line("embedder, 32 sentences at once", many)
    yield line("embedder, sentences a second (one | at once)", f"{1000 / one.p50:.0f} | {32_000 / many.p50:.0f}")
    yield line("embedder, sentences a second from its cache", f"{32_000 / cached.p50:,.0f}")
    yield line(
        "hit rate of the cache, this run", f"{cache_of_vectors.hit_rate:.0%} of {cache_of_vectors.most:,} entries"
    )


def _sentence() -> str:
    return f"I told my neighbour number {random.random()} about the {word(random.randrange(1_000))}"
