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
from memorychat.llm.types import Asked, ChatModel, Failed, Pieces, Prompt, ProviderError, says_something

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
                asked = False
                try:
                    async with aclosing(self._ask(model, prompt, correlation_id, first=first)) as pieces:
                        async for piece in pieces:
                            started = started or says_something(piece)
                            asked = asked or isinstance(piece, Asked)
                            yield piece
                except ProviderError as error:
                    if started:
                        raise
                    trouble = error
                else:
                    return
                if asked:
                    yield Failed(trouble.code)
                pause = _pause(trouble, next(pauses, None))
                if not asked or pause is None or clock() + pause >= its_end:
                    break
                await asyncio.sleep(pause)
        raise trouble

    def only(self, provider: str, *, silence: float) -> "FallbackChat":
        """Of these models the one that answered: what it began, no other one goes on with."""
        return FallbackChat([model for model in self.models if model.provider == provider], silence=silence)

    async def aclose(self) -> None:
        for model in self.models:
            await model.aclose()

    async def _ask(self, model: ChatModel, prompt: Prompt, correlation_id: str, *, first: float) -> Pieces:
        """Raises ProviderError; before the `Asked` where the model is left alone for a while, and is not asked."""
        with watched(model.provider):
            yield Asked(model.provider, model.model)
            stream = model.stream(prompt, correlation_id=correlation_id)
            # An answer to a job is looked at by whoever asked; after calls of tools all may have been said.
            may_be_empty = bool(prompt.rounds) or prompt.json_schema is not None
            bounded = within(stream, silence=self._silence, first=first, may_be_empty=may_be_empty)
            try:
                async with aclosing(bounded) as pieces:
                    async for piece in pieces:
                        yield piece
            except ProviderError as error:
                log.warning("model_failed", provider=model.provider, code=error.code)
                outcomes.record(model.provider, error)
                raise
        outcomes.record(model.provider, None)


def _pause(trouble: ProviderError, usual: float | None) -> float | None:
    """Seconds to wait for another try with the same model; None where there is none, or it would be in vain."""
    if usual is None or trouble.permanent or trouble.code not in PASSING:
        return None
    return trouble.again_after or usual
