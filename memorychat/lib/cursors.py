"""Cursors: where the next part of a list begins, opaque to whoever hands one back."""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


class BadCursor(ValueError):
    """This was never handed out as a cursor of this list."""


@dataclass(frozen=True)
class Page(Generic[T]):
    """A part of a list, and the cursor of the part after it."""

    rows: Sequence[T]
    next: str | None


def cut(rows: Sequence[T], limit: int, position: Callable[[T], Sequence[object]]) -> Page[T]:
    """The first `limit` of the rows, of which one more was fetched; `position` tells a row's place in the order."""
    shown = rows[:limit]
    return Page(shown, write(*position(shown[-1])) if len(rows) > limit else None)


def write(*position: object) -> str:
    return base64.urlsafe_b64encode(json.dumps([str(part) for part in position]).encode()).decode().rstrip("=")


def read(cursor: str, *kinds: Callable[[str], T]) -> list[T]:
    """The position that was written, each part made by its kind."""
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
        return [kind(part) for kind, part in zip(kinds, parts, strict=True)]
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise BadCursor("This cursor is not one of this list.") from error
