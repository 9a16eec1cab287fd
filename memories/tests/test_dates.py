from datetime import UTC, datetime

import pytest

from memories.engine import dates

LISBON = dates.zone_of("Europe/Lisbon")
WEDNESDAY = datetime(2026, 7, 8, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("statement", "day"),
    [
        ("I met Ana last Friday", "2026-07-03"),
        ("I met Ana on Friday", "2026-07-03"),
        ("My train leaves on Friday", "2026-07-10"),
        ("I had lunch there on Wednesday", "2026-07-01"),
        ("We meet next Monday", "2026-07-13"),
        ("I bought it yesterday", "2026-07-07"),
        ("I saw it the day before yesterday", "2026-07-06"),
        ("My flight is tomorrow", "2026-07-09"),
        ("I ran a marathon two weeks ago", "2026-06-24"),
        ("I moved a month ago", "2026-06-08"),
        ("I will start in ten days", "2026-07-18"),
        ("I moved on 3 July", "2026-07-03"),
        ("I fly on 3 July", "2027-07-03"),
        ("I got married on July 3rd, 2020", "2020-07-03"),
        ("I got married on 29 February", "2024-02-29"),
        ("I signed on 2024-02-29", "2024-02-29"),
        ("I signed on 03.07.2020", "2020-07-03"),
        ("I visited Rome in 2019", "2019-01-01"),
        ("I quit in March", "2026-03-01"),
        ("I am starting in March", "2027-03-01"),
        ("I swam a lot last summer", "2025-06-01"),
        ("We went to Porto last weekend", "2026-07-04"),
        ("I changed jobs last month", "2026-06-08"),
    ],
)
def test_a_date_in_words_is_resolved_against_the_day_it_was_said(statement: str, day: str) -> None:
    at = dates.resolve(statement, WEDNESDAY, LISBON)
    assert at
    assert at.date().isoformat() == day


@pytest.mark.parametrize(
    "statement",
    [
        "I live in Porto",
        "I have lived here since 2015",
        "I run on Fridays",
        "I may go",
        "I was born on 31 June",
        "The castle was built in 1399",
        "I want to see Mars in 2090",
        "In 500 years nobody will know",
        "",
    ],
)
def test_what_names_no_day_or_no_plausible_one_has_none(statement: str) -> None:
    assert dates.resolve(statement, WEDNESDAY, LISBON) is None


def test_days_are_counted_in_the_zone_of_the_person() -> None:
    late = datetime(2026, 7, 8, 23, 30, tzinfo=UTC)
    days = [
        dates.resolve("I ran yesterday", late, dates.zone_of(name)) for name in ("UTC", "Asia/Tokyo", "America/Lima")
    ]
    assert [at and at.date().isoformat() for at in days] == ["2026-07-07", "2026-07-08", "2026-07-07"]


@pytest.mark.parametrize("name", ["", "Nowhere/Land", "../etc/passwd", "\x00"])
def test_an_unknown_zone_is_utc(name: str) -> None:
    assert dates.zone_of(name).key == "UTC"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-07-03", "2026-07-03T12:00:00+01:00"),
        ("2026-07", "2026-07-01T12:00:00+01:00"),
        ("2019", "2019-01-01T12:00:00+00:00"),
        ("2026-07-03T10:30", "2026-07-03T10:30:00+01:00"),
        ("2026-07-03T10:30:00Z", "2026-07-03T10:30:00+00:00"),
        ("1899-12-31", None),
        ("2037-01-01", None),
        ("2026-02-30", None),
        ("0000-00-00", None),
        ("last Friday", None),
        ("9" * 5_000, None),
    ],
)
def test_a_date_that_a_model_writes_must_be_one_and_plausible(written: str, read: str | None) -> None:
    at = dates.read(written, WEDNESDAY, LISBON)
    assert (at and at.isoformat()) == read
