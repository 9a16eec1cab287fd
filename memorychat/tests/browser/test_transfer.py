"""Memories come in from a file and are taken out, as a person does it."""

import json

from playwright.sync_api import Browser, FilePayload, expect

from memorychat.tests.browser.pages import sign_up


def export_of_chatgpt() -> FilePayload:
    """Longer than what is held in memory unless somebody sees to it; most of it is the assistant's."""
    said = [("user", "I live in Porto."), ("assistant", "You live in Faro. " * 200_000), ("user", "I own a red boat.")]
    mapping = {
        str(at): {
            "message": {"author": {"role": role}, "content": {"content_type": "text", "parts": [words]}},
            "parent": str(at - 1) if at else None,
        }
        for at, (role, words) in enumerate(said)
    }
    body = json.dumps([{"title": "A talk", "mapping": mapping, "current_node": "2"}]).encode()
    return {"name": "conversations.json", "mimeType": "application/json", "buffer": body}


def test_a_file_is_looked_at_imported_undone_and_exported(browser: Browser, base_url: str) -> None:
    context = browser.new_context(base_url=base_url)
    page = sign_up(context, "mover@example.com")
    page.goto("/memories/")
    page.get_by_role("link", name="Import").click()
    page.get_by_label("File").set_input_files(export_of_chatgpt())
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("heading", name="2 memories to write")).to_be_visible()
    expect(page.get_by_role("cell", name="I own a red boat")).to_be_visible()
    page.get_by_role("button", name="Import 2 memories").click()
    expect(page.get_by_role("heading", name="2 memories written")).to_be_visible()

    page.goto("/memories/export/")
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download").click()
    exported = downloading.value.path().read_text(encoding="utf-8")
    assert "I own a red boat" in exported
    assert "Faro" not in exported

    page.go_back()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("It was undone.")).to_be_visible()
    context.close()
