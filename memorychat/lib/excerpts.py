"""Looking for words in texts of one's own, and showing where they stand: whatever their case and accents."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from memorychat.lib.text import fold

LENGTH = 160
# So much stands before the first word that was found.
BEFORE = 50


@dataclass(frozen=True)
class Piece:
    """A part of a text, which is one of the words that were looked for, or stands between them."""

    text: str
    is_hit: bool


def words_of(query: str) -> list[str]:
    """Folded, as they are looked for."""
    return fold(query).split()


def holds(text: str, words: Sequence[str]) -> bool:
    """Each of these folded words, as a part of a word too."""
    folded = fold(text)
    return all(word in folded for word in words)


def excerpt(text: str, words: Sequence[str], *, length: int = LENGTH) -> list[Piece]:
    """One line around the first of the words, with all of them in it marked."""
    line = " ".join(text.split())
    spans = _spans(line, words)
    start, end = _window(line, spans[0][0] if spans else 0, length)
    pieces = [Piece("…", is_hit=False)] if start else []
    pieces += _cut(line, [(max(at, start), min(to, end)) for at, to in spans if at < end and to > start], start, end)
    return [*pieces, Piece("…", is_hit=False)] if end < len(line) else pieces


def _window(line: str, first: int, length: int) -> tuple[int, int]:
    """Where the excerpt begins and ends: between words where there are blanks."""
    start = max(0, min(first - BEFORE, len(line) - length))
    if start and (blank := line.find(" ", start, first)) >= 0:
        start = blank + 1
    end = min(len(line), start + length)
    if end < len(line) and (blank := line.rfind(" ", max(first + 1, start + length // 2), end)) >= 0:
        end = blank
    return start, end


def _cut(line: str, spans: Sequence[tuple[int, int]], start: int, end: int) -> Iterator[Piece]:
    for at, to in spans:
        if at > start:
            yield Piece(line[start:at], is_hit=False)
        yield Piece(line[at:to], is_hit=True)
        start = to
    if end > start:
        yield Piece(line[start:end], is_hit=False)


def _spans(line: str, words: Sequence[str]) -> list[tuple[int, int]]:
    """Where the words stand in the line itself, in order; what overlaps is one."""
    folded, places = _folded(line)
    found: list[tuple[int, int]] = []
    for at, to in sorted(span for word in words for span in _occurrences(folded, word)):
        begin, end = places[at], _with_accents(line, places[to - 1] + 1)
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return found


def _occurrences(folded: str, word: str) -> Iterator[tuple[int, int]]:
    at = folded.find(word) if word else -1
    while at >= 0:
        yield at, at + len(word)
        at = folded.find(word, at + len(word))


def _folded(line: str) -> tuple[str, Sequence[int]]:
    """The folded line, and of each of its characters the place of the one that it came from."""
    if line.isascii():
        return fold(line), range(len(line))
    parts = [_fold_one(character) for character in line]
    return "".join(parts), [place for place, part in enumerate(parts) for _ in part]


@lru_cache(maxsize=5_000)
def _fold_one(character: str) -> str:
    return fold(character)


def _with_accents(line: str, end: int) -> int:
    """A letter is not parted from the accents that stand behind it."""
    while end < len(line) and unicodedata.combining(line[end]):
        end += 1
    return end
