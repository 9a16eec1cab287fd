"""The receipt of an answer: what was recalled and given, who saw it, and what it used up.

It holds ids and numbers alone. What the margin tells of it is in `notes`, the prompt as a whole in `seen`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from conversations import colophon
from conversations.models import Message, Receipt
from memories.engine.types import Hit, Recall
from memories.models import PrivacyMode
from memorychat.lib import markdown
from memorychat.lib.text import tokens_of
from memorychat.llm.prices import cost_of
from memorychat.llm.types import Asked, Finished

# How a model ends that has said all it wanted, or wants a tool used; anything else cut it.
BY_ITSELF = frozenset({"stop", "tool_calls", "function_call", "eos"})


@dataclass(frozen=True)
class Given:
    """A memory that the model was given, by its number in the answer, in its words after that event of the ledger."""

    number: int
    hit: Hit
    event: int
    by_tool: bool = False


@dataclass
class Draft:
    """A receipt while its answer is being written.

    `prompt` says what was in the prompt besides memories: {"files": digest of the prompt files, "on": day, "tokens":
    {section: count}, "history": ids, "summarised", "left_out", "tools": names, "steps": [{"tool", "action"}], "ended":
    "length" or "other" where the model was cut}.
    """

    mode: str
    provider: str
    model: str
    recall: Recall = field(default_factory=Recall)
    given: list[Given] = field(default_factory=list)
    seen_by: list[dict[str, str]] = field(default_factory=list)
    prompt: dict[str, Any] = field(default_factory=dict)
    written: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    is_guessed: bool = False
    first_piece_ms: float = 0.0
    took_ms: float = 0.0

    def asked(self, asked: Asked) -> None:
        self.provider, self.model = asked.provider, asked.model
        self.seen_by.append({"provider": asked.provider, "model": asked.model, "code": ""})

    def failed(self, code: str) -> None:
        """The model that was given the prompt last did not answer it, unless that is known already."""
        if self.seen_by and not self.seen_by[-1]["code"]:
            self.seen_by[-1]["code"] = code

    def guess_usage(self, text: str) -> None:
        """Of an answer that was cut, and by some servers of all, nobody tells: about as much as its words make."""
        if self.seen_by and text and not self.output_tokens:
            self.is_guessed = True
            self.input_tokens = sum(self.prompt.get("tokens", {}).values())
            self.output_tokens = tokens_of(text)

    def used(self, finished: Finished) -> None:
        if finished.reason not in BY_ITSELF:
            # What a server calls it may be anything.
            self.prompt["ended"] = "length" if finished.reason == "length" else "other"
        self.input_tokens += finished.input_tokens
        self.output_tokens += finished.output_tokens

    @property
    def cost(self) -> float | None:
        """US dollars, where the prices are known."""
        return cost_of(self.model, self.input_tokens, self.output_tokens)

    def frame(self, answer: str) -> dict[str, Any]:
        """Ids and numbers for the page; nothing of it is stored for an incognito turn."""
        return {
            "mode": self.mode,
            "recalled": _recalled(self.given, answer),
            "read": len(self.given),
            "written": self.written,
            "provider": self.provider,
            "model": self.model,
            "seen_by": self.seen_by,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cost": self.cost,
            "degraded": list(self.recall.degraded),
            "took_ms": round(self.took_ms, 1),
            "line": colophon.line_of(self, PrivacyMode(self.mode), read=len(self.given), degraded=self.recall.degraded),
        }


def _recalled(given: Sequence[Given], answer: str) -> list[dict[str, Any]]:
    cited = markdown.cited(answer)
    return [
        {
            "memory_id": str(each.hit.memory_id),
            "event": each.event,
            "number": each.number,
            "score": round(each.hit.score, 4),
            "parts": {name: round(value, 4) for name, value in asdict(each.hit.parts).items()},
            "cited": each.number in cited,
            "by_tool": each.by_tool,
        }
        for each in given
    ]


def keep(message: Message, draft: Draft, answer: str) -> Receipt:
    return Receipt.objects.create(
        message=message,
        recalled=_recalled(draft.given, answer),
        degraded=list(draft.recall.degraded),
        seen_by=draft.seen_by,
        prompt=draft.prompt,
        provider=draft.provider,
        model=draft.model,
        input_tokens=draft.input_tokens,
        output_tokens=draft.output_tokens,
        cost=draft.cost,
        recall_ms=draft.recall.took_ms,
        first_piece_ms=draft.first_piece_ms,
        took_ms=draft.took_ms,
    )


def digest_of(template: str) -> str:
    """By which it is known whether a prompt file is still the one that was used."""
    return hashlib.sha256(template.encode()).hexdigest()[:16]
