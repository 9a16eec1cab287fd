"""Markdown while it is written: blocks that are whole stay as they are, and only the one that still grows is made anew.

What is nothing but words needs no rendering at all: a page adds them by itself to what it shows.
"""

import itertools
import re
from collections.abc import Collection

from memorychat.lib import markdown

# Whatever of these is missing, the text is prose: a sign within a line, or what a line may begin with.
SIGN = re.compile(r"[*_`#\[\]<>|~\\&]|://")
BEGINNING = re.compile(r"^(?: {0,3}(?:[-+=]|\d{1,9}[.)])| {4}|\t)", re.MULTILINE)
FENCE_END = re.compile(r"\n[ >]*(?:`{3}|~{3})")
LINE_END = re.compile(r"\r\n?|\n")
# A block that grows longer than this is left to the end: a page shows its text till then.
LONGEST_OPEN, LONGEST_OPEN_CODE = 8_000, 30_000


class Unfolding:
    """`blocks` is the HTML of the blocks that are whole, `open` that of the one that is not."""

    def __init__(self) -> None:
        self.blocks: list[str] = []
        self.open = ""
        self._tail = ""
        # Where in the tail that begins which came after the last look, and that in which no markup was looked for.
        self._seen = self._searched = 0
        self._kind = ""
        self.has_markup = False

    def add(self, piece: str) -> None:
        self._tail += piece

    @property
    def needs_look(self) -> bool:
        """Whether more came than words that a page can add by itself."""
        if self._seen == len(self._tail) or self.is_too_long:
            return False
        if not self.has_markup:
            self.has_markup = self._begins_markup()
            return self.has_markup
        return not (self._adds_code() if self._kind == "fence" else self._adds_words())

    @property
    def is_too_long(self) -> bool:
        """Whether what grows is left to the end."""
        return len(self._tail) > (LONGEST_OPEN_CODE if self._kind == "fence" else LONGEST_OPEN)

    def look(self, citations: Collection[int] = ()) -> list[str]:
        """Take in what came, and say which blocks have become whole."""
        closed = self._close(citations)
        self.blocks += closed
        self.open = self.rest(citations)
        self._seen = len(self._tail)
        return closed

    def rest(self, citations: Collection[int] = ()) -> str:
        """What comes after the blocks that are whole, as HTML."""
        return markdown.to_html(self._tail.rstrip(), citations=citations)

    def _close(self, citations: Collection[int]) -> list[str]:
        """By lines that are whole: "***" may still become bold words of the paragraph before it."""
        lines = LINE_END.split(self._tail)
        blocks = markdown.blocks_of("\n".join(lines[:-1]))
        self._kind = blocks[-1][0] if blocks else ""
        if len(blocks) < 2:
            return []
        starts = [0, *(start for _, start in blocks[1:])]
        self._tail = "\n".join(lines[starts[-1] :])
        slices = itertools.pairwise(starts)
        return [markdown.to_html("\n".join(lines[start:end]), citations=citations) for start, end in slices]

    def _begins_markup(self) -> bool:
        came = self._tail[self._tail.rfind("\n", 0, self._searched) + 1 :]
        self._searched = len(self._tail)
        return bool(SIGN.search(came) or BEGINNING.search(came))

    def _adds_words(self) -> bool:
        before, came = self._tail[: self._seen], self._tail[self._seen :]
        if before.endswith(("\n", "\r")) or LINE_END.search(came) or SIGN.search(came):
            return False
        line = before[before.rfind("\n") + 1 :]
        return bool(BEGINNING.match(line)) == bool(BEGINNING.match(line + came))

    def _adds_code(self) -> bool:
        came = self._tail[self._seen :]
        is_open = "\n" in self._tail[: self._seen] and not FENCE_END.search(self._tail)
        return is_open and "`" not in came and "~" not in came
