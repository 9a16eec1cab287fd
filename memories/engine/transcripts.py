"""A conversation or a call as it is read for memories: its turns, and chunks of them that a model can take."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from memories.engine.types import Provenance
from memorychat.lib.text import tokens_of

MOST_TOKENS = 10_000  # of one chunk
OVERLAP_TOKENS = 500  # of the turns that a chunk has in common with the one before


@dataclass(frozen=True)
class Turn:
    """What somebody said. Only what the person said themselves is evidence; other turns are context."""

    words: str
    provenance: Provenance = field(default_factory=Provenance)
    is_persons: bool = True


def chunks(turns: Sequence[Turn]) -> Iterator[list[Turn]]:
    """All turns in their order, at most MOST_TOKENS at once, cut between turns; each begins with the last ones before.

    A single turn that is longer is cut between words.
    """
    chunk: list[Turn] = []
    size = new = 0
    for turn in (part for whole in turns for part in _parts(whole)):
        tokens = tokens_of(turn.words)
        if size + tokens > MOST_TOKENS and new:
            yield chunk
            chunk = _tail(chunk, MOST_TOKENS - tokens)
            size, new = sum(tokens_of(before.words) for before in chunk), 0
        chunk.append(turn)
        size, new = size + tokens, new + 1
    if new:
        yield chunk


def _tail(turns: Sequence[Turn], room: int) -> list[Turn]:
    tail: list[Turn] = []
    left = min(OVERLAP_TOKENS, room)
    for turn in reversed(turns):
        left -= tokens_of(turn.words)
        if left < 0:
            break
        tail.insert(0, turn)
    return tail


def _parts(turn: Turn) -> Iterator[Turn]:
    words = turn.words
    while tokens_of(words) > MOST_TOKENS:
        # As many characters as surely fit, whatever bytes they take, to the last blank in them.
        room = len(words) * MOST_TOKENS // (2 * tokens_of(words))
        cut = words.rfind(" ", room // 2, room)
        cut = cut if cut > 0 else room
        yield replace(turn, words=words[:cut])
        words = words[cut:]
    yield replace(turn, words=words)
