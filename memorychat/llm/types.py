"""What every model and embedder promises, and what passes between them and us."""

import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]


class ProviderError(Exception):
    """A model or embedder did not do its part.

    `permanent` says that asking again cannot help (a wrong key, a refused request); `code` is a stable word for the
    page: unreachable, timeout, refused, rate_limited, interrupted, nonsense, too_long. `again_after`: the seconds that
    the provider asks to wait, where it does.
    """

    def __init__(self, message: str, *, code: str, permanent: bool = False, again_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.permanent = permanent
        self.again_after = again_after


@dataclass(frozen=True)
class ChatMessage:
    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True)
class KnownMemory:
    """A recalled memory as a model is given it. `number` is how an answer names it, from 1.

    `is_disputed`: another memory says otherwise, and their owner has not decided; `contradicts` are the numbers of
    those that are given too.
    """

    number: int
    text: str
    said_at: datetime
    relevance: float
    is_disputed: bool = False
    contradicts: tuple[int, ...] = ()

    def line(self) -> str:
        others = ", ".join(f"[{number}]" for number in self.contradicts) or "another memory"
        disputed = f" (contradicts {others})" if self.is_disputed else ""
        return f"[{self.number}] ({self.said_at:%Y-%m-%d}) {self.text}{disputed}"


@dataclass(frozen=True)
class ToolSpec:
    """A tool that a model may call; `parameters` is the JSON schema of its arguments, an object."""

    name: str
    description: str
    parameters: dict[str, object]


@dataclass(frozen=True)
class ToolCall:
    """What a model wants done. `arguments` is JSON as the model wrote it, which need not be right."""

    id: str
    name: str
    arguments: str

    def given(self) -> dict[str, object] | None:
        """The arguments, or None where they are no JSON object."""
        try:
            given = json.loads(self.arguments)
        except (ValueError, RecursionError):
            return None
        return given if isinstance(given, dict) else None


# Characters of the arguments of all calls of one answer.
MOST_ARGUMENTS = 200_000


def check_arguments(length: int) -> None:
    """Raises ProviderError for more than any tool takes."""
    if length > MOST_ARGUMENTS:
        raise ProviderError("The model does not come to an end.", code="too_long")


@dataclass(frozen=True)
class ToolRound:
    """What a model said before it called tools, its calls, and what each of them answered, in the same order."""

    text: str
    calls: Sequence[ToolCall]
    results: Sequence[str]


@dataclass(frozen=True)
class Prompt:
    """All that a model is given for one answer. The last message of the history is the person's.

    `tools` may be called, as `use_of_tools` says, unless not `may_call`; `rounds` are the calls that were made for this
    answer so far. `most_tokens` may be answered, where that is something else than the settings say.
    """

    instructions: str
    history: Sequence[ChatMessage]
    memories: Sequence[KnownMemory] = ()
    reads_memories: bool = True
    writes_memories: bool = True
    json_schema: dict[str, object] | None = None
    tools: Sequence[ToolSpec] = ()
    use_of_tools: str = ""
    rounds: Sequence[ToolRound] = ()
    may_call: bool = True
    most_tokens: int | None = None

    @property
    def question(self) -> str:
        return self.history[-1].text

    def system_text(self) -> str:
        """Instructions first, for tools only where there are any; recalled memories last, fenced and named as data."""
        lines = "\n".join(known.line() for known in self.memories)
        parts = [
            self.instructions,
            self.use_of_tools if self.tools and self.may_call else "",
            f"<memories>\n{lines}\n</memories>" if lines else "",
        ]
        return "\n\n".join(filter(None, parts))


@dataclass(frozen=True)
class Asked:
    """This model is given the prompt now: it is named before it answers, for it has seen the words even if it fails."""

    provider: str
    model: str


@dataclass(frozen=True)
class Failed:
    """The model that was asked last did not answer, with the code of its ProviderError; another try comes."""

    code: str


@dataclass(frozen=True)
class Finished:
    """The model ended by itself. Without one of these, an answer is cut and not complete."""

    reason: str
    input_tokens: int = 0
    output_tokens: int = 0


Piece = str | ToolCall | Asked | Failed | Finished


def says_something(piece: Piece) -> bool:
    """Whether a person hears of it, or something is done by it."""
    return isinstance(piece, ToolCall) or (isinstance(piece, str) and bool(piece.strip()))


# An answer as it comes: text, calls of tools, then one `Finished`.
Pieces = AsyncGenerator[Piece, None]


class ChatModel(Protocol):
    """A language model that streams an answer. `provider` and `model` are what a receipt names."""

    provider: str
    model: str

    def stream(self, prompt: Prompt, *, correlation_id: str) -> Pieces:
        """Pieces of text and calls of tools, then one `Finished`; raises ProviderError."""
        ...

    async def aclose(self) -> None:
        """Give back what is held open for the running event loop."""
        ...


@dataclass(frozen=True)
class Calibration:
    """What the cosines of one embedder mean, as measured on pairs of texts.

    Two unrelated texts have a cosine around `background` ± `spread`. A question and the memory that answers it reach
    the relevance 0.5 at `middle` standard scores, and `steepness` says how fast relevance rises around it. `scale` maps
    cosines to the common 0–1 scale on which thresholds stand: pairs (cosine, position), rising in both.
    """

    background: float
    spread: float
    middle: float
    steepness: float
    scale: tuple[tuple[float, float], ...]

    def position(self, cosine: float) -> float:
        cosines, positions = zip(*self.scale, strict=True)
        return float(np.interp(cosine, cosines, positions))


class Embedder(Protocol):
    """Turns texts into unit vectors. Vectors of different `name` are never compared."""

    name: str
    dimensions: int
    calibration: Calibration

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """One vector a text, in order; raises ProviderError."""
        ...
