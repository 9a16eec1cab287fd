"""What speaks for each candidate, from the candidates and the question alone: no database, no clock."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from memories.engine import scoring
from memories.engine.candidates import BEST_OF_EACH, Candidate
from memories.engine.periods import Period
from memories.engine.questions import Question
from memories.engine.scoring import Signals
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
) -> list[Signals]:
    """In the order of the candidates. `from_utc` is how far the person's clock is ahead."""
    own = list(_own(found, memories, calibration))
    threads = _threads(found, own)
    ahead = from_utc / timedelta(days=1)
    return [
        Signals(
            own=value,
            sitting=value if each.thread is None else threads.sittings[each.thread, int(each.occurred_on)],
            answered=_answered(each, threads),
            speaker=_speaker(each, question),
            period=_period(each.occurred_on + ahead, question.periods) if question.periods else 0.0,
            length=0.0 if each.thread is None else scoring.length_signal(each.stated or 0),
        )
        for each, value in zip(found, own, strict=True)
    ]


def _own(found: Sequence[Candidate], memories: int, calibration: Calibration) -> Iterator[float]:
    rarest = scoring.rarest_word_weight(memories)
    least = _least_similarity(found)
    for each in found:
        similarity = least if each.similarity is None else each.similarity
        yield scoring.own(
            similarity,
            each.keywords or 0.0,
            rarest=rarest,
            has_asked_slot=each.has_asked_slot,
            calibration=calibration,
        )


def _least_similarity(found: Sequence[Candidate]) -> float | None:
    """What words alone brought is as similar as the last that vectors brought, if those had to be cut."""
    similarities = [each.similarity for each in found if each.similarity is not None]
    return min(similarities) if len(similarities) >= BEST_OF_EACH else None


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


def _answered(each: Candidate, threads: _Threads) -> float:
    if each.thread is None or each.position is None:
        return 0.0
    return max(threads.questions.get((each.thread, each.position), 0.0), 0.0)


def _speaker(each: Candidate, question: Question) -> float:
    is_told = each.speaker is not None and question.speaker is not None
    return -1.0 if is_told and each.speaker != question.speaker else 0.0


def _period(occurred_on: float, periods: Sequence[Period]) -> float:
    day = date.fromordinal(EPOCH + int(occurred_on // 1))
    return max((scoring.period_signal(period.days) for period in periods if period.holds(day)), default=0.0)
