"""Memories are searched and looked back at, by keyboard and without scripts too."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from memorychat.tests.browser.pages import sign_up

PHONE: ViewportSize = {"width": 390, "height": 844}
TOLD = "I play the cello in the evening\nI live in Porto\nI am allergic to peanuts"


@pytest.fixture
def page(browser: Browser, base_url: str) -> Iterator[Page]:
    """A phone's, of somebody who has told three things."""
    context = browser.new_context(base_url=base_url, viewport=PHONE)
    page = sign_up(context, "seeker@example.com")
    page.goto("/memories/import/")
    page.get_by_label("Or paste a list").fill(TOLD)
    page.get_by_role("button", name="Look at it").click()
    page.get_by_role("button", name="Import 3 memories").click()
    expect(page.get_by_role("heading", name="3 memories written")).to_be_visible()
    page.goto("/memories/")
    yield page
    context.close()


def test_words_find_by_meaning_as_they_are_typed_and_say_why(page: Page) -> None:
    page.get_by_role("searchbox", name="Search your memories").fill("music")

    row = page.get_by_role("listitem").filter(has_text="I play the cello")
    expect(page.get_by_role("heading", name="Near in meaning")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="I live in Porto")).to_have_count(0)
    row.locator("summary").press("Enter")
    expect(row.get_by_text("near to your question")).to_be_visible()
    assert "music" not in page.url


def test_filters_go_into_the_address_and_come_back_with_it(page: Page) -> None:
    page.get_by_text("Time, sector, earlier versions").press("Enter")
    page.get_by_label("Sector").select_option("emotional")

    expect(page.get_by_text("Nothing here.")).to_be_visible()
    expect(page).to_have_url("/memories/?sector=emotional")
    expect(page.get_by_role("link", name="Preference", exact=True)).to_have_attribute(
        "href", "?sector=emotional&kind=preference"
    )
    page.reload()
    expect(page.get_by_label("Sector")).to_have_value("emotional")


def test_all_of_it_works_without_scripts(page: Page, browser: Browser, base_url: str) -> None:
    context = browser.new_context(
        base_url=base_url, java_script_enabled=False, storage_state=page.context.storage_state()
    )
    plain = context.new_page()
    plain.goto("/memories/")
    # The sidebar has a search of its own.
    plain.get_by_role("main").get_by_role("searchbox").fill("music")
    plain.get_by_role("main").get_by_role("button", name="Search").click()
    plain.get_by_text("Why?").click()
    expect(plain.get_by_text("near to your question")).to_be_visible()

    plain.goto("/profiles/")
    plain.get_by_role("link", name="History").click()
    expect(plain.get_by_text("3 memories are held now.")).to_be_visible()
    plain.get_by_label("On", exact=True).fill("2020-01-01")
    plain.get_by_role("button", name="Look back").click()
    expect(plain.get_by_text("Nothing was remembered here yet.")).to_be_visible()
    context.close()
