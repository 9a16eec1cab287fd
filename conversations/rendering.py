"""Answers as HTML: those that are stored, and those that are still being written.

The HTML of an answer follows from its text and from how many memories it was given, whoever asks for it.
"""

import time
from typing import Any

from conversations.models import Message
from memorychat.lib import markdown
from memorychat.lib.unfolding import Unfolding

# How often one answer is rendered while it grows, and how much of the process's time all of them together may take.
LOOK_SECONDS = 1 / 8
SHARE, BURST_SECONDS = 0.1, 0.1


def html_of(text: str, given: int) -> str:
    """`given` is how many memories it may name by number."""
    return markdown.to_html(text, citations=range(1, given + 1))


def html_of_answer(answer: Message) -> str:
    receipt = getattr(answer, "receipt", None)
    return html_of(answer.text, len(receipt.recalled) if receipt else 0)


class Pace:
    """Rendering is paid for with time that comes in slowly: of many answers at once each is rendered less often."""

    def __init__(self, share: float = SHARE, burst: float = BURST_SECONDS) -> None:
        self._share, self._burst = share, burst
        self._left, self._at = burst, 0.0

    def allows(self, now: float) -> bool:
        self._left = min(self._burst, self._left + (now - self._at) * self._share)
        self._at = now
        return self._left > 0

    def spend(self, seconds: float) -> None:
        self._left -= seconds


_pace = Pace()


class Growing:
    """An answer on its way to its page, as frames: what has become whole since the last one, and what still grows."""

    def __init__(self, pace: Pace = _pace) -> None:
        self._unfolding = Unfolding()
        self._pace = pace
        self._looked_at = 0.0
        # Whether there is something that it was too early to show.
        self.is_behind = False
        self.add = self._unfolding.add

    def frame(self, given: int) -> dict[str, Any] | None:
        """None when a page knows enough to go on by itself, or when it is too early."""
        now = time.perf_counter()
        is_early = now - self._looked_at < LOOK_SECONDS
        needs_look = self._unfolding.needs_look
        self.is_behind = needs_look and (is_early or not self._pace.allows(now))
        if self.is_behind or not needs_look:
            return None
        self._looked_at = now
        closed = self._unfolding.look(range(1, given + 1))
        self._pace.spend(time.perf_counter() - now)
        return _frame(len(self._unfolding.blocks), closed, self._unfolding.open)

    def whole_frame(self, given: int) -> dict[str, Any] | None:
        """All of it, for a page that comes back; None while it is nothing but words, or too long, or too much is asked.

        Such a page shows the text, and hears what it looks like with one of the next frames, or in the end.
        """
        unfolding, now = self._unfolding, time.perf_counter()
        if not unfolding.has_markup or unfolding.is_too_long or not self._pace.allows(now):
            return None
        picture = _frame(len(unfolding.blocks), unfolding.blocks, unfolding.rest(range(1, given + 1)))
        self._pace.spend(time.perf_counter() - now)
        return picture


def _frame(count: int, closed: list[str], still_open: str) -> dict[str, Any]:
    return {"type": "reply.rendered", "closed": count, "html": closed, "open": still_open}
