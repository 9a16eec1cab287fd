"""What speaks for each candidate, from the candidates and the question alone: no database, no clock.

Arrays, with a number for each candidate in their order: two hundred of them, weighed one by one, cost a millisecond.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

from memories.engine import scoring
from memories.engine.candidates import BEST_OF_EACH, Candidate
from memories.engine.periods import Period
from memories.engine.questions import Question
from memories.engine.scoring import Numbers, Signals
from memorychat.llm.types import Calibration

EPOCH = date(1970, 1, 1).toordinal()
Place = tuple[int, int]


@dataclass
class _Threads:
    """The best of each sitting (thread, day), and the questions by the place (thread, position) after them."""

    sittings: dict[Place, float] = field(default_factory=dict)
    questions: dict[Place, float] = field(default_factory=dict)


def signals_of(
    found: Sequence[Candidate], question: Question, *, memories: int, calibration: Calibration, from_utc: timedelta
) -> Signals:
    """`from_utc` is how far the person's clock is ahead."""
    own = _own(found, memories, calibration)
    nothing = np.zeros(len(found))
    signals = Signals(own, sitting=own, answered=nothing, speaker=nothing, period=nothing, length=nothing)
    if any(each.thread is not None for each in found):
        signals = _with_threads(signals, found)
    if question.speaker is not None:
        speakers = [_speaker(each, question.speaker) for each in found]
        signals = signals._replace(speaker=np.array(speakers))
    if question.periods:
        ahead = from_utc / timedelta(days=1)
        periods = [_period(each.occurred_on + ahead, question.periods) for each in found]
        signals = signals._replace(period=np.array(periods))
    return signals


def _own(found: Sequence[Candidate], memories: int, calibration: Calibration) -> Numbers:
    similarities = np.array([each.similarity for each in found], dtype=float)
    keywords = np.array([each.keywords or 0.0 for each in found])
    slots = np.array([each.has_asked_slot for each in found], dtype=float)
    known = ~np.isnan(similarities)
    # What words alone brought is as similar as the last that vectors brought, if those had to be cut.
    least = similarities[known].min() if known.sum() >= BEST_OF_EACH else calibration.background
    own: Numbers = scoring.own(
        np.where(known, similarities, least),
        keywords,
        rarest=scoring.rarest_word_weight(memories),
        has_asked_slot=slots,
        calibration=calibration,
    )
    return own


def _with_threads(signals: Signals, found: Sequence[Candidate]) -> Signals:
    own = signals.own.tolist()
    threads = _threads(found, own)
    return signals._replace(
        sitting=np.array([_sitting(each, value, threads) for each, value in zip(found, own, strict=True)]),
        answered=np.array([_answered(each, threads) for each in found]),
        length=np.array([0.0 if each.thread is None else scoring.length_signal(each.stated or 0) for each in found]),
    )


def _threads(found: Sequence[Candidate], own: Sequence[float]) -> _Threads:
    threads = _Threads()
    for each, value in zip(found, own, strict=True):
        if each.thread is None:
            continue
        sitting = (each.thread, int(each.occurred_on))
        threads.sittings[sitting] = max(value, threads.sittings.get(sitting, value))
        if each.asks and each.position is not None:
            threads.questions[each.thread, each.position + 1] = value
    return threads


def _sitting(each: Candidate, own: float, threads: _Threads) -> float:
    return own if each.thread is None else threads.sittings[each.thread, int(each.occurred_on)]


def _answered(each: Candidate, threads: _Threads) -> float:
    if each.thread is None or each.position is None:
        return 0.0
    return max(threads.questions.get((each.thread, each.position), 0.0), 0.0)


def _speaker(each: Candidate, asked: int) -> float:
    return -1.0 if each.speaker is not None and each.speaker != asked else 0.0


def _period(occurred_on: float, periods: Sequence[Period]) -> float:
    day = date.fromordinal(EPOCH + int(occurred_on // 1))
    return max((scoring.period_signal(period.days) for period in periods if period.holds(day)), default=0.0)
