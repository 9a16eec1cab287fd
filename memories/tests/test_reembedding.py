"""Another embedder makes its own vectors in the background, and nobody stops finding anything meanwhile."""

from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from memories.access import MemoryAccess
from memories.engine import index, writing
from memories.engine.recall import recall
from memories.engine.types import Candidate
from memories.models import MemoryEmbedding, MemoryLink
from memorychat.llm import providers
from memorychat.llm.fakes import FakeEmbedder
from memorychat.llm.minilm import MiniLM
from memorychat.llm.types import ProviderError

pytestmark = pytest.mark.django_db

UseEmbedder = Callable[[FakeEmbedder], FakeEmbedder]


@pytest.fixture
def use_embedder(monkeypatch: pytest.MonkeyPatch) -> UseEmbedder:
    def use(embedder: FakeEmbedder) -> FakeEmbedder:
        monkeypatch.setattr(providers, "EMBEDDERS", [lambda: embedder])
        providers.forget_models()
        return embedder

    return use


@pytest.fixture(autouse=True)
def forget_models() -> object:
    yield
    providers.forget_models()


def reembed() -> str:
    out = StringIO()
    call_command("reembed_memories", stdout=out)
    return out.getvalue()


def models() -> set[str]:
    return set(MemoryEmbedding.objects.values_list("model", flat=True))


def test_a_new_embedder_takes_over_without_a_gap(access: MemoryAccess, use_embedder: UseEmbedder) -> None:
    writing.remember_all(access, [Candidate("I own a boat"), Candidate("I own a red boat"), Candidate("I like tea")])
    assert recall(access, "boat").hits[0].similarity is not None
    use_embedder(FakeEmbedder())

    before = recall(access, "boat").hits
    told = reembed()
    after = recall(access, "boat").hits

    assert {hit.memory_id for hit in before} <= {hit.memory_id for hit in after}
    assert before[0].similarity is None
    assert after[0].similarity is not None
    assert models() == {"fake"}
    assert "3 memories embedded, 3 former vectors dropped" in told
    assert MemoryLink.objects.exists()


def test_embedding_anew_twice_does_nothing_the_second_time(access: MemoryAccess, use_embedder: UseEmbedder) -> None:
    writing.remember(access, Candidate("I own a boat"))
    use_embedder(FakeEmbedder())
    reembed()
    assert "0 memories embedded, 0 former vectors dropped" in reembed()


def test_former_vectors_stay_until_the_new_embedder_has_made_its_own(
    access: MemoryAccess, use_embedder: UseEmbedder
) -> None:
    writing.remember(access, Candidate("I own a boat"))
    use_embedder(FakeEmbedder(error=ProviderError("It is down.", code="unreachable")))
    with pytest.raises(CommandError, match="Run it again"):
        reembed()
    assert index.drop_former_vectors() == 0
    assert models() == {MiniLM.name}
