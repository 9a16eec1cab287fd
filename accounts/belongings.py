"""What accounts, and the packages below them, keep of a person."""

import json
import uuid
from collections.abc import Collection
from typing import Any

from allauth.account.models import EmailAddress, EmailConfirmation
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.db.models import QuerySet
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.models import ApiKey, DataKey, IdempotencyRecord, Membership, User
from accounts.personal_data import Belongings, ids_of

READ_AT_ONCE = 2_000


def sessions_of(person_id: uuid.UUID) -> QuerySet[Session]:
    """A session says whose it is only within; one in the middle of a sign-in says it by the address."""
    marks = [str(person_id), *EmailAddress.objects.filter(user=person_id).values_list("email", flat=True)]
    theirs = [
        session.pk
        for session in Session.objects.iterator(chunk_size=READ_AT_ONCE)
        if any(mark in json.dumps(session.get_decoded(), cls=DjangoJSONEncoder) for mark in marks)
    ]
    return Session.objects.filter(pk__in=theirs)


def trail_of(person_id: uuid.UUID) -> QuerySet[LogEntry]:
    """What they did in the admin, and what was done there with a row of theirs."""
    about = _named("SELECT id FROM django_admin_log WHERE object_id IN (SELECT unnest(%s::text[]))", ids_of(person_id))
    return LogEntry.objects.filter(user=person_id) | LogEntry.objects.filter(pk__in=about)


def jobs_of(person_id: uuid.UUID) -> QuerySet[ProcrastinateJob]:
    """Those whose arguments name a row of theirs."""
    return ProcrastinateJob.objects.filter(
        pk__in=_named(
            "SELECT id FROM procrastinate_jobs WHERE EXISTS"
            " (SELECT FROM jsonb_each_text(args) argument WHERE argument.value IN (SELECT unnest(%s::text[])))",
            ids_of(person_id),
        )
    )


def delete_jobs(person_id: uuid.UUID) -> int:
    """But not what a worker is doing now, for it ends by its row: see `accounts.erasing`."""
    jobs = list(jobs_of(person_id).values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE id = ANY(%s) AND status <> 'doing'", [jobs])
        return cursor.rowcount


def _named(statement: str, ids: Collection[str]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(ids)])
        return [row[0] for row in cursor.fetchall()]


BELONGINGS = [
    Belongings(ProcrastinateJob, find=jobs_of, emptied_by=delete_jobs, why_untold="work to be done, by ids alone"),
    Belongings(Session, find=sessions_of, why_untold="the keys of browsers; usersessions tells of them"),
    Belongings(LogEntry, find=trail_of, left_out=frozenset({"user_id"})),
    Belongings(User, "pk", left_out=frozenset({"password"})),
    Belongings(User.groups.through, "user"),
    Belongings(User.user_permissions.through, "user"),
    Belongings(DataKey, why_untold="keys"),
    Belongings(Membership),
    Belongings(ApiKey),
    Belongings(IdempotencyRecord),
    Belongings(EmailAddress, "user"),
    Belongings(EmailConfirmation, "email_address__user", left_out=frozenset({"key"})),
    Belongings(Authenticator, "user", left_out=frozenset({"data"})),
    Belongings(UserSession, "user", left_out=frozenset({"session_key"})),
]
