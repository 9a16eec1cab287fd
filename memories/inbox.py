"""What waits for its owner: memories that are not sure enough, and pairs that cannot both hold."""

import uuid
from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.requests import PersonRequest
from memories import profiles
from memories.engine import conflicts, writing
from memories.engine.conflicts import Decision
from memories.engine.types import Written
from memories.models import Action, Conflict, Memory, MemoryEvent, Status
from memorychat.lib.crypto import unlock

AT_ONCE = 50


@dataclass(frozen=True)
class Waiting:
    """How much waits for a person's decision."""

    pending: int
    conflicts: int


def waiting_of(user: User) -> Waiting:
    return Waiting(
        pending=Memory.objects.for_user(user).with_status(Status.PENDING).count(),
        conflicts=Conflict.objects.for_user(user).open().count(),
    )


@login_required
@require_safe
def pending_list(request: PersonRequest) -> HttpResponse:
    """Newest first, each with the reason why it waits."""
    memories = list(
        Memory.objects.for_user(request.user)
        .with_status(Status.PENDING)
        .select_related("profile")
        .newest_first()[:AT_ONCE]
    )
    events = MemoryEvent.objects.filter(memory__in=memories, action=Action.CREATED).select_related("profile")
    reasons = {event.memory_id: event for event in events}
    unlock([*memories, *(memory.profile for memory in memories), *reasons.values()])
    rows = [(memory, reasons[memory.pk].reason if memory.pk in reasons else "") for memory in memories]
    context = {"rows": rows, "waiting": waiting_of(request.user), "here": "pending"}
    return render(request, "memories/pending_list.html", context)


@login_required
@require_safe
def conflict_list(request: PersonRequest) -> HttpResponse:
    rows = list(
        Conflict.objects.for_user(request.user)
        .open()
        .select_related("one__profile", "other__profile", "profile")
        .order_by("-pk")[:AT_ONCE]
    )
    unlock([memory for row in rows for memory in (row.one, row.other, row.profile)])
    context = {"conflicts": rows, "waiting": waiting_of(request.user), "here": "conflicts"}
    return render(request, "memories/conflict_list.html", context)


@login_required
@require_POST
def memory_confirm(request: PersonRequest, memory_id: uuid.UUID) -> HttpResponse:
    memory = _memory(request.user, memory_id)
    return _answer(request, memory, writing.confirm(profiles.by_hand(request.user, memory.profile), memory.pk), "Kept.")


@login_required
@require_POST
def memory_reject(request: PersonRequest, memory_id: uuid.UUID) -> HttpResponse:
    memory = _memory(request.user, memory_id)
    written = writing.reject(profiles.by_hand(request.user, memory.profile), memory.pk)
    return _answer(request, memory, written, "Discarded.")


@login_required
@require_POST
def conflict_decide(request: PersonRequest, conflict_id: uuid.UUID) -> HttpResponse:
    rows = Conflict.objects.for_user(request.user).open().select_related("profile__owner")
    conflict = get_object_or_404(rows, pk=conflict_id)
    try:
        decision = Decision(request.POST.get("keep", ""))
    except ValueError:
        return HttpResponseBadRequest("Keep one, other or both.")
    conflicts.decide(profiles.by_hand(request.user, conflict.profile), conflict.pk, decision)
    messages.success(request, "Both are kept." if decision is Decision.BOTH else "The other one is superseded.")
    return redirect("conflict-list")


def _memory(user: User, memory_id: uuid.UUID) -> Memory:
    return get_object_or_404(Memory.objects.for_user(user).select_related("profile__owner"), pk=memory_id)


def _answer(request: PersonRequest, memory: Memory, written: Written, done: str) -> HttpResponse:
    """htmx gets the row as it is now; a plain form leads back to what still waits."""
    if request.htmx:
        memory.refresh_from_db()
        return render(request, "memories/_fresh_memory_row.html", {"memory": memory})
    messages.success(request, written.reason or done)
    return redirect("pending-list")
