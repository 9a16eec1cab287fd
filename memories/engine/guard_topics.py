"""Sensitive topics: the special categories of article 9 of the GDPR, said of somebody's own private state.

"I was diagnosed with lupus" is one, "I read about lupus" is none: a topic is found where a person is said to be, to
have or to take something, not where a word occurs. Kept as ordinary, because people tell it so that it is heeded:
allergies, intolerances and diets (kosher and halal too), passing complaints (a cold, a headache, a broken arm), a
choir or a building of a church, and animals' illnesses.
"""

import re
import unicodedata
from enum import StrEnum
from functools import cache

from memories.engine.guard_patterns import patterns_of


class Topic(StrEnum):
    HEALTH = "health"
    RELIGION = "religion"
    SEXUALITY = "sexuality"
    POLITICS = "politics"
    UNION = "union"
    BIOMETRICS = "biometrics"


FRAMES = ("am", "have", "take", "say")
# A name at the start of a sentence or inside one.
NAMED = r"(?<![.!?] )(?<!^)\b[A-Z][a-z]+|^[A-Z][a-z]+"


def topics_in(text: str) -> tuple[Topic, ...]:
    """Each topic that somebody's private state is said of, once."""
    plain = _plain(text)
    folded = plain.lower()
    said = {str(match.lastgroup) for pattern in _patterns() for match in pattern.finditer(folded)}
    if Topic.HEALTH not in said and _of_somebody_named().search(plain):
        said.add(Topic.HEALTH)
    return tuple(topic for topic in Topic if topic in said)


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.replace("’", "'").replace("ß", "ss"))
    return re.sub(r"\s+", " ", "".join(letter for letter in decomposed if not unicodedata.combining(letter)))


@cache
def _patterns() -> list[re.Pattern[str]]:
    """One a frame, with a group for each topic: the long list of who may be spoken of stands once in each."""
    lists = patterns_of("topics")
    return [re.compile(lists[frame][0].replace("@", _said(frame))) for frame in FRAMES]


@cache
def _of_somebody_named() -> re.Pattern[str]:
    """ "Tom has dementia": only health, for "Poland is Catholic" is said of no person."""
    lists, [after] = patterns_of("topics"), patterns_of("topics")["after"]
    am, have = ("|".join(lists[f"health {frame}"]) for frame in ("am", "have"))
    return re.compile(
        rf"(?:{NAMED}) (?i:(?:is (?:\w+ly )?(?:{am})|has (?:an? )?(?:{have})|was diagnosed with .*){after})"
    )


def _said(frame: str) -> str:
    lists = patterns_of("topics")
    return "|".join(f"(?P<{topic}>{'|'.join(lists[f'{topic} {frame}'])})" for topic in Topic)
