import time
import uuid
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from memorychat.lib.identifiers import before_uuid7, uuid7


def test_an_identifier_is_a_uuid_of_version_7_and_sorts_by_time() -> None:
    first = uuid7()
    time.sleep(0.002)
    second = uuid7()

    assert (first.version, first.variant) == (7, uuid.RFC_4122)
    assert first < second


def test_identifiers_made_from_a_moment_on_are_above_what_stands_before_it() -> None:
    now = datetime.now(UTC)

    assert before_uuid7(now) < uuid7() < before_uuid7(now + timedelta(minutes=1))


@given(st.datetimes(datetime(1970, 1, 2), datetime(9999, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001  # zoned by it
def test_the_later_moment_stands_above(moment: datetime) -> None:
    assert before_uuid7(moment) < before_uuid7(moment + timedelta(seconds=1))


def test_what_is_made_in_a_row_sorts_as_it_was_made_within_a_millisecond() -> None:
    made = []
    for _ in range(200):
        made.append(uuid7())
        sum(range(300))  # some microseconds, as making a row takes
    assert made == sorted(made)
