"""The pages of memories and of profiles."""

import uuid
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import replace_url, trigger_client_event

from accounts.models import User
from accounts.requests import PersonRequest, posted
from memories import biography, inbox, profiles
from memories.engine import copying, scoring, undoing, writing
from memories.engine.types import NotAllowed, StaleChange
from memories.forms import CopyForm, FilterForm, MemoryForm, ProfileForm
from memories.models import Action, Kind, Memory, MemoryEvent, MemoryProfile, Status
from memories.searching import Found, Narrowing, page_of, search
from memorychat.lib.crypto import unlock
from memorychat.lib.identifiers import uuid7
from memorychat.lib.text import TextError

INVALID = 422
CONFLICT = 409


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def memory_list(request: PersonRequest) -> HttpResponse:
    """The filters stand in the address; the words of a search come by POST, so that no log or history holds them."""
    filters = _filters(request)
    address = "?".join(filter(None, [reverse("memory-list"), filters.urlencode()]))
    query = request.POST.get("query", "").strip()
    if request.method == "POST" and not (query or request.htmx):
        return redirect(address)
    form = FilterForm(filters)
    found, trouble = _find(request, form, query)
    context = {
        "found": found,
        "trouble": trouble,
        "query": query,
        "form": form,
        "filters": filters,
        "narrowing": form.narrowing(),
        "is_narrowed": form.narrowing() != Narrowing(),
        "statuses": Status.choices,
        "kinds": Kind.choices,
        "profiles": _profiles(request.user),
        "waiting": inbox.waiting_of(request.user),
    }
    response = render(request, "memories/memory_list.html", context, status=INVALID if trouble else 200)
    return replace_url(response, address) if request.method == "POST" and request.htmx else response


@login_required
@require_safe
def memory_detail(request: PersonRequest, memory_id: uuid.UUID) -> HttpResponse:
    memory = _memory(request.user, memory_id)
    predecessors = list(memory.supersedes.select_related("profile"))
    unlock([memory, memory.profile, *predecessors])
    context = {
        "memory": memory,
        "predecessors": predecessors,
        "sources": biography.sources_of(memory),
        "history": biography.history_of(memory),
        "salience_now": scoring.salience_of(memory, timezone.now()),
    }
    return render(request, "memories/memory_detail.html", context)


@login_required
@require_safe
def memory_row(request: PersonRequest, memory_id: uuid.UUID) -> HttpResponse:
    return _answer_row(request, _memory(request.user, memory_id))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def memory_edit(request: PersonRequest, memory_id: uuid.UUID) -> HttpResponse:
    memory = _memory(request.user, memory_id)
    form = MemoryForm(posted(request), initial={"content": memory.content})
    if form.is_valid() and _revise(request, memory, form):
        return _answer_row(request, memory)
    template = "memories/_memory_form.html" if request.htmx else "memories/memory_form.html"
    return render(request, template, {"memory": memory, "form": form}, status=INVALID if form.errors else 200)


@login_required
@require_POST
def memory_forget(request: PersonRequest, memory_id: uuid.UUID) -> HttpResponse:
    memory = _memory(request.user, memory_id)
    writing.forget(profiles.by_hand(request.user, memory.profile), memory.pk)
    return _answer_row(request, memory)


@login_required
@require_POST
def memory_restore(request: PersonRequest, memory_id: uuid.UUID) -> HttpResponse:
    memory = _memory(request.user, memory_id)
    writing.restore(profiles.by_hand(request.user, memory.profile), memory.pk)
    return _answer_row(request, memory)


@login_required
@require_POST
def change_undo(request: PersonRequest, change_id: uuid.UUID) -> HttpResponse:
    """Takes back one change. Whatever shows it hears `memories-changed`, and fetches itself anew.

    What a later change built on is first shown with all that would follow, and shown again if that has changed.
    """
    profile = _profile_of_change(request.user, change_id)
    seen = request.POST.get("seen", "")
    try:
        undoing.undo(profiles.by_hand(request.user, profile), change_id, seen=seen)
    except StaleChange as error:
        if error.follows and not request.htmx:
            if seen:
                messages.warning(request, str(error))
            return redirect(undo_preview_address(change_id, way_back=_way_back(request, default="")))
        if request.htmx:
            return HttpResponse(str(error), status=CONFLICT, content_type="text/plain; charset=utf-8")
        messages.error(request, str(error))
        return redirect(_way_back(request, default="memory-list"))
    if request.htmx:
        return trigger_client_event(HttpResponse(status=204), "memories-changed")
    messages.success(request, "The change is undone.")
    return redirect(_way_back(request, default="memory-list"))


@login_required
@require_safe
def undo_preview(request: PersonRequest, change_id: uuid.UUID) -> HttpResponse:
    """What taking back a change would do, and what would follow."""
    access = profiles.by_hand(request.user, _profile_of_change(request.user, change_id))
    try:
        preview = undoing.preview(access, [change_id])
    except StaleChange as error:
        messages.error(request, str(error))
        return redirect(_way_back(request, default="memory-list"))
    context = {"preview": preview, "change_id": change_id, "way_back": _way_back(request, default="")}
    return render(request, "memories/undo_preview.html", context)


def undo_preview_address(change_id: uuid.UUID, *, way_back: str = "") -> str:
    """The page of it that leads back to where one came from."""
    address = reverse("undo-preview", args=[change_id])
    return f"{address}?{urlencode({'next': way_back}, safe='/')}" if way_back else address


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def conversation_undo(request: PersonRequest, profile_id: uuid.UUID, conversation_id: uuid.UUID) -> HttpResponse:
    """All that one conversation brought into a profile, shown first, then taken back at once, if it is still that."""
    access = profiles.by_hand(request.user, _profile(request.user, profile_id))
    changes = undoing.changes_of_conversation(access, conversation_id)
    if request.method == "POST" and changes:
        try:
            undone = undoing.undo_all(access, changes, seen=request.POST.get("seen") or "nothing")
        except StaleChange as error:
            messages.warning(request, str(error))
            return redirect("conversation-undo", profile_id, conversation_id)
        messages.success(request, "What the conversation brought is taken back.")
        return redirect("memory-detail", undone.memory_id)
    preview = undoing.preview(access, changes) if changes else None
    return render(request, "memories/undo_preview.html", {"preview": preview})


@login_required
@require_safe
def change_done(request: PersonRequest, change_id: uuid.UUID) -> HttpResponse:
    """What an import or a copy has written, with the way back."""
    events = MemoryEvent.objects.for_user(request.user)
    context = {
        "profile": _profile_of_change(request.user, change_id),
        "change_id": change_id,
        "count": events.filter(change_id=change_id, action=Action.CREATED).count(),
        "is_undone": bool(undoing.undone_among([change_id])),
    }
    return render(request, "memories/change_done.html", context)


@login_required
@require_safe
def profile_list(request: PersonRequest) -> HttpResponse:
    profiles.default_for(request.user)
    rows = list(
        MemoryProfile.objects.for_user(request.user).select_related("organization").order_by("-is_default", "pk")
    )
    unlock([*rows, *(row.organization for row in rows if row.organization)])
    context = {
        "profiles": [row for row in rows if row.deleted_at is None],
        "deleted_profiles": [row for row in rows if row.deleted_at],
    }
    return render(request, "memories/profile_list.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile_create(request: PersonRequest) -> HttpResponse:
    form = ProfileForm(posted(request))
    if form.is_valid():
        profile = profiles.create(request.user, form.cleaned_data["name"])
        profiles.describe(profile, **form.cleaned_data)
        return redirect("profile-list")
    return render(request, "memories/profile_form.html", {"form": form}, status=INVALID if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile_edit(request: PersonRequest, profile_id: uuid.UUID) -> HttpResponse:
    profile = _profile(request.user, profile_id)
    form = ProfileForm(posted(request), initial={name: getattr(profile, name) for name in ProfileForm.base_fields})
    if form.is_valid():
        profiles.describe(profile, **form.cleaned_data)
        return redirect("profile-list")
    context = {"profile": profile, "form": form}
    return render(request, "memories/profile_form.html", context, status=INVALID if form.errors else 200)


@login_required
@require_POST
def profile_default(request: PersonRequest, profile_id: uuid.UUID) -> HttpResponse:
    profiles.make_default(_profile(request.user, profile_id))
    return redirect("profile-list")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile_copy(request: PersonRequest, profile_id: uuid.UUID) -> HttpResponse:
    profile = _profile(request.user, profile_id)
    others = [other for other in _profiles(request.user) if other.pk != profile.pk]
    form = CopyForm(posted(request), others=others)
    if form.is_valid():
        return _copy(request, profile, form.cleaned_data["into"], form.cleaned_data["name"])
    context = {"profile": profile, "form": form}
    return render(request, "memories/profile_copy.html", context, status=INVALID if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile_delete(request: PersonRequest, profile_id: uuid.UUID) -> HttpResponse:
    """Asks first, and says what goes with it."""
    profile = _profile(request.user, profile_id)
    if request.method != "POST":
        context = {"profile": profile, "count": profile.memories.count()}
        return render(request, "memories/profile_delete.html", context)
    try:
        profiles.delete(profile)
    except profiles.ProfileError as error:
        messages.error(request, str(error))
    return redirect("profile-list")


@login_required
@require_POST
def profile_restore(request: PersonRequest, profile_id: uuid.UUID) -> HttpResponse:
    profiles.restore(get_object_or_404(MemoryProfile.objects.for_user(request.user), pk=profile_id))
    return redirect("profile-list")


def _revise(request: PersonRequest, memory: Memory, form: MemoryForm) -> bool:
    """False if the engine refuses; the form then says why, and keeps the words."""
    try:
        writing.revise(profiles.by_hand(request.user, memory.profile), memory.pk, form.cleaned_data["content"])
    except NotAllowed as error:
        form.add_error("content", str(error))
        return False
    return True


def _copy(request: PersonRequest, profile: MemoryProfile, into: str, name: str) -> HttpResponse:
    target = _profile(request.user, uuid.UUID(into)) if into else None
    target = target or profiles.create_like(profile, name, profile_id=uuid7())
    try:
        copied = copying.copy(profiles.by_hand(request.user, profile), target)
    except NotAllowed as error:
        messages.error(request, str(error))
        return redirect("profile-list")
    if copied.change_id is None:
        messages.success(request, "There was nothing to copy that is not known there already.")
        return redirect("profile-list")
    return redirect("change-done", copied.change_id)


def _memory(user: User, memory_id: uuid.UUID) -> Memory:
    return get_object_or_404(
        Memory.objects.for_user(user).select_related("profile__owner", "superseded_by__profile"), pk=memory_id
    )


def _profile(user: User, profile_id: uuid.UUID) -> MemoryProfile:
    return get_object_or_404(MemoryProfile.objects.for_user(user).active().select_related("owner"), pk=profile_id)


def _filters(request: PersonRequest) -> QueryDict:
    """What the address asks for, and over it what was sent; nothing else of either, and no words."""
    filters = QueryDict(mutable=True)
    for name in FilterForm.base_fields:
        for sent in (request.GET, request.POST):
            if name in sent:
                filters.setlist(name, [value for value in sent.getlist(name) if value])
    if request.method == "POST":
        # Boxes that are not ticked are not sent.
        filters.setlist("also", request.POST.getlist("also"))
        filters.pop("cursor", None)
    return filters


def _find(request: PersonRequest, form: FilterForm, query: str) -> tuple[Found, str]:
    """What the list is to show, and why it cannot show anything."""
    form.full_clean()
    if impossible := form.non_field_errors():
        return Found([]), str(impossible[0])
    if not query:
        return page_of(request.user, form.narrowing(), form.cleaned_data.get("cursor")), ""
    try:
        return search(request.user, form.narrowing(), query), ""
    except TextError as error:
        return Found([]), str(error)


def _profiles(user: User) -> list[MemoryProfile]:
    rows = list(MemoryProfile.objects.for_user(user).active().order_by("pk"))
    unlock(rows)
    return rows


def _profile_of_change(user: User, change_id: uuid.UUID) -> MemoryProfile:
    try:
        return profiles.of_change(user, change_id)
    except MemoryProfile.DoesNotExist as error:
        raise Http404 from error


def _answer_row(request: PersonRequest, memory: Memory) -> HttpResponse:
    """htmx gets the row as it is now; a plain form leads to the memory's own page."""
    if not request.htmx:
        return redirect(memory)
    return render(request, "memories/_fresh_memory_row.html", {"memory": _memory(request.user, memory.pk)})


def _way_back(request: PersonRequest, *, default: str) -> str:
    address = request.POST.get("next") or request.GET.get("next", "")
    hosts = {request.get_host()}
    is_ours = url_has_allowed_host_and_scheme(address, allowed_hosts=hosts, require_https=request.is_secure())
    return address if is_ours else default
