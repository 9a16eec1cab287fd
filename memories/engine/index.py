"""What recall needs to find a memory: its vector, its terms and the counts of its profile. Derived, never ledgered."""

import re
import uuid
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from django.db import transaction
from django.db.models import F

from memories.engine import links
from memories.engine.types import Provenance, Slot
from memories.models import Memory, MemoryEmbedding, MemoryProfile, MemoryTerm, Status
from memorychat.lib.crypto import keyed_hash, unlock
from memorychat.lib.text import function_words, index_terms, language_of, normalise, query_terms, tokens
from memorychat.llm.providers import Keeper, Nobody, get_embedder
from memorychat.llm.types import ProviderError, Vector

LONGEST = 2**15 - 1
AT_ONCE = 5_000
MOST_SPEAKERS = 500
SENTENCE_END = re.compile(r"(?<=[.!?…])\s+")


def digest_of(profile: MemoryProfile, content: str) -> bytes:
    """Equal for texts of equal normalised words; of the raw text where no word is left (emoji alone)."""
    return keyed_hash(profile.data_key_id, "digest", normalise(content) or content)


def slot_key(profile: MemoryProfile, slot: Slot | None) -> bytes | None:
    return keyed_hash(profile.data_key_id, "slot", slot.key()) if slot else None


def hashed_terms(profile: MemoryProfile, words: Iterable[str]) -> dict[str, int]:
    """Word → the number under which it stands in the index of this profile."""
    return {word: _number(profile, "term", word) for word in words}


def speaker_key(profile: MemoryProfile, name: str) -> int | None:
    """People are asked about by their first names: "Ana Sousa" and "ana" have one key."""
    first = next(iter(tokens(name)), None)
    return _number(profile, "speaker", first) if first else None


def _number(profile: MemoryProfile, purpose: str, word: str) -> int:
    return int.from_bytes(keyed_hash(profile.data_key_id, purpose, word, size=8), "big", signed=True)


def asked_terms(profile: MemoryProfile, query: str, languages: Iterable[str]) -> tuple[list[int], list[int]]:
    """(terms, for each the number of the query's word it stands for), both of one length."""
    words = query_terms(query, set(languages) or {language_of(tokens(query))})
    pairs = [(term, at) for at, forms in enumerate(words.values()) for term in forms]
    hashed = hashed_terms(profile, {term for term, _ in pairs})
    return [hashed[term] for term, _ in pairs], [at for _, at in pairs]


def add(profile: MemoryProfile, added: Sequence[tuple[Memory, Vector | None]]) -> None:
    """Make new or reworded memories of one profile findable. The caller holds its lock."""
    terms: list[MemoryTerm] = []
    counted, languages = [0, 0], set(profile.languages)
    for memory, _ in added:
        words = tokens(memory.content)
        language = language_of(words, default=profile.owner.language)
        terms += _terms_of(memory, language, length := min(len(words), LONGEST))
        languages.add(language)
        if memory.is_recallable:
            counted = [counted[0] + 1, counted[1] + length]
    MemoryTerm.objects.bulk_create(terms, batch_size=AT_ONCE)
    MemoryEmbedding.objects.bulk_create(
        [_embedding(memory, vector) for memory, vector in added if vector is not None], batch_size=AT_ONCE
    )
    if any(counted):
        _count(profile, memories=counted[0], terms=counted[1])
    if languages > set(profile.languages):
        profile.languages = sorted(languages)
        profile.save(update_fields=["languages"])


def _terms_of(memory: Memory, language: str, length: int) -> Iterator[MemoryTerm]:
    counted = index_terms(memory.content, language)
    hashed = hashed_terms(memory.profile, counted)
    for word, count in counted.items():
        yield MemoryTerm(
            memory=memory,
            profile=memory.profile,
            term=hashed[word],
            frequency=min(count, LONGEST),
            length=length,
            recallable=memory.is_recallable,
        )


PLACED = ("thread", "position", "speaker", "asks", "stated")


def place(memory: Memory, provenance: Provenance) -> bool:
    """Note on a memory where it was said, for recall to weigh: its first thread and speaker count.

    Whether anything was noted; the caller saves the columns of `PLACED`, and holds the lock of the profile.
    """
    if not (provenance.thread or provenance.speaker) or memory.thread is not None or memory.speaker is not None:
        return False
    profile = memory.profile
    memory.thread = _number(profile, "thread", provenance.thread) if provenance.thread else None
    memory.position = provenance.position
    memory.speaker = speaker_key(profile, provenance.speaker)
    place_words(memory)
    if memory.speaker is not None and memory.speaker not in profile.speakers and len(profile.speakers) < MOST_SPEAKERS:
        profile.speakers.append(memory.speaker)
        profile.save(update_fields=["speakers"])
    return True


def place_words(memory: Memory) -> None:
    """How much its words state, for a memory of which it is known where it was said."""
    memory.asks, memory.stated = _said_in(memory.content)


def _said_in(content: str) -> tuple[bool, int]:
    """Whether it holds a question, and how many words that matter it states besides."""
    sentences = SENTENCE_END.split(content)
    stated = " ".join(sentence for sentence in sentences if not sentence.rstrip().endswith("?"))
    return "?" in content, min(len(_words_that_matter(stated)), LONGEST)


def _words_that_matter(content: str) -> list[str]:
    words = tokens(content)
    grammar = function_words(language_of(words))
    return [word for word in words if word not in grammar]


def _embedding(memory: Memory, vector: Vector) -> MemoryEmbedding:
    return MemoryEmbedding(
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


def hide(profile: MemoryProfile, memory_ids: Sequence[uuid.UUID]) -> None:
    """Many of one profile that were shown."""
    if not memory_ids:
        return
    terms = MemoryTerm.objects.filter(memory__in=memory_ids)
    lengths = dict(terms.values_list("memory", "length").distinct())
    terms.update(recallable=False)
    MemoryEmbedding.objects.filter(memory__in=memory_ids).update(recallable=False)
    _count(profile, memories=-len(memory_ids), terms=-sum(lengths.values()))


def embed(contents: Sequence[str], profile: Keeper) -> list[Vector]:
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
    return sum(_embed_missing(most, is_here=is_here) for is_here in (False, True))


def _embed_missing(most: int, *, is_here: bool) -> int:
    """Of memories whose words may all go to the same embedder."""
    keeper = Nobody(local_only=is_here)
    profiles = MemoryProfile.objects.embedded_here(is_here)
    waiting = Memory.objects.filter(status__in=[Status.ACTIVE, Status.PENDING], profile__in=profiles)
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
            _embedding(memory, vector).save()
            # Those made by a former embedder stood on another scale.
            links.renew(memory)


def drop_former_vectors() -> int:
    """Take away the vectors of embedders that are used no more, where today's has made its own, and say how many."""
    return sum(_drop_former_vectors(is_here=is_here) for is_here in (False, True))


def _drop_former_vectors(*, is_here: bool) -> int:
    name = get_embedder(Nobody(local_only=is_here)).name
    rows = MemoryEmbedding.objects.filter(profile__in=MemoryProfile.objects.embedded_here(is_here))
    done = rows.filter(model=name).values("memory")
    deleted, _ = rows.exclude(model=name).filter(memory__in=done).delete()
    return deleted


def _length(memory: Memory) -> int:
    return MemoryTerm.objects.filter(memory=memory).values_list("length", flat=True).first() or 0


def _count(profile: MemoryProfile, *, memories: int, terms: int) -> None:
    MemoryProfile.objects.filter(pk=profile.pk).update(
        memory_count=F("memory_count") + memories, term_count=F("term_count") + terms
    )
