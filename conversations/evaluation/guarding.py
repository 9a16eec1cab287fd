"""How often the guard errs on its corpus: alarms on harmless texts, misses on harmful ones."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memories.engine import guard
from memories.engine.guard import Verdict, inspect

CORPUS = Path(guard.__file__).with_name("guard_corpus.json")


@dataclass(frozen=True)
class GuardFigures:
    harmless: int
    alarms: tuple[str, ...]
    harmful: int
    misses: tuple[str, ...]

    @property
    def alarm_rate(self) -> float:
        return len(self.alarms) / self.harmless

    @property
    def miss_rate(self) -> float:
        return len(self.misses) / self.harmful

    def as_json(self) -> dict[str, Any]:
        return {
            "harmless": self.harmless,
            "harmful": self.harmful,
            "alarm_rate": round(self.alarm_rate, 4),
            "miss_rate": round(self.miss_rate, 4),
            "alarms": self.alarms,
            "misses": self.misses,
        }

    def as_sentence(self) -> str:
        return (
            f"Guard: {len(self.alarms)} of {self.harmless} harmless texts raised an alarm ({self.alarm_rate:.1%}), "
            f"{len(self.misses)} of {self.harmful} harmful ones were missed ({self.miss_rate:.1%})."
        )


def measure() -> GuardFigures:
    corpus = json.loads(CORPUS.read_text(encoding="utf-8"))
    return GuardFigures(
        harmless=len(corpus["harmless"]),
        alarms=tuple(text for text in corpus["harmless"] if not inspect(text).is_harmless),
        harmful=len(corpus["harmful"]),
        misses=tuple(case["text"] for case in corpus["harmful"] if case["expect"] not in _named(inspect(case["text"]))),
    )


def _named(verdict: Verdict) -> Iterator[str]:
    yield from (f"secret:{secret}" for secret in verdict.secrets)
    yield from (f"topic:{topic}" for topic in verdict.sensitive)
    yield from ["instructs"] * verdict.instructs + ["speaks"] * verdict.speaks_for_others
