"""What is served from static/ is ours or vendored with its checksum, and no page asks a foreign host for anything."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

STATIC = settings.BASE_DIR / "static"
TEMPLATES = settings.BASE_DIR / "templates"
CHECKSUMS = STATIC / "vendor" / "CHECKSUMS"
ICON_IN_TEMPLATE = re.compile(r'_icon\.html" with name="([a-z-]+)"')
SYMBOL = re.compile(r'<symbol id="([a-z-]+)"')
FETCHED = re.compile(
    r"""(?:\b(?:src|href|action|srcset|hx-(?:get|post))\s*=\s*["']?|url\(\s*["']?|@import\s+["']?|fetch\(\s*["'`]|from\s+["'])
    (?:[a-z]+:)?//""",
    re.VERBOSE | re.IGNORECASE,
)


def checksums() -> dict[str, str]:
    lines = [line.split() for line in CHECKSUMS.read_text().splitlines() if line and not line.startswith("#")]
    return {path: digest for digest, path in lines}


def our_files() -> Iterator[Path]:
    yield from TEMPLATES.rglob("*.html")
    for path in STATIC.rglob("*"):
        if path.suffix in {".css", ".js", ".svg"} and STATIC / "vendor" not in path.parents:
            yield path


def test_every_vendored_file_is_what_its_checksum_says() -> None:
    found = {path: hashlib.sha256((STATIC / path).read_bytes()).hexdigest() for path in checksums()}

    assert found == checksums()


def test_every_vendored_file_has_a_checksum() -> None:
    vendored = {path.relative_to(STATIC).as_posix() for path in (STATIC / "vendor").rglob("*") if path.is_file()}

    assert vendored - {"vendor/CHECKSUMS", "vendor/README.md"} == set(checksums()) - {"icons.svg"}


def test_every_vendored_package_names_its_version_and_licence() -> None:
    headings = [line for line in CHECKSUMS.read_text().splitlines() if line.startswith("#")]

    assert headings
    assert all(re.match(r"# \S+ \d+\.\d+\.\d+, \S+", heading) for heading in headings)


def test_no_page_style_or_script_asks_a_foreign_host() -> None:
    asking = [
        path.relative_to(settings.BASE_DIR).as_posix() for path in our_files() if FETCHED.search(path.read_text())
    ]

    assert asking == []


def test_no_page_has_scripts_or_styles_within() -> None:
    """The policy sent to browsers refuses them, so they would be dead where they stand."""
    inline = re.compile(
        r"<script(?![^>]*\bsrc=)(?![^>]*application/json)|<style|\sstyle=|\son[a-z]+=|hx-on[:=]|javascript:"
    )
    breaking = [path.name for path in TEMPLATES.rglob("*.html") if inline.search(path.read_text())]

    assert breaking == []


def test_the_sprite_holds_the_icons_in_use_and_no_others() -> None:
    used = {name for path in TEMPLATES.rglob("*.html") for name in ICON_IN_TEMPLATE.findall(path.read_text())}

    assert set(SYMBOL.findall((STATIC / "icons.svg").read_text())) == used
