import numpy as np
import pytest

from memorychat.llm import minilm
from memorychat.llm.minilm import MiniLM


def cosine(one: str, other: str) -> float:
    first, second = MiniLM().embed([one, other])
    return float(first @ second)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        # As the reference implementation in torch gives them, to three places.
        ("I am vegetarian", "does not eat meat", 0.601),
        ("I live in Porto", "I moved to Lisbon", 0.580),
        ("What do I do for a living?", "I work as a nurse at the clinic", 0.436),
    ],
)
def test_cosines_are_those_of_the_reference(one: str, other: str, expected: float) -> None:
    assert cosine(one, other) == pytest.approx(expected, abs=1e-3)


def test_vectors_are_unit_length_and_the_same_alone_or_together() -> None:
    texts = ["short", "a rather longer sentence about the weather in spring", "", "x " * 1000]
    together = MiniLM().embed(texts)
    alone = [MiniLM().embed([text])[0] for text in texts]
    assert np.allclose(together, alone, atol=1e-5)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert together[0].shape == (MiniLM.dimensions,)


def test_weights_with_another_checksum_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "MODEL_SHA256", "0" * 64)
    with pytest.raises(RuntimeError, match="not the ones"):
        minilm._weights.__wrapped__()
