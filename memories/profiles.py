"""Memory profiles of a person: made, renamed, chosen, deleted and brought back."""

import uuid
from typing import Any, TypedDict, Unpack

from django.db import transaction
from django.utils import timezone

from accounts.models import DataKey, Organization, User
from memories.access import MemoryAccess
from memories.engine.errands import embed_missing
from memories.models import LearningMode, MemoryEvent, MemoryProfile, MemoryProfileQuerySet, Origin, PrivacyMode
from memorychat.jobs import enqueue
from memorychat.lib import text

NAME_LIMIT = 100
DESCRIPTION_LIMIT = 500
FIRST_NAME = "Personal"


class ProfileError(Exception):
    """What was asked of a profile cannot be done; the message is a sentence for the person."""


def default_for(user: User) -> MemoryProfile:
    """The person's default profile, made on first use."""
    return _default(user) or _make_first(user)


def get(user: User, profile_id: uuid.UUID | None) -> MemoryProfile:
    """This person's profile by its id, the default one for None; a foreign or missing one raises DoesNotExist."""
    if profile_id is None:
        return default_for(user)
    return _with_whom_they_ask(user).active().get(pk=profile_id)


def find_at(user: User, organization: Organization) -> MemoryProfile | None:
    """The person's profile there, be it deleted."""
    return _with_whom_they_ask(user).filter(organization=organization).first()


def make_at(user: User, organization: Organization) -> MemoryProfile:
    """Named like the organization; the one that is there when two ask at once."""
    with transaction.atomic(durable=True):
        _lock_person(user)
        return find_at(user, organization) or _make(user, organization.name, organization=organization)


def of_change(user: User, change_id: uuid.UUID) -> MemoryProfile:
    """This person's profile in which a change was made; raises DoesNotExist like `get`."""
    profiles = _with_whom_they_ask(user).active()
    events = MemoryEvent.objects.for_user(user).filter(change_id=change_id)
    return profiles.get(pk__in=events.values("profile"))


def by_hand(user: User, profile: MemoryProfile, *, door: Origin = Origin.MANUAL) -> MemoryAccess:
    """The access of an owner who acts on a page or by a program, outside any conversation."""
    return MemoryAccess(profile, PrivacyMode.NORMAL, actor=user, door=door)


class Promises(TypedDict, total=False):
    """What a profile promises: how its conversations begin, what becomes of what they tell, and who sees its words."""

    default_mode: PrivacyMode
    learning: LearningMode
    local_only: bool
    own_providers: list[str] | None


def create(user: User, name: str, description: str = "", **promises: Unpack[Promises]) -> MemoryProfile:
    name, description = _clean(name, description)
    with transaction.atomic(durable=True):
        return _make(user, name, description, **promises)


def create_like(profile: MemoryProfile, name: str, *, profile_id: uuid.UUID) -> MemoryProfile:
    """A further profile that promises what another one does; the same one again when it was made before.

    It is at no organization, and whom that named the new one names itself.
    """
    name, _ = _clean(name, "")
    with transaction.atomic(durable=True):
        _lock_person(profile.owner)
        made = _with_whom_they_ask(profile.owner).filter(pk=profile_id).first()
        return made or _make(
            profile.owner,
            name,
            id=profile_id,
            default_mode=profile.default_mode,
            learning=profile.learning,
            local_only=profile.local_only,
            own_providers=profile.named_providers,
        )


def describe(profile: MemoryProfile, name: str, description: str, **promises: Unpack[Promises]) -> None:
    profile.name, profile.description = _clean(name, description)
    was_embedded_here = profile.embeds_here
    for promise, value in promises.items():
        setattr(profile, promise, value)
    with transaction.atomic(durable=True):
        profile.save(update_fields=["name", "description", *promises])
        if profile.embeds_here != was_embedded_here:
            enqueue(embed_missing)


def make_default(profile: MemoryProfile) -> None:
    with transaction.atomic(durable=True):
        _lock_person(profile.owner)
        MemoryProfile.objects.for_user(profile.owner).filter(is_default=True).update(is_default=False)
        MemoryProfile.objects.filter(pk=profile.pk).update(is_default=True)
    profile.is_default = True


def delete(profile: MemoryProfile) -> None:
    """Withdraw a profile with all its memories; `restore` brings it back as it was."""
    if profile.is_default:
        raise ProfileError("The default profile cannot be deleted. Make another one the default first.")
    MemoryProfile.objects.filter(pk=profile.pk, deleted_at=None).update(deleted_at=timezone.now())


def restore(profile: MemoryProfile) -> None:
    MemoryProfile.objects.filter(pk=profile.pk).update(deleted_at=None)


def _make_first(user: User) -> MemoryProfile:
    with transaction.atomic():
        # Two first requests at once: the second waits here and finds what the first made.
        _lock_person(user)
        return _default(user) or _make(user, FIRST_NAME, is_default=True)


def _default(user: User) -> MemoryProfile | None:
    return _with_whom_they_ask(user).filter(is_default=True).first()


def _with_whom_they_ask(user: User) -> MemoryProfileQuerySet:
    """The person's profiles, with all that says which models may see them: a stream cannot fetch it."""
    return user.memory_profiles.select_related("organization")


def _make(user: User, name: str, description: str = "", **columns: Any) -> MemoryProfile:
    data_key = DataKey.objects.for_profile(user)
    return MemoryProfile.objects.create(owner=user, data_key=data_key, name=name, description=description, **columns)


def _clean(name: str, description: str) -> tuple[str, str]:
    """Both as they can be stored; raises TextError. A description may be empty."""
    name = text.clean(name, limit=NAME_LIMIT, name="name")
    return name, text.clean(description, limit=DESCRIPTION_LIMIT, name="description") if description.strip() else ""


def _lock_person(user: User) -> None:
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
