import pytest
from allauth.account.models import EmailAddress
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse

from accounts.models import User

pytestmark = pytest.mark.django_db


def time_zone_of(person: User) -> str:
    return User.objects.get(pk=person.pk).time_zone


@pytest.mark.parametrize("name", ["settings", "time-zone"])
def test_whoever_is_not_signed_in_is_led_to_the_sign_in(client: Client, name: str) -> None:
    assert client.post(reverse(name))["Location"].startswith(reverse("account_login"))


def test_the_settings_say_whose_they_are_and_whether_the_address_is_verified(reader: Client, alice: User) -> None:
    before = reader.get(reverse("settings")).content.decode()
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True, verified=True)
    after = reader.get(reverse("settings")).content.decode()

    assert "alice@example.com" in before
    assert "Not verified" in before
    assert "Not verified" not in after


def test_a_person_chooses_their_time_zone(reader: Client, alice: User) -> None:
    assert reader.post(reverse("settings"), {"time_zone": "Europe/Lisbon"}).status_code == 302
    assert time_zone_of(alice) == "Europe/Lisbon"


def test_the_browser_tells_the_time_zone_in_passing(reader: Client, alice: User) -> None:
    assert reader.post(reverse("time-zone"), {"time_zone": "Asia/Tokyo"}).status_code == 204
    assert time_zone_of(alice) == "Asia/Tokyo"


@pytest.mark.parametrize("name", ["settings", "time-zone"])
@pytest.mark.parametrize("zone", ["", "Middle/Earth", "../../etc/passwd", "a\x00b"])
def test_a_time_zone_that_does_not_exist_changes_nothing(reader: Client, alice: User, name: str, zone: str) -> None:
    assert reader.post(reverse(name), {"time_zone": zone}).status_code == 422
    assert time_zone_of(alice) == "UTC"


@pytest.mark.parametrize("name", ["settings", "time-zone"])
def test_a_form_that_is_sent_empty_is_refused(reader: Client, name: str) -> None:
    assert reader.post(reverse(name)).status_code == 422


ENTRANCES = ["account_login", "account_signup", "account_reset_password", "account_reset_password_done"]
ROOMS = [
    "account_email",
    "account_change_password",
    "account_logout",
    "mfa_index",
    "usersessions_list",
]


@pytest.mark.parametrize("name", ENTRANCES)
def test_the_pages_of_the_entrance_wear_the_house_look(client: Client, name: str) -> None:
    assert 'class="entrance"' in client.get(reverse(name)).content.decode()


@pytest.mark.parametrize("name", ROOMS)
def test_the_pages_of_an_account_stand_beside_the_sidebar(reader: Client, name: str) -> None:
    assert 'id="sidebar"' in reader.get(reverse(name)).content.decode()


def test_signing_up_leads_into_the_chat(client: Client) -> None:
    words = {"email": "carol@example.com", "password1": "an even longer password"}

    assert client.post(reverse("account_signup"), words)["Location"] == "/"
    assert User.objects.filter(email="carol@example.com").exists()


def test_a_new_address_gets_a_mail_that_asks_to_confirm_it(client: Client, mailoutbox: list[EmailMessage]) -> None:
    client.post(reverse("account_signup"), {"email": "dave@example.com", "password1": "an even longer password"})

    [mail] = mailoutbox
    assert mail.subject == "Please confirm your e-mail address"
    assert "http://testserver/accounts/confirm-email/" in mail.body
    assert "\n\n\n" not in mail.body


@pytest.mark.parametrize(
    ("address", "words"), [("alice@example.com", "/accounts/password/reset/key/"), ("nobody@example.com", "no account")]
)
def test_whoever_forgot_a_password_gets_a_mail_that_says_what_to_do(
    client: Client, alice: User, mailoutbox: list[EmailMessage], address: str, words: str
) -> None:
    client.post(reverse("account_reset_password"), {"email": address})

    [mail] = mailoutbox
    assert mail.to == [address]
    assert words in mail.body
