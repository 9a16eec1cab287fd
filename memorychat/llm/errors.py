"""What the clients of OpenAI and Anthropic raise, in our words; none of them quotes what was sent.

Both clients are made by the same generator, and name their errors alike.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import ModuleType
from typing import Any

import httpx2

from memorychat.llm.types import ProviderError


@contextmanager
def named_errors(client: ModuleType) -> Iterator[None]:
    """Raises ProviderError in the place of whatever the client, given as its module, raises."""
    try:
        yield
    except client.APITimeoutError as error:
        raise ProviderError("The model did not answer in time.", code="timeout") from error
    except client.APIConnectionError as error:
        raise ProviderError("The model cannot be reached.", code="unreachable") from error
    except httpx2.TransportError as error:
        # The connection itself had been made: it broke under the answer.
        raise ProviderError("The model's answer broke off.", code="interrupted") from error
    except client.APIStatusError as error:
        raise _of_status(error) from error
    except (client.APIError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ProviderError("The model answered something that is no answer.", code="nonsense") from error


# Besides 429, what Anthropic says when it is overloaded.
BUSY = (429, 529)
FIRST_OF_SERVER = 500


def _of_status(error: Any) -> ProviderError:
    status: int = error.status_code
    if status in BUSY:
        wait = _again_after(error.response.headers.get("retry-after"))
        return ProviderError("The model's provider asks to wait.", code="rate_limited", again_after=wait)
    if status >= FIRST_OF_SERVER:
        return ProviderError(f"The model's server failed ({status}).", code="unreachable")
    return ProviderError(f"The model's provider refused the request ({status}).", code="refused", permanent=True)


def _again_after(value: str | None) -> float | None:
    """Seconds, from a header that holds them or a date."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
