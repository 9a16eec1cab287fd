"""How the last question to each provider went, as far as this process has asked: for its health, so kept nowhere.

How many went how is counted for `/metrics`.
"""

import time
from dataclasses import dataclass

from memorychat.lib import metrics
from memorychat.llm.types import ProviderError


@dataclass(frozen=True)
class Outcome:
    """`code` is that of the ProviderError, and empty when an answer came."""

    code: str
    at: float

    @property
    def seconds_ago(self) -> float:
        return time.monotonic() - self.at


# By the name of the provider.
last: dict[str, Outcome] = {}


def record(provider: str, error: BaseException | None) -> None:
    """What the asking ended with, None being an answer; a mistake of our own says nothing about the provider."""
    if error is None or isinstance(error, ProviderError):
        code = error.code if error else ""
        last[provider] = Outcome(code, time.monotonic())
        metrics.model_calls.labels(provider, code or "ok").inc()
