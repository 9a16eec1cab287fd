"""How much a memory matters now and how well it answers: pure functions of their arguments.

score = 0.60 × relevance + 0.20 × salience + 0.10 × recency + 0.10 × links, each part between 0 and 1. What fades has a
twin in SQL, for orders and filters over many memories; a test holds the two equal.
"""

import math
from collections.abc import Sequence
from datetime import datetime
from operator import mul
from typing import Any, NamedTuple

import numpy as np
from django.db.models import Case, DurationField, ExpressionWrapper, F, FloatField, Value, When
from django.db.models.functions import Cast, Exp, Extract, Greatest, Least, Power
from numpy.typing import NDArray

from memories.engine.types import ScoreParts
from memories.models import Memory, Sector
from memorychat.llm.types import Calibration

Numbers = NDArray[np.float64]

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

# In a profile of fewer memories than this nobody can tell a rare word from a common one.
FEW = 100
# What a turn states is of ordinary length with so many words that matter.
ORDINARY_TURN = 6
# A memory that came by a link has so much of the score of the hit it came by; the rest is the link's.
BY_LINK = 0.8


class Signals(NamedTuple):
    """What speaks for a memory, in spreads of the embedder's cosine; `SIGNAL_WEIGHTS` says how much each counts.

    Each is a number, or an array with one for each of many memories.

    own: what the memory itself says; sitting: the best of what was said at the same sitting of its thread, itself where
    it has none; answered: of the question that it follows in its thread; speaker: −1 if another said it than is asked
    about; period: how exactly the question names its time; length: of what it states, for turns of a thread.
    """

    own: Any
    sitting: Any
    answered: Any
    speaker: Any
    period: Any
    length: Any


class OwnWeights(NamedTuple):
    """What makes `own`: the cosine, the words that match, and holding the very slot that is asked for."""

    vector: float
    words: float
    slot: float


OWN_WEIGHTS = OwnWeights(vector=1.0, words=3.0, slot=3.0)
SIGNAL_WEIGHTS = Signals(own=0.5, sitting=0.5, answered=0.25, speaker=2.5, period=1.0, length=0.8)


def days_between(earlier: datetime, later: datetime) -> float:
    return (later - earlier).total_seconds() / 86_400


def salience_now(salience: float, sector: str, days: float) -> float:
    """salience × e^(−rate of its sector × days since it was set)."""
    return salience * math.exp(-FADING[sector] * max(days, 0.0))


def saliences_now(saliences: Sequence[float], sectors: Sequence[str], days: Sequence[float]) -> Numbers:
    """`salience_now` of many."""
    rates = np.array([FADING[sector] for sector in sectors])
    faded: Numbers = np.array(saliences) * np.exp(-rates * np.maximum(days, 0.0))
    return faded


def salience_of(memory: Memory, now: datetime) -> float:
    return salience_now(memory.salience, memory.sector, days_between(memory.salience_at, now))


def salience_in_sql(now: datetime) -> Any:
    """The twin of `salience_of`, as an expression over memories."""
    rates = [When(sector=sector, then=Value(rate)) for sector, rate in FADING.items()]
    faded = Case(*rates, output_field=FloatField()) * _days_since("salience_at", now)
    # PostgreSQL refuses what is too near to zero, instead of calling it zero.
    return F("salience") * Exp(-1.0 * Least(faded, Value(FADED_AWAY), output_field=FloatField()))


def recency(days: float) -> float:
    """2^(−days since it was last said / 30)."""
    return float(2 ** (-max(days, 0.0) / RECENCY_HALF_LIFE_DAYS))


def recencies(days: Sequence[float]) -> Numbers:
    """`recency` of many."""
    fresh: Numbers = 2 ** (-np.maximum(days, 0.0) / RECENCY_HALF_LIFE_DAYS)
    return fresh


def recency_in_sql(now: datetime) -> Any:
    """The twin of `recency`, as an expression over memories."""
    halvings = _days_since("last_said_at", now) / float(RECENCY_HALF_LIFE_DAYS)
    return Power(Value(2.0), -1.0 * Least(halvings, Value(FADED_AWAY), output_field=FloatField()))


def _days_since(column: str, now: datetime) -> Any:
    since = ExpressionWrapper(Value(now) - F(column), output_field=DurationField())
    days = Cast(Extract(since, "epoch"), FloatField()) / 86_400.0
    return Greatest(days, Value(0.0), output_field=FloatField())


def reinforced(value: float) -> float:
    """Salience or confidence after it was heard once more; stays below 1."""
    return value + (1 - value) * REINFORCEMENT


def rarest_word_weight(memories: int) -> float:
    """The BM25 weight (inverse document frequency) of a word that one memory of so many has."""
    return math.log(1 + (max(memories, FEW) - 0.5) / 1.5)


def own(similarity: Any, keywords: Any, *, rarest: float, has_asked_slot: Any, calibration: Calibration) -> Any:
    """What a memory itself says to the question: cosine and BM25 score as standard scores, and its slot.

    `rarest` is the `rarest_word_weight` of the profile, so that the sum does not depend on the profile's size. A memory
    without a vector counts as one at the embedder's background. Of arrays, the sum of each memory.
    """
    by_vector = (similarity - calibration.background) / calibration.spread
    weights = OWN_WEIGHTS
    return weights.vector * by_vector + weights.words * keywords / rarest + weights.slot * has_asked_slot


def period_signal(days: int) -> float:
    """The shorter the time that a question names, the more it says that something happened then."""
    return math.log(1 + 365 / days)


def length_signal(stated: int) -> float:
    """Of a turn that states so many words that matter: greetings and questions state next to nothing."""
    return math.log((1 + stated) / (1 + ORDINARY_TURN))


def relevance(signals: Signals, *, memories: int, calibration: Calibration) -> Any:
    """0–1: how well a memory answers: the weighted sum of its signals, put through the embedder's logistic.

    Among more memories more of them look like an answer by chance, so the odds fall as their number grows. Of signals
    that are arrays, the relevance of each memory.
    """
    evidence = sum(map(mul, SIGNAL_WEIGHTS, signals))
    against = calibration.steepness * (calibration.middle - evidence) + math.log(max(memories, FEW) / FEW)
    return 1 / (1 + np.exp(against))


def score(relevance: Any, salience: Any, recency: Any, links: float = 0.0) -> Any:
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


def parts_by_link(hit: ScoreParts, weight: float) -> ScoreParts:
    """0.8 × the score of the hit that it came by + 0.2 × the link, shared out so that no part passes its own share."""
    return ScoreParts(
        relevance=BY_LINK * hit.relevance + (1 - BY_LINK) * weight * WEIGHTS.relevance,
        salience=BY_LINK * hit.salience + (1 - BY_LINK) * weight * WEIGHTS.salience,
        recency=BY_LINK * hit.recency + (1 - BY_LINK) * weight * WEIGHTS.recency,
        links=BY_LINK * hit.links + (1 - BY_LINK) * weight * WEIGHTS.links,
    )
