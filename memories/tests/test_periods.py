from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memories.engine.periods import LEAP_YEAR, Period, periods_in

TODAY = date(2026, 11, 21)  # a Saturday


def day(year: int, month: int, number: int) -> Period:
    return Period(date(year, month, number), date(year, month, number))


@pytest.mark.parametrize(
    ("question", "period"),
    [
        ("What did I do in May 2023?", Period(date(2023, 5, 1), date(2023, 5, 31))),
        ("What happened in 2023?", Period(date(2023, 1, 1), date(2023, 12, 31))),
        ("And on 7 May 2023?", day(2023, 5, 7)),
        ("And on May 7th, 2023?", day(2023, 5, 7)),
        ("And on the 7th of May?", Period(date(LEAP_YEAR, 5, 7), date(LEAP_YEAR, 5, 7), every_year=True)),
        ("And on 2023-05-07?", day(2023, 5, 7)),
        ("What did I paint last May?", Period(date(2026, 5, 1), date(2026, 5, 31))),
        ("What did I paint last December?", Period(date(2025, 12, 1), date(2025, 12, 31))),
        ("Where do I go next May?", Period(date(2027, 5, 1), date(2027, 5, 31))),
        ("What did I paint in May?", Period(date(LEAP_YEAR, 5, 1), date(LEAP_YEAR, 5, 31), every_year=True)),
        ("What did I say yesterday?", day(2026, 11, 20)),
        ("What did I say two days ago?", day(2026, 11, 19)),
        ("Whom did I meet last week?", Period(date(2026, 11, 9), date(2026, 11, 15))),
        ("Whom did I meet last weekend?", Period(date(2026, 11, 14), date(2026, 11, 15))),
        ("Whom did I meet last month?", Period(date(2026, 10, 1), date(2026, 10, 31))),
        ("Whom did I meet 11 months ago?", Period(date(2025, 12, 1), date(2025, 12, 31))),
        ("Where was I last year?", Period(date(2025, 1, 1), date(2025, 12, 31))),
        ("What did I eat last Friday?", day(2026, 11, 20)),
        ("What did I eat on Saturday?", day(2026, 11, 14)),
    ],
)
def test_a_date_is_read_as_it_is_meant(question: str, period: Period) -> None:
    assert periods_in(question, TODAY) == (period,)


@pytest.mark.parametrize(
    "question",
    [
        "May I ask something?",
        "Did I march with them?",
        "Who is April?",
        "I have 2 dogs",
        "On 31 June?",
        "room 4021",
        "",
    ],
)
def test_what_only_looks_like_a_date_is_none(question: str) -> None:
    assert periods_in(question, TODAY) == ()


def test_a_period_of_every_year_holds_its_days_in_each() -> None:
    [may] = periods_in("What did I do in May?", TODAY)
    assert may.holds(date(2019, 5, 31))
    assert not may.holds(date(2019, 6, 1))
    [leap] = periods_in("What did I do on 29 February?", TODAY)
    assert leap.holds(date(2024, 2, 29))


@given(question=st.text(max_size=60), today=st.dates(date(1900, 1, 1), date(2100, 12, 31)))
def test_any_words_on_any_day_are_read(question: str, today: date) -> None:
    periods_in(question, today)


@given(
    count=st.integers(0, 999),
    unit=st.sampled_from(["day", "week", "month", "year"]),
    today=st.dates(date(1900, 1, 1), date(2100, 12, 31)),
)
def test_any_number_of_days_ago_is_read(count: int, unit: str, today: date) -> None:
    for period in periods_in(f"What was {count} {unit}s ago, and last {unit}, and next {unit}?", today):
        assert period.first <= period.last
