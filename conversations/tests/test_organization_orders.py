"""Who answers at an organization: chosen by those who decide for it, seen by its people, unknown to others."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import organizations
from accounts.models import Membership, Organization, User
from conversations.models import Receipt
from conversations.tests.test_consumers import OpenPage, cookies, open_page
from conversations.tests.test_language_models import PAGE, two_models
from conversations.threads import in_thread
from memories import profiles
from memories.models import MemoryProfile
from memories.organizations import choose_providers, profile_at
from memorychat.llm.providers import get_chat_model

__all__ = ["cookies", "open_page", "two_models"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("two_models")]

Role = Membership.Role
NAME = "The harbour pilots"


@pytest.fixture
def pilots(alice: User) -> Organization:
    return organizations.found(alice, NAME)


@pytest.fixture
def bobs(bob: User) -> Client:
    """Bob's browser."""
    client = Client()
    client.force_login(bob)
    return client


def order_page(organization: Organization) -> str:
    return f"{PAGE}organizations/{organization.pk}/order/"


def order_of(organization: Organization) -> list[str] | None:
    return Organization.objects.get(pk=organization.pk).providers


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN])
def test_owners_and_admins_choose_who_answers_there(
    bobs: Client, bob: User, pilots: Organization, role: Membership.Role
) -> None:
    organizations.admit(pilots, bob, role)
    assert f'action="{order_page(pilots)}"' in bobs.get(PAGE).text
    assert "The order is saved." in bobs.post(order_page(pilots), {"providers": "two,one"}, follow=True).text
    assert order_of(pilots) == ["two", "one"]
    assert 'value="two,one" selected' in bobs.get(PAGE).text
    bobs.post(order_page(pilots), {"providers": ""})
    assert order_of(pilots) is None
    bob.refresh_from_db()
    assert bob.providers is None


@pytest.mark.parametrize("role", [Role.MODERATOR, Role.OPERATOR, Role.MEMBER])
@pytest.mark.parametrize("order", ["two", "nonsense"])
def test_others_of_its_people_see_the_order_and_cannot_set_it(
    bobs: Client, bob: User, pilots: Organization, role: Membership.Role, order: str
) -> None:
    organizations.admit(pilots, bob, role)
    Organization.objects.update(providers=["two", "one"])
    page = bobs.get(PAGE).text
    assert NAME in page
    assert "Who answers there: two, then one." in page
    assert order_page(pilots) not in page
    assert bobs.post(order_page(pilots), {"providers": order}).status_code == 403
    assert order_of(pilots) == ["two", "one"]


@pytest.mark.parametrize("what", ["order", "profile"])
def test_a_stranger_finds_nothing(bobs: Client, bob: User, pilots: Organization, what: str) -> None:
    path = f"{PAGE}organizations/{pilots.pk}/{what}/"
    foreign = bobs.post(path, {"providers": "two"})
    missing = bobs.post(path.replace(str(pilots.pk), str(bob.pk)), {"providers": "two"})
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert NAME not in bobs.get(PAGE).text
    assert order_of(pilots) is None
    assert not MemoryProfile.objects.filter(organization=pilots).exists()


@pytest.mark.parametrize("what", ["order", "profile"])
def test_nobody_comes_in_signed_out_or_by_a_plain_look(
    reader: Client, client: Client, pilots: Organization, what: str
) -> None:
    path = f"{PAGE}organizations/{pilots.pk}/{what}/"
    assert reader.get(path).status_code == 405
    reader.logout()
    assert reader.post(path, {"providers": "two"}).status_code == 302
    assert order_of(pilots) is None


@pytest.mark.parametrize("order", ["three", "one,three", "builtin,one", "one,one", "'; DROP TABLE", "\x00"])
def test_an_order_that_makes_no_sense_is_refused_in_its_place(
    reader: Client, alice: User, pilots: Organization, order: str
) -> None:
    answer = reader.post(order_page(pilots), {"providers": order})
    assert answer.status_code == 422
    assert "errorlist" in answer.text
    assert order_of(pilots) is None


def test_an_order_reaches_the_profiles_there_and_no_others(
    reader: Client, alice: User, bob: User, pilots: Organization
) -> None:
    bakers = organizations.found(bob, "The bakers")
    reader.post(order_page(pilots), {"providers": "two"})
    assert get_chat_model(profile_at(alice, Organization.objects.get(pk=pilots.pk))).provider == "two"
    elsewhere = [profiles.default_for(alice), profiles.default_for(bob), profile_at(alice, bakers)]
    assert [get_chat_model(profile).provider for profile in elsewhere] == ["one", "one", "one"]


@pytest.mark.parametrize("mode", ["normal", "incognito"])
async def test_a_conversation_there_is_answered_by_whom_the_organization_chose(
    open_page: OpenPage, alice: User, pilots: Organization, mode: str
) -> None:
    profile = await in_thread(_chosen, pilots, ["two"], alice)
    page = await open_page(alice)
    first = (await page.say("Hello", profile_id=str(profile.pk), privacy_mode=mode))[-1]
    again = (await page.say("And now?", profile_id=str(profile.pk), privacy_mode=mode))[-1]
    assert [frame["receipt"]["provider"] for frame in (first, again)] == ["two", "two"]
    assert await in_thread(Receipt.objects.count) == (2 if mode == "normal" else 0)


def _chosen(organization: Organization, order: list[str], user: User) -> MemoryProfile:
    choose_providers(organization, order, actor=user)
    return profile_at(user, Organization.objects.get(pk=organization.pk))


def test_one_of_its_people_has_a_profile_there(bobs: Client, bob: User, pilots: Organization) -> None:
    organizations.admit(pilots, bob, Role.MEMBER)
    assert "Have a profile there" in bobs.get(PAGE).text
    path = f"{PAGE}organizations/{pilots.pk}/profile/"
    for _ in range(2):
        page = bobs.post(path, follow=True).text
        assert f"This is your profile at {NAME}" in page
    [profile] = MemoryProfile.objects.filter(organization=pilots)
    assert profile.owner == bob
    assert f"Your profile there: {NAME}" in bobs.get(PAGE).text
    assert f"At {NAME}" in bobs.get("/profiles/").text
    profiles.delete(profile)
    assert "It can be restored here." in bobs.post(path, follow=True).text


def test_the_page_asks_no_more_for_many_organizations_than_for_one(reader: Client, alice: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            reader.get(PAGE)
        return len(captured)

    profile_at(alice, organizations.found(alice, "The first"))
    queries()
    few = queries()
    for number in range(5):
        profile_at(alice, organizations.found(alice, f"Another, the {number}th"))
    assert queries() == few
