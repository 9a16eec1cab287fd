from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings

from conversations import replies
from memorychat.llm.fakes import FakeChat
from memorychat.llm.providers import CHAT_MODELS, forget_models

UseModel = Callable[[FakeChat], FakeChat]


@pytest.fixture
def use_model(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> UseModel:
    """Have a fake model answer from here on."""

    def use(model: FakeChat) -> FakeChat:
        monkeypatch.setitem(CHAT_MODELS, "fake", lambda: model)
        settings.LLM_PROVIDERS = ["fake", "builtin"]
        forget_models()
        return model

    return use


@pytest.fixture(autouse=True)
def no_running_replies() -> Iterator[None]:
    yield
    replies.running.clear()
    replies.draining.clear()
