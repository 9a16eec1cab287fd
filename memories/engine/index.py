"""What recall needs to find a memory: its vector, its terms and the counts of its profile. Derived, never ledgered."""

from collections.abc import Iterable, Sequence

import numpy as np
from django.db import transaction
from django.db.models import F

from memories.engine import links
from memories.engine.types import Slot
from memories.models import Memory, MemoryEmbedding, MemoryProfile, MemoryTerm, Status
from memorychat.lib.crypto import keyed_hash, unlock
from memorychat.lib.text import index_terms, language_of, normalise, query_terms, tokens
from memorychat.llm.providers import get_embedder
from memorychat.llm.types import ProviderError, Vector

LONGEST = 2**15 - 1


def digest_of(profile: MemoryProfile, content: str) -> bytes:
    """Equal for texts of equal normalised words; of the raw text where no word is left (emoji alone)."""
    return keyed_hash(profile.data_key_id, "digest", normalise(content) or content)


def slot_key(profile: MemoryProfile, slot: Slot | None) -> bytes | None:
    return keyed_hash(profile.data_key_id, "slot", slot.key()) if slot else None


def hashed_terms(profile: MemoryProfile, words: Iterable[str]) -> dict[str, int]:
    """Word → the number under which it stands in the index of this profile."""
    return {
        word: int.from_bytes(keyed_hash(profile.data_key_id, "term", word, size=8), "big", signed=True)
        for word in words
    }


def asked_terms(profile: MemoryProfile, query: str) -> tuple[list[int], list[int]]:
    """(terms, for each the number of the query's word it stands for), both of one length."""
    words = query_terms(query, set(profile.languages) or {language_of(tokens(query))})
    pairs = [(term, at) for at, forms in enumerate(words.values()) for term in forms]
    hashed = hashed_terms(profile, {term for term, _ in pairs})
    return [hashed[term] for term, _ in pairs], [at for _, at in pairs]


def add(memory: Memory, vector: Vector | None) -> None:
    """Make a new or reworded memory findable. The caller holds the lock of the profile."""
    profile, words = memory.profile, tokens(memory.content)
    language = language_of(words, default=profile.owner.language)
    counted = index_terms(memory.content, language)
    hashed = hashed_terms(profile, counted)
    recallable = memory.is_recallable
    length = min(len(words), LONGEST)
    MemoryTerm.objects.bulk_create(
        MemoryTerm(
            memory=memory,
            profile=profile,
            term=hashed[word],
            frequency=min(count, LONGEST),
            length=length,
            recallable=recallable,
        )
        for word, count in counted.items()
    )
    if vector is not None:
        add_vector(memory, vector)
    if recallable:
        _count(profile, memories=1, terms=length)
    if language not in profile.languages:
        profile.languages.append(language)
        profile.save(update_fields=["languages"])


def add_vector(memory: Memory, vector: Vector) -> None:
    MemoryEmbedding.objects.create(
        memory=memory,
        profile=memory.profile,
        model=get_embedder(memory.profile).name,
        embedding=vector.tolist(),
        recallable=memory.is_recallable,
    )


def remove(memory: Memory, *, was_recallable: bool) -> None:
    """Take away what stands for the former words, before the new ones are added."""
    length = _length(memory)
    MemoryTerm.objects.filter(memory=memory).delete()
    MemoryEmbedding.objects.filter(memory=memory).delete()
    if was_recallable:
        _count(memory.profile, memories=-1, terms=-length)


def show(memory: Memory, *, recallable: bool) -> None:
    """Let recall find it, or hide it from recall."""
    MemoryTerm.objects.filter(memory=memory).update(recallable=recallable)
    MemoryEmbedding.objects.filter(memory=memory).update(recallable=recallable)
    sign = 1 if recallable else -1
    _count(memory.profile, memories=sign, terms=sign * _length(memory))


def embed(contents: Sequence[str], profile: MemoryProfile) -> list[Vector]:
    """One call for all. It is slow: never inside a transaction.

    Raises ProviderError, also when what comes back are no vectors: too few, too short, of zeros or of no numbers.
    """
    embedder = get_embedder(profile)
    vectors = embedder.embed(contents)
    if len(vectors) != len(contents) or not all(_is_vector(vector, embedder.dimensions) for vector in vectors):
        raise ProviderError("The embedder gave no usable vectors.", code="nonsense")
    return vectors


def _is_vector(vector: Vector, dimensions: int) -> bool:
    """A zero vector is near to nothing, and a NaN is no number."""
    return vector.shape == (dimensions,) and bool(np.isfinite(vector).all()) and bool(vector.any())


def embed_missing(most: int) -> int:
    """Give up to so many memories the vector of today's embedder, and say how many got one. Raises ProviderError."""
    return sum(_embed_missing(most, is_local=is_local) for is_local in (False, True))


def _embed_missing(most: int, *, is_local: bool) -> int:
    """Of memories whose words may all go to the same embedder."""
    keeper = MemoryProfile(local_only=is_local)
    waiting = Memory.objects.filter(status__in=[Status.ACTIVE, Status.PENDING], profile__local_only=is_local)
    waiting = waiting.exclude(embeddings__model=get_embedder(keeper).name).select_related("profile")
    rows = list(waiting.order_by("pk")[:most])
    if not rows:
        return 0
    unlock(rows)
    contents = [row.content for row in rows]
    for row, content, vector in zip(rows, contents, embed(contents, keeper), strict=True):
        _add_missing(row, content, vector)
    return len(rows)


def _add_missing(row: Memory, content: str, vector: Vector) -> None:
    """Under the lock of the profile, for meanwhile the memory may have been reworded, hidden or embedded."""
    with transaction.atomic(durable=True):
        MemoryProfile.objects.select_for_update(no_key=True).get(pk=row.profile_id)
        memory = Memory.objects.select_related("profile").get(pk=row.pk)
        if memory.content == content and not memory.embeddings.filter(model=get_embedder(memory.profile).name).exists():
            add_vector(memory, vector)
            # Those made by a former embedder stood on another scale.
            links.renew(memory)


def drop_former_vectors() -> int:
    """Take away the vectors of embedders that are used no more, where today's has made its own, and say how many."""
    return sum(_drop_former_vectors(is_local=is_local) for is_local in (False, True))


def _drop_former_vectors(*, is_local: bool) -> int:
    name = get_embedder(MemoryProfile(local_only=is_local)).name
    rows = MemoryEmbedding.objects.filter(profile__local_only=is_local)
    done = rows.filter(model=name).values("memory")
    deleted, _ = rows.exclude(model=name).filter(memory__in=done).delete()
    return deleted


def _length(memory: Memory) -> int:
    return MemoryTerm.objects.filter(memory=memory).values_list("length", flat=True).first() or 0


def _count(profile: MemoryProfile, *, memories: int, terms: int) -> None:
    MemoryProfile.objects.filter(pk=profile.pk).update(
        memory_count=F("memory_count") + memories, term_count=F("term_count") + terms
    )
