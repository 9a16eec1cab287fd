"""Memories and profiles for programs."""

import uuid
from collections.abc import Callable, Sequence
from itertools import chain, repeat
from typing import Annotated

from django.utils import timezone
from ninja import Query, Router
from ninja.responses import Status
from pydantic import BeforeValidator

from accounts.auth import ApiRequest, Scope, needs
from accounts.idempotency import idempotent
from accounts.models import User
from memories import profiles
from memories.access import MemoryAccess
from memories.engine import copying, undoing, writing
from memories.engine.history import held_at
from memories.engine.recall import recall, recall_recent
from memories.engine.types import Candidate, Outcome, Recall, Written
from memories.models import Memory, MemoryBatch, MemoryProfile, Origin
from memories.schemas.changes import ChangeOut, EventOut, UndoPreviewOut
from memories.schemas.memories import (
    BatchIn,
    BatchOut,
    MemoryFilter,
    MemoryIn,
    MemoryItem,
    MemoryOut,
    MemoryPatch,
    Refusal,
    RefusedItem,
    WrittenItem,
)
from memories.schemas.profiles import (
    CopiedOut,
    CopyIn,
    ForgottenOut,
    HeldOut,
    HeldQuery,
    ProfileIn,
    ProfileOut,
    ProfilePatch,
)
from memories.schemas.search import FoundOut, RecentQuery, SearchIn, SearchOut
from memories.searching import page_of
from memorychat.lib import cursors
from memorychat.lib.crypto import unlock
from memorychat.lib.problems import Problem
from memorychat.lib.shapes import Listing, PageQuery

READ, WRITE = needs(Scope.MEMORIES_READ), needs(Scope.MEMORIES_WRITE)
# `?preview` alone says yes.
Flag = Annotated[bool, BeforeValidator(lambda value: True if value == "" else value)]

NOT_WRITTEN = Written(Outcome.DISCARDED, reason="It was not written.")

profile_router = Router(tags=["Profiles"])
memory_router = Router(tags=["Memories"])


@profile_router.get("", auth=READ, response=Listing[ProfileOut])
def list_profiles(request: ApiRequest, page: Query[PageQuery]) -> Listing[ProfileOut]:
    user = request.auth.user
    profiles.default_for(user)
    rows = MemoryProfile.objects.for_user(user).active().select_related("organization").order_by("pk")
    if page.cursor:
        rows = rows.filter(pk__gt=cursors.read(page.cursor, uuid.UUID)[0])
    part = cursors.cut(list(rows[: page.limit + 1]), page.limit, lambda row: [row.pk])
    unlock([*part.rows, *(row.organization for row in part.rows if row.organization)])
    return Listing[ProfileOut](results=[ProfileOut.of(row) for row in part.rows], next=part.next)


@profile_router.post("", auth=WRITE, response={201: ProfileOut})
@idempotent
def create_profile(request: ApiRequest, profile: ProfileIn) -> Status[ProfileOut]:
    made = profiles.create(request.auth.user, **profile.model_dump())
    return Status(201, ProfileOut.of(made))


@profile_router.get("/{uuid:profile_id}", auth=READ, response=ProfileOut)
def get_profile(request: ApiRequest, profile_id: uuid.UUID) -> ProfileOut:
    return ProfileOut.of(profiles.get(request.auth.user, profile_id))


@profile_router.patch("/{uuid:profile_id}", auth=WRITE, response=ProfileOut)
def change_profile(request: ApiRequest, profile_id: uuid.UUID, changes: ProfilePatch) -> ProfileOut:
    profile = profiles.get(request.auth.user, profile_id)
    profiles.describe(
        profile,
        name=profile.name if changes.name is None else changes.name,
        description=profile.description if changes.description is None else changes.description,
        **changes.promises(),
    )
    return ProfileOut.of(profile)


@profile_router.delete("/{uuid:profile_id}", auth=WRITE, response={204: None, 200: ForgottenOut})
def delete_profile(
    request: ApiRequest, profile_id: uuid.UUID, preview: Flag = False
) -> Status[None] | Status[ForgottenOut]:
    """Withdraws the profile with all its memories; `?preview` only counts them."""
    profile = profiles.get(request.auth.user, profile_id)
    if preview:
        return Status(200, ForgottenOut(count=profile.memories.count(), preview=True, change_id=None))
    profiles.delete(profile)
    return Status(204, None)


@profile_router.post("/{uuid:profile_id}/copy", auth=WRITE, response={201: CopiedOut})
@idempotent
def copy_profile(request: ApiRequest, profile_id: uuid.UUID, into: CopyIn) -> Status[CopiedOut]:
    """Copies what the profile holds now, as one change, which can be undone."""
    user = request.auth.user
    source = profiles.get(user, profile_id)
    target = profiles.get(user, into.profile_id) if into.profile_id else None
    target = target or profiles.create_like(source, into.name or "", profile_id=request.reference)
    copied = copying.copy(_access(request, source), target, reference=request.reference)
    target.refresh_from_db(fields=["memory_count"])
    return Status(
        201,
        CopiedOut(profile=ProfileOut.of(target), count=copied.count, known=copied.known, change_id=copied.change_id),
    )


@profile_router.post("/{uuid:profile_id}/default", auth=WRITE, response=ProfileOut)
def make_default_profile(request: ApiRequest, profile_id: uuid.UUID) -> ProfileOut:
    profile = profiles.get(request.auth.user, profile_id)
    profiles.make_default(profile)
    return ProfileOut.of(profile)


@profile_router.get("/{uuid:profile_id}/memories", auth=READ, response=Listing[HeldOut])
def list_memories_held(request: ApiRequest, profile_id: uuid.UUID, asked: Query[HeldQuery]) -> Listing[HeldOut]:
    """What the profile held at a time, by its ledger, oldest memory first; what was erased since is not known."""
    held = held_at(_access(request, profiles.get(request.auth.user, profile_id)), asked.at or timezone.now())
    after = cursors.read(asked.cursor, uuid.UUID)[0] if asked.cursor else uuid.UUID(int=0)
    rows = [each for each in held if each.memory_id > after]
    part = cursors.cut(rows[: asked.limit + 1], asked.limit, lambda each: [each.memory_id])
    now = dict(Memory.objects.filter(pk__in=[each.memory_id for each in part.rows]).values_list("pk", "status"))
    results = [HeldOut.of(each, now.get(each.memory_id)) for each in part.rows]
    return Listing[HeldOut](results=results, next=part.next)


@profile_router.delete("/{uuid:profile_id}/memories", auth=WRITE, response=ForgottenOut)
def forget_memories_of_profile(request: ApiRequest, profile_id: uuid.UUID, preview: Flag = False) -> ForgottenOut:
    """Forgets all active memories of the profile as one change, which can be undone; `?preview` only counts them."""
    profile = profiles.get(request.auth.user, profile_id)
    if preview:
        count = Memory.objects.filter(profile=profile).active().count()
        return ForgottenOut(count=count, preview=True, change_id=None)
    forgotten = writing.forget_all(_access(request, profile))
    return ForgottenOut(count=len(forgotten), preview=False, change_id=forgotten[0].change_id if forgotten else None)


@memory_router.get("", auth=READ, response=Listing[MemoryOut])
def list_memories(request: ApiRequest, asked: Query[MemoryFilter]) -> Listing[MemoryOut]:
    """Newest first."""
    user = request.auth.user
    if asked.profile_id:
        profiles.get(user, asked.profile_id)
    cursor = cursors.read(asked.cursor, uuid.UUID)[0] if asked.cursor else None
    found = page_of(user, asked.narrowing(), cursor, asked.limit)
    after = cursors.write(found.next) if found.next else None
    return Listing[MemoryOut](results=[MemoryOut.of(memory) for memory in found.memories], next=after)


@memory_router.post("", auth=WRITE, response={201: MemoryOut, 200: MemoryOut})
@idempotent
def create_memory(request: ApiRequest, memory: MemoryIn) -> Status[MemoryOut]:
    """Remembers one statement. 200 answers the memory that said the same already, and is reinforced."""
    access = _access(request, profiles.get(request.auth.user, memory.profile_id))
    written = next(iter(_write(access, [memory.candidate()], request.reference)), NOT_WRITTEN)
    if written.memory_id is None:
        raise Problem(409, "conflict", written.reason)
    return Status(200 if written.outcome is Outcome.REINFORCED else 201, _told(request, written.memory_id))


@memory_router.post("/batch", auth=WRITE, response=BatchOut)
@idempotent
def create_memories(request: ApiRequest, batch: BatchIn) -> Status[BatchOut]:
    """Stores a list as it is given: only equal words of the same source reinforce, and nothing is superseded.

    A bad item is answered in its place, and the others are written. The list is one change, which can be undone.
    """
    access = _access(request, profiles.get(request.auth.user, batch.profile_id))
    candidates = [item.candidate() for item in batch.items if isinstance(item, MemoryItem)]
    written = _write(access, candidates, request.reference, as_given=True)
    # What a batch that ran before discarded has left no trace to read again.
    following = chain(written, repeat(NOT_WRITTEN))
    results = [_item(next(following)) if isinstance(item, MemoryItem) else item for item in batch.items]
    return Status(200, BatchOut(results=results, change_id=written[0].change_id if written else None))


@memory_router.post("/search", auth=READ, response=SearchOut)
def search_memories(request: ApiRequest, search: SearchIn) -> SearchOut:
    """The memories of one profile that answer best, each with its score taken apart."""
    access = _access(request, profiles.get(request.auth.user, search.profile_id))
    asked = search.model_dump(exclude={"profile_id", "query", "explain"})
    return _found(access, recall(access, search.query, **asked), search)


@memory_router.get("/recent", auth=READ, response=SearchOut)
def list_recent_memories(request: ApiRequest, asked: Query[RecentQuery]) -> SearchOut:
    """What matters most and was said last, whatever it is about."""
    access = _access(request, profiles.get(request.auth.user, asked.profile_id))
    return _found(access, recall_recent(access, limit=asked.limit))


@memory_router.post("/changes/{uuid:change_id}/undo", auth=WRITE, response=ChangeOut | UndoPreviewOut)
def undo_change(
    request: ApiRequest, change_id: uuid.UUID, preview: Flag = False, with_later: str = ""
) -> ChangeOut | UndoPreviewOut:
    """Takes one whole change back; 409 when later ones built on it.

    `?preview` only says what would become of each memory, and which later changes would follow. Its `seen`, given as
    `?with_later=`, takes these back too; 409 when it would be others by now.
    """
    access = _access(request, profiles.of_change(request.auth.user, change_id))
    if preview:
        return UndoPreviewOut.of(undoing.preview(access, [change_id]))
    return ChangeOut(change_id=undoing.undo(access, change_id, seen=with_later).change_id)


@memory_router.get("/{uuid:memory_id}", auth=READ, response=MemoryOut)
def get_memory(request: ApiRequest, memory_id: uuid.UUID) -> MemoryOut:
    return _told(request, memory_id)


@memory_router.patch("/{uuid:memory_id}", auth=WRITE, response=MemoryOut)
def change_memory(request: ApiRequest, memory_id: uuid.UUID, changes: MemoryPatch) -> MemoryOut:
    """Corrects the wording, or what the memory is and how much it matters."""
    access = _access(request, _fetch(request.auth.user, memory_id).profile)
    columns = changes.model_dump(exclude_unset=True)
    content = columns.pop("content", None)
    if content is not None:
        writing.revise(access, memory_id, content)
    if columns:
        writing.adjust(access, memory_id, **columns)
    return _told(request, memory_id)


@memory_router.delete("/{uuid:memory_id}", auth=WRITE, response={204: None})
def forget_memory(request: ApiRequest, memory_id: uuid.UUID) -> Status[None]:
    """Withdraws it; `/restore` brings it back."""
    writing.forget(_access(request, _fetch(request.auth.user, memory_id).profile), memory_id)
    return Status(204, None)


@memory_router.get("/{uuid:memory_id}/history", auth=READ, response=Listing[EventOut])
def list_history(request: ApiRequest, memory_id: uuid.UUID, page: Query[PageQuery]) -> Listing[EventOut]:
    """What the ledger holds of this memory, oldest first."""
    events = _fetch(request.auth.user, memory_id).events.select_related("profile").oldest_first()
    if page.cursor:
        events = events.filter(number__gt=cursors.read(page.cursor, int)[0])
    part = cursors.cut(list(events[: page.limit + 1]), page.limit, lambda event: [event.number])
    unlock(part.rows)
    return Listing[EventOut](results=[EventOut.of(event) for event in part.rows], next=part.next)


@memory_router.post("/{uuid:memory_id}/restore", auth=WRITE, response=MemoryOut)
def restore_memory(request: ApiRequest, memory_id: uuid.UUID) -> MemoryOut:
    """Brings back what was forgotten, archived or superseded."""
    return _decide(request, memory_id, writing.restore)


@memory_router.post("/{uuid:memory_id}/confirm", auth=WRITE, response=MemoryOut)
def confirm_memory(request: ApiRequest, memory_id: uuid.UUID) -> MemoryOut:
    """Of a memory that waits for a decision: it is right."""
    return _decide(request, memory_id, writing.confirm)


@memory_router.post("/{uuid:memory_id}/reject", auth=WRITE, response=MemoryOut)
def reject_memory(request: ApiRequest, memory_id: uuid.UUID) -> MemoryOut:
    """Of a memory that waits for a decision: it is wrong, and forgotten."""
    return _decide(request, memory_id, writing.reject)


def _access(request: ApiRequest, profile: MemoryProfile) -> MemoryAccess:
    return profiles.by_hand(request.auth.user, profile, door=Origin.API)


def _fetch(user: User, memory_id: uuid.UUID) -> Memory:
    return Memory.objects.for_user(user).select_related("profile__owner").get(pk=memory_id)


def _found(access: MemoryAccess, found: Recall, asked: SearchIn | None = None) -> SearchOut:
    memories = {row.pk: row for row in Memory.objects.filter(pk__in=[hit.memory_id for hit in found.hits])}
    unlock(memories.values())
    results = [FoundOut.of(hit, memories[hit.memory_id], asked) for hit in found.hits if hit.memory_id in memories]
    return SearchOut(results=results, took_ms=found.took_ms, degraded=list(found.degraded))


def _told(request: ApiRequest, memory_id: uuid.UUID) -> MemoryOut:
    memory = Memory.objects.for_user(request.auth.user).get(pk=memory_id)
    unlock([memory])
    return MemoryOut.of(memory)


def _write(
    access: MemoryAccess, candidates: Sequence[Candidate], reference: uuid.UUID, *, as_given: bool = False
) -> list[Written]:
    """What is written under one reference is written once, also when the answer of the first time was lost."""
    batch = writing.Batch(MemoryBatch.Purpose.API, reference)
    try:
        written = writing.remember_all(access, candidates, batch=batch, as_given=as_given)
    except writing.AlreadyWritten:
        return writing.written_in(access, batch)
    return written


def _item(written: Written) -> WrittenItem | RefusedItem:
    if written.memory_id:
        return WrittenItem.of(written)
    return RefusedItem(error=Refusal(message=written.reason, fields={}))


def _decide(request: ApiRequest, memory_id: uuid.UUID, verb: Callable[[MemoryAccess, uuid.UUID], Written]) -> MemoryOut:
    written = verb(_access(request, _fetch(request.auth.user, memory_id).profile), memory_id)
    if written.outcome is Outcome.DISCARDED:
        raise Problem(409, "conflict", written.reason)
    return _told(request, memory_id)
