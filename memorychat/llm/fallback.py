"""The models that may be asked, in their order: who fails before the first word is tried again, then the next is asked.

One deadline holds for all of them together, since it is one person who waits. After the first word there is no second
model: an answer that breaks off ends as one, and says so.
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing

import structlog

from memorychat.llm import outcomes
from memorychat.llm.breakers import watched
from memorychat.llm.deadlines import within
from memorychat.llm.types import Asked, ChatModel, Pieces, Prompt, ProviderError, says_something

log = structlog.get_logger(__name__)

TRIES = 2
PAUSE_SECONDS = 0.25
# What may be otherwise a moment later. Silence may too, but it has used up the time.
PASSING = frozenset({"unreachable", "rate_limited", "interrupted"})


class FallbackChat:
    """A model like any other, by way of several. `silence`: seconds that may pass without a word."""

    def __init__(self, models: Sequence[ChatModel], *, silence: float) -> None:
        self.models = models
        self.provider, self.model = models[0].provider, models[0].model
        self._silence = silence

    async def stream(self, prompt: Prompt, *, correlation_id: str) -> Pieces:
        """An `Asked` before each try; raises the ProviderError of the last try."""
        clock = asyncio.get_running_loop().time
        end, started = clock() + self._silence, False
        trouble = ProviderError("No model could be asked in time.", code="timeout")
        for position, model in enumerate(self.models):
            # Each model that is still to be asked gets an equal share of the time that is left.
            its_end = clock() + (end - clock()) / (len(self.models) - position)
            pauses = iter([PAUSE_SECONDS] * (TRIES - 1))
            while (first := its_end - clock()) > 0:
                try:
                    async with aclosing(self._ask(model, prompt, correlation_id, first=first)) as pieces:
                        async for piece in pieces:
                            started = started or says_something(piece)
                            yield piece
                except ProviderError as error:
                    if started:
                        raise
                    trouble = error
                else:
                    return
                pause = next(pauses, None)
                if pause is None or trouble.permanent or trouble.code not in PASSING:
                    break
                await asyncio.sleep(min(trouble.again_after or pause, max(0.0, its_end - clock())))
        raise trouble

    async def aclose(self) -> None:
        for model in self.models:
            await model.aclose()

    async def _ask(self, model: ChatModel, prompt: Prompt, correlation_id: str, *, first: float) -> Pieces:
        try:
            with watched(model.provider):
                yield Asked(model.provider, model.model)
                stream = model.stream(prompt, correlation_id=correlation_id)
                async with aclosing(within(stream, silence=self._silence, first=first)) as pieces:
                    async for piece in pieces:
                        yield piece
        except ProviderError as error:
            log.warning("model_failed", provider=model.provider, code=error.code)
            outcomes.record(model.provider, error)
            raise
        outcomes.record(model.provider, None)
