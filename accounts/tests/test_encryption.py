"""Words on their way to the database and back: the keys, the ring and the fields together."""

import base64
import json
import os
import stat
import uuid
from pathlib import Path

import pytest
from django.core.exceptions import FieldError
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.data_keys import verify_key_file
from accounts.models import DataKey, IdempotencyRecord, User
from memorychat.lib.crypto import KeysError, MasterKeys, SealedError, key_ring, unlock

WORDS = "a quince in the pantry"


def keep(owner: User, answer: str | None = WORDS) -> IdempotencyRecord:
    """Any row with an encrypted column does."""
    return IdempotencyRecord.objects.create(
        owner=owner, key_digest=os.urandom(32), request_digest=b"r", answer=answer, created_at=timezone.now()
    )


def fetch(row: IdempotencyRecord) -> IdempotencyRecord:
    return IdempotencyRecord.objects.get(pk=row.pk)


def test_words_come_back_and_never_stand_in_the_table(alice: User) -> None:
    row = keep(alice)
    assert fetch(row).answer == WORDS
    with connection.cursor() as cursor:
        cursor.execute("SELECT answer FROM accounts_idempotencyrecord")
        stored = bytes(cursor.fetchone()[0])
    assert WORDS.encode() not in stored
    assert stored[:1] == b"\x01"
    assert uuid.UUID(bytes=stored[1:17]) == alice.data_key_id


def test_nothing_is_nothing(alice: User) -> None:
    assert fetch(keep(alice, None)).answer is None
    assert fetch(keep(alice, "")).answer == ""


def test_a_value_moved_to_another_row_does_not_open(alice: User) -> None:
    one, other = keep(alice), keep(alice, "something else")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_idempotencyrecord"
            " SET answer = (SELECT answer FROM accounts_idempotencyrecord WHERE id = %s)"
            " WHERE id = %s",
            [one.pk, other.pk],
        )
    assert fetch(one).answer == WORDS
    with pytest.raises(SealedError):
        _ = fetch(other).answer


def test_a_changed_byte_does_not_open(alice: User) -> None:
    row = keep(alice)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_idempotencyrecord SET answer = set_byte(answer, 40, 0)")
        cursor.execute("UPDATE accounts_idempotencyrecord SET answer = set_byte(answer, 41, 1)")
    with pytest.raises(SealedError):
        _ = fetch(row).answer


def test_encrypted_columns_are_neither_filtered_nor_updated_in_bulk(alice: User) -> None:
    row = keep(alice)
    rows = IdempotencyRecord.objects.all()
    # Spelt so that the type checker, which asks the field the same question, does not stop at the refusal.
    for lookup in ({"answer": WORDS}, {"answer__contains": "quince"}):
        with pytest.raises(FieldError, match="encrypted"):
            rows.filter(**lookup)
    with pytest.raises(FieldError, match="encrypted"), transaction.atomic():
        rows.update(answer="plain")
    row.answer = "plain"
    with pytest.raises(FieldError, match="encrypted"), transaction.atomic():
        rows.bulk_update([row], ["answer"])
    assert rows.filter(answer__isnull=False).count() == 1


def test_bulk_create_seals_each_row(alice: User) -> None:
    rows = [IdempotencyRecord(owner=alice, key_digest=os.urandom(32), request_digest=b"", answer=w) for w in ("a", "b")]
    IdempotencyRecord.objects.bulk_create(rows)
    assert sorted(row.answer for row in IdempotencyRecord.objects.all()) == ["a", "b"]


def test_deferred_words_are_fetched_when_they_are_read(alice: User) -> None:
    row = keep(alice)
    assert IdempotencyRecord.objects.defer("answer").get(pk=row.pk).answer == WORDS


def test_saving_other_columns_leaves_the_sealed_value_alone(alice: User) -> None:
    row = fetch(keep(alice))
    row.status = 200
    row.save()
    assert fetch(row).answer == WORDS


def test_a_page_s_keys_come_with_one_query(
    alice: User, bob: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    rows = [keep(owner) for owner in (alice, bob) for _ in range(3)]
    with key_ring(), django_assert_num_queries(2):
        fetched = list(IdempotencyRecord.objects.filter(pk__in=[row.pk for row in rows]))
        unlock(fetched)
        assert {row.answer for row in fetched} == {WORDS}


def test_words_are_read_inside_a_ring_only_and_the_ring_forgets(alice: User) -> None:
    row = keep(alice)
    with key_ring() as ring:
        assert fetch(row).answer == WORDS
        assert ring.keys
    with key_ring() as fresh:
        assert not fresh.keys
        assert "keys" not in repr(fresh)


def test_a_destroyed_key_leaves_words_that_nobody_reads(alice: User) -> None:
    row = keep(alice)
    DataKey.objects.update(wrapped=None, destroyed_at=timezone.now())
    with key_ring(), pytest.raises(SealedError, match="destroyed"):
        _ = fetch(row).answer


def test_each_person_has_one_key_however_many_ask_first(alice: User) -> None:
    keys = {DataKey.objects.for_person(alice).pk for _ in range(3)}
    assert len(keys) == DataKey.objects.filter(owner=alice).count() == 1


def test_a_missing_key_file_is_made_only_for_an_empty_database(db: None, settings: Settings, tmp_path: Path) -> None:
    settings.KEYS_FILE = tmp_path / "keys.json"
    verify_key_file()
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
    keep(User.objects.create_user("carol@example.com"))
    (tmp_path / "keys.json").unlink()
    with pytest.raises(KeysError, match="is missing"):
        verify_key_file()
    assert not (tmp_path / "keys.json").exists()


def test_another_database_s_key_file_is_refused(alice: User, settings: Settings, tmp_path: Path) -> None:
    keep(alice)
    settings.KEYS_FILE = tmp_path / "other.json"
    MasterKeys.create(settings.KEYS_FILE)
    with key_ring(), pytest.raises(KeysError, match="not the one"):
        verify_key_file()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"current": "1", "keys": {"1": "!"}}',
        '{"current": "2", "keys": {}}',
        json.dumps({"current": "1", "keys": {"1": base64.b64encode(b"short").decode()}}),
    ],
)
def test_a_file_that_is_no_key_file_is_refused_in_one_sentence(
    db: None, settings: Settings, tmp_path: Path, content: str
) -> None:
    settings.KEYS_FILE = tmp_path / "keys.json"
    settings.KEYS_FILE.write_text(content)
    with pytest.raises(KeysError, match=r"is not a MemoryChat key file\.$"):
        verify_key_file()


def test_a_key_file_that_exists_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    MasterKeys.create(path)
    content = path.read_text()
    MasterKeys.create(path)
    assert path.read_text() == content
    assert list(tmp_path.iterdir()) == [path]
