"""What `make run` collects for browsers."""

import re
from pathlib import Path

from django.conf import settings as configured
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from pytest_django import Settings

from memorychat.settings import STORAGES

IMPORTED = re.compile(r'^import .* from "\./([^"]+)";$', re.MULTILINE)


def test_what_the_chat_page_imports_is_collected_under_the_names_by_which_it_imports(
    tmp_path: Path, settings: Settings
) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = STORAGES
    call_command("collectstatic", interactive=False, verbosity=0)

    imported = IMPORTED.findall((tmp_path / staticfiles_storage.stored_name("js/chat.js")).read_text())

    written = IMPORTED.findall((configured.BASE_DIR / "static/js/chat.js").read_text())
    assert written
    assert [f"js/{name}" for name in imported] == [staticfiles_storage.stored_name(f"js/{name}") for name in written]
    assert all((tmp_path / "js" / name).exists() for name in imported)
