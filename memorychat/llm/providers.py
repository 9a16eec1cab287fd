"""Which model and which embedder are used, by the settings."""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from itertools import takewhile
from typing import Protocol
from urllib.parse import urlsplit

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

from memorychat.llm import breakers, metering
from memorychat.llm.anthropic import AnthropicChat
from memorychat.llm.builtin import BuiltinChat
from memorychat.llm.fallback import FallbackChat
from memorychat.llm.metering import Heard, Purpose
from memorychat.llm.minilm import MiniLM
from memorychat.llm.openai import OpenAIChat, OpenAIEmbedder
from memorychat.llm.types import ChatModel, Embedder, Prompt

DEFAULT_EMBEDDING_MODEL, DEFAULT_DIMENSIONS = "text-embedding-3-small", 512
# Named always: left open, the client would look into the environment by itself.
OPENAI_URL = "https://api.openai.com/v1"
ANTHROPIC_URL = "https://api.anthropic.com"
# Servers of one's own ask for no key, but the client wants one.
NO_KEY = "none"


def _openai_chat() -> ChatModel | None:
    if not (settings.OPENAI_API_KEY or settings.OPENAI_BASE_URL):
        return None
    return OpenAIChat(
        settings.OPENAI_MODEL,
        api_key=settings.OPENAI_API_KEY or NO_KEY,
        base_url=settings.OPENAI_BASE_URL or OPENAI_URL,
        temperature=settings.LLM_TEMPERATURE,
        max_tokens=settings.LLM_MAX_TOKENS,
        timeout=settings.LLM_TIMEOUT_SECONDS,
    )


def _anthropic_chat() -> ChatModel | None:
    if not (settings.ANTHROPIC_API_KEY or settings.ANTHROPIC_BASE_URL):
        return None
    return AnthropicChat(
        settings.ANTHROPIC_MODEL,
        api_key=settings.ANTHROPIC_API_KEY or NO_KEY,
        base_url=settings.ANTHROPIC_BASE_URL or ANTHROPIC_URL,
        max_tokens=settings.LLM_MAX_TOKENS,
        timeout=settings.LLM_TIMEOUT_SECONDS,
    )


def _openai_embedder() -> Embedder | None:
    """An embedder that is named; else OpenAI's own, with an OpenAI key and no other base URL."""
    named = settings.EMBEDDING_BASE_URL or settings.EMBEDDING_MODEL
    if not named and (settings.OPENAI_BASE_URL or not settings.OPENAI_API_KEY):
        return None
    return OpenAIEmbedder(
        settings.EMBEDDING_MODEL or DEFAULT_EMBEDDING_MODEL,
        dimensions=settings.EMBEDDING_DIMENSIONS or DEFAULT_DIMENSIONS,
        api_key=settings.EMBEDDING_API_KEY or settings.OPENAI_API_KEY or NO_KEY,
        # A model that is named alone is asked where the chat model is: words never go to another place than was chosen.
        base_url=settings.EMBEDDING_BASE_URL or settings.OPENAI_BASE_URL or OPENAI_URL,
        timeout=settings.LLM_TIMEOUT_SECONDS,
    )


# Each gives None where nothing is configured for it. `LLM_PROVIDERS` names chat models in the order of preference.
CHAT_MODELS: dict[str, Callable[[], ChatModel | None]] = {
    "openai": _openai_chat,
    "anthropic": _anthropic_chat,
    "builtin": BuiltinChat,
}
BASE_URLS: dict[str, Callable[[], str | None]] = {
    "openai": lambda: settings.OPENAI_BASE_URL,
    "anthropic": lambda: settings.ANTHROPIC_BASE_URL,
}
EMBEDDERS: list[Callable[[], Embedder | None]] = [_openai_embedder, MiniLM]


LABELS = {"openai": "OpenAI", "anthropic": "Anthropic", "builtin": "The built-in responder"}


def label_of(provider: str) -> str:
    """As people know it; a server of one's own speaks OpenAI's or Anthropic's format, but is not theirs."""
    label, address = LABELS.get(provider, provider), BASE_URLS.get(provider, lambda: None)()
    return f"{urlsplit(address).hostname} ({label}'s format)" if address else label


def configured() -> list[str]:
    """Those of whom something can be asked, in the order of `LLM_PROVIDERS`; the built-in responder always."""
    named = [name for name in settings.LLM_PROVIDERS if name != BuiltinChat.provider and model_of(name)]
    return [*named, BuiltinChat.provider]


class Keeper(Protocol):
    """Whatever words belong to. `local_only`: they reach the built-in embedder and local providers alone.

    `providers` may answer them, in the order of preference: nobody else. None leaves it to `LLM_PROVIDERS`.
    `embeds_here` says that no embedder but the built-in one sees them. What they use up is counted for `owner_id`.
    """

    @property
    def owner_id(self) -> uuid.UUID | None: ...

    @property
    def local_only(self) -> bool: ...

    @property
    def providers(self) -> Sequence[str] | None: ...

    @property
    def embeds_here(self) -> bool: ...


@dataclass(frozen=True)
class Nobody:
    """Whose words nobody has to keep, for there are none: when it is asked what is configured."""

    local_only: bool = False
    providers: Sequence[str] | None = None
    owner_id: None = None

    @property
    def embeds_here(self) -> bool:
        return self.local_only


def get_chat_model(keeper: Keeper) -> ChatModel:
    """Those that may see the words, in their order; the built-in responder when that is nobody, or it comes first.

    The built-in responder never takes the place of a model that failed: its words would be taken for the model's.
    """
    return _chat_model(providers_of(keeper))


def has_language_model(keeper: Keeper) -> bool:
    return not isinstance(get_chat_model(keeper), BuiltinChat)


def providers_of(keeper: Keeper) -> tuple[str, ...]:
    """Who may see the words, in the order of preference, whether or not they are configured."""
    names = settings.LLM_PROVIDERS if keeper.providers is None else keeper.providers
    return tuple(name for name in names if is_local_provider(name) or not keeper.local_only)


def get_embedder(keeper: Keeper) -> Embedder:
    return _embedder(is_local=keeper.embeds_here)


@cache
def _chat_model(names: tuple[str, ...]) -> ChatModel:
    before_builtin = takewhile(lambda name: name != BuiltinChat.provider, names)
    models = [model for model in map(model_of, before_builtin) if model]
    return FallbackChat(models, silence=settings.LLM_TIMEOUT_SECONDS) if models else BuiltinChat()


@cache
def model_of(name: str) -> ChatModel | None:
    """What is configured under this name of `CHAT_MODELS`, if anything."""
    make = CHAT_MODELS.get(name)
    return make() if make else None


@cache
def _embedder(*, is_local: bool) -> Embedder:
    return MiniLM() if is_local else next(embedder for embedder in (make() for make in EMBEDDERS) if embedder)


def is_local_provider(name: str) -> bool:
    """Whether words that it is given stay here: it is built in, declared local, or reached at a loopback address."""
    if name == BuiltinChat.provider or name in settings.LOCAL_PROVIDERS:
        return True
    return _is_loopback(urlsplit(BASE_URLS.get(name, lambda: None)() or "").hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def warm_up() -> None:
    """Read the weights of the built-in embedder now, so that nobody's first question waits for them."""
    embedder = get_embedder(Nobody())
    if isinstance(embedder, MiniLM):
        embedder.embed(["warm"])


def complete(
    model: ChatModel, prompt: Prompt, *, keeper: Keeper, correlation_id: str, purpose: Purpose = Purpose.LEARNING
) -> str:
    """The text of an answer as a whole, for jobs; raises ProviderError, also when the answer was cut.

    It is counted in the name of the `keeper` of the words, as far as it came.
    """
    if model.provider != BuiltinChat.provider:
        metering.admit(keeper.owner_id)
    heard = Heard(model)
    try:
        # A loop of its own: `async_to_sync` would take the worker's, which all of its jobs share.
        asyncio.run(_hear(heard, model, prompt, correlation_id))
    finally:
        metering.count(keeper.owner_id, heard.spent(prompt), purpose)
    return heard.text


async def _hear(heard: Heard, model: ChatModel, prompt: Prompt, correlation_id: str) -> None:
    try:
        async with aclosing(model.stream(prompt, correlation_id=correlation_id)) as pieces:
            async for piece in pieces:
                heard.take(piece)
    finally:
        # Its connections belong to the loop that ends with this.
        await model.aclose()


def forget_models() -> None:
    """Make them anew when they are asked for next."""
    _chat_model.cache_clear()
    model_of.cache_clear()
    breakers.forget()
    _embedder.cache_clear()


@receiver(setting_changed)
def _settings_changed(**_: object) -> None:
    """Tests change settings; what was made from the former ones must go."""
    forget_models()
