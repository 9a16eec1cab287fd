"""Models that do what they are told, for tests and benchmarks, so that nothing has to be mocked."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from memorychat.lib.text import tokens
from memorychat.llm.types import Calibration, Finished, Pieces, Prompt, ProviderError, ToolCall, Vector


@dataclass
class FakeChat:
    """Streams `answer` word by word, `pause` seconds apart, and keeps every prompt it was given.

    With `error` it raises after `cut_after` words; with `finishes=False` it ends as a cut stream does. `calls` are the
    tools that it calls first, round by round, as pairs of name and JSON. `found` is what it answers a job that wants
    JSON, where that is something else. Without `counts` it does not say what it used up, like many servers.
    """

    answer: str = "An answer."
    pause: float = 0.0
    error: ProviderError | None = None
    cut_after: int | None = None
    finishes: bool = True
    provider: str = "fake"
    model: str = "fake"
    calls: Sequence[Sequence[tuple[str, str]]] = ()
    found: str | None = None
    counts: bool = True
    prompts: list[Prompt] = field(default_factory=list)

    async def stream(self, prompt: Prompt, *, correlation_id: str) -> Pieces:
        self.prompts.append(prompt)
        if prompt.tools and prompt.may_call and len(prompt.rounds) < len(self.calls):
            for number, (name, arguments) in enumerate(self.calls[len(prompt.rounds)]):
                yield ToolCall(f"call-{len(prompt.rounds)}-{number}", name, arguments)
            yield Finished("tool_calls", input_tokens=10, output_tokens=5)
            return
        answer = self.found if prompt.json_schema and self.found is not None else self.answer
        words = answer.split(" ")[: self.cut_after]
        for at, word in enumerate(words):
            if self.pause:
                await asyncio.sleep(self.pause)
            yield word if at == len(words) - 1 else f"{word} "
        if self.error:
            raise self.error
        if self.finishes:
            used = (10, len(words)) if self.counts else (0, 0)
            yield Finished("stop", *used)

    async def aclose(self) -> None:
        """Holds nothing."""


@dataclass
class FakeEmbedder:
    """The same words give the same vector, common words a high cosine. With `error` it is down."""

    name: str = "fake"
    dimensions: int = 64
    error: ProviderError | None = None
    calibration: ClassVar[Calibration] = Calibration(
        background=0.0, spread=0.15, middle=2.0, steepness=1.0, scale=((0.0, 0.0), (1.0, 1.0))
    )

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        if self.error:
            raise self.error
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> Vector:
        vector = np.full(self.dimensions, 1e-3, dtype=np.float32)
        for word in tokens(text):
            seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=4).digest(), "big")
            vector += np.random.default_rng(seed).standard_normal(self.dimensions).astype(np.float32)
        unit: Vector = vector / np.linalg.norm(vector)
        return unit
