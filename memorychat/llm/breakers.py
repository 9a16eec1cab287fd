"""A breaker for each provider: who fails five times in a row is not asked for half a minute, then tried again.

They live in one process, and are forgotten with it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from purgatory import SyncCircuitBreakerFactory
from purgatory.domain.model import OpenedState

from memorychat.llm.types import ProviderError

FAILURES, CLOSED_AGAIN_AFTER = 5, 30.0

_breakers = SyncCircuitBreakerFactory(FAILURES, CLOSED_AGAIN_AFTER)


@contextmanager
def watched(provider: str) -> Iterator[None]:
    """Counts what becomes of asking this provider; raises ProviderError at once while it is not to be asked.

    What asking again cannot help says nothing of how the provider is, nor does an answer that nobody waited for.
    """
    breaker = _breakers.get_breaker(provider)
    try:
        breaker.__enter__()
    except OpenedState as error:
        raise ProviderError("The model's provider has failed again and again.", code="unreachable") from error
    try:
        yield
    except ProviderError as error:
        if not error.permanent:
            breaker.__exit__(type(error), error, error.__traceback__)
        raise
    breaker.__exit__(None, None, None)


def state(provider: str) -> str:
    """One of: closed, opened, half-opened."""
    return str(_breakers.get_breaker(provider).context.state)


def forget() -> None:
    """All are closed again."""
    global _breakers  # noqa: PLW0603  # the library has no way to forget one
    _breakers = SyncCircuitBreakerFactory(FAILURES, CLOSED_AGAIN_AFTER)
