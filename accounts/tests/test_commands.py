from collections.abc import Callable
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core.management import ManagementUtility
from django.test import Client
from django.utils import timezone

from accounts import api_keys
from accounts.models import ApiKey, User

Run = Callable[..., tuple[int, str, str]]

# A command closes the connections that it used, so there is no transaction for a test to hide in.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """As from the terminal: status, what was said, and what was complained of."""

    def run(*arguments: str) -> tuple[int, str, str]:
        status = 0
        try:
            ManagementUtility(["manage.py", *arguments]).execute()
        except SystemExit as stop:
            status = int(stop.code or 0)
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_a_person_who_was_made_can_sign_in_and_counts_as_verified(run: Run, client: Client) -> None:
    status, _, _ = run("create_user", "Carol@Example.com", "--password", "a long enough password")

    carol = User.objects.get(email__iexact="carol@example.com")
    assert status == 0
    assert not carol.is_staff
    assert not carol.is_superuser
    assert EmailAddress.objects.get(user=carol).verified
    answer = client.post("/accounts/login/", {"login": "carol@example.com", "password": "a long enough password"})
    assert answer["Location"] == "/"


@pytest.mark.parametrize(("flag", "is_staff", "is_superuser"), [("--staff", True, False), ("--superuser", True, True)])
def test_those_who_look_after_it_are_made_by_a_flag(run: Run, flag: str, is_staff: bool, is_superuser: bool) -> None:
    run("create_user", "carol@example.com", "--password", "a long enough password", flag)

    carol = User.objects.get()
    assert (carol.is_staff, carol.is_superuser) == (is_staff, is_superuser)


def test_an_address_is_taken_whatever_its_case(run: Run, alice: User) -> None:
    status, _, complaint = run("create_user", "ALICE@example.com", "--password", "a long enough password")

    assert status == 2
    assert complaint.count("\n") == 1
    assert "already" in complaint
    assert User.objects.count() == 1


def test_a_key_is_the_last_line_alone_and_lets_its_person_in(run: Run, alice: User) -> None:
    status, said, _ = run("create_api_key", "Alice@example.com")

    text = said.splitlines()[-1]
    key = api_keys.authenticate(text)
    assert status == 0
    assert key
    assert key.owner == alice
    assert sorted(key.scopes) == sorted(ApiKey.Scope)
    assert key.expires_at is None


def test_a_key_has_the_scopes_and_the_days_that_were_asked_for(run: Run, alice: User) -> None:
    run("create_api_key", "alice@example.com", "--scopes", "chat, memories:read", "--expires", "30")

    key = ApiKey.objects.get()
    assert key.scopes == ["chat", "memories:read"]
    assert key.expires_at
    assert abs(key.expires_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["create_user", "nobody", "--password", "x"], "no e-mail address"),
        (["create_user", "carol@example.com", "--password", ""], "password is empty"),
        (["create_user", "carol@example.com"], "--password"),
        (["create_api_key", "stranger@example.com"], "no account"),
        (["create_api_key", "alice@example.com", "--scopes", "chat,all"], "'chat,all'"),
        (["create_api_key", "alice@example.com", "--scopes", ""], "scopes"),
        (["create_api_key", "alice@example.com", "--expires", "0"], "number of days"),
        (["create_api_key", "alice@example.com", "--expires", "soon"], "number of days"),
    ],
)
def test_a_bad_argument_is_named_and_nothing_is_made(
    run: Run, alice: User, arguments: list[str], complaint: str
) -> None:
    status, _, complained = run(*arguments)

    assert status == 2
    assert complaint in complained
    assert User.objects.count() == 1
    assert not ApiKey.objects.exists()
