import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memorychat.lib import strict_json
from memorychat.lib.strict_json import DEEPEST, BadJson

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_what_is_json_is_read_as_it_is(value: object) -> None:
    assert strict_json.read(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b'"\xed\xa0\x80"', "not JSON"),
        (b"NaN", "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b"1e999", "too large"),
        (b"9" * 5_000, "not JSON"),
        (b'"\\ud800"', "half of a character"),
        (b'{"\\udfff": 1}', "half of a character"),
        (b'{"a": [{"b": "\\ud800x"}]}', "half of a character"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), "nested too deeply"),
    ],
)
def test_what_a_later_step_could_not_bear_is_refused_in_a_sentence(body: bytes, reason: str) -> None:
    with pytest.raises(BadJson, match=reason):
        strict_json.read(body)


def test_the_deepest_that_is_allowed_is_read() -> None:
    assert strict_json.read(b"[" * DEEPEST + b"]" * DEEPEST)


def test_a_whole_character_in_two_halves_is_one() -> None:
    assert strict_json.read(b'"\\ud83d\\ude00"') == "😀"
