"""The words of a local-only profile reach the built-in embedder and local providers alone, whatever is done."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from pytest_django import Settings

from accounts.models import User
from accounts.tests.programs import Program
from memories import profiles
from memories.engine import writing
from memories.engine.types import Candidate
from memories.models import Memory, MemoryProfile
from memorychat.llm import providers
from memorychat.llm.fakes import FakeChat, FakeEmbedder
from memorychat.llm.minilm import MiniLM
from memorychat.llm.types import Vector

pytestmark = pytest.mark.django_db(transaction=True)

WORDS = ["I live in Porto with my dog Bruno", "I prefer tea to coffee", "Where do I live?"]


@dataclass
class Remote:
    """A provider elsewhere that keeps all that it is sent."""

    chat: FakeChat = field(default_factory=lambda: FakeChat('{"memories": [], "verdicts": []}', provider="remote"))
    texts: list[str] = field(default_factory=list)

    def embedder(self) -> FakeEmbedder:
        texts = self.texts

        class Recording(FakeEmbedder):
            def embed(self, asked: Sequence[str]) -> list[Vector]:
                texts.extend(asked)
                return super().embed(asked)

        return Recording()

    @property
    def was_asked(self) -> bool:
        return bool(self.chat.prompts or self.texts)


@pytest.fixture
def remote(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Remote]:
    remote = Remote()
    monkeypatch.setitem(providers.CHAT_MODELS, "remote", lambda: remote.chat)
    monkeypatch.setitem(providers.BASE_URLS, "remote", lambda: "https://models.example/v1")
    monkeypatch.setattr(providers, "EMBEDDERS", [remote.embedder])
    settings.LLM_PROVIDERS = ["remote", "builtin"]
    yield remote
    monkeypatch.undo()
    providers.forget_models()


@pytest.mark.parametrize("local_only", [True, False])
def test_a_local_only_profile_reaches_no_provider_elsewhere_by_any_door(
    alice: User, program: Program, remote: Remote, run_jobs: Callable[[], int], local_only: bool
) -> None:
    profile = profiles.default_for(alice)
    profiles.describe(profile, profile.name, "", local_only=local_only)

    for words in WORDS:
        told = program.call("POST", "/chat", {"message": words})
        assert told.status_code == 200
    program.call("POST", "/memories", {"content": "My sister is called Teresa"})
    program.call("POST", "/memories/batch", {"items": [{"content": "I own a boat"}]})
    program.call("POST", "/memories/search", {"query": "boat"})
    run_jobs()

    assert remote.was_asked != local_only
    assert Memory.objects.exists()


def test_a_profile_that_becomes_local_is_embedded_anew_here(
    alice: User, remote: Remote, run_jobs: Callable[[], int]
) -> None:
    profile = profiles.default_for(alice)
    writing.remember(profiles.by_hand(alice, profile), Candidate("I live in Porto"))
    profiles.describe(profile, profile.name, "", local_only=True)
    run_jobs()

    assert Memory.objects.get().embeddings.filter(model=MiniLM.name).exists()
    assert MemoryProfile.objects.get(pk=profile.pk).local_only


@pytest.mark.parametrize(
    ("address", "named", "is_local"),
    [
        ("https://models.example/v1", [], False),
        ("https://models.example/v1", ["remote"], True),
        ("http://127.0.0.1:11434/v1", [], True),
        ("http://localhost:8080", [], True),
        ("http://[::1]:8080", [], True),
        ("http://10.0.0.5:8080", [], False),
        ("http://127.0.0.1.evil.example", [], False),
        (None, [], False),
    ],
)
def test_a_provider_is_local_by_its_loopback_address_or_by_name(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, address: str | None, named: list[str], is_local: bool
) -> None:
    monkeypatch.setitem(providers.BASE_URLS, "remote", lambda: address)
    settings.LOCAL_PROVIDERS = named
    assert providers.is_local_provider("remote") is is_local
