from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse

from accounts import api_keys, organizations
from accounts.models import ApiKey, Membership, User

pytestmark = pytest.mark.django_db

PASSWORD = "a long enough password"
ANOTHER = "a wholly different one"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root@example.com", PASSWORD)


@pytest.fixture
def superuser(root: User) -> Client:
    return signed_in(root)


@pytest.fixture
def warden(db: None) -> Client:
    """Of the staff, with the right to change accounts."""
    user = User.objects.create_user("warden@example.com", PASSWORD, is_staff=True)
    rights = ("view_user", "change_user", "view_group", "add_group", "change_group")
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    return signed_in(user)


def page_of(user: User) -> str:
    return reverse("admin:accounts_user_change", args=[user.pk])


def password_page_of(user: User) -> str:
    return reverse("admin:auth_user_password_change", args=[user.pk])


def new_password(password: str) -> dict[str, str]:
    return {"password1": password, "password2": password, "usable_password": "true"}


def fresh(user: User) -> User:
    return User.objects.get(pk=user.pk)


def test_an_account_is_closed_by_hand_and_who_did_it_is_written_down(
    superuser: Client, root: User, alice: User
) -> None:
    superuser.post(page_of(alice), {})

    assert not fresh(alice).is_active
    entry = LogEntry.objects.get(action_flag=CHANGE)
    assert (entry.user, entry.object_id, entry.object_repr) == (root, str(alice.pk), str(alice.pk))
    assert entry.get_change_message() == "Changed Is active."


def test_a_superuser_makes_somebody_staff(superuser: Client, alice: User) -> None:
    group = Group.objects.create(name="Moderators")

    superuser.post(page_of(alice), {"is_active": "on", "is_staff": "on", "groups": [group.pk]})

    alice = fresh(alice)
    assert (alice.is_active, alice.is_staff, list(alice.groups.all())) == (True, True, [group])


def test_nobody_is_made_a_superuser_or_renamed_here(superuser: Client, alice: User) -> None:
    superuser.post(page_of(alice), {"is_active": "on", "is_superuser": "on", "email": "eve@example.com"})

    assert (fresh(alice).is_superuser, fresh(alice).email) == (False, alice.email)


def test_staff_open_and_close_accounts_but_give_no_rights(warden: Client, alice: User) -> None:
    group = Group.objects.create(name="Moderators")

    warden.post(page_of(alice), {"is_staff": "on", "groups": [group.pk]})

    alice = fresh(alice)
    assert (alice.is_active, alice.is_staff, list(alice.groups.all())) == (False, False, [])


def test_staff_do_not_touch_a_superuser(warden: Client, root: User) -> None:
    assert warden.post(page_of(root), {}).status_code == 403
    assert warden.get(password_page_of(root)).status_code == 403
    assert warden.post(password_page_of(root), new_password(ANOTHER)).status_code == 403
    assert fresh(root).check_password(PASSWORD)
    assert fresh(root).is_active
    assert "Set a password" not in warden.get(page_of(root)).content.decode()


def test_a_password_is_set_and_whoever_is_signed_in_by_the_old_one_is_out(warden: Client, alice: User) -> None:
    browser = signed_in(alice)
    button = reverse("admin:accounts_user_set_password", args=[alice.pk])
    assert "Set a password" in warden.get(page_of(alice)).content.decode()
    assert warden.get(button).headers["Location"] == password_page_of(alice)

    warden.post(password_page_of(alice), new_password(ANOTHER))

    assert fresh(alice).check_password(ANOTHER)
    assert browser.get("/settings/").status_code == 302
    assert LogEntry.objects.get(action_flag=CHANGE).object_id == str(alice.pk)


def test_no_hash_and_no_key_is_shown(superuser: Client, alice: User) -> None:
    issued = api_keys.issue(alice, [ApiKey.Scope.CHAT])

    shown = superuser.get(page_of(alice)).content.decode()

    assert alice.email in shown
    for secret in (alice.password, alice.password.split("$")[-1][:6], bytes(issued.key.digest).hex(), issued.text):
        assert secret not in shown


@pytest.mark.parametrize("asked", ["alice@example.com", "Alice@Example.com"])
def test_a_person_is_found_by_their_whole_address(superuser: Client, alice: User, bob: User, asked: str) -> None:
    listed: Any = superuser.get(reverse("admin:accounts_user_changelist"), {"q": asked})

    assert list(listed.context["cl"].result_list) == [alice]


@pytest.mark.parametrize("asked", ["alice", "example.com", "@example.com"])
def test_a_part_of_an_address_finds_nobody(superuser: Client, alice: User, asked: str) -> None:
    listed: Any = superuser.get(reverse("admin:accounts_user_changelist"), {"q": asked})

    assert list(listed.context["cl"].result_list) == []


def test_accounts_are_neither_made_nor_deleted_here(superuser: Client, alice: User) -> None:
    assert superuser.get(reverse("admin:accounts_user_add")).status_code == 403
    assert superuser.post(reverse("admin:accounts_user_delete", args=[alice.pk]), {"post": "yes"}).status_code == 403


def test_a_group_gives_rights_that_open_something_here(superuser: Client) -> None:
    form: Any = superuser.get(reverse("admin:auth_group_add"))
    offered = form.context["adminform"].form.fields["permissions"].queryset
    assert {"view_user", "change_user", "view_memory"} <= set(offered.values_list("codename", flat=True))
    assert not offered.filter(codename__startswith="delete_").exists()

    superuser.post(reverse("admin:auth_group_add"), {"name": "Readers", "permissions": [offered[0].pk]})

    assert list(Group.objects.get(name="Readers").permissions.all()) == [offered[0]]


def test_groups_are_the_superusers_own(warden: Client) -> None:
    group = Group.objects.create(name="Moderators")

    assert warden.get(reverse("admin:auth_group_add")).status_code == 403
    assert warden.post(reverse("admin:auth_group_change", args=[group.pk]), {"name": "Mine"}).status_code == 403


def test_an_organization_is_looked_at_with_its_members_and_profiles(superuser: Client, alice: User, bob: User) -> None:
    organization = organizations.found(alice, "The harbour pilots")
    organizations.admit(organization, bob, Membership.Role.MEMBER)
    organizations.found(bob, "The bakers")

    opened = superuser.get(reverse("admin:accounts_organization_change", args=[organization.pk])).content.decode()
    members: Any = superuser.get(
        reverse("admin:accounts_membership_changelist"), {"organization": str(organization.pk)}
    )
    theirs: Any = superuser.get(reverse("admin:accounts_membership_changelist"), {"owner": str(bob.pk)})
    profiles: Any = superuser.get(
        reverse("admin:memories_memoryprofile_changelist"), {"organization": str(organization.pk)}
    )

    assert "The harbour pilots" in opened
    assert {row.owner for row in members.context["cl"].result_list} == {alice, bob}
    assert {row.role for row in theirs.context["cl"].result_list} == {"owner", "member"}
    assert profiles.status_code == 200


@pytest.mark.parametrize("model", ["organization", "membership"])
def test_organizations_are_neither_made_nor_changed_here(superuser: Client, alice: User, model: str) -> None:
    organization = organizations.found(alice, "The harbour pilots")
    row = organization if model == "organization" else Membership.objects.get()

    assert superuser.get(reverse(f"admin:accounts_{model}_add")).status_code == 403
    change = reverse(f"admin:accounts_{model}_change", args=[row.pk])
    assert superuser.post(change, {"role": "member", "owner": alice.pk}).status_code == 403
    assert superuser.post(reverse(f"admin:accounts_{model}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    assert Membership.objects.get().role == "owner"
