import hashlib
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts import api_keys
from accounts.models import ApiKey, User
from accounts.tests.programs import Program

Scope = ApiKey.Scope

pytestmark = pytest.mark.django_db


def test_a_key_is_kept_as_its_prefix_and_a_hash_and_nothing_else_of_it(alice: User) -> None:
    issued = api_keys.issue(alice, [Scope.CHAT])

    row = ApiKey.objects.values().get()
    assert bytes(row["digest"]) == hashlib.sha256(issued.text.encode()).digest()
    assert issued.text.startswith(f"{row['prefix']}_")
    secret = issued.text.removeprefix(f"{row['prefix']}_")
    assert len(secret) >= 43  # 256 bits in base 64
    assert secret not in str(row)
    assert secret not in repr(issued)


def test_several_keys_of_a_person_live_at_once(alice: User) -> None:
    first, second = (api_keys.issue(alice, [Scope.CHAT]) for _ in range(2))

    assert first.text != second.text
    for issued in (first, second):
        key = api_keys.authenticate(issued.text)
        assert key == issued.key
        assert key.owner == alice


@pytest.mark.parametrize(
    "change",
    [
        {"expires_at": timezone.now() - timedelta(seconds=1)},
        {"revoked_at": timezone.now()},
        {"digest": b"another"},
    ],
    ids=["expired", "revoked", "unknown"],
)
def test_a_key_that_is_not_good_lets_nobody_in(program: Program, change: dict[str, object]) -> None:
    assert program.call("GET", "/memories").status_code == 200
    ApiKey.objects.update(**change)

    assert program.call("GET", "/memories").status_code == 401


def test_a_key_does_not_outlive_its_owner_s_account(program: Program, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)

    assert program.call("GET", "/memories").status_code == 401


def test_a_key_may_expire_later(alice: User) -> None:
    assert api_keys.authenticate(api_keys.issue(alice, [], expires_in=timedelta(days=1)).text)


def test_revoking_one_key_leaves_the_others(alice: User) -> None:
    first, second = (api_keys.issue(alice, [Scope.CHAT]) for _ in range(2))

    api_keys.revoke(first.key)

    assert api_keys.authenticate(first.text) is None
    assert api_keys.authenticate(second.text) == second.key


@pytest.mark.parametrize("text", ["", " ", "mc_", "x" * 10_000, "ü", "\x00"])
def test_what_is_no_key_is_nobody_s(db: None, text: str) -> None:
    assert api_keys.authenticate(text) is None


def test_the_last_use_is_noted_at_most_once_a_minute(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    issued = api_keys.issue(alice, [])
    api_keys.authenticate(issued.text)
    noted = ApiKey.objects.get().last_used_at
    assert noted

    with django_assert_num_queries(1):
        api_keys.authenticate(issued.text)
    assert ApiKey.objects.get().last_used_at == noted

    ApiKey.objects.update(last_used_at=noted - timedelta(minutes=2))
    api_keys.authenticate(issued.text)
    noted_again = ApiKey.objects.get().last_used_at
    assert noted_again
    assert noted_again > noted
