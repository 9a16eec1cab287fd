"""The chat page, and the margin of one of its turns."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.requests import PersonRequest
from conversations import versions
from conversations.branches import UnknownMessage
from conversations.forms import BeginForm, EarlierForm
from conversations.manuscript import Manuscript, address_of, manuscript_of, turn_of
from conversations.models import Conversation, Message, Role
from conversations.seen import seen_for
from conversations.turns import MESSAGE_LIMIT, TurnRefused, UnknownConversation
from memories import profiles
from memories.models import MemoryProfile, PrivacyMode
from memorychat.lib.crypto import unlock
from memorychat.llm.providers import get_chat_model, has_language_model

CONFLICT = 409


@login_required
@require_safe
def chat(request: PersonRequest) -> HttpResponse:
    """A conversation that has not begun: it is stored with its first message, if that is kept at all."""
    form = BeginForm(request.GET)
    form.full_clean()
    try:
        profile = profiles.get(request.user, form.cleaned_data.get("profile"))
    except MemoryProfile.DoesNotExist as error:
        raise Http404 from error
    return _render_chat(request, profile, profile.default_mode)


@login_required
@require_safe
def conversation(request: PersonRequest, conversation_id: uuid.UUID) -> HttpResponse:
    return _render_conversation(request, conversation_id, request.GET)


@login_required
@require_POST
def show_version(request: PersonRequest, conversation_id: uuid.UUID, message_id: uuid.UUID) -> HttpResponse:
    """Flips to another version of a message, with all that followed on it."""
    try:
        question = versions.show(request.user, conversation_id, message_id)
    except (UnknownConversation, UnknownMessage) as error:
        raise Http404 from error
    except TurnRefused as error:
        if request.htmx:
            return HttpResponse(str(error), status=CONFLICT, content_type="text/plain; charset=utf-8")
        messages.error(request, str(error))
        return redirect("conversation", conversation_id)
    if request.htmx:
        return _render_conversation(request, conversation_id, request.POST)
    return redirect(address_of(question))


@login_required
@require_safe
def seen(request: PersonRequest, conversation_id: uuid.UUID, answer_id: uuid.UUID) -> HttpResponse:
    """What the model saw when it gave this answer."""
    answers = Message.objects.for_user(request.user).filter(role=Role.ASSISTANT, conversation=conversation_id)
    answer = get_object_or_404(
        answers.select_related("owner", "receipt", "parent__owner", "conversation__owner"), pk=answer_id
    )
    found = seen_for(answer)
    if found is None:
        raise Http404
    return render(request, "conversations/seen.html", {"seen": found, "answer": answer, "mode": answer.mode})


@login_required
@require_safe
def turn_notes(request: PersonRequest, conversation_id: uuid.UUID, message_id: uuid.UUID) -> HttpResponse:
    questions = Message.objects.for_user(request.user).filter(role=Role.USER, conversation=conversation_id)
    question = get_object_or_404(questions.select_related("conversation"), pk=message_id)
    turn = turn_of(question)
    context = {"conversation": question.conversation, "turn": turn, "notes": turn.notes, "mode": turn.mode}
    return render(request, "conversations/_fresh_notes.html", context)


@login_required
@require_safe
def message(request: PersonRequest, message_id: uuid.UUID) -> HttpResponse:
    """Where a memory was said: its page knows the message alone."""
    said = get_object_or_404(Message.objects.for_user(request.user).select_related("conversation"), pk=message_id)
    return redirect(address_of(said))


def _render_conversation(request: PersonRequest, conversation_id: uuid.UUID, asked: QueryDict) -> HttpResponse:
    """The page of it that ends before the message that is `asked` for, or the latest."""
    opened = get_object_or_404(
        Conversation.objects.for_user(request.user).select_related("profile"), pk=conversation_id
    )
    unlock([opened, opened.profile])
    form = EarlierForm(asked)
    form.full_clean()
    manuscript = manuscript_of(opened, before=form.cleaned_data.get("before"))
    return _render_chat(request, opened.profile, opened.mode, opened, manuscript)


def _own_profiles(user: User) -> list[MemoryProfile]:
    rows = list(MemoryProfile.objects.for_user(user).active().order_by("-is_default", "pk"))
    unlock(rows)
    return rows


def _render_chat(
    request: PersonRequest,
    profile: MemoryProfile,
    mode: str,
    opened: Conversation | None = None,
    manuscript: Manuscript | None = None,
) -> HttpResponse:
    context = {
        "conversation": opened,
        "profile": profile,
        "profiles": _own_profiles(request.user),
        "mode": PrivacyMode(mode),
        "manuscript": manuscript,
        "message_limit": MESSAGE_LIMIT,
        "model": get_chat_model(profile),
        "has_language_model": has_language_model(profile),
    }
    return render(request, "conversations/chat.html", context)
