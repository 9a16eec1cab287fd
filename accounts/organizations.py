"""Organizations: founded, joined, handed over. Who belongs to one, and as what, is said by `Membership`."""

import uuid

import structlog
from django.db import transaction
from django.db.models import Case, QuerySet, Value, When

from accounts.models import DataKey, Membership, Organization, User
from memorychat.lib import text

log = structlog.get_logger(__name__)

NAME_LIMIT = 100
STAYS = "Who answers for an organization stays its owner."
Role = Membership.Role


class NotAllowed(Exception):
    """This is not theirs to decide; the message is a sentence for the person."""


def found(owner: User, name: str) -> Organization:
    """Raises TextError for a name that cannot be kept."""
    name = text.clean(name, limit=NAME_LIMIT, name="name")
    with transaction.atomic(durable=True):
        key = DataKey.objects.for_organization(owner)
        organization = Organization.objects.create(owner=owner, data_key=key, name=name)
        Membership.objects.create(owner=owner, organization=organization, role=Role.OWNER)
    log.info("organization_founded", organization=str(organization.pk), actor=str(owner.pk))
    return organization


def admit(organization: Organization, user: User, role: Membership.Role) -> Membership:
    """Have somebody belong to it, or belong to it as something else.

    Raises NotAllowed for the person who answers for it, who stays its owner.
    """
    if user.pk == organization.owner_id and role is not Role.OWNER:
        raise NotAllowed(STAYS)
    membership, _ = Membership.objects.update_or_create(owner=user, organization=organization, defaults={"role": role})
    log.info("member_admitted", organization=str(organization.pk), member=str(user.pk), role=str(role))
    return membership


def dismiss(membership: Membership) -> None:
    """Their profile there stays theirs, and so does its order. Raises NotAllowed like `admit`."""
    if membership.owner_id == membership.organization.owner_id:
        raise NotAllowed(STAYS)
    Membership.objects.filter(pk=membership.pk).delete()
    log.info("member_dismissed", organization=str(membership.organization_id), member=str(membership.owner_id))


def memberships_of(user: User) -> QuerySet[Membership]:
    """What a person belongs to, in the order in which they came."""
    return Membership.objects.filter(owner=user).select_related("organization").order_by("pk")


def must_run(organization: Organization, user: User) -> None:
    """Raises NotAllowed for whoever does not decide for it."""
    membership = organization.memberships.filter(owner=user).first()
    if membership is None or not Role(membership.role).runs_it:
        raise NotAllowed("Only its owners and admins decide for an organization.")


def hand_over_all_of(person_id: uuid.UUID) -> None:
    """What somebody answers for goes to another owner, else an admin, the first who came; what has none stays."""
    for organization_id in Organization.objects.filter(owner=person_id).values_list("pk", flat=True):
        with transaction.atomic(durable=True):
            organization = Organization.objects.select_for_update(no_key=True).get(pk=organization_id)
            if successor := _successor(organization):
                _hand_over(organization, successor)


def _successor(organization: Organization) -> Membership | None:
    rank = Case(When(role=Role.OWNER, then=Value(0)), default=Value(1))
    running = organization.memberships.filter(role__in=[Role.OWNER, Role.ADMIN], owner__is_active=True)
    return running.exclude(owner=organization.owner_id).order_by(rank, "pk").first()


def _hand_over(organization: Organization, successor: Membership) -> None:
    """With its key, or what it is called would go with the person who goes."""
    Organization.objects.filter(pk=organization.pk).update(owner=successor.owner_id)
    DataKey.objects.filter(pk=organization.data_key_id).update(owner=successor.owner_id)
    Membership.objects.filter(pk=successor.pk).update(role=Role.OWNER)
    log.info("organization_handed_over", organization=str(organization.pk), to=str(successor.owner_id))
