"""The commands of the pen that do something with memories: /remember and /forget. Their words come by POST alone."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST

from accounts.requests import PersonRequest
from conversations.forms import PlaceForm
from conversations.margin import ticked
from conversations.models import Conversation
from memories import profiles
from memories.access import MemoryAccess
from memories.engine import writing
from memories.engine.recall import QUERY_LIMIT, recall
from memories.engine.rules import understood
from memories.engine.types import CONTENT_LIMIT, Candidate, Outcome
from memories.models import Memory, MemoryProfile, Origin, PrivacyMode
from memories.tools import MAY_BE_MEANT, OFFERED
from memorychat.lib.crypto import unlock
from memorychat.lib.text import TextError, clean

UNPROCESSABLE = 422
UNREAD = "Incognito: no memory is read, so none can be looked up to be forgotten."
BY_HAND_IN_PAUSED = "Paused goes on; what you forget by your own hand is forgotten all the same."
BY_COMMAND = "Forgotten by /forget."
SAID: dict[str, str] = {
    Outcome.CREATED: "Remembered.",
    Outcome.REINFORCED: "That is remembered already.",
    Outcome.SUPERSEDED: "Remembered, in the place of what was known.",
    Outcome.CONFLICT: "Remembered. It contradicts another memory: decide which one holds.",
    Outcome.PENDING: "It waits for your decision.",
    Outcome.RATE_LIMITED: "It waits for your decision.",
    Outcome.QUARANTINED: "It is held back.",
}


@dataclass(frozen=True)
class Change:
    """What a command did, to be undone by its words."""

    id: uuid.UUID
    words: str


@login_required
@require_POST
def remember(request: PersonRequest) -> HttpResponse:
    """As the person writes it, at once and by hand."""
    access = _access(request)
    try:
        content = clean(request.POST.get("text", ""), limit=CONTENT_LIMIT, name="memory")
    except TextError as error:
        return _say(request, str(error), status=UNPROCESSABLE)
    written = writing.remember(access, understood(Candidate(content, asked_for=True)))
    said = " ".join(filter(None, [SAID.get(written.outcome, ""), written.reason]))
    changes = [Change(written.change_id, content)] if written.change_id else []
    return _say(request, said, content=content if changes else "", changes=changes)


@login_required
@require_POST
def forget_which(request: PersonRequest) -> HttpResponse:
    """The memories that may be meant, to be ticked: nothing is forgotten by this."""
    access, words = _access(request), request.POST.get("text", "").strip()
    if not access.mode.reads:
        return _say(request, UNREAD)
    hits = recall(access, words[:QUERY_LIMIT], limit=OFFERED, threshold=MAY_BE_MEANT).hits if words else ()
    memories = list(Memory.objects.filter(pk__in=[hit.memory_id for hit in hits]).select_related("profile"))
    unlock(memories)
    places = [hit.memory_id for hit in hits]
    memories.sort(key=lambda memory: places.index(memory.pk))
    if not memories:
        return _say(request, "Nothing is remembered of that.")
    return render(request, "conversations/_forget_which.html", {"memories": memories, "mode": access.mode})


@login_required
@require_POST
def forget(request: PersonRequest) -> HttpResponse:
    """Exactly those that were ticked. It is done by hand, and so in Paused too, which is said."""
    memories = ticked(request)
    unlock(memories)
    changes = [(memory.content, _forget(request, memory)) for memory in memories]
    done = [Change(change_id, words) for words, change_id in changes if change_id]
    return _say(request, _forgotten(request, len(memories), len(done)), changes=done)


def _forget(request: PersonRequest, memory: Memory) -> uuid.UUID | None:
    """None of what was forgotten already, on another page perhaps."""
    return writing.forget(profiles.by_hand(request.user, memory.profile), memory.pk, reason=BY_COMMAND).change_id


def _forgotten(request: PersonRequest, ticked_count: int, count: int) -> str:
    if not ticked_count:
        return "Nothing was ticked, so nothing was forgotten."
    if not count:
        return "That is forgotten already."
    is_paused = request.POST.get("privacy_mode") == PrivacyMode.PAUSED
    return f"{count} forgotten. {BY_HAND_IN_PAUSED}" if is_paused else f"{count} forgotten."


def _access(request: PersonRequest) -> MemoryAccess:
    """In the conversation or, where none has begun, the profile chosen for it; the mode is that of the page."""
    form = PlaceForm(request.POST)
    if not form.is_valid():
        raise Http404
    return MemoryAccess(
        _profile(request, form.cleaned_data["conversation"], form.cleaned_data["profile"]),
        PrivacyMode(form.cleaned_data["privacy_mode"]),
        actor=request.user,
        door=Origin.MANUAL,
    )


def _profile(request: PersonRequest, conversation_id: uuid.UUID | None, profile_id: uuid.UUID | None) -> MemoryProfile:
    if conversation_id:
        rows = Conversation.objects.for_user(request.user).select_related("profile__owner")
        return get_object_or_404(rows, pk=conversation_id).profile
    try:
        return profiles.get(request.user, profile_id)
    except MemoryProfile.DoesNotExist as error:
        raise Http404 from error


def _say(
    request: PersonRequest,
    said: str,
    *,
    content: str = "",
    changes: Sequence[Change] = (),
    status: int = 200,
) -> HttpResponse:
    context = {"said": said, "content": content, "changes": changes}
    return render(request, "conversations/_said.html", context, status=status)
