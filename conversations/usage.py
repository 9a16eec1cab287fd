"""What the answers to a person use up on a day of theirs, and whether that is as much as they may."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from accounts.models import User
from conversations.models import Usage
from conversations.receipts import Draft
from memories.models import PrivacyMode

USED_UP = "What I may use of the language model is used up for today."
FROM_MEMORIES = "Until midnight I answer from your memories alone."

# Adding up in one statement, so that no two answers count past each other.
ADD = """
INSERT INTO conversations_usage (owner_id, day, provider, model, answers, input_tokens, output_tokens, cost)
VALUES (%(owner)s::uuid, %(day)s::date, %(provider)s, %(model)s, 1, %(input)s, %(output)s, %(cost)s)
ON CONFLICT (owner_id, day, provider, model) DO UPDATE SET
    answers = conversations_usage.answers + 1,
    input_tokens = conversations_usage.input_tokens + excluded.input_tokens,
    output_tokens = conversations_usage.output_tokens + excluded.output_tokens,
    cost = conversations_usage.cost + excluded.cost"""


def sentence(mode: PrivacyMode) -> str:
    """What a person is told above such an answer."""
    return f"{USED_UP} {FROM_MEMORIES}\n\n" if mode.reads else f"{USED_UP}\n\n"


@dataclass(frozen=True)
class Day:
    """Of one person; the most they may use is 0 where there is no limit. Costs are US dollars."""

    tokens: int
    cost: float
    most_tokens: int
    most_cost: float

    @property
    def is_used_up(self) -> bool:
        return 0 < self.most_tokens <= self.tokens or 0 < self.most_cost <= self.cost


def today_of(user: User) -> Day:
    used = Usage.objects.filter(owner=user, day=_day(user)).aggregate(
        tokens=Sum("input_tokens", default=0) + Sum("output_tokens", default=0), cost=Sum("cost", default=0.0)
    )
    return Day(used["tokens"], used["cost"], settings.LLM_TOKENS_PER_DAY, settings.LLM_DOLLARS_PER_DAY)


def is_used_up(user: User) -> bool:
    """Nobody is counted where there is no limit."""
    is_limited = settings.LLM_TOKENS_PER_DAY or settings.LLM_DOLLARS_PER_DAY
    return bool(is_limited) and today_of(user).is_used_up


def add(user: User, draft: Draft) -> None:
    """What one answer used up; what costs nothing, since no model counted it, is not there."""
    if not draft.input_tokens + draft.output_tokens:
        return
    parameters: dict[str, str | float] = {
        "owner": str(user.pk),
        "day": _day(user),
        "provider": draft.provider,
        "model": draft.model,
        "input": draft.input_tokens,
        "output": draft.output_tokens,
        "cost": draft.cost or 0.0,
    }
    with connection.cursor() as cursor:
        cursor.execute(ADD, parameters)


def _day(user: User) -> str:
    return timezone.localdate(timezone=ZoneInfo(user.time_zone)).isoformat()
