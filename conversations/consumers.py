"""The chat's socket: frames in, frames out. What they do is in `turns` and `replies`.

Close codes: 4401 not signed in (any more), 4404 no such conversation.
"""

import asyncio
import json
import re
import time
import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, ClassVar

import structlog
from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from structlog.contextvars import bound_contextvars

from accounts.models import User
from conversations import crowding, rendering, replies, turns
from conversations.branches import UnknownMessage
from conversations.models import MessageStatus
from conversations.replies import Frame, Reply
from conversations.sessions import signed_in, watch
from conversations.stretches import Stretch, lost_stretches
from conversations.threads import in_thread, in_thread_aside
from conversations.turns import AlreadySent, Said, Turn, TurnRefused, UnknownConversation
from memories.models import MemoryProfile, PrivacyMode
from memorychat.lib import metrics
from memorychat.lib.crypto import key_ring
from memorychat.lib.notify import group_of, listener
from memorychat.lib.text import TextError

log = structlog.get_logger(__name__)

FRAME_LIMIT = 64 * 1024
NOT_SIGNED_IN, NOT_FOUND, TOO_MUCH = 4401, 4404, 4429
# How often a reply is looked for that another process writes.
ELSEWHERE_SECONDS = 1.0
SESSION_KEY = re.compile(r"[a-z0-9]{8,40}")
ENDS = ("reply.finished", "reply.stopped")


class _Frame(BaseModel):
    model_config = ConfigDict(extra="ignore")


class MessageSend(_Frame):
    """`profile_id` is for a new conversation; `edits` is the message in whose place the text is to stand."""

    text: str
    client_message_id: str = Field("", pattern=r"^[\x21-\x7e]{0,64}$")
    privacy_mode: PrivacyMode | None = None
    profile_id: uuid.UUID | None = None
    edits: uuid.UUID | None = None


class ReplyAgain(_Frame):
    message_id: uuid.UUID


class ReplyResume(_Frame):
    turn: uuid.UUID
    after: int = Field(0, ge=0)


class PrivacySet(_Frame):
    mode: PrivacyMode


class NoFields(_Frame):
    pass


class ChatConsumer(AsyncWebsocketConsumer):
    """One page of one person, with one conversation or, until the first message, none."""

    user: User
    is_open = is_crowding = False
    conversation_id: uuid.UUID | None = None
    mode: PrivacyMode

    async def connect(self) -> None:
        self.reply: Reply | None = None
        self.looking: asyncio.Task[None] | None = None
        await self.accept()
        self.session_key = self.scope["cookies"].get(settings.SESSION_COOKIE_NAME, "")
        if not SESSION_KEY.fullmatch(self.session_key):
            await self.close(NOT_SIGNED_IN)
            return
        self.conversation_id = self.scope["url_route"]["kwargs"].get("conversation_id")
        try:
            # The first page of a person makes their profile, and its key.
            with key_ring():
                user, self.mode = await in_thread(_enter, self.session_key, self.conversation_id)
        except SignedOut:
            await self.close(NOT_SIGNED_IN)
            return
        except UnknownConversation:
            await self.close(NOT_FOUND)
            return
        bucket = crowding.admit(user.pk)
        if bucket is None:
            await self.close(TOO_MUCH)
            return
        self.user, self.is_open, self.bucket, self.stretch = user, True, bucket, Stretch(user.pk)
        watch.add(self, self.session_key, partial(self.close, NOT_SIGNED_IN))
        metrics.open_sockets.inc()
        listener.ensure()
        await self.channel_layer.group_add(group_of(user.pk), self.channel_name)

    async def disconnect(self, code: int) -> None:
        self._leave_reply()
        if self.looking:
            self.looking.cancel()
        if self.is_open:
            metrics.open_sockets.dec()
            watch.remove(self)
            crowding.leave(self.user.pk)
            self._leave_stretch()
            await self.channel_layer.group_discard(group_of(self.user.pk), self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if not self.is_open or self.is_crowding:
            # It came while the socket was being closed.
            return
        if not self.bucket.takes():
            await self._refuse_more()
            return
        started = time.perf_counter()
        kind = "unreadable"
        with bound_contextvars(correlation_id=str(uuid.uuid4()), user_id=str(self.user.pk)), key_ring():
            try:
                kind, handle, frame = self._read(text_data)
                if kind not in self.LOOK_THEMSELVES:
                    self.user = await in_thread_aside(_signed_in, self.session_key)
                await handle(self, frame)
            except BadFrame as error:
                await self._error("bad_frame", str(error))
            except SignedOut:
                await self.close(NOT_SIGNED_IN)
            finally:
                log.info("frame", kind=kind, milliseconds=round((time.perf_counter() - started) * 1000, 1))

    async def _refuse_more(self) -> None:
        self.is_crowding = True
        log.warning("too_many_frames", user_id=str(self.user.pk))
        await self._error("too_much", "Too much came in too short a time. Load the page again.")
        await self.close(TOO_MUCH)

    async def memory_changed(self, message: dict[str, Any]) -> None:
        """What the worker told of this person, by the channel layer."""
        await self._send({"type": "memory.changed", "events": message["events"]})

    async def conversation_changed(self, message: dict[str, Any]) -> None:
        """Something was said, answered or taken away, from whichever page or program; the list beside the page shows
        other conversations than its own."""
        await self._send({"type": "conversation.changed", "id": message["conversation"]})

    async def reply_stopping(self, message: dict[str, Any]) -> None:
        """Another page wants a reply stopped that may be written here."""
        if reply := replies.running.get(uuid.UUID(message["turn"])):
            reply.stop()

    def _read(self, text: str | None) -> tuple[str, "Handler", Any]:
        if text is None:
            raise BadFrame("Frames are JSON texts.")
        if len(text) > FRAME_LIMIT:
            raise BadFrame(f"The frame is too long: at most {FRAME_LIMIT // 1024} KB are allowed.")
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BadFrame("The frame is not JSON.") from error
        kind = content.get("type") if isinstance(content, dict) else None
        if not isinstance(kind, str) or kind not in self.HANDLERS:
            raise BadFrame("The frame has no type that is known here.")
        shape, handle = self.HANDLERS[kind]
        try:
            return kind, handle, shape.model_validate(content)
        except ValidationError as error:
            names = ", ".join(sorted({str(detail["loc"][0]) for detail in error.errors() if detail["loc"]}))
            raise BadFrame(f"The frame {kind} is not right in: {names}.") from error

    async def _message_send(self, frame: MessageSend) -> None:
        mode = frame.privacy_mode or self.mode
        if await self._refuses_now(mode):
            return
        said = Said(
            frame.text,
            mode,
            conversation_id=self.conversation_id,
            profile_id=frame.profile_id,
            edits=frame.edits,
            client_message_id=frame.client_message_id,
            history=self.stretch.messages,
        )
        try:
            turn = await in_thread(_begin, self.session_key, said)
        except AlreadySent as sent:
            await self._open(sent.conversation_id)
            await self._saved(frame.client_message_id, sent.turn_id)
            await self._resume(sent.turn_id, after=0)
        except REFUSALS as error:
            await self._refuse(error)
        else:
            self._set_mode(mode)
            await self._answer(turn, frame.client_message_id)

    async def _refuses_now(self, mode: PrivacyMode) -> bool:
        """Whether no answer can be begun here, with a sentence that says why."""
        try:
            replies.refuse_while_draining()
        except TurnRefused as error:
            await self._refuse(error)
            return True
        if self._answers_unkept(mode):
            await self._error("being_answered", "Your last message is still being answered. Wait for it, or stop it.")
            return True
        return False

    async def _reply_again(self, frame: ReplyAgain) -> None:
        """Another answer to a message of this conversation, beside those that it has."""
        if await self._refuses_now(PrivacyMode.NORMAL):
            return
        try:
            turn = await in_thread(turns.begin_again, self.user, frame.message_id, self.conversation_id)
        except REFUSALS as error:
            await self._refuse(error)
        else:
            self.reply = replies.start(turn, self._hear)

    async def _refuse(self, error: Exception) -> None:
        if isinstance(error, UnknownConversation):
            await self.close(NOT_FOUND)
            return
        code = error.code if isinstance(error, TurnRefused) else "bad_message"
        gone = "That is no longer here. Load the page again."
        unknown = isinstance(error, UnknownMessage | MemoryProfile.DoesNotExist)
        await self._error("not_found" if unknown else code, gone if unknown else str(error))

    def _answers_unkept(self, mode: PrivacyMode) -> bool:
        """Where a row cannot say that an answer is under way: before or after a turn that has none."""
        reply = self.reply
        return bool(reply and not reply.is_over and not (mode.keeps_words and reply.turn.mode.keeps_words))

    async def _answer(self, turn: Turn, client_message_id: str) -> None:
        await self._open(turn.conversation_id)
        if turn.mode.keeps_words:
            await self._saved(client_message_id, turn.id)
        elif turn.id in replies.running:
            await self._resume(turn.id, after=0)
            return
        self.reply = replies.start(turn, self._hear)

    async def _open(self, conversation_id: uuid.UUID | None) -> None:
        """The page goes on in the conversation that its message opened, now or when it was sent before."""
        if self.conversation_id is None and conversation_id:
            self.conversation_id = conversation_id
            await self._send({"type": "conversation.opened", "id": str(conversation_id)})

    async def _hear(self, frame: Frame) -> None:
        """A frame of the running reply; the last one of an incognito turn joins the stretch, which lives here alone."""
        if frame["type"] in ENDS and self.reply:
            self._lengthen_stretch(self.reply)
        await self._send(frame)

    def _lengthen_stretch(self, reply: Reply) -> None:
        if not reply.turn.mode.keeps_words and self.mode is PrivacyMode.INCOGNITO:
            self.stretch = self.stretch.with_reply(reply)

    def _leave_stretch(self) -> None:
        """The socket is lost: a page that comes back soon goes on where it was."""
        turn_id = self.stretch.last_turn
        if turn_id:
            lost_stretches[turn_id] = self.stretch
            asyncio.get_running_loop().call_later(replies.KEPT_SECONDS, lost_stretches.pop, turn_id, None)

    def _find_stretch(self, turn_id: uuid.UUID) -> None:
        stretch = lost_stretches.get(turn_id)
        if stretch and stretch.owner_id == self.user.pk:
            self.stretch, self.mode = stretch, PrivacyMode.INCOGNITO

    async def _reply_stop(self, frame: NoFields) -> None:
        own = self.reply if self.reply and not self.reply.is_over else None
        if reply := own or replies.of_conversation(self.conversation_id):
            reply.stop()
        elif self.conversation_id:
            await in_thread_aside(turns.ask_to_stop, self.user, self.conversation_id)

    async def _reply_resume(self, frame: ReplyResume) -> None:
        await self._resume(frame.turn, after=frame.after)

    async def _resume(self, turn_id: uuid.UUID, *, after: int) -> None:
        """What a page missed: the rest of a running reply, or the end of one that is over."""
        self._find_stretch(turn_id)
        reply = replies.running.get(turn_id)
        if reply is not None and reply.turn.access.actor == self.user:
            await self._catch_up(reply, after)
            return
        if await in_thread_aside(turns.is_being_answered, self.user, turn_id):
            await self._send({"type": "reply.started", "turn": str(turn_id)})
            if self.looking:
                self.looking.cancel()
            self.looking = asyncio.create_task(self._look_elsewhere(turn_id))
            return
        await self._send_end(turn_id)

    async def _look_elsewhere(self, turn_id: uuid.UUID) -> None:
        """Another process writes the answer: it is told when it is whole."""
        while await in_thread_aside(turns.is_being_answered, self.user, turn_id):  # noqa: ASYNC110  # another process writes it
            await asyncio.sleep(ELSEWHERE_SECONDS)  # what it waits for happens in another process
        with key_ring():
            await self._send_end(turn_id)

    async def _send_end(self, turn_id: uuid.UUID) -> None:
        answer = await in_thread_aside(_read_answer, self.user, turn_id)
        await self._send(answer or replies.failed("interrupted"))

    async def _catch_up(self, reply: Reply, after: int) -> None:
        if after == 0:
            await self._send({"type": "reply.started", "turn": str(reply.turn.id)})
        for delta in reply.frames[after:]:
            await self._send(delta)
        if not reply.last_frame and (picture := reply.picture()):
            await self._send(picture)
        if reply.last_frame:
            self._lengthen_stretch(reply)
            await self._send(reply.last_frame)
        elif self._hear not in reply.listeners:
            self._leave_reply()
            self.reply = reply
            reply.listeners.append(self._hear)

    async def _privacy_set(self, frame: PrivacySet) -> None:
        self._set_mode(frame.mode)

    def _set_mode(self, mode: PrivacyMode) -> None:
        """What was said incognito leaves the model's sight when the stretch ends."""
        if mode is not self.mode and mode is not PrivacyMode.INCOGNITO:
            self.stretch = Stretch(self.user.pk)
        self.mode = mode

    async def _saved(self, client_message_id: str, message_id: uuid.UUID) -> None:
        await self._send({"type": "message.saved", "client_message_id": client_message_id, "id": str(message_id)})

    async def _error(self, code: str, message: str) -> None:
        await self._send({"type": "error", "code": code, "message": message})

    async def _send(self, frame: Frame) -> None:
        await self.send(text_data=json.dumps(frame))

    def _leave_reply(self) -> None:
        if self.reply and self._hear in self.reply.listeners:
            self.reply.listeners.remove(self._hear)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """As Channels has it, but for connections, which `in_thread` gives back: no handler opens one by itself."""
        await getattr(self, get_handler_name(message))(message)

    HANDLERS: ClassVar[dict[str, tuple[type[_Frame], "Handler"]]] = {
        "message.send": (MessageSend, _message_send),
        "reply.again": (ReplyAgain, _reply_again),
        "reply.stop": (NoFields, _reply_stop),
        "reply.resume": (ReplyResume, _reply_resume),
        "privacy.set": (PrivacySet, _privacy_set),
    }
    # Whether the sign-in still holds is looked at with every frame: by these together with what they do.
    LOOK_THEMSELVES: ClassVar = frozenset({"message.send"})


# What a person is told in a sentence, and the socket stays usable.
REFUSALS = (TextError, TurnRefused, UnknownConversation, UnknownMessage, MemoryProfile.DoesNotExist)
Handler = Callable[[ChatConsumer, Any], Awaitable[None]]


class BadFrame(Exception):
    """The frame cannot be read; the message is a sentence for whoever sent it."""


class SignedOut(Exception):
    """The session with which the socket was opened has ended."""


def _signed_in(session_key: str) -> User:
    user = signed_in(session_key)
    if user is None:
        raise SignedOut
    return user


def _enter(session_key: str, conversation_id: uuid.UUID | None) -> tuple[User, PrivacyMode]:
    user = _signed_in(session_key)
    return user, turns.usual_mode(user, conversation_id, None)


def _begin(session_key: str, said: Said) -> Turn:
    """It may have waited while the process was told to stop."""
    user = _signed_in(session_key)
    replies.refuse_while_draining()
    return turns.begin(user, said)


def _read_answer(user: User, turn_id: uuid.UUID) -> Frame | None:
    """The stored end of a reply as the frame that told it, or None when there is none."""
    answer = turns.find_answer(user, turn_id)
    if answer is None or answer.status == MessageStatus.INTERRUPTED:
        return None
    return {
        "type": "reply.finished" if answer.status == MessageStatus.COMPLETE else "reply.stopped",
        "message_id": str(answer.pk),
        "html": rendering.html_of_answer(answer),
        "receipt": None,
    }
