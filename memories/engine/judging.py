"""What a statement is to a known one that is near to it, where the rules leave it open: the language model is asked.

It is slow, so it is asked once for all pairs, and never inside a transaction.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, Field

from memories.models import MemoryProfile
from memorychat.llm.structured import answer_as
from memorychat.llm.types import ChatMessage, Prompt

PROMPT = Path(__file__).parent.parent / "prompts" / "judge.txt"
AT_ONCE = 40


class Verdict(StrEnum):
    SAME = "same"
    NEWER = "newer"
    CONTRADICTS = "contradicts"
    DIFFERENT = "different"


@dataclass(frozen=True)
class Pair:
    """A known statement and what was said now, each with its event time."""

    known: str
    known_at: datetime
    said: str
    said_at: datetime


class _Judged(BaseModel):
    pair: int
    verdict: Verdict


class _Answer(BaseModel):
    verdicts: list[_Judged] = Field(max_length=2 * AT_ONCE)


def judge(pairs: Sequence[Pair], profile: MemoryProfile, *, correlation_id: str) -> list[Verdict]:
    """One verdict a pair, in order; a pair that the model leaves out is different. Raises ProviderError."""
    verdicts: list[Verdict] = []
    for start in range(0, len(pairs), AT_ONCE):
        verdicts += _judge(pairs[start : start + AT_ONCE], profile, correlation_id)
    return verdicts


def _judge(pairs: Sequence[Pair], profile: MemoryProfile, correlation_id: str) -> list[Verdict]:
    prompt = Prompt(
        PROMPT.read_text(encoding="utf-8"),
        history=[ChatMessage("user", "\n".join(_line(number, pair) for number, pair in enumerate(pairs, start=1)))],
    )
    answer = answer_as(_Answer, profile, prompt, correlation_id=correlation_id)
    judged = {each.pair: each.verdict for each in answer.verdicts}
    return [judged.get(number, Verdict.DIFFERENT) for number in range(1, len(pairs) + 1)]


def _line(number: int, pair: Pair) -> str:
    told = {
        "pair": number,
        "known": pair.known,
        "known_on": pair.known_at.date().isoformat(),
        "said_now": pair.said,
        "said_on": pair.said_at.date().isoformat(),
    }
    return json.dumps(told, ensure_ascii=False)
