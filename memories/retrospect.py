"""The page that looks back: what a profile held on a day, and what became of it since."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.requests import PersonRequest
from memories import profiles
from memories.engine.history import Held, held_at
from memories.forms import ONE_DAY, DayForm, start_of
from memories.models import Memory, MemoryProfile, Status
from memorychat.lib.crypto import unlock

PAGE_SIZE = 50
INVALID = 422


@dataclass(frozen=True)
class Then:
    """A memory as it was. `now` is the memory as it is, `since` what became of it: empty where nothing did."""

    held: Held
    now: Memory | None
    since: str

    @property
    def new_words(self) -> str:
        """Where it is worded otherwise now."""
        return self.now.content if self.now and self.now.content != self.held.content else ""


@login_required
@require_safe
def profile_history(request: PersonRequest, profile_id: uuid.UUID) -> HttpResponse:
    """What the ledger says that the profile held at the end of a day of the reader's, newest first; today unless asked.

    A day to come is today.
    """
    profile = get_object_or_404(
        MemoryProfile.objects.for_user(request.user).active().select_related("owner"), pk=profile_id
    )
    form = DayForm(request.GET)
    form.full_clean()
    today = timezone.localdate()
    day = min(form.cleaned_data.get("on") or today, today)
    held = list(reversed(_held_on(request, profile, day)))
    shown = _after(held, form.cleaned_data.get("cursor"))
    rows = _with_what_became(shown[:PAGE_SIZE])
    context = {
        "profile": profile,
        "form": form,
        "day": day,
        "today": today,
        "count": len(held),
        "rows": rows,
        "next": rows[-1].held.memory_id if len(shown) > PAGE_SIZE else None,
    }
    return render(request, "memories/profile_history.html", context, status=INVALID if "on" in form.errors else 200)


def _held_on(request: PersonRequest, profile: MemoryProfile, day: date) -> list[Held]:
    moment = min(start_of(day + ONE_DAY), timezone.now())
    return held_at(profiles.by_hand(request.user, profile), moment)


def _after(held: Sequence[Held], cursor: uuid.UUID | None) -> list[Held]:
    return [each for each in held if cursor is None or each.memory_id < cursor]


def _with_what_became(held: Sequence[Held]) -> list[Then]:
    rows = Memory.objects.filter(pk__in=[each.memory_id for each in held])
    memories = {row.pk: row for row in rows.select_related("profile", "superseded_by__profile")}
    unlock([*memories.values(), *(row.superseded_by for row in memories.values() if row.superseded_by)])
    return [_then(each, memories.get(each.memory_id)) for each in held]


def _then(held: Held, now: Memory | None) -> Then:
    if now is None:
        return Then(held, None, "Not there any more")
    if now.status != Status.ACTIVE:
        return Then(held, now, f"{Status(now.status).label} since")
    return Then(held, now, "Worded otherwise since" if now.content != held.content else "")
