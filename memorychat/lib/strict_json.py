"""JSON from outside: only what every later step can bear."""

import json
import math
from typing import Any, NoReturn

DEEPEST = 32


class BadJson(ValueError):
    """The text cannot be taken; the message is a sentence for whoever sent it."""


def read(body: bytes) -> Any:
    """The value. Refuses also what Python lets pass: NaN, numbers that overflow, lone surrogates, deep nesting."""
    try:
        value = json.loads(body.decode(), parse_float=_finite, parse_constant=_no_number)
    except BadJson:
        raise
    # Recursion: so deep that Python gives up before we can measure. ValueError: no JSON, or no UTF-8.
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise BadJson("The body is not JSON.") from error
    _check(value)
    return value


def _finite(literal: str) -> float:
    number = float(literal)
    if not math.isfinite(number):
        raise BadJson("The body holds a number that is too large.")
    return number


def _no_number(literal: str) -> NoReturn:
    raise BadJson(f"The body holds {literal}, which is not JSON.")


def _check(value: Any) -> None:
    """Level by level: what is nested deeply must not be read by recursion."""
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise _too_deep()
        for each in level:
            if isinstance(each, str):
                _check_text(each)
        level = [inner for each in level for inner in _inside(each)]


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else []


def _check_text(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise BadJson("The body holds half of a character (a lone surrogate), which cannot be stored.") from error


def _too_deep() -> BadJson:
    return BadJson(f"The body is nested too deeply: at most {DEEPEST} levels are allowed.")
