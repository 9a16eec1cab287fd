from playwright.sync_api import BrowserContext, expect

from accounts.models import User
from memorychat.tests.browser.pages import sign_up


def test_no_page_of_the_admin_breaks_its_own_policy(context: BrowserContext, base_url: str) -> None:
    page = sign_up(context, "root@example.com")
    User.objects.filter(email="root@example.com").update(is_staff=True, is_superuser=True)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))

    page.goto("/admin/")
    page.get_by_role("link", name="Users").first.click()
    page.get_by_role("link", name=str(User.objects.get().pk)).click()
    expect(page.get_by_text("Is staff")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert complaints == []
