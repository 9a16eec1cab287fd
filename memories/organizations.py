"""What organizations have to do with memories: the profile of a person there, and who may see its words."""

import uuid

import structlog
from django.db import transaction
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from accounts import organizations
from accounts.models import Membership, Organization, User
from memories import profiles
from memories.engine.errands import embed_missing
from memories.models import MemoryProfile
from memorychat.jobs import enqueue

log = structlog.get_logger(__name__)


def profile_at(user: User, organization: Organization) -> MemoryProfile:
    """The person's profile there, made on first use. Raises DoesNotExist where they deleted it: none is made anew."""
    profile = profiles.find_at(user, organization) or profiles.make_at(user, organization)
    if profile.deleted_at:
        raise MemoryProfile.DoesNotExist
    return profile


def choose_providers(organization: Organization, providers: list[str] | None, *, actor: User) -> None:
    """Who may see the words of its profiles; raises NotAllowed for whoever does not decide for it."""
    organizations.must_run(organization, actor)
    with transaction.atomic(durable=True):
        former = Organization.objects.select_for_update(no_key=True).get(pk=organization.pk).providers
        Organization.objects.filter(pk=organization.pk).update(providers=providers)
        if (former is None) != (providers is None):
            enqueue(embed_missing)
    log.info("organization_order_chosen", organization=str(organization.pk), actor=str(actor.pk))


def dissolve_all_of(person_id: uuid.UUID) -> int:
    """How many organizations went with the person who answered for them, in whose place nobody came.

    The profiles of others there stay theirs, and nobody sees more of them than before.
    """
    theirs = Organization.objects.filter(owner=person_id)
    named = Subquery(theirs.filter(pk=OuterRef("organization")).values("providers"))
    left = MemoryProfile.objects.filter(organization__in=theirs)
    left.update(own_providers=Coalesce(F("own_providers"), named), organization=None)
    Membership.objects.filter(organization__in=theirs).delete()
    count: int = theirs.count()
    theirs.delete()
    return count
