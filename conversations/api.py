"""Conversations for programs, and the chat itself."""

import asyncio
import uuid
from datetime import datetime

from django.db.models import Q
from django.http import Http404, HttpResponse, StreamingHttpResponse
from ninja import Query, Router
from ninja.responses import Status

from accounts import idempotency
from accounts.auth import ApiRequest, Scope, needs
from accounts.idempotency import AlreadyAnswered, Answer
from accounts.models import IdempotencyRecord, User
from conversations import replies, turns
from conversations.exchanges import Exchange, as_event, frames_again, stored
from conversations.models import Conversation
from conversations.replies import Frame
from conversations.schemas import ChatIn, ChatOut, ConversationOut, MessageOut, SummaryOut
from conversations.threads import give_connection_back, in_thread
from conversations.turns import AlreadySent, Said, Turn
from memories.models import Origin
from memorychat.lib import cursors
from memorychat.lib.crypto import unlock
from memorychat.lib.problems import Problem
from memorychat.lib.shapes import Listing, PageQuery

CHAT = needs(Scope.CHAT)

EVENT_STREAM = "text/event-stream"
UNBUFFERED = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
# The code of a failed reply → what HTTP calls it.
STATUSES = {"timeout": 504, "rate_limited": 503, "stopping": 503, "internal": 500}
BAD_GATEWAY = 502

router = Router(tags=["Conversations"])
chat_router = Router(tags=["Chat"])


@router.get("", auth=CHAT, response=Listing[ConversationOut])
def list_conversations(request: ApiRequest, page: Query[PageQuery]) -> Listing[ConversationOut]:
    """The one that was spoken in last comes first."""
    rows = Conversation.objects.for_user(request.auth.user).order_by("-last_at", "-pk")
    if page.cursor:
        last_at, last_id = cursors.read(page.cursor, _moment, uuid.UUID)
        rows = rows.filter(Q(last_at__lt=last_at) | Q(last_at=last_at, pk__lt=last_id))
    part = cursors.cut(list(rows[: page.limit + 1]), page.limit, lambda row: [row.last_at.isoformat(), row.pk])
    unlock(part.rows)
    return Listing[ConversationOut](results=[ConversationOut.of(row) for row in part.rows], next=part.next)


@router.get("/{uuid:conversation_id}", auth=CHAT, response=ConversationOut)
def get_conversation(request: ApiRequest, conversation_id: uuid.UUID) -> ConversationOut:
    return ConversationOut.of(_fetch(request, conversation_id))


@router.get("/{uuid:conversation_id}/summary", auth=CHAT, response=SummaryOut)
def get_summary(request: ApiRequest, conversation_id: uuid.UUID) -> SummaryOut:
    """What it was about, as far as that was written down, and how much was said, remembered and used in it."""
    return SummaryOut.of(_fetch(request, conversation_id))


@router.get("/{uuid:conversation_id}/messages", auth=CHAT, response=Listing[MessageOut])
def list_messages(request: ApiRequest, conversation_id: uuid.UUID, page: Query[PageQuery]) -> Listing[MessageOut]:
    """Oldest first."""
    rows = _fetch(request, conversation_id).messages.oldest_first()
    if page.cursor:
        rows = rows.filter(pk__gt=cursors.read(page.cursor, uuid.UUID)[0])
    part = cursors.cut(list(rows[: page.limit + 1]), page.limit, lambda row: [row.pk])
    unlock(part.rows)
    return Listing[MessageOut](results=[MessageOut.of(row) for row in part.rows], next=part.next)


@router.delete("/{uuid:conversation_id}/messages", auth=CHAT, response={204: None})
def delete_messages(request: ApiRequest, conversation_id: uuid.UUID) -> Status[None]:
    """Deletes what was said, for good. What was remembered of it stays."""
    turns.clear(request.auth.user, conversation_id)
    return Status(204, None)


@chat_router.post("/v1/chat", auth=CHAT, response=ChatOut)
@idempotency.takes_key
async def chat(request: ApiRequest, asked: ChatIn) -> ChatOut | HttpResponse | StreamingHttpResponse:
    """Says something and gets the answer, with the receipt of what stood behind it.

    With `stream` the answer comes as server-sent events with the names and fields of the socket's frames. Only frames
    after `message.saved` can be lost with the connection: the answer is stored all the same.
    """
    if replies.draining.is_set():
        raise _trouble(replies.failed("stopping"))
    await give_connection_back()
    try:
        # A program that hangs up meanwhile gets its answer all the same: what is taken is answered.
        exchange = await asyncio.shield(asyncio.create_task(_begin(request, asked)))
    except AlreadyAnswered as already:
        return _again(asked, already)
    if asked.stream:
        events = (as_event(frame) async for frame in exchange.frames())
        return StreamingHttpResponse(events, content_type=EVENT_STREAM, headers=UNBUFFERED)
    last = await exchange.last_frame()
    if last["type"] == "reply.failed":
        raise _trouble(last)
    return exchange.answer(last)


@chat_router.post("/v1/{uuid:user_id}/chat", auth=CHAT, response=ChatOut, operation_id="chat_as_user")
@chat_router.post("/{uuid:user_id}/chat", auth=CHAT, response=ChatOut, operation_id="chat_as_user_without_version")
@idempotency.takes_key
async def chat_as_user(
    request: ApiRequest, user_id: uuid.UUID, asked: ChatIn
) -> ChatOut | HttpResponse | StreamingHttpResponse:
    """The same, for programs that name the person in the address: it can only be the one whose credential it is."""
    if user_id != request.auth.user.pk:
        raise Http404
    return await chat(request, asked)


async def _begin(request: ApiRequest, asked: ChatIn) -> Exchange:
    turn, record = await in_thread(_take, request, asked)
    return Exchange(turn, record)


def _take(request: ApiRequest, asked: ChatIn) -> tuple[Turn, IdempotencyRecord | None]:
    """The turn, stored unless it is incognito: of that nothing is kept, and no record of the request either."""
    if replies.draining.is_set():
        # It may have waited while the process was told to stop.
        raise _trouble(replies.failed("stopping"))
    user = request.auth.user
    mode = asked.privacy_mode or turns.usual_mode(user, asked.conversation_id, asked.profile_id)
    asked.check(mode)
    key = idempotency.key_of(request)
    record = idempotency.begin(request, key) if key and mode.keeps_words else None
    said = Said(
        asked.message,
        mode,
        conversation_id=asked.conversation_id,
        profile_id=asked.profile_id,
        message_id=record.pk if record else None,
        history=[item.message() for item in asked.history or []],
    )
    with idempotency.held(record):
        try:
            return turns.begin(user, said, door=Origin.API), record
        except AlreadySent as sent:
            raise _answered_before(user, record, sent) from sent


def _answered_before(user: User, record: IdempotencyRecord | None, sent: AlreadySent) -> Exception:
    """The message is stored since an earlier attempt, whose answer got lost or is still being written."""
    answer = turns.find_answer(user, sent.turn_id)
    if record is None or answer is None:
        return idempotency.still_running()
    found = Answer(200, idempotency.body_of(stored(answer)))
    idempotency.finish(record, found)
    return AlreadyAnswered(record, found)


def _again(asked: ChatIn, already: AlreadyAnswered) -> HttpResponse:
    if not asked.stream:
        return already.answer.response()
    frames = frames_again(already.reference, ChatOut.model_validate_json(already.answer.body))
    return HttpResponse(map(as_event, frames), content_type=EVENT_STREAM, headers=UNBUFFERED)


def _trouble(failed: Frame) -> Problem:
    return Problem(STATUSES.get(failed["code"], BAD_GATEWAY), failed["code"], failed["message"])


def _fetch(request: ApiRequest, conversation_id: uuid.UUID) -> Conversation:
    return Conversation.objects.for_user(request.auth.user).select_related("owner").get(pk=conversation_id)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment
