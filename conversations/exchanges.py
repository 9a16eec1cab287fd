"""A turn as a program has it: heard as the socket's frames, and answered again under its Idempotency-Key."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Iterator

import structlog
from django.db import DatabaseError

from accounts import idempotency
from accounts.models import IdempotencyRecord
from conversations import rendering, replies
from conversations.models import Message
from conversations.replies import Frame
from conversations.schemas import ChatOut
from conversations.threads import in_thread_aside
from conversations.turns import Turn

log = structlog.get_logger(__name__)

ENDS = frozenset({"reply.finished", "reply.stopped", "reply.failed"})
# Whatever stands between us and a program may close a stream that is silent for longer.
SILENCE_SECONDS = 15


class Exchange:
    """A reply in the making, and a program that hears it.

    The reply does not need its hearer: when the program is gone, the answer is kept all the same.
    """

    def __init__(self, turn: Turn, record: IdempotencyRecord | None) -> None:
        self._turn = turn
        self._record = record
        self._text = ""
        self._frames: asyncio.Queue[Frame] = asyncio.Queue()
        for frame in _opening(turn):
            self._frames.put_nowait(frame)
        replies.start(turn, self._hear)

    async def frames(self) -> AsyncIterator[Frame | None]:
        """To the last one; None stands for a silence."""
        frame: Frame | None = None
        while frame is None or frame["type"] not in ENDS:
            try:
                async with asyncio.timeout(SILENCE_SECONDS):
                    frame = await self._frames.get()
            except TimeoutError:
                frame = None
            yield frame

    async def last_frame(self) -> Frame:
        return [frame async for frame in self.frames() if frame][-1]

    def answer(self, last: Frame) -> ChatOut:
        return ChatOut(
            conversation_id=self._turn.conversation_id,
            message_id=last["message_id"],
            reply=self._text,
            receipt=last["receipt"],
        )

    async def _hear(self, frame: Frame) -> None:
        if frame["type"] == "reply.rendered":
            # For pages: a program has the deltas.
            return
        if frame["type"] == "reply.delta":
            self._text += frame["text"]
        # Before the program can hear the end, for it might ask again at once.
        if frame["type"] in ENDS and self._record:
            await in_thread_aside(self._settle, self._record, frame)
        await self._frames.put(frame)

    def _settle(self, record: IdempotencyRecord, last: Frame) -> None:
        try:
            if last["type"] == "reply.failed":
                idempotency.give_up(record)
            else:
                idempotency.finish(record, idempotency.Answer(200, idempotency.body_of(self.answer(last))))
        except DatabaseError as error:
            # The turn itself is kept or not by now; asked again, it is looked up.
            log.warning("idempotent_answer_lost", error=type(error).__name__)


def _opening(turn: Turn) -> Iterator[Frame]:
    if turn.is_new_conversation:
        yield {"type": "conversation.opened", "id": str(turn.conversation_id)}
    if turn.mode.keeps_words:
        yield {"type": "message.saved", "client_message_id": "", "id": str(turn.id)}


def stored(answer: Message) -> ChatOut:
    """The answer that is there already, when its question is sent again."""
    return ChatOut(conversation_id=answer.conversation_id, message_id=answer.pk, reply=answer.text, receipt=None)


def frames_again(turn_id: uuid.UUID, answer: ChatOut) -> Iterator[Frame]:
    """The frames of a turn that is over, its text in one piece."""
    yield {"type": "conversation.opened", "id": str(answer.conversation_id)}
    yield {"type": "message.saved", "client_message_id": "", "id": str(turn_id)}
    yield {"type": "reply.started", "turn": str(turn_id)}
    yield {"type": "reply.delta", "seq": 1, "text": answer.reply}
    given = answer.receipt["read"] if answer.receipt else 0
    yield {
        "type": "reply.finished",
        "message_id": str(answer.message_id),
        "html": rendering.html_of(answer.reply, given),
        "receipt": answer.receipt,
    }


def as_event(frame: Frame | None) -> str:
    """A frame as a server-sent event; a silence as a comment, which keeps the connection open."""
    return f"event: {frame['type']}\ndata: {json.dumps(frame)}\n\n" if frame else ": \n\n"
