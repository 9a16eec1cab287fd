"""What a person does in the margin of a turn, about a memory that stands there. Each door is one verb of the engine."""

import uuid

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from accounts.models import User
from accounts.requests import PersonRequest
from conversations.manuscript import turn_of
from conversations.models import Message, Role
from conversations.news import announce_change
from memories import profiles
from memories.access import MemoryAccess
from memories.engine import undoing, writing
from memories.engine.types import Outcome, StaleChange, Written
from memories.models import Memory
from memories.views import undo_preview_address
from memorychat.lib.crypto import unlock
from memorychat.lib.text import TextError

UNPROCESSABLE, CONFLICT = 422, 409
BY_HAND = "Forgotten beside an answer."


@login_required
@require_POST
def correct(request: PersonRequest, message_id: uuid.UUID, memory_id: uuid.UUID) -> HttpResponse:
    question, memory = _place(request.user, message_id, memory_id)
    try:
        written = writing.revise(_by_hand(memory), memory.pk, request.POST.get("content", ""))
    except TextError as error:
        return _sentence(str(error), UNPROCESSABLE)
    return _answer(request, question, written)


@login_required
@require_POST
def forget(request: PersonRequest, message_id: uuid.UUID, memory_id: uuid.UUID) -> HttpResponse:
    question, memory = _place(request.user, message_id, memory_id)
    return _answer(
        request, question, writing.forget(_by_hand(memory), memory.pk, reason=BY_HAND, message_id=question.pk)
    )


@login_required
@require_POST
def lower(request: PersonRequest, message_id: uuid.UUID, memory_id: uuid.UUID) -> HttpResponse:
    """Not relevant here. Said again of the same answer it changes nothing, and is no mistake."""
    question, memory = _place(request.user, message_id, memory_id)
    writing.lower(_by_hand(memory), memory.pk, message_id=question.pk)
    return _done(request, question)


@login_required
@require_POST
def keep(request: PersonRequest, message_id: uuid.UUID, memory_id: uuid.UUID) -> HttpResponse:
    """What waits for its owner, in other words if they wrote some."""
    question, memory = _place(request.user, message_id, memory_id)
    unlock([memory])
    access, content = _by_hand(memory), request.POST.get("content", memory.content)
    try:
        if content.strip() != memory.content:
            revised = writing.revise(access, memory.pk, content)
            if revised.outcome is Outcome.DISCARDED:
                return _answer(request, question, revised)
    except TextError as error:
        return _sentence(str(error), UNPROCESSABLE)
    return _answer(request, question, writing.confirm(access, memory.pk))


@login_required
@require_POST
def discard(request: PersonRequest, message_id: uuid.UUID, memory_id: uuid.UUID) -> HttpResponse:
    question, memory = _place(request.user, message_id, memory_id)
    return _answer(request, question, writing.reject(_by_hand(memory), memory.pk))


@login_required
@require_POST
def forget_ticked(request: PersonRequest, message_id: uuid.UUID) -> HttpResponse:
    """Of the memories that were offered, exactly those that the person ticked."""
    question, memories = _question(request.user, message_id), ticked(request)
    if any(str(memory.pk) not in question.offered for memory in memories):
        raise Http404
    for memory in memories:
        writing.forget(_by_hand(memory), memory.pk, reason=BY_HAND, message_id=question.pk)
    return _done(request, question)


@login_required
@require_POST
def take_back(request: PersonRequest, message_id: uuid.UUID) -> HttpResponse:
    """All that a message brought, and that stands still. Later changes that built on it are shown on a page first."""
    question = _question(request.user, message_id)
    changes = turn_of(question).notes.came_from_message
    if not changes:
        return _done(request, question)
    profile = profiles.of_change(request.user, changes[0])
    try:
        undoing.undo_all(profiles.by_hand(request.user, profile), changes)
    except StaleChange as error:
        response = _sentence(str(error), CONFLICT)
        response["Location"] = undo_preview_address(changes[-1], way_back=reverse("message", args=[question.pk]))
        return response
    return _done(request, question)


def ticked(request: PersonRequest) -> list[Memory]:
    """Raises Http404 when one of them is not there, or somebody else's."""
    try:
        asked = {uuid.UUID(memory_id) for memory_id in request.POST.getlist("memory_ids")}
    except ValueError as error:
        raise Http404 from error
    found = list(Memory.objects.for_user(request.user).filter(pk__in=asked).select_related("profile__owner"))
    if len(found) < len(asked):
        raise Http404
    return found


def _place(user: User, message_id: uuid.UUID, memory_id: uuid.UUID) -> tuple[Message, Memory]:
    memories = Memory.objects.for_user(user).select_related("profile__owner")
    return _question(user, message_id), get_object_or_404(memories, pk=memory_id)


def _question(user: User, message_id: uuid.UUID) -> Message:
    questions = Message.objects.for_user(user).filter(role=Role.USER)
    return get_object_or_404(questions.select_related("conversation", "owner"), pk=message_id)


def _by_hand(memory: Memory) -> MemoryAccess:
    return profiles.by_hand(memory.profile.owner, memory.profile)


def _answer(request: PersonRequest, question: Message, written: Written) -> HttpResponse:
    """What the engine did not do is said in its words."""
    if written.outcome is Outcome.DISCARDED and request.htmx:
        return _sentence(written.reason, CONFLICT)
    return _done(request, question)


def _done(request: PersonRequest, question: Message) -> HttpResponse:
    """The margin hears of it and fetches itself anew, and so do the other pages of this person."""
    announce_change(question.conversation)
    if request.htmx:
        return trigger_client_event(HttpResponse(status=204), "memories-changed")
    return redirect("message", question.pk)


def _sentence(words: str, status: int) -> HttpResponse:
    return HttpResponse(words, status=status, content_type="text/plain; charset=utf-8")
