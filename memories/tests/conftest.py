import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.db import connection
from pytest_django import Settings

from accounts.models import User
from memories import profiles
from memories.access import MemoryAccess
from memories.models import MemoryProfile
from memorychat.llm.fakes import FakeChat
from memorychat.llm.providers import CHAT_MODELS, forget_models
from memorychat.llm.types import Pieces, Prompt

UseModel = Callable[[FakeChat], FakeChat]


@dataclass
class Interrupted(FakeChat):
    """Something happens while it thinks."""

    meanwhile: Callable[[], object] = lambda: None

    async def stream(self, prompt: Prompt, *, correlation_id: str) -> Pieces:
        await asyncio.to_thread(self._have_it_happen)
        async for piece in super().stream(prompt, correlation_id=correlation_id):
            yield piece

    def _have_it_happen(self) -> None:
        try:
            self.meanwhile()
        finally:
            connection.close()


@pytest.fixture
def profile(alice: User) -> MemoryProfile:
    return profiles.default_for(alice)


@pytest.fixture
def access(alice: User, profile: MemoryProfile) -> MemoryAccess:
    """Alice's own hand in her default profile."""
    return profiles.by_hand(alice, profile)


@pytest.fixture
def work(alice: User) -> MemoryProfile:
    """Another profile of Alice's, which is empty."""
    return profiles.create(alice, "Work")


@pytest.fixture
def bobs_access(bob: User) -> MemoryAccess:
    return profiles.by_hand(bob, profiles.default_for(bob))


@pytest.fixture
def use_model(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> UseModel:
    """Have a fake model answer from here on."""

    def use(model: FakeChat) -> FakeChat:
        monkeypatch.setitem(CHAT_MODELS, "fake", lambda: model)
        settings.LLM_PROVIDERS = ["fake", "builtin"]
        forget_models()
        return model

    return use
