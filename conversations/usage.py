"""What is asked of models in a person's name on a day of theirs, and whether that is as much as they may.

Answers and what jobs learn are one budget. Where it is used up, answers come from memories alone, and learning waits
until the next day.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from accounts.models import User
from conversations.models import Usage
from conversations.receipts import Draft
from memories.models import PrivacyMode
from memorychat.jobs import TooEarly
from memorychat.llm.metering import Purpose, Spent
from memorychat.llm.prices import cost_of
from memorychat.llm.types import ProviderError

USED_UP = "What I may use of the language model is used up for today."
FROM_MEMORIES = "Until midnight I answer from your memories alone."
TOLD = {
    Purpose.ANSWERS: "Answers",
    Purpose.LEARNING: "Learning, titles and summaries",
    Purpose.TRIALS: "Tests of a model",
}
# Past midnight, so that no clock is wrong about the day.
SURELY = timedelta(minutes=1)

# Adding up in one statement, so that no two answers count past each other.
ADD = """
INSERT INTO conversations_usage
       (owner_id, day, purpose, provider, model, answers, input_tokens, output_tokens, guessed_tokens, cost)
VALUES (%(owner)s::uuid, %(day)s::date, %(purpose)s, %(provider)s, %(model)s, 1, %(input)s, %(output)s, %(guessed)s,
        %(cost)s)
ON CONFLICT (owner_id, day, provider, model, purpose) DO UPDATE SET
    answers = conversations_usage.answers + 1,
    input_tokens = conversations_usage.input_tokens + excluded.input_tokens,
    output_tokens = conversations_usage.output_tokens + excluded.output_tokens,
    guessed_tokens = conversations_usage.guessed_tokens + excluded.guessed_tokens,
    cost = conversations_usage.cost + excluded.cost"""


class UsedUp(ProviderError, TooEarly):
    """No model is asked in this person's name any more today; a job that meets it is put off until the next day."""

    def __init__(self, not_before: datetime) -> None:
        super().__init__(USED_UP, code="used_up")
        self.not_before = not_before


def sentence(mode: PrivacyMode) -> str:
    """What a person is told above such an answer."""
    return f"{USED_UP} {FROM_MEMORIES}\n\n" if mode.reads else f"{USED_UP}\n\n"


@dataclass(frozen=True)
class Share:
    """What one purpose took of a day. `guessed` of its tokens are an estimate. Costs are US dollars."""

    name: str
    tokens: int
    guessed: int
    cost: float


@dataclass(frozen=True)
class Day:
    """Of one person; the most they may use is 0 where there is no limit. Costs are US dollars."""

    shares: Sequence[Share]
    most_tokens: int
    most_cost: float

    @property
    def tokens(self) -> int:
        return sum(share.tokens for share in self.shares)

    @property
    def guessed(self) -> int:
        return sum(share.guessed for share in self.shares)

    @property
    def cost(self) -> float:
        return sum(share.cost for share in self.shares)

    @property
    def is_used_up(self) -> bool:
        return 0 < self.most_tokens <= self.tokens or 0 < self.most_cost <= self.cost


def today_of(user: User) -> Day:
    sums = (
        Usage.objects.filter(owner=user, day=_day(user))
        .values("purpose")
        .annotate(tokens=Sum("input_tokens") + Sum("output_tokens"), guessed=Sum("guessed_tokens"), dollars=Sum("cost"))
    )
    shares = [
        Share(TOLD[Purpose(row["purpose"])], row["tokens"], row["guessed"], row["dollars"])
        for row in sums.order_by("purpose")
    ]
    return Day(shares, settings.LLM_TOKENS_PER_DAY, settings.LLM_DOLLARS_PER_DAY)


def is_used_up(user: User) -> bool:
    """Nobody is looked up where there is no limit."""
    return _is_limited() and today_of(user).is_used_up


def add(user: User, draft: Draft) -> None:
    """What one answer used up; what costs nothing, since no model counted it, is not there."""
    if draft.input_tokens + draft.output_tokens:
        spent = Spent(draft.provider, draft.model, draft.input_tokens, draft.output_tokens, draft.is_guessed)
        count(user, spent, Purpose.ANSWERS)


def count(user: User, spent: Spent, purpose: Purpose) -> None:
    """The one place where it is written down."""
    parameters: dict[str, str | float] = {
        "owner": str(user.pk),
        "day": _day(user),
        "purpose": purpose,
        "provider": spent.provider,
        "model": spent.model,
        "input": spent.input_tokens,
        "output": spent.output_tokens,
        "guessed": (spent.input_tokens + spent.output_tokens) * spent.is_guessed,
        "cost": cost_of(spent.model, spent.input_tokens, spent.output_tokens) or 0.0,
    }
    with connection.cursor() as cursor:
        cursor.execute(ADD, parameters)


class DailyMeter:
    """Of whatever is asked in one go, as `memorychat.llm.metering.Meter` has it."""

    def admit(self, person_id: uuid.UUID) -> None:
        """Raises UsedUp."""
        user = _find(person_id) if _is_limited() else None
        if user and is_used_up(user):
            raise UsedUp(_next_day(user))

    def count(self, person_id: uuid.UUID, spent: Spent, purpose: Purpose) -> None:
        """Who was erased while a model thought is counted no more."""
        if user := _find(person_id):
            count(user, spent, purpose)


def _is_limited() -> bool:
    return bool(settings.LLM_TOKENS_PER_DAY or settings.LLM_DOLLARS_PER_DAY)


def _find(person_id: uuid.UUID) -> User | None:
    return User.objects.filter(pk=person_id).only("time_zone").first()


def _day(user: User) -> str:
    return timezone.localdate(timezone=ZoneInfo(user.time_zone)).isoformat()


def _next_day(user: User) -> datetime:
    zone = ZoneInfo(user.time_zone)
    return datetime.combine(timezone.localdate(timezone=zone) + timedelta(days=1), time.min, tzinfo=zone) + SURELY
