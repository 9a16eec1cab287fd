"""Bounds on a model that answers: it may not be silent for long, never end without saying so, and not go on for ever.

The time-outs of the clients count single reads: a model that drips a word now and then would never be too slow.
"""

import asyncio
from contextlib import aclosing

from memorychat.llm.types import Finished, Pieces, ProviderError, says_something

# A whole answer may take this many times what silence may.
WHOLE_ANSWER = 4
# Characters; no model that keeps to its limit of tokens comes near.
LONGEST_ANSWER = 2_000_000


async def within(pieces: Pieces, *, silence: float, first: float | None = None, may_be_empty: bool = False) -> Pieces:
    """The same pieces; raises ProviderError after `silence` seconds without one, or four times as many in all.

    The first piece may take `first` seconds. Raises ProviderError too when the stream ends without a `Finished`: then
    the answer was cut; when it is longer than any answer; and when it ends without having said anything, unless it
    may be empty.
    """
    clock = asyncio.get_running_loop().time
    end, length, is_empty = clock() + silence * WHOLE_ANSWER, 0, not may_be_empty
    patience = silence if first is None else first
    async with aclosing(pieces):
        while True:
            try:
                async with asyncio.timeout_at(min(clock() + patience, end)):
                    piece = await anext(pieces)
            except TimeoutError as error:
                raise ProviderError("The model did not answer in time.", code="timeout") from error
            except StopAsyncIteration:
                raise ProviderError("The model's answer broke off.", code="interrupted") from None
            patience, length = silence, length + (len(piece) if isinstance(piece, str) else 0)
            if length > LONGEST_ANSWER:
                raise ProviderError("The model's answer does not end.", code="too_long")
            is_empty = is_empty and not says_something(piece)
            if is_empty and isinstance(piece, Finished):
                raise ProviderError("The model gave an empty answer.", code="nonsense")
            yield piece
            if isinstance(piece, Finished):
                return
