import re

from playwright.sync_api import Page, expect


def test_a_stranger_is_asked_to_sign_in(page: Page) -> None:
    page.goto("/")

    expect(page).to_have_url(re.compile(r"/accounts/login/"))


def test_no_page_before_the_door_breaks_its_own_policy(page: Page) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)

    for path in ("/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"):
        page.goto(path)

    assert complaints == []
