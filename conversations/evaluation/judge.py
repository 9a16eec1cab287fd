"""Whether what is in the table after a case is what the case wants. Pure but for the embedder that it is given.

A memory says what was expected when all the words occur in it, or when it is the same to the embedder without a
difference that counts (`memories/engine/sameness.py`). Every other memory that was written is a false positive, and so
is one that should be gone.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from conversations.evaluation.cases import Case, Expected
from memorychat.lib.text import fold

Same = Callable[[str, str], bool]


@dataclass(frozen=True)
class Row:
    """A memory of the table. `slot` is the attribute, when it has one of those that were asked about."""

    content: str
    status: str
    kind: str
    slots: tuple[str, ...]
    on: str
    is_new: bool
    times_said: int


@dataclass(frozen=True)
class Judgement:
    """What was right and wrong in one case. `details` counts kinds and slots that were asked about."""

    hits: int
    missed: tuple[str, ...] = ()
    false: tuple[str, ...] = ()
    details_right: int = 0
    details: int = 0

    @property
    def passed(self) -> bool:
        return not self.missed and not self.false


def judge(case: Case, rows: list[Row], same: Same) -> Judgement:
    matched: dict[int, Expected] = {}
    missed: list[str] = []
    for expected in case.expected:
        at = next((at for at, row in enumerate(rows) if at not in matched and _fits(case, expected, row, same)), None)
        if at is None:
            missed.append(expected.says)
        else:
            matched[at] = expected
    forgotten = {row.content for row in rows if row.status == "forgotten"}
    unforgotten = [f"to be forgotten: {content}" for content in case.forgotten if content not in forgotten]
    false = [
        f"{row.content} ({row.status})" for at, row in enumerate(rows) if at not in matched and _is_false(case, row)
    ]
    details = [right for at, expected in matched.items() for right in _details(expected, rows[at])]
    return Judgement(
        hits=len(matched) + len(case.forgotten) - len(unforgotten),
        missed=(*missed, *unforgotten),
        false=tuple(false),
        details_right=sum(details),
        details=len(details),
    )


def _fits(case: Case, expected: Expected, row: Row, same: Same) -> bool:
    if row.status != expected.status or (expected.on and row.on != expected.on) or _holds_forbidden(case, row):
        return False
    is_heard_again = not row.is_new and row.times_said > 1 if expected.reinforced else row.is_new
    return is_heard_again and (_has_words(expected, row.content) or same(expected.says, row.content))


def _is_false(case: Case, row: Row) -> bool:
    """A new memory that nobody expected, an old one that should be gone, or one that should still be there."""
    if row.is_new:
        if _holds_forbidden(case, row):
            return row.status in ("active", "pending")
        return row.status == "active" and not any(occurs(words, row.content) for words in case.allowed)
    should_hold = row.content not in (*case.gone, *case.forgotten)
    return should_hold != (row.status == "active") and row.content not in case.forgotten


def _holds_forbidden(case: Case, row: Row) -> bool:
    return row.is_new and any(occurs(words, row.content) for words in case.forbidden)


def _has_words(expected: Expected, content: str) -> bool:
    return all(any(occurs(word, content) for word in words.split("|")) for words in expected.words)


def occurs(words: str, content: str) -> bool:
    """From the beginning of a word, for scripts that have words: "live" is in "lives", "art" is not in "part"."""
    begins = r"(?<!\w)" if words.isascii() and "'" not in words else ""
    return re.search(begins + re.escape(fold(words)), fold(content)) is not None


def _details(expected: Expected, row: Row) -> list[bool]:
    right = [row.kind == expected.kind] if expected.kind else []
    return [*right, expected.slot in row.slots] if expected.slot else right
