import pytest
from pytest_django import Settings

from memorychat.llm.fallback import FallbackChat
from memorychat.llm.minilm import MiniLM
from memorychat.llm.openai import OpenAIChat, OpenAIEmbedder
from memorychat.llm.providers import Nobody, get_chat_model, get_embedder, has_language_model

OURS = "http://127.0.0.1:9/v1"
OPENAI = "https://api.openai.com/v1"


def test_with_nothing_configured_all_stays_on_this_machine() -> None:
    assert not has_language_model(Nobody())
    assert isinstance(get_embedder(Nobody()), MiniLM)


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({"OPENAI_API_KEY": "k"}, OPENAI),
        ({"OPENAI_BASE_URL": OURS}, OURS),
        ({"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": OURS}, OURS),
    ],
)
def test_the_chat_model_is_asked_where_it_was_chosen(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], asked: str
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    settings.LLM_PROVIDERS = ["openai", "builtin"]
    for name, value in given.items():
        setattr(settings, name, value)
    chain = get_chat_model(Nobody())
    assert isinstance(chain, FallbackChat)
    [model] = chain.models
    assert isinstance(model, OpenAIChat)
    assert model._settings["base_url"] == asked
    assert model._is_openai == (asked == OPENAI)


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({"OPENAI_API_KEY": "k"}, OPENAI),
        ({"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": OURS}, None),
        ({"OPENAI_BASE_URL": OURS, "EMBEDDING_MODEL": "e"}, OURS),
        ({"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": OURS, "EMBEDDING_MODEL": "e"}, OURS),
        ({"OPENAI_API_KEY": "k", "EMBEDDING_BASE_URL": OURS}, OURS),
    ],
)
def test_memories_are_embedded_where_it_was_chosen_and_nowhere_else(
    settings: Settings, given: dict[str, str], asked: str | None
) -> None:
    for name, value in given.items():
        setattr(settings, name, value)
    embedder = get_embedder(Nobody())
    if asked is None:
        assert isinstance(embedder, MiniLM)
        return
    assert isinstance(embedder, OpenAIEmbedder)
    assert str(embedder._client.base_url).rstrip("/") == asked
