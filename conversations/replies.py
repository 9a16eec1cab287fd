"""Answers while they are written: recall, the prompt, the stream of the model, and who is listening.

A reply is a task of the process, not of the socket that asked for it: it goes on when the socket is lost, and a page
that comes back is told what it missed.
"""

import asyncio
import threading
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import structlog
from django.conf import settings
from django.db import Error as DatabaseFailure

from conversations import rendering, turns, usage
from conversations.models import MessageStatus
from conversations.prompting import prompt_of
from conversations.receipts import Draft
from conversations.threads import in_thread_ahead, in_thread_aside
from conversations.toolbox import Toolbox
from conversations.turns import Turn, TurnRefused
from memories.tools import TOOLS
from memorychat.jobs import correlation_id
from memorychat.lib.crypto import key_ring
from memorychat.lib.shutdown import on_shutdown
from memorychat.llm.builtin import BuiltinChat
from memorychat.llm.deadlines import WHOLE_ANSWER
from memorychat.llm.fallback import FallbackChat
from memorychat.llm.providers import get_chat_model
from memorychat.llm.types import Asked, Failed, Finished, Prompt, ProviderError, ToolCall, ToolRound

log = structlog.get_logger(__name__)

Frame = dict[str, Any]
Listener = Callable[[Frame], Awaitable[None]]

# Pieces that come closer together than this go out together: a frame each would cost the page more than it can show.
DELTA_SECONDS = 0.04
# How often a model may call tools for one answer, how many at once, and how much it may say in all.
MOST_ROUNDS, MOST_CALLS = 4, 8
MOST_OUTPUT_TOKENS = 4_000
# Characters of an answer; a model that goes on is stopped.
LONGEST_REPLY = 100_000
# A page that lost its socket may still hear the end of a reply for so long.
KEPT_SECONDS = 60
GRACE_SECONDS = 5

TROUBLES = {
    "timeout": "The model did not answer in time.",
    "unreachable": "The model cannot be reached just now.",
    "refused": "The model's provider refused the request. Its key or its settings may be wrong.",
    "rate_limited": "The model's provider asks to wait. Try again in a moment.",
    "interrupted": "The answer broke off.",
    "nonsense": "The model gave no usable answer.",
    "too_long": "The model did not come to an end, and was stopped.",
    "stopping": "The server is being restarted, and the answer was cut.",
    "internal": "Something went wrong on our side.",
}

running: dict[uuid.UUID, "Reply"] = {}
# Set once the process was told to stop: no new turn is taken.
draining = threading.Event()


class Reply:
    """One answer on its way to its listeners. `frames` are the deltas so far, for a page that comes back."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.text = ""
        self.frames: list[Frame] = []
        self.listeners: list[Listener] = []
        self.last_frame: Frame | None = None
        self._model = get_chat_model(turn.access.profile)
        self._is_used_up = False
        self._draft = Draft(turn.mode, self._model.provider, self._model.model)
        self._toolbox = Toolbox(turn, self._draft)
        self._unsent = ""
        self._growing = rendering.Growing()
        self._has_news = asyncio.Event()
        self._sending = asyncio.Lock()
        self._using: asyncio.Task[str] | None = None
        self._stopped_as: MessageStatus | None = None
        self._started = time.perf_counter()
        self._writing: asyncio.Task[None] | None = None
        self.task = asyncio.create_task(self._run())
        self.task.add_done_callback(_log_crash)
        running[turn.id] = self

    def stop(self, status: MessageStatus = MessageStatus.STOPPED) -> None:
        """Ended by the person or by the end of the process: kept as far as it went."""
        if self._stopped_as is None and not (self._writing and self._writing.done()):
            self._stopped_as = status
            if self._writing:
                self._writing.cancel()

    @property
    def is_over(self) -> bool:
        return self.last_frame is not None

    async def _run(self) -> None:
        log_fields = {"turn": str(self.turn.id), "mode": str(self.turn.mode), "provider": self._draft.provider}
        with key_ring():
            try:
                await self._publish({"type": "reply.started", "turn": str(self.turn.id)})
                self._writing = asyncio.create_task(self._write())
                if self._stopped_as:
                    self._writing.cancel()
                outcome = await self._outcome(self._writing)
                await self._send_unsent()
                await self._end(*outcome)
                log.info("reply_ended", outcome=self.last_frame["type"] if self.last_frame else "", **log_fields)
            finally:
                if self.last_frame is None:
                    await self._publish(failed("internal"), last=True)
                self._leave()

    async def _outcome(self, writing: asyncio.Task[None]) -> tuple[MessageStatus, str]:
        """How the writing ended: the status of the answer, and the code of the trouble if there was one."""
        sending = asyncio.create_task(self._send_news())
        sending.add_done_callback(_log_crash)
        claims.ensure()
        try:
            await asyncio.wait([writing])
            if self._using:
                # What a tool has begun is done, and belongs to this answer.
                await asyncio.wait([self._using])
            if writing.cancelled():
                status = self._stopped_as or MessageStatus.INTERRUPTED
                return status, "" if status is MessageStatus.STOPPED else "stopping"
            error = writing.exception()
            if isinstance(error, ProviderError):
                log.warning("reply_failed", code=error.code, provider=self._draft.provider)
                self._draft.failed(error.code)
                return MessageStatus.INTERRUPTED, error.code
            if error is not None:
                # What no one foresaw; the words that came are kept all the same.
                log.error("reply_crashed", exc_info=error)
                return MessageStatus.INTERRUPTED, "internal"
            return MessageStatus.COMPLETE, ""
        finally:
            # Not while a frame is on its way, which would be lost.
            async with self._sending:
                sending.cancel()

    async def _write(self) -> None:
        """What the model says, within the time that a whole answer may take."""
        try:
            async with asyncio.timeout(settings.LLM_TIMEOUT_SECONDS * WHOLE_ANSWER):
                prompt = await in_thread_ahead(self._prepare)
                if self._is_used_up:
                    self._take(usage.sentence(self.turn.mode))
                await self._tell_step("search_memories", len(self._draft.given))
                await self._converse(prompt)
        except TimeoutError as error:
            raise ProviderError("The model did not come to an end in time.", code="timeout") from error

    async def _converse(self, prompt: Prompt) -> None:
        """Round by round: what the model calls is done, and it is asked again with what came of it."""
        asked_at = time.perf_counter()
        while True:
            text, calls = await self._round(prompt)
            if not calls and not self.text.strip():
                raise ProviderError("The model gave an empty answer.", code="nonsense")
            if not calls:
                return
            if not (prompt.tools and prompt.may_call):
                raise ProviderError("The model calls tools that it was not offered.", code="nonsense")
            if isinstance(self._model, FallbackChat):
                self._model = self._model.only(self._draft.provider, silence=self._patience(asked_at))
            prompt = await self._call_tools(prompt, ToolRound(text, calls, []))

    def _patience(self, asked_at: float) -> float:
        """Seconds until a word must come: however often a model calls tools, the first one has a time for all of it."""
        if self.text.strip():
            return settings.LLM_TIMEOUT_SECONDS
        return max(settings.LLM_TIMEOUT_SECONDS - (time.perf_counter() - asked_at), 0.0)

    def _prepare(self) -> Prompt:
        """A person who has used up what they may is answered by the built-in responder, and is told."""
        if not isinstance(self._model, BuiltinChat) and usage.is_used_up(self.turn.access.profile.owner):
            self._model, self._is_used_up = BuiltinChat(), True
            self._draft.provider, self._draft.model = self._model.provider, self._model.model
        return prompt_of(self.turn, self._draft)

    async def _round(self, prompt: Prompt) -> tuple[str, list[ToolCall]]:
        """What the model says, as it says it, and what it calls."""
        before, calls = len(self.text), []
        async with aclosing(self._model.stream(prompt, correlation_id=correlation_id())) as pieces:
            async for piece in pieces:
                match piece:
                    case Asked():
                        self._draft.asked(piece)
                    case Failed():
                        self._draft.failed(piece.code)
                    case Finished():
                        self._draft.used(piece)
                    case ToolCall():
                        calls.append(piece)
                    case str():
                        self._take(piece if len(self.text) > before else self._begun(piece))
        return self.text[before:], calls

    def _begun(self, piece: str) -> str:
        """What is said after a call of a tool is a paragraph of its own."""
        return f"\n\n{piece.lstrip()}" if self.text.strip() and piece.strip() else piece

    async def _call_tools(self, prompt: Prompt, called: ToolRound) -> Prompt:
        """The prompt with what the calls answered; a model that has called enough may call no more."""
        results = []
        for call in called.calls[:MOST_CALLS]:
            await self._tell_step(call.name)
            self._using = asyncio.create_task(in_thread_ahead(self._toolbox.use, call))
            results.append(await asyncio.shield(self._using))
        calls = called.calls[: len(results)]
        rounds = [*prompt.rounds, replace(called, calls=calls, results=results)]
        goes_on = len(rounds) < MOST_ROUNDS and self._draft.output_tokens < MOST_OUTPUT_TOKENS
        return replace(prompt, rounds=rounds, may_call=goes_on)

    async def _tell_step(self, tool: str, found: int | None = None) -> None:
        """What is done while no word comes yet; `found` counts the memories that are at hand now."""
        if not self.turn.mode.reads:
            return
        async with self._sending:
            # What was said before it is heard before it.
            await self._send_unsent()
            await self._publish({"type": "reply.step", "tool": tool if tool in TOOLS else "", "found": found})

    def _take(self, piece: str) -> None:
        is_first = not self.text.strip()
        if len(self.text) + len(piece) > LONGEST_REPLY:
            raise ProviderError("The model does not come to an end.", code="too_long")
        self.text += piece
        self._unsent += piece
        self._has_news.set()
        if is_first:
            self._draft.first_piece_ms = self._milliseconds()

    async def _send_news(self) -> None:
        """A piece that follows a silence goes out at once; those that follow it closely are gathered."""
        while True:
            await self._has_news.wait()
            self._has_news.clear()
            async with self._sending:
                await self._send_unsent()
                if frame := self._growing.frame(len(self._draft.given)):
                    await self._publish(frame)
            if self._growing.is_behind:
                self._has_news.set()
            await asyncio.sleep(DELTA_SECONDS)

    async def _send_unsent(self) -> None:
        text, self._unsent = self._unsent, ""
        if text:
            frame = {"type": "reply.delta", "seq": len(self.frames) + 1, "text": text}
            self.frames.append(frame)
            self._growing.add(text)
            await self._publish(frame)

    async def _end(self, status: MessageStatus, trouble: str) -> None:
        self._draft.took_ms = self._milliseconds()
        self._draft.guess_usage(self.text)
        last = await in_thread_ahead(self._keep, status)
        await self._publish(failed(trouble) if trouble else last, last=True)

    def _keep(self, status: MessageStatus) -> Frame:
        """What is left to be done in a thread, and the frame that tells of it."""
        message = turns.finish(self.turn, self.text, status, self._draft)
        usage.add(self.turn.access.profile.owner, self._draft)
        return {
            "type": "reply.finished" if status is MessageStatus.COMPLETE else "reply.stopped",
            "message_id": str(message.pk) if message else None,
            "html": rendering.html_of(self.text, len(self._draft.given)),
            "receipt": self._draft.frame(self.text),
        }

    def picture(self) -> Frame | None:
        """What has come so far as it is shown, for a page that comes back."""
        return self._growing.whole_frame(len(self._draft.given))

    async def _publish(self, frame: Frame, *, last: bool = False) -> None:
        if last:
            self.last_frame = frame
        for listener in list(self.listeners):
            await listener(frame)

    def _leave(self) -> None:
        """A stored answer is found in its row from now on; an unkept one lives a little longer, and only here."""
        if self.turn.mode.keeps_words:
            running.pop(self.turn.id, None)
        else:
            asyncio.get_running_loop().call_later(KEPT_SECONDS, running.pop, self.turn.id, None)

    def _milliseconds(self) -> float:
        return (time.perf_counter() - self._started) * 1000


class Claims:
    """Renews the claims of all answers that are being written in this process, as long as there are any."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    def ensure(self) -> None:
        if self._task is None or self._task.done() or self._task.get_loop() is not asyncio.get_running_loop():
            self._task = asyncio.create_task(self._renew_regularly())

    async def _renew_regularly(self) -> None:
        while running:
            await asyncio.sleep(turns.CLAIM_SECONDS / 3)
            try:
                await in_thread_aside(turns.renew_claims, [reply.turn for reply in running.values()])
            except DatabaseFailure as error:
                log.warning("claims_not_renewed", error=type(error).__name__)


claims = Claims()


def _log_crash(task: asyncio.Task[None]) -> None:
    """What no one foresaw; the page was told already."""
    if not task.cancelled() and (error := task.exception()):
        log.error("reply_crashed", exc_info=error)


def failed(code: str) -> Frame:
    """With the id under which the log tells more."""
    message = TROUBLES.get(code, TROUBLES["internal"])
    return {"type": "reply.failed", "code": code, "message": message, "correlation_id": correlation_id()}


def refuse_while_draining() -> None:
    """Raises TurnRefused."""
    if draining.is_set():
        raise TurnRefused("The server is being restarted. Your message was not taken; try again.", code="stopping")


def start(turn: Turn, listener: Listener) -> Reply:
    reply = Reply(turn)
    reply.listeners.append(listener)
    return reply


def of_conversation(conversation_id: uuid.UUID | None) -> Reply | None:
    """The reply of a conversation that is being written in this process."""
    if conversation_id is None:
        return None
    found = (reply for reply in running.values() if reply.turn.conversation_id == conversation_id)
    return next((reply for reply in found if not reply.is_over), None)


@on_shutdown
async def drain() -> None:
    """Running replies get five seconds, and what is left of them is marked interrupted."""
    draining.set()
    replies = list(running.values())
    tasks = [reply.task for reply in replies]
    if not tasks:
        return
    await asyncio.wait(tasks, timeout=GRACE_SECONDS)
    for reply in replies:
        reply.stop(MessageStatus.INTERRUPTED)
    await asyncio.wait(tasks)
