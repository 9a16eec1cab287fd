"""Total deadlines for streams: the libraries' own count from piece to piece, so a model that drips outlives them."""

import asyncio
from contextlib import aclosing

from memorychat.llm.types import Finished, Pieces, ProviderError

# A whole answer may take this many times what silence may.
WHOLE_ANSWER = 4


async def within(pieces: Pieces, *, silence: float) -> Pieces:
    """The same pieces; raises ProviderError after `silence` seconds without one, or four times as many in all.

    Raises ProviderError too when the stream ends without a `Finished`: then the answer was cut.
    """
    clock = asyncio.get_running_loop().time
    end = clock() + silence * WHOLE_ANSWER
    async with aclosing(pieces):
        while True:
            try:
                async with asyncio.timeout_at(min(clock() + silence, end)):
                    piece = await anext(pieces)
            except TimeoutError as error:
                raise ProviderError("The model did not answer in time.", code="timeout") from error
            except StopAsyncIteration:
                raise ProviderError("The model's answer broke off.", code="interrupted") from None
            yield piece
            if isinstance(piece, Finished):
                return
