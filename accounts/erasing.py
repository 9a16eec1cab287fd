"""Erasing a person: for good, from every table, with a certificate of what went.

What others need is handed over before: organizations, which have keys of their own. Then the person's keys are
destroyed and nobody comes in as them any more; from there on nothing of theirs can be read. Then all rows go in one
transaction, and at last the whole database is looked over. Each step can be done again: what was killed in the middle
is completed by the next call, and what a restored backup brings back `replay_erasures` erases.
"""

import time
import uuid
from collections.abc import Iterable
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import structlog
from allauth.account.models import EmailAddress
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from accounts import organizations, personal_data, traces
from accounts.belongings import jobs_of
from accounts.models import ApiKey, DataKey, Tombstone, User
from accounts.traces import Marks
from memorychat.lib.crypto import SealedError

log = structlog.get_logger(__name__)

TRIES = 5
SAMPLED_ROWS = 5
SHORTEST_SAMPLE = 12
LONGEST_SAMPLE = 200
PATIENCE = timedelta(seconds=10)
LOOK_EVERY_SECONDS = 0.2

Certificate = dict[str, Any]


def erase(person_id: uuid.UUID) -> Certificate:
    """Raises nothing for somebody who is not there: then it completes, or repeats, an erasure."""
    organizations.hand_over_all_of(person_id)
    marks = _marks_of(person_id)
    tombstone = _begin(person_id, marks)
    running = _erase_rows(tombstone)
    _wait_for(running)
    return _complete(tombstone, marks)


def is_erased(person_id: uuid.UUID) -> bool:
    """For whatever comes late and names a person: a delivery, a job, a restored row."""
    return Tombstone.objects.filter(pk=person_id).exists()


def replay_erasures(person_ids: Iterable[uuid.UUID] = ()) -> list[Certificate]:
    """Erase again who was erased before and stands in a restored backup, and complete what was begun.

    `person_ids` names those whose tombstones are newer than the backup.
    """
    known = Tombstone.objects.values_list("pk", flat=True)
    people = {*known, *person_ids}
    there = set(User.objects.filter(pk__in=people).values_list("pk", flat=True))
    unfinished = set(Tombstone.objects.filter(completed_at=None).values_list("pk", flat=True))
    return [erase(person_id) for person_id in sorted(people & (there | unfinished) | (people - set(known)))]


def _marks_of(person_id: uuid.UUID) -> Marks:
    """What of them might be found afterwards; their words only as long as their keys are there."""
    addresses = {*EmailAddress.objects.filter(user=person_id).values_list("email", flat=True)}
    addresses |= {*User.objects.filter(pk=person_id).values_list("email", flat=True)}
    keys = {*DataKey.objects.filter(owner=person_id).values_list("pk", flat=True)}
    former = Tombstone.objects.filter(pk=person_id).values_list("key_ids", flat=True).first() or []
    return Marks(frozenset({person_id, *keys, *former}), frozenset(addresses), frozenset(_words_of(person_id)))


def _words_of(person_id: uuid.UUID) -> set[str]:
    """Some of what they said, to be looked for as it was said. What many say is no mark of one."""
    try:
        texts = [text for each in personal_data.registered() for text in each.texts(person_id, SAMPLED_ROWS)]
    except SealedError:
        return set()
    return {text[:LONGEST_SAMPLE] for text in texts if len(text) >= SHORTEST_SAMPLE}


def _begin(person_id: uuid.UUID, marks: Marks) -> Tombstone:
    """From its end on nothing of theirs can be read, and nobody comes in as them."""
    with transaction.atomic(durable=True):
        tombstone, _ = Tombstone.objects.select_for_update(no_key=True).get_or_create(pk=person_id)
        tombstone.key_ids = sorted(marks.ids - {person_id})
        tombstone.erased_at = tombstone.completed_at = None
        tombstone.save(update_fields=["key_ids", "erased_at", "completed_at"])
        User.objects.filter(pk=person_id).update(is_active=False)
        ApiKey.objects.filter(owner=person_id, revoked_at=None).update(revoked_at=timezone.now())
        DataKey.objects.filter(owner=person_id).update(wrapped=None, destroyed_at=timezone.now())
    return tombstone


def _erase_rows(tombstone: Tombstone) -> list[int]:
    """Who writes for them at this moment may stand in the way, or we in theirs: then it is tried again.

    Answers the jobs that are being done for them.
    """
    for last in range(TRIES, -1, -1):
        try:
            return _erase_rows_once(tombstone)
        except OperationalError as error:
            if last == 0:
                raise
            log.warning("erasure_tried_again", error=type(error.__cause__).__name__)
    raise AssertionError


def _erase_rows_once(tombstone: Tombstone) -> list[int]:
    person_id = tombstone.pk
    with transaction.atomic(durable=True):
        _lock(person_id)
        running = list(jobs_of(person_id).filter(status="doing").values_list("pk", flat=True))
        erased = {each.name: each.erase(person_id) for each in personal_data.in_order()}
        tombstone.erased_at = timezone.now()
        tombstone.certificate = {"rows": _added(tombstone.certificate.get("rows", {}), erased)}
        tombstone.save(update_fields=["erased_at", "certificate"])
    return running


def _lock(person_id: uuid.UUID) -> None:
    """First what writers hold, then the person, on whom every new row hangs: from there on none is added.

    The whole lock, for a row that points at a locked one waits for nothing less.
    """
    for each in personal_data.registered():
        if each.locks:
            list(each.of(person_id).order_by("pk").select_for_update(no_key=False).values_list("pk"))
    list(User.objects.filter(pk=person_id).select_for_update(no_key=False).values_list("pk"))


def _added(former: dict[str, int], now: dict[str, int]) -> dict[str, int]:
    return {name: former.get(name, 0) + count for name, count in now.items()}


def _wait_for(jobs: list[int]) -> None:
    """A job that a worker has in hand finds nothing any more; then its row goes too. One that hangs loses its ids."""
    give_up_at = time.monotonic() + PATIENCE.total_seconds()
    while jobs:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_jobs WHERE id = ANY(%s) AND status <> 'doing'", [jobs])
            cursor.execute("SELECT id FROM procrastinate_jobs WHERE id = ANY(%s)", [jobs])
            jobs = [row[0] for row in cursor.fetchall()]
            if jobs and time.monotonic() > give_up_at:
                cursor.execute(
                    "UPDATE procrastinate_jobs SET args = '{}', lock = NULL, queueing_lock = NULL WHERE id = ANY(%s)",
                    [jobs],
                )
                return
        if jobs:
            time.sleep(LOOK_EVERY_SECONDS)


def _complete(tombstone: Tombstone, marks: Marks) -> Certificate:
    looked_for = {"ids": len(marks.ids), "addresses": len(marks.addresses), "texts": len(marks.words)}
    searched = asdict(traces.search(marks))
    tombstone.completed_at = timezone.now()
    tombstone.certificate |= {"looked_for": looked_for, "search": searched}
    tombstone.save(update_fields=["completed_at", "certificate"])
    log.info("person_erased", person_id=str(tombstone.pk), rows=sum(tombstone.certificate["rows"].values()))
    return certificate_of(tombstone)


def certificate_of(tombstone: Tombstone) -> Certificate:
    return {
        "person": str(tombstone.pk),
        "erased_at": tombstone.erased_at and tombstone.erased_at.isoformat(),
        "keys_destroyed": len(tombstone.key_ids),
        **tombstone.certificate,
    }
