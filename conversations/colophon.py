"""The line under an answer: who was given the prompt, who wrote it, and what that took."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

from memories.models import PrivacyMode
from memorychat.llm.builtin import BuiltinChat
from memorychat.llm.providers import label_of

# Of what is dearer than this, cents are told; of the rest the first digits that say something.
FINE = 0.01
KEYWORDS_ALONE = "searched by keywords alone"


class Made(Protocol):
    """A receipt, or the draft of one."""

    provider: str
    model: str
    seen_by: Any
    prompt: Any
    input_tokens: int
    output_tokens: int
    took_ms: float

    @property
    def cost(self) -> float | None: ...


def line_of(made: Made, mode: PrivacyMode, *, read: int, degraded: Sequence[str] = ()) -> list[str]:
    """Its parts, as many as are known; `degraded` is what of the search could take no part."""
    return [
        _makers(made.seen_by, made.provider, made.model),
        _kept(mode, read),
        KEYWORDS_ALONE if "vectors" in degraded else "",
        *_earlier(made.prompt),
        f"{made.input_tokens + made.output_tokens:,} tokens" if made.input_tokens + made.output_tokens else "",
        "" if made.cost is None else _dollars(made.cost),
        f"{made.took_ms / 1000:.1f} s",
    ]


def _makers(seen_by: Sequence[dict[str, str]], provider: str, model: str) -> str:
    """All that were given the prompt, each once, those that failed too: they have seen it."""
    failed = [f"{label_of(seen['provider'])} failed: {_reason(seen)}" for seen in seen_by if seen["code"]]
    if not failed:
        return name_of(provider, model)
    answered = [seen for seen in seen_by if not seen["code"]]
    return "; ".join([*dict.fromkeys(failed), *([f"{name_of(provider, model)} answered"] if answered else [])])


def name_of(provider: str, model: str) -> str:
    """The built-in responder is no model of anybody's."""
    label = label_of(provider)
    return label if provider == BuiltinChat.provider else f"{label} · {model}"


def told_of(seen_by: Sequence[dict[str, str]]) -> list[str]:
    """All that were given the prompt, how often, and how they failed, in the order in which each was asked first."""
    names = [
        name_of(seen["provider"], seen["model"]) + (f" (failed: {_reason(seen)})" if seen["code"] else "")
        for seen in seen_by
    ]
    return [name if count == 1 else f"{name}, {count} times" for name, count in Counter(names).items()]


def _reason(seen: dict[str, str]) -> str:
    return seen["code"].replace("_", " ")


def _earlier(prompt: dict[str, Any]) -> list[str]:
    """What the model was not given again in full."""
    summarised, left_out = prompt.get("summarised", 0), prompt.get("left_out", 0)
    return [
        f"{summarised:,} earlier messages summarised" if summarised else "",
        f"{left_out:,} earlier messages left out" if left_out else "",
    ]


def _kept(mode: PrivacyMode, read: int) -> str:
    """What is written is told by the notes of the margin, and comes later."""
    if mode.writes:
        return f"{read} read"
    return f"{read} read, 0 written"


def _dollars(cost: float) -> str:
    return f"${cost:.2f}" if cost >= FINE else f"${cost:.2g}" if cost else "$0"
