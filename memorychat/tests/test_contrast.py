"""Every ink can be read on every ground, in each privacy mode and theme (WCAG 2.2, 1.4.3 and 1.4.11)."""

import re

import pytest
from django.conf import settings

TOKENS = (settings.BASE_DIR / "static" / "css" / "tokens.css").read_text()
CODE = (settings.BASE_DIR / "static" / "css" / "code.css").read_text()
INKS = ("ink", "soft", "rubric", "recall")
GROUNDS = ("paper", "sheet", "wash", "rubric-wash", "recall-wash")
SELECTORS = {
    "normal": ":root",
    "pause_memories": '[data-mode="pause_memories"]',
    "incognito": '[data-mode="incognito"]',
}


def colours(mode: str, theme: str) -> dict[str, str]:
    """The tokens of a mode over those of the normal one, each as the theme gives it; incognito is always night."""
    column = 1 if theme == "dark" or mode == "incognito" else 0
    found: dict[str, str] = {}
    for selector in (SELECTORS["normal"], SELECTORS[mode]):
        block = TOKENS.split(f"{selector} {{", 1)[1].split("}", 1)[0]
        for name, value in re.findall(r"--([a-z-]+): ([^;]+);", block):
            if shades := re.findall(r"#[0-9a-f]{6}", value):
                found[name] = shades[column % len(shades)]
    return found


def luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("mode", SELECTORS)
def test_every_ink_can_be_read_on_every_ground(mode: str, theme: str) -> None:
    shades = colours(mode, theme)
    faint = {(ink, ground) for ink in INKS for ground in GROUNDS if contrast(shades[ink], shades[ground]) < 4.5}

    assert faint == set()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("mode", SELECTORS)
def test_code_can_be_read_in_its_box(mode: str, theme: str) -> None:
    column = 1 if theme == "dark" or mode == "incognito" else 0
    inks = {name: re.findall(r"#[0-9a-f]{6}", value) for name, value in re.findall(r"--(code-\w+): ([^;]+);", CODE)}
    wash = colours(mode, theme)["wash"]
    assert len(inks) >= 7
    assert {name for name, shades in inks.items() if contrast(shades[column % len(shades)], wash) < 4.5} == set()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("mode", SELECTORS)
def test_the_edge_of_a_field_can_be_seen(mode: str, theme: str) -> None:
    shades = colours(mode, theme)

    assert min(contrast(shades["edge"], shades[ground]) for ground in ("paper", "sheet")) >= 3
