"""The chat page, and the margin of one of its turns."""

import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from accounts.requests import PersonRequest
from conversations.forms import EarlierForm
from conversations.manuscript import Manuscript, address_of, manuscript_of, turn_of
from conversations.models import Conversation, Message, Role
from conversations.turns import MESSAGE_LIMIT
from memories import profiles
from memories.models import MemoryProfile, PrivacyMode
from memorychat.lib.crypto import unlock
from memorychat.llm.providers import get_chat_model, has_language_model


@login_required
@require_safe
def chat(request: PersonRequest) -> HttpResponse:
    """A conversation that has not begun: it is stored with its first message, if that is kept at all."""
    profile = profiles.default_for(request.user)
    return _render_chat(request, profile, profile.default_mode)


@login_required
@require_safe
def conversation(request: PersonRequest, conversation_id: uuid.UUID) -> HttpResponse:
    opened = get_object_or_404(
        Conversation.objects.for_user(request.user).select_related("profile"), pk=conversation_id
    )
    unlock([opened, opened.profile])
    form = EarlierForm(request.GET)
    form.full_clean()
    manuscript = manuscript_of(opened, before=form.cleaned_data.get("before"))
    return _render_chat(request, opened.profile, opened.mode, opened, manuscript)


@login_required
@require_safe
def turn_notes(request: PersonRequest, conversation_id: uuid.UUID, message_id: uuid.UUID) -> HttpResponse:
    questions = Message.objects.for_user(request.user).filter(role=Role.USER, conversation=conversation_id)
    question = get_object_or_404(questions.select_related("conversation", "answer__receipt"), pk=message_id)
    turn = turn_of(question)
    return render(request, "conversations/_fresh_notes.html", {"turn": turn, "notes": turn.notes, "mode": turn.mode})


@login_required
@require_safe
def message(request: PersonRequest, message_id: uuid.UUID) -> HttpResponse:
    """Where a memory was said: its page knows the message alone."""
    said = get_object_or_404(Message.objects.for_user(request.user).select_related("conversation"), pk=message_id)
    return redirect(address_of(said))


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
        "mode": PrivacyMode(mode),
        "manuscript": manuscript,
        "message_limit": MESSAGE_LIMIT,
        "model": get_chat_model(profile),
        "has_language_model": has_language_model(profile),
    }
    return render(request, "conversations/chat.html", context)
