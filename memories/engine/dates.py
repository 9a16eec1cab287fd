"""When something happened: dates in English words, resolved against the day they were said on in the person's zone.

A day is given at its noon there, so that it is the same day in every zone near by. "In 2019" is its first day.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

EARLIEST = 1900
YEARS_AHEAD = 10

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
NUMBERS = {
    "a": 1,
    "an": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "a couple of": 2,
}
SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}

WEEKDAY = rf"(?P<weekday>{'|'.join(WEEKDAYS)})"
MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
YEAR = r"(?P<year>(?:19|20)\d\d)"
COUNT = rf"(?P<count>\d{{1,3}}|{'|'.join(sorted(NUMBERS, key=len, reverse=True))})"
UNIT = r"(?P<unit>day|week|month|year)s?"
WHICH = r"(?P<which>last|this|next|this past|this coming|the coming|the past)"

FUTURE = re.compile(
    r"\b(?:will|shall|going to|tomorrow|next|soon|plans?|planning|intend|about to|leaves|starts|arrives|begins|is due"
    r"|takes place"
    r"|(?:am|are|is|'m|'re|'s) \w+ing|upcoming|coming|deadline|appointment|flight|have to|has to|must|'ll)\b|'ll\b",
    re.IGNORECASE,
)
PAST = re.compile(
    r"\b(?:was|were|had|did|went|saw|met|bought|sold|got|came|took|gave|made|ate|ran|won|lost|left|flew|began|wrote|found|felt"
    r"|broke|spent|became|grew|knew|told|said|read|sent|built|drove|swam|sang|fell|held|kept|paid|taught|thought|quit|born"
    r"|\w{2,}ed)\b",
    re.IGNORECASE,
)


def zone_of(name: str) -> ZoneInfo:
    """The zone of that name; UTC when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def read(text: str, said_at: datetime | None, zone: ZoneInfo) -> datetime | None:
    """A date or time as a model writes it (ISO 8601: year, month, day, time); None when it is none or not plausible."""
    parts = re.fullmatch(
        r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?(?:[T ](\d\d):(\d\d)(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?", text.strip()
    )
    if not parts:
        return None
    try:
        if parts[4] is None:
            at = noon(date(int(parts[1]), int(parts[2] or 1), int(parts[3] or 1)), zone)
        else:
            at = datetime.fromisoformat(text.strip())
            at = at if at.tzinfo else at.replace(tzinfo=zone)
    except ValueError:
        return None
    return at if is_plausible(at, said_at) else None


def is_plausible(at: datetime, said_at: datetime | None) -> bool:
    now = said_at or datetime.now(UTC)
    return EARLIEST <= at.year <= now.year + YEARS_AHEAD


def resolve(statement: str, said_at: datetime, zone: ZoneInfo) -> datetime | None:
    """When what the statement tells happens or happened; None where it names no day, month or year."""
    said_on = said_at.astimezone(zone).date()
    plain = statement.lower().replace("’", "'")
    for pattern, find in PATTERNS:
        for match in pattern.finditer(plain):
            try:
                on = find(match, said_on, plain)
            except (ValueError, OverflowError):
                continue
            if on and is_plausible(at := noon(on, zone), said_at):
                return at
    return None


def noon(on: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(on, time(12), tzinfo=zone)


def is_ahead(statement: str) -> bool:
    """Whether a statement without a year speaks of what is to come."""
    return FUTURE.search(statement) is not None or PAST.search(statement) is None


def is_past(statement: str) -> bool:
    return PAST.search(statement) is not None and FUTURE.search(statement) is None


def _number(words: str) -> int:
    return int(words) if words.isdigit() else NUMBERS[words]


def _month(words: str) -> int:
    return MONTHS.index(words[:3]) + 1


def _by_days(days: int) -> Callable[[re.Match[str], date, str], date]:
    return lambda match, said_on, plain: said_on + timedelta(days=days)


def _shifted(on: date, unit: str, count: int) -> date:
    if unit in ("day", "week"):
        return on + timedelta(days=count * (7 if unit == "week" else 1))
    months = on.year * 12 + on.month - 1 + count * (12 if unit == "year" else 1)
    year, month = divmod(months, 12)
    return date(year, month + 1, min(on.day, _last_day(year, month + 1)))


def _last_day(year: int, month: int) -> int:
    return (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day


def _ago(match: re.Match[str], said_on: date, plain: str) -> date:
    return _shifted(said_on, match["unit"], -_number(match["count"]))


def _ahead(match: re.Match[str], said_on: date, plain: str) -> date:
    return _shifted(said_on, match["unit"], _number(match["count"]))


def _on_weekday(match: re.Match[str], said_on: date, plain: str) -> date:
    """ "Last Friday" is the one before today, "next Friday" that of the next week, "on Friday" the nearest that way."""
    which = match.groupdict().get("which") or ""
    weekday = WEEKDAYS.index(match["weekday"])
    if which == "next":
        return said_on + timedelta(days=7 - said_on.weekday() + weekday)
    is_back = "last" in which or "past" in which or (not which and not is_ahead(plain))
    if is_back:
        return said_on - timedelta(days=(said_on.weekday() - weekday - 1) % 7 + 1)
    return said_on + timedelta(days=(weekday - said_on.weekday()) % 7)


def _of_weekend(match: re.Match[str], said_on: date, plain: str) -> date:
    """The Saturday of it."""
    saturday = said_on + timedelta(days=5 - said_on.weekday())
    if "last" in match["which"] or "past" in match["which"]:
        return saturday - timedelta(days=7)
    return saturday + timedelta(days=7) if match["which"] == "next" else saturday


def _of_unit(match: re.Match[str], said_on: date, plain: str) -> date:
    """ "Last month": a day in it. Of this week, month or year the day it is said on."""
    return _shifted(said_on, match["unit"], {"last": -1, "next": 1}.get(match["which"].split()[-1], 0))


def _of_season(match: re.Match[str], said_on: date, plain: str) -> date:
    first = date(said_on.year, SEASONS[match["season"]], 1)
    if match["which"] == "last":
        return first if first < said_on - timedelta(days=60) else _shifted(first, "year", -1)
    return first if first > said_on or match["which"] == "this" else _shifted(first, "year", 1)


def _calendar_day(match: re.Match[str], said_on: date, plain: str) -> date:
    month, day = _month(match["month"]), int(match["day"])
    if year := match.groupdict().get("year"):
        return date(int(year), month, day)
    return _nearest([date(year, month, day) for year in _years(said_on, month, day)], said_on, plain)


def _years(said_on: date, month: int, day: int) -> Iterator[int]:
    """Those around now in which there is such a day (29 February)."""
    return (year for year in range(said_on.year - 4, said_on.year + 5) if day <= _last_day(year, month))


def _nearest(days: list[date], said_on: date, plain: str) -> date:
    if is_ahead(plain):
        return min(on for on in days if on >= said_on)
    return max(on for on in days if on <= said_on)


def _calendar_month(match: re.Match[str], said_on: date, plain: str) -> date:
    month = _month(match["month"])
    if year := match.groupdict().get("year"):
        return date(int(year), month, 1)
    which = match.groupdict().get("which")
    if which is None and said_on.month == month:
        return said_on
    hint = {"last": "was", "next": "will"}.get(which or "", plain)
    return _nearest([date(year, month, 1) for year in range(said_on.year - 2, said_on.year + 3)], said_on, hint)


def _year(match: re.Match[str], said_on: date, plain: str) -> date:
    return date(int(match["year"]), 1, 1)


def _iso(match: re.Match[str], said_on: date, plain: str) -> date:
    return date(int(match["year"]), int(match["number"]), int(match["day"]))


Find = Callable[[re.Match[str], date, str], date]
# The exacter first. What only says since when, or for how long, names no event.
NOT_SINCE = r"(?<!since )(?<!until )(?<!till )(?<!before )(?<!after )(?<!from )(?<!every )"
PATTERNS: tuple[tuple[re.Pattern[str], Find], ...] = tuple(
    (re.compile(rf"{NOT_SINCE}\b{pattern}(?!\w)"), find)
    for pattern, find in (
        (r"(?P<year>(?:19|20)\d\d)-(?P<number>\d\d)-(?P<day>\d\d)", _iso),
        (r"(?P<day>\d{1,2})[./](?P<number>\d{1,2})[./](?P<year>(?:19|20)\d\d)", _iso),
        (rf"(?:the )?{DAY} (?:of )?{MONTH},? {YEAR}", _calendar_day),
        (rf"{MONTH} (?:the )?{DAY},? {YEAR}", _calendar_day),
        (rf"(?:the )?{DAY} (?:of )?{MONTH}", _calendar_day),
        (rf"{MONTH} (?:the )?{DAY}(?! ?(?:years|people|km|%))", _calendar_day),
        (r"(?:the )?day before yesterday", _by_days(-2)),
        (r"(?:the )?day after tomorrow", _by_days(2)),
        (rf"{COUNT} {UNIT} (?:ago|back|earlier)", _ago),
        (rf"in {COUNT} {UNIT}(?:' time| time)?", _ahead),
        (rf"{COUNT} {UNIT} from now", _ahead),
        (rf"(?:on )?{WHICH} {WEEKDAY}", _on_weekday),
        (rf"{WHICH} weekend", _of_weekend),
        (rf"(?:in )?{WHICH} {MONTH}", _calendar_month),
        (rf"{WHICH} (?P<season>{'|'.join(SEASONS)})", _of_season),
        (rf"{WHICH} (?P<unit>week|month|year)", _of_unit),
        (r"yesterday|last night", _by_days(-1)),
        (r"tomorrow", _by_days(1)),
        (r"today|tonight|this (?:morning|afternoon|evening)", _by_days(0)),
        (rf"(?:on|by|this) {WEEKDAY}", _on_weekday),
        (rf"(?:in|by|during) (?:early |late |mid-?)?{MONTH}(?: of)?,? {YEAR}", _calendar_month),
        (rf"(?:in|by|during) (?:early |late |mid-?)?{MONTH}", _calendar_month),
        (rf"(?:in|during|back in) {YEAR}", _year),
    )
)
