import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memorychat.lib import cursors
from memorychat.lib.cursors import BadCursor


@given(st.text(), st.uuids())
def test_a_cursor_leads_back_to_the_position_it_was_made_of(text: str, identifier: uuid.UUID) -> None:
    assert cursors.read(cursors.write(text, identifier), str, uuid.UUID) == [text, identifier]


@pytest.mark.parametrize(
    "cursor", ["", "x", "!!!", "\x00", "ü", "bnVsbA", "WzFd", "W10", cursors.write("a"), "W" * 9_999]
)
def test_what_is_no_cursor_of_the_list_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor):
        cursors.read(cursor, uuid.UUID)


def test_the_last_part_leads_nowhere() -> None:
    assert cursors.cut([1, 2], 2, lambda row: [row]).next is None


def test_a_part_leads_to_the_one_after_its_last_row() -> None:
    page = cursors.cut([1, 2, 3], 2, lambda row: [row])

    assert page.rows == [1, 2]
    assert page.next == cursors.write(2)
