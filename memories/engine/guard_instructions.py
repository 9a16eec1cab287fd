"""Text that tries to instruct the assistant, or speaks for other people who use it.

What is looked for is an order to a machine: to drop its rules, to show them, to answer everybody in some way, to be
somebody else. "I always answer my mail in the morning", "my boss ignores all rules" and "you must visit Porto" are
statements and stay. A wish in the first person ("I prefer short answers") is a preference.
"""

import base64
import binascii
import re
from functools import cache

from memories.engine.guard_patterns import patterns_of
from memories.engine.guard_readings import unmasked

LONGEST = 4_000  # characters that are looked at; a memory has 2,000 at most

ENCODED = re.compile(r"(?<![\w+/])[A-Za-z0-9+/]{24,2000}={0,2}(?![\w+/])")


def instructs(text: str) -> bool:
    text = text[:LONGEST]
    return any(_has("instructs", reading) for reading in (text, *_decoded(text)))


def speaks_for_others(text: str) -> bool:
    return _has("speaks", text[:LONGEST])


def _has(section: str, text: str) -> bool:
    plain = re.sub(r"[ \t]+", " ", unmasked(text)).strip()
    return any(pattern.search(plain) for pattern in _patterns()[section])


@cache
def _patterns() -> dict[str, list[re.Pattern[str]]]:
    lists = patterns_of("instructions")
    return {section: [re.compile(pattern) for pattern in patterns] for section, patterns in lists.items()}


def _decoded(text: str) -> list[str]:
    """What base64 in the text says, where it says words."""
    found = []
    for match in ENCODED.finditer(text):
        encoded = match.group().rstrip("=")
        try:
            decoded = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            continue
        if decoded.isprintable() and " " in decoded:
            found.append(decoded)
    return found
