"""The line under an answer: who was given the prompt, who wrote it, and what that took."""

from collections.abc import Sequence
from typing import Any, Protocol

from memories.models import PrivacyMode

# Of what is dearer than this, cents are told; of the rest the first digits that say something.
FINE = 0.01


class Made(Protocol):
    """A receipt, or the draft of one."""

    provider: str
    model: str
    seen_by: Any
    input_tokens: int
    output_tokens: int
    took_ms: float

    @property
    def cost(self) -> float | None: ...


def line_of(made: Made, mode: PrivacyMode, *, read: int) -> list[str]:
    """Its parts, as many as are known."""
    return [
        _makers(made.seen_by, made.provider, made.model),
        _kept(mode, read),
        f"{made.input_tokens + made.output_tokens:,} tokens" if made.input_tokens + made.output_tokens else "",
        "" if made.cost is None else _dollars(made.cost),
        f"{made.took_ms / 1000:.1f} s",
    ]


def _makers(seen_by: Sequence[dict[str, str]], provider: str, model: str) -> str:
    """All that were given the prompt, each once, those that failed too: they have seen it."""
    failed = [f"{seen['provider']} failed: {seen['code'].replace('_', ' ')}" for seen in seen_by if seen["code"]]
    if not failed:
        return f"{provider} · {model}"
    answered = [seen for seen in seen_by if not seen["code"]]
    return "; ".join([*dict.fromkeys(failed), *([f"{provider} · {model} answered"] if answered else [])])


def _kept(mode: PrivacyMode, read: int) -> str:
    """What is written is told by the notes of the margin, and comes later."""
    if mode.writes:
        return f"{read} read"
    return f"{read} read, 0 written"


def _dollars(cost: float) -> str:
    return f"${cost:.2f}" if cost >= FINE else f"${cost:.2g}" if cost else "$0"
