"""The dates that a question names: "in May 2023", "last week", "on the 7th of May". English, as the rules are.

A period speaks for what happened in it; it rules nothing out.
"""

import calendar
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

# Any year's dates are compared in this one: a leap year, so that 29 February is among them.
LEAP_YEAR = 2000
FIRST_YEAR, LAST_YEAR = 1900, 2100


@dataclass(frozen=True)
class Period:
    """Both ends belong to it. One of `every_year` has its dates in LEAP_YEAR."""

    first: date
    last: date
    every_year: bool = False

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def holds(self, day: date) -> bool:
        return self.first <= (day.replace(year=LEAP_YEAR) if self.every_year else day) <= self.last


def periods_in(question: str, today: date) -> tuple[Period, ...]:
    """What a question asked `today` says about when, the most exact reading of each place."""
    return tuple(_found(question, today))


def _found(question: str, today: date) -> Iterator[Period]:
    for pattern, read in READINGS:
        for match in pattern.finditer(question):
            if period := read(match, today):
                yield period
        # What was read is not read again: the year of "May 2023" names no year by itself.
        question = pattern.sub(" · ", question)


def _exact(match: re.Match[str], today: date) -> Period | None:
    return _day(int(match["year"]), int(match["month"]), int(match["day"]))


def _day_of_month(match: re.Match[str], today: date) -> Period | None:
    year = int(match["year"]) if match["year"] else LEAP_YEAR
    return _day(year, _month_number(match), int(match["day"]), every_year=not match["year"])


def _day(year: int, month: int, day: int, *, every_year: bool = False) -> Period | None:
    """None for a date that there is not, such as 31 June."""
    try:
        found = date(year, month, day)
    except ValueError:
        return None
    return Period(found, found, every_year)


def _month_of_year(match: re.Match[str], today: date) -> Period:
    return _whole_month(int(match["year"]), _month_number(match))


def _month_near(match: re.Match[str], today: date) -> Period:
    """ "Last May" is the one before this month, "next May" the one after it."""
    month = _month_number(match)
    years = {"last": -(month >= today.month), "this": 0, "next": month <= today.month}
    return _whole_month(today.year + years[match["which"].lower()], month)


def _month_of_any_year(match: re.Match[str], today: date) -> Period:
    return _whole_month(LEAP_YEAR, _month_number(match), every_year=True)


def _whole_month(year: int, month: int, *, every_year: bool = False) -> Period:
    return Period(date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1]), every_year)


def _year(match: re.Match[str], today: date) -> Period | None:
    year = int(match["year"])
    return Period(date(year, 1, 1), date(year, 12, 31)) if FIRST_YEAR <= year <= LAST_YEAR else None


def _ago(match: re.Match[str], today: date) -> Period | None:
    return _around(today, match["unit"].lower(), -_count(match["count"]))


def _relative(match: re.Match[str], today: date) -> Period | None:
    steps = {"last": -1, "past": -1, "previous": -1, "this": 0, "next": 1}
    return _around(today, match["unit"].lower(), steps[match["which"].lower()])


def _around(today: date, unit: str, steps: int) -> Period | None:
    """The day, week (from Monday), weekend, month or year so many steps from today."""
    monday = today - timedelta(days=today.weekday()) + timedelta(weeks=steps)
    if unit == "day":
        day = today + timedelta(days=steps)
        return Period(day, day)
    if unit == "week":
        return Period(monday, monday + timedelta(days=6))
    if unit == "weekend":
        return Period(monday + timedelta(days=5), monday + timedelta(days=6))
    year, month = divmod(today.year * 12 + today.month - 1 + steps, 12)
    if unit == "month":
        return _whole_month(year, month + 1) if FIRST_YEAR <= year <= LAST_YEAR else None
    year = today.year + steps
    return Period(date(year, 1, 1), date(year, 12, 31)) if FIRST_YEAR <= year <= LAST_YEAR else None


def _named_day(match: re.Match[str], today: date) -> Period:
    day = today + timedelta(days={"yesterday": -1, "today": 0, "tonight": 0, "tomorrow": 1}[match["name"].lower()])
    return Period(day, day)


def _weekday(match: re.Match[str], today: date) -> Period:
    """The latest one before today."""
    back = (today.weekday() - WEEKDAYS.index(match["weekday"].lower()) - 1) % 7 + 1
    day = today - timedelta(days=back)
    return Period(day, day)


def _month_number(match: re.Match[str]) -> int:
    return MONTHS.index(match["month"].lower()[:3]) + 1


def _count(words: str) -> int:
    if words.lower() in ("a", "an"):
        return 1
    return int(words) if words.isdigit() else NUMBERS.index(words.lower()) + 1


MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
YEAR = r"(?P<year>(?:19|20)\d\d)"
BEFORE_MONTH = r"(?:in|since|during|of|by|until|till|early|late|mid|every|before|after)"
COUNT = rf"(?P<count>\d{{1,3}}|an?|{'|'.join(NUMBERS)})"

# In this order: the more exact a reading, the earlier.
READINGS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], date], Period | None]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), read)
    for pattern, read in (
        (rf"\b{YEAR}-(?P<month>[01]\d)-(?P<day>[0-3]\d)\b", _exact),
        (rf"\b{DAY}(?: of)? {MONTH}(?:,? {YEAR}\b)?", _day_of_month),
        (rf"\b{MONTH} (?:the )?{DAY}\b(?:,? {YEAR}\b)?", _day_of_month),
        (rf"\b{MONTH},? (?:of )?{YEAR}\b", _month_of_year),
        (rf"\b(?P<which>last|this|next) {MONTH}", _month_near),
        # "May" and "March" are other words too, so they need a word before them that goes with a month.
        (rf"\b{BEFORE_MONTH}(?: the)? {MONTH}", _month_of_any_year),
        (rf"\b{YEAR}\b", _year),
        (rf"\b{COUNT} (?P<unit>day|week|month|year)s? ago\b", _ago),
        (r"\b(?P<which>last|past|previous|this|next) (?P<unit>week|weekend|month|year)\b", _relative),
        (r"\b(?P<name>yesterday|today|tonight|tomorrow)\b", _named_day),
        (rf"\b(?:last|on|this) (?P<weekday>{'|'.join(WEEKDAYS)})\b", _weekday),
    )
)
