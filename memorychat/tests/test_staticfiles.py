"""What `make run` collects for browsers."""

import re
from pathlib import Path

from django.core.files.storage import storages
from django.core.management import call_command
from pytest_django import Settings

from memorychat.lib.environment import ROOT
from memorychat.lib.staticfiles import HashedStaticFiles
from memorychat.settings import STORAGES

IMPORTED = re.compile(r'^import .* from "\./([^"]+)";$', re.MULTILINE)


def test_what_the_chat_page_imports_is_collected_under_the_names_by_which_it_imports(
    tmp_path: Path, settings: Settings
) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = STORAGES
    call_command("collectstatic", interactive=False, verbosity=0)
    storage = storages["staticfiles"]
    assert isinstance(storage, HashedStaticFiles)

    imported = IMPORTED.findall((tmp_path / storage.stored_name("js/chat.js")).read_text())

    written = IMPORTED.findall((ROOT / "static/js/chat.js").read_text())
    assert written
    assert [f"js/{name}" for name in imported] == [storage.stored_name(f"js/{name}") for name in written]
    assert all((tmp_path / "js" / name).exists() for name in imported)
