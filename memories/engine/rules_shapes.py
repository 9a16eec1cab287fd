"""What a rule of the built-in extractor is, and how the tables write one down."""

import re
from dataclasses import dataclass
from functools import partial

from memories.engine.rules_words import CAPITAL, UNCOMMON
from memories.engine.types import Slot
from memories.models import Kind, Sector

CERTAIN, LIKELY, HEDGED = 0.9, 0.75, 0.6


@dataclass(frozen=True)
class Rule:
    """A pattern for a whole clause; the named group `what`, when there is one, names the attribute of its slot.

    `lower` is the pattern for people who write without any capitals. `ends` are the attributes whose value is over,
    where that is what the group `ended` names, or the only one.
    """

    pattern: re.Pattern[str]
    lower: re.Pattern[str]
    kind: Kind
    importance: int
    slot: Slot | None = None
    sector: Sector = Sector.SEMANTIC
    confidence: float = CERTAIN
    ends: tuple[str, ...] = ()


def rule(pattern: str, kind: Kind, importance: int, slot: str = "", **more: object) -> Rule:
    attribute = Slot("person", slot) if slot else None
    lower = pattern.replace(CAPITAL, UNCOMMON)
    compiled = (re.compile(pattern, re.IGNORECASE), re.compile(lower, re.IGNORECASE))
    return Rule(*compiled, kind, importance, attribute, **more)  # type: ignore[arg-type]  # checked by Rule's users


decision = partial(rule, kind=Kind.DECISION, importance=6, sector=Sector.REFLECTIVE)
preference = partial(rule, kind=Kind.PREFERENCE, importance=6)

fact = partial(rule, kind=Kind.FACT)
