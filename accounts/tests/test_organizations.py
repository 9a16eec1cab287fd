import pytest
from django.db import connection

from accounts import erasing, organizations
from accounts.models import DataKey, Membership, Organization, User
from accounts.tests.test_commands import Run, run
from memorychat.lib import text
from memorychat.lib.crypto import key_ring

__all__ = ["run"]

pytestmark = pytest.mark.django_db(transaction=True)

Role = Membership.Role
NAME = "The harbour pilots of Porto"


@pytest.fixture
def pilots(alice: User) -> Organization:
    return organizations.found(alice, NAME)


@pytest.fixture
def carol(db: None) -> User:
    return User.objects.create_user("carol@example.com", "a long enough password")


def roles_of(organization: Organization) -> dict[str, str]:
    return dict(organization.memberships.values_list("owner__email", "role"))


def test_whoever_founds_an_organization_owns_it(alice: User, pilots: Organization) -> None:
    assert pilots.owner == alice
    assert roles_of(pilots) == {"alice@example.com": "owner"}
    assert pilots.providers is None


def test_its_name_is_sealed_by_a_key_of_its_own(alice: User, pilots: Organization) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name::text FROM accounts_organization")
        [[stored]] = cursor.fetchall()
    assert "harbour" not in stored
    assert DataKey.objects.filter(owner=alice, purpose=DataKey.Purpose.ORGANIZATION).get() == pilots.data_key
    with key_ring():
        assert Organization.objects.get().name == NAME


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\x00b", "\ud800"])
def test_a_name_that_cannot_be_kept_is_refused(alice: User, name: str) -> None:
    with pytest.raises(text.TextError):
        organizations.found(alice, name)
    assert not Organization.objects.exists()
    assert not DataKey.objects.filter(purpose=DataKey.Purpose.ORGANIZATION).exists()


def test_who_joins_twice_belongs_to_it_once_as_what_was_said_last(pilots: Organization, bob: User) -> None:
    organizations.admit(pilots, bob, Role.MEMBER)
    organizations.admit(pilots, bob, Role.ADMIN)
    assert roles_of(pilots) == {"alice@example.com": "owner", "bob@example.com": "admin"}


def test_who_answers_for_it_stays_its_owner(pilots: Organization, alice: User) -> None:
    with pytest.raises(organizations.NotAllowed):
        organizations.admit(pilots, alice, Role.MEMBER)
    assert roles_of(pilots) == {"alice@example.com": "owner"}


@pytest.mark.parametrize("role", Role)
def test_owners_and_admins_decide_for_it(pilots: Organization, bob: User, role: Membership.Role) -> None:
    organizations.admit(pilots, bob, role)
    if role in (Role.OWNER, Role.ADMIN):
        organizations.must_run(pilots, bob)
    else:
        with pytest.raises(organizations.NotAllowed):
            organizations.must_run(pilots, bob)


def test_a_stranger_and_a_superuser_who_is_none_of_its_people_decide_nothing(pilots: Organization, bob: User) -> None:
    for person in (bob, User.objects.create_superuser("root@example.com")):
        with pytest.raises(organizations.NotAllowed):
            organizations.must_run(pilots, person)
        assert not Organization.objects.for_user(person).exists()


@pytest.mark.parametrize("role", Role)
def test_who_is_erased_hands_it_over_to_whoever_decides_for_it_too(
    pilots: Organization, alice: User, bob: User, carol: User, role: Membership.Role
) -> None:
    organizations.admit(pilots, carol, Role.MEMBER)
    organizations.admit(pilots, bob, role)
    certificate = erasing.erase(alice.pk)

    assert certificate["search"]["found"] == {}
    left = Organization.objects.first()
    if role.runs_it:
        assert left is not None
        assert (left.owner, left.data_key.owner) == (bob, bob)
        assert roles_of(left) == {"carol@example.com": "member", "bob@example.com": "owner"}
        with key_ring():
            assert Organization.objects.get().name == NAME
    else:
        assert left is None
        assert not Membership.objects.exists()


def test_an_owner_comes_before_an_admin_and_nobody_who_is_shut_out_comes(
    pilots: Organization, alice: User, bob: User, carol: User
) -> None:
    gone = User.objects.create_user("gone@example.com", is_active=False)
    for person, role in ((gone, Role.OWNER), (carol, Role.ADMIN), (bob, Role.OWNER)):
        organizations.admit(pilots, person, role)
    erasing.erase(alice.pk)
    assert Organization.objects.get().owner == bob


def test_an_organization_outlives_the_erasure_of_its_members(pilots: Organization, alice: User, bob: User) -> None:
    organizations.admit(pilots, bob, Role.ADMIN)
    erasing.erase(bob.pk)
    assert roles_of(Organization.objects.get()) == {"alice@example.com": "owner"}
    # And once more, now that it has none to be handed to.
    erasing.erase(alice.pk)
    assert not Organization.objects.exists()


def test_the_commands_found_one_and_have_people_join(alice: User, bob: User, run: Run) -> None:
    status, said, _ = run("create_organization", NAME, "--owner", "Alice@Example.com")
    assert (status, said.strip()) == (0, str(Organization.objects.get().pk))
    assert run("add_member", said.strip(), "bob@example.com", "--role", "admin")[0] == 0
    assert roles_of(Organization.objects.get()) == {"alice@example.com": "owner", "bob@example.com": "admin"}


def test_who_is_dismissed_belongs_to_it_no_more(pilots: Organization, bob: User, run: Run) -> None:
    organizations.admit(pilots, bob, Role.ADMIN)
    assert run("remove_member", str(pilots.pk), "bob@example.com")[0] == 0
    assert roles_of(pilots) == {"alice@example.com": "owner"}
    assert not Organization.objects.for_user(bob).exists()
    with pytest.raises(organizations.NotAllowed):
        organizations.must_run(pilots, bob)


@pytest.mark.parametrize(
    "arguments",
    [
        ["create_organization", NAME, "--owner", "nobody@example.com"],
        ["create_organization", "", "--owner", "alice@example.com"],
        ["create_organization", "a\x00b", "--owner", "alice@example.com"],
        ["create_organization", NAME],
        ["add_member", "nonsense", "alice@example.com"],
        ["add_member", "018f0000-0000-7000-8000-000000000000", "alice@example.com"],
        ["add_member", "{id}", "nobody@example.com"],
        ["add_member", "{id}", "alice@example.com", "--role", "king"],
        ["add_member", "{id}", "alice@example.com", "--role", "member"],
        ["remove_member", "{id}", "alice@example.com"],
        ["remove_member", "{id}", "bob@example.com"],
        ["remove_member", "{id}", "nobody@example.com"],
        ["remove_member", "018f0000-0000-7000-8000-000000000000", "alice@example.com"],
    ],
)
def test_bad_arguments_are_told_in_one_line(pilots: Organization, bob: User, run: Run, arguments: list[str]) -> None:
    status, said, complaint = run(*(each.format(id=pilots.pk) for each in arguments))
    assert (status, said) == (2, "")
    assert complaint
    assert roles_of(Organization.objects.get()) == {"alice@example.com": "owner"}
