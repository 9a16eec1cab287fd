from collections.abc import Sequence

import numpy as np
import pytest

from memorychat.llm.minilm import MiniLM, cache_of_vectors
from memorychat.llm.types import ProviderError, Vector
from memorychat.llm.vector_cache import VectorCache


class Asked:
    """Embeds a text as its length, and keeps what it was asked."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, texts: Sequence[str]) -> list[Vector]:
        self.texts += texts
        return [np.array([len(text)], dtype=np.float32) for text in texts]


def test_a_text_that_was_embedded_is_not_embedded_again() -> None:
    vectors, asked = VectorCache(10), Asked()
    vectors.embed(["one", "three"], asked)
    assert [float(vector[0]) for vector in vectors.embed(["three", "seven", "three"], asked)] == [5, 5, 5]
    assert asked.texts == ["one", "three", "seven"]
    assert (vectors.hits, vectors.misses, vectors.hit_rate) == (2, 3, 0.4)


def test_what_was_not_asked_for_longest_goes_first() -> None:
    vectors, asked = VectorCache(2), Asked()
    for texts in (["a"], ["bb"], ["a"], ["ccc"], ["a"], ["bb"]):
        vectors.embed(texts, asked)
    assert len(vectors) == 2
    assert asked.texts == ["a", "bb", "ccc", "bb"]


def test_an_embedder_that_fails_leaves_nothing_behind() -> None:
    def fail(texts: Sequence[str]) -> list[Vector]:
        raise ProviderError("It is down.", code="unreachable")

    vectors = VectorCache(2)
    with pytest.raises(ProviderError):
        vectors.embed(["a"], fail)
    assert len(vectors) == 0
    assert vectors.hit_rate == 0


def test_no_words_are_kept() -> None:
    vectors = VectorCache(2)
    vectors.embed(["my secret"], Asked())
    assert b"secret" not in repr(vars(vectors)).encode()


def test_the_built_in_embedder_gives_the_same_vector_from_its_cache() -> None:
    [alone] = MiniLM().embed(["A sentence for the cache"])
    before = cache_of_vectors.hits
    again, _ = MiniLM().embed(["A sentence for the cache", "Another one beside it"])
    assert cache_of_vectors.hits == before + 1
    assert np.array_equal(alone, again)
    assert not alone.flags.writeable
