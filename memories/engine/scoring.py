"""How much a memory matters now and how well it answers: pure functions of their arguments.

score = 0.60 × relevance + 0.20 × salience + 0.10 × recency + 0.10 × links, each part between 0 and 1.
"""

import math
from datetime import datetime
from typing import Any

from django.db.models import Case, DurationField, ExpressionWrapper, F, FloatField, Value, When
from django.db.models.functions import Cast, Exp, Extract, Greatest, Least

from memories.engine.types import ScoreParts
from memories.models import Memory, Sector
from memorychat.llm.types import Calibration

WEIGHTS = ScoreParts(relevance=0.60, salience=0.20, recency=0.10, links=0.10)

# Natural logarithm per day: what happened fades first, what was thought over fades last.
FADING: dict[str, float] = {
    Sector.EMOTIONAL: 0.020,
    Sector.EPISODIC: 0.015,
    Sector.PROCEDURAL: 0.008,
    Sector.SEMANTIC: 0.005,
    Sector.REFLECTIVE: 0.001,
}
FADED_AWAY = 300.0  # the exponent from which on nothing is left that a number could show
RECENCY_HALF_LIFE_DAYS = 30
REINFORCEMENT = 0.2  # the share of what lacks to 1 that hearing it again adds

# A matching word that only one memory of the profile has weighs as much as this many spreads of the cosine.
KEYWORD_WEIGHT = 3.0
# Holding the very slot that is asked for ("where do I live?") weighs as much.
SLOT_WEIGHT = 3.0
# In a profile of fewer memories than this nobody can tell a rare word from a common one.
FEW = 100


def days_between(earlier: datetime, later: datetime) -> float:
    return (later - earlier).total_seconds() / 86_400


def salience_now(salience: float, sector: str, days: float) -> float:
    """salience × e^(−rate of its sector × days since it was set)."""
    return salience * math.exp(-FADING[sector] * max(days, 0.0))


def salience_of(memory: Memory, now: datetime) -> float:
    return salience_now(memory.salience, memory.sector, days_between(memory.salience_at, now))


def salience_in_sql(now: datetime) -> Any:
    """The twin of `salience_of`, as an expression over memories."""
    since = ExpressionWrapper(Value(now) - F("salience_at"), output_field=DurationField())
    days = Cast(Extract(since, "epoch"), FloatField()) / 86_400.0
    rates = [When(sector=sector, then=Value(rate)) for sector, rate in FADING.items()]
    faded = Case(*rates, output_field=FloatField()) * Greatest(days, Value(0.0), output_field=FloatField())
    # PostgreSQL refuses what is too near to zero, instead of calling it zero.
    return F("salience") * Exp(-1.0 * Least(faded, Value(FADED_AWAY), output_field=FloatField()))


def recency(days: float) -> float:
    """2^(−days since it was last said / 30)."""
    return float(2 ** (-max(days, 0.0) / RECENCY_HALF_LIFE_DAYS))


def reinforced(value: float) -> float:
    """Salience or confidence after it was heard once more; stays below 1."""
    return value + (1 - value) * REINFORCEMENT


def rarest_word_weight(memories: int) -> float:
    """The BM25 weight (inverse document frequency) of a word that one memory of so many has."""
    return math.log(1 + (max(memories, FEW) - 0.5) / 1.5)


def relevance(
    similarity: float | None, keywords: float, *, memories: int, has_asked_slot: bool, calibration: Calibration
) -> float:
    """0–1: how well a memory answers, from its cosine, its BM25 score in a profile of so many memories, and its slot.

    All are brought to standard scores that do not depend on the size of the profile, added, and put through a logistic.
    """
    by_vector = 0.0 if similarity is None else (similarity - calibration.background) / calibration.spread
    by_words = KEYWORD_WEIGHT * keywords / rarest_word_weight(memories)
    by_slot = SLOT_WEIGHT if has_asked_slot else 0.0
    return 1 / (1 + math.exp(-calibration.steepness * (by_vector + by_words + by_slot - calibration.middle)))


def score(relevance: float, salience: float, recency: float, links: float = 0.0) -> float:
    weights = WEIGHTS
    return (
        weights.relevance * relevance + weights.salience * salience + weights.recency * recency + weights.links * links
    )


def parts(relevance: float, salience: float, recency: float, links: float = 0.0) -> ScoreParts:
    return ScoreParts(
        relevance=WEIGHTS.relevance * relevance,
        salience=WEIGHTS.salience * salience,
        recency=WEIGHTS.recency * recency,
        links=WEIGHTS.links * links,
    )
