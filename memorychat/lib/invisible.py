"""Characters that are not seen and change what is: the order of what stands beside them, or what is really there."""

import re

# Marks of direction, joiners and spaces without width, fillers, tags, controls. Not: tab, line break, and U+FE0F, which
# makes a sign an emoji.
INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb"
    "\U000e0000-\U000e0fff]"
)
# These two alone make letters run against their own direction, which no language needs.
OVERRIDES = re.compile("[\u202d\u202e]")


def without(text: str) -> str:
    return INVISIBLE.sub("", text)


def without_overrides(text: str) -> str:
    return OVERRIDES.sub("", text)


def shown(html: str) -> str:
    """Each by its number, where a person must see what is there."""
    return INVISIBLE.sub(lambda found: f'<span class="invisible">U+{ord(found[0]):04X}</span>', html)
