"""What is used up where a model is asked in a person's name, and whether it may be asked.

Whose limits are which is known above: an upper layer hands in its meter, and until then nothing is counted. Jobs and
tests of a provider are counted where they ask (`memorychat.llm.providers.complete`); an answer that streams is counted
by whoever streams it.
"""

import json
import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from memorychat.lib.text import tokens_of
from memorychat.llm.builtin import BuiltinChat
from memorychat.llm.types import Asked, ChatModel, Finished, Piece, Prompt


class Purpose(StrEnum):
    """What a model was asked for. Learning is all that jobs ask: memories, titles, summaries, episodes."""

    ANSWERS = "answers"
    LEARNING = "learning"
    TRIALS = "trials"


@dataclass(frozen=True)
class Spent:
    """What one question to a model used up; `is_guessed` where the server does not say."""

    provider: str
    model: str
    input_tokens: int
    output_tokens: int
    is_guessed: bool = False


class Meter(Protocol):
    """Who counts, and knows what is too much."""

    def admit(self, person_id: uuid.UUID) -> None:
        """Raises ProviderError where nothing more may be asked in this person's name now."""
        ...

    def count(self, person_id: uuid.UUID, spent: Spent, purpose: Purpose) -> None: ...


_meters: list[Meter] = []


def register(meter: Meter) -> None:
    _meters[:] = [meter]


def admit(person_id: uuid.UUID | None) -> None:
    """None is nobody, who has no limit. Raises ProviderError."""
    if person_id is not None:
        for meter in _meters:
            meter.admit(person_id)


def count(person_id: uuid.UUID | None, spent: Spent | None, purpose: Purpose) -> None:
    if person_id is not None and spent is not None:
        for meter in _meters:
            meter.count(person_id, spent, purpose)


class Heard:
    """An answer to a job, as far as it came: its text, who gave it, and what it used up."""

    def __init__(self, model: ChatModel) -> None:
        self.text = ""
        self._provider, self._model = model.provider, model.model
        self._input_tokens = self._output_tokens = 0

    def take(self, piece: Piece) -> None:
        match piece:
            case str():
                self.text += piece
            case Asked():
                self._provider, self._model = piece.provider, piece.model
            case Finished():
                self._input_tokens, self._output_tokens = piece.input_tokens, piece.output_tokens

    def spent(self, prompt: Prompt) -> Spent | None:
        """None where no word came, and for the built-in responder, which costs nobody anything."""
        if self._provider == BuiltinChat.provider:
            return None
        if self._input_tokens + self._output_tokens:
            return Spent(self._provider, self._model, self._input_tokens, self._output_tokens)
        if not self.text:
            return None
        return Spent(self._provider, self._model, asked_tokens(prompt), tokens_of(self.text), is_guessed=True)


def asked_tokens(prompt: Prompt) -> int:
    """About how many a prompt of a job has."""
    schema = json.dumps(prompt.json_schema) if prompt.json_schema else ""
    return sum(map(tokens_of, [prompt.system_text(), schema, *(message.text for message in prompt.history)]))
