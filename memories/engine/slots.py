"""Which slot a memory holds. Only its hash is stored, so it is told again from the words, whomever they are about."""

import re
from collections.abc import Iterator

from memories.engine import changes, index
from memories.engine.rules import SLOTS, slot_of
from memories.engine.types import Slot
from memories.models import Memory, MemoryProfile
from memorychat.lib.text import tokens

PERSON = "person"
LONGEST_SUBJECT = 3  # words: "best friend Ana"
TOKEN = re.compile(r"\w[\w'’-]*")
# After whom it is about: how they say the same of themselves. The first that fits counts.
FIRST_PERSON = {
    r"['’]s (?=[\w -]+ (?:is|are)\b)": "my ",
    r"(?: is|['’]s) ": "I am ",
    r" has ": "I have ",
    r" (?:doesn't|does not) ": "I don't ",
    r" (\w+?)s? ": r"I \1 ",
}


def behind(profile: MemoryProfile, memory: Memory) -> Slot | None:
    """The slot whose hash a memory bears; None where its words name neither what it is nor whose."""
    key = changes.slot_of(memory)
    if key is None:
        return None
    return next((slot for slot in _possible(memory.content) if index.slot_key(profile, slot) == key), None)


def once_reworded(profile: MemoryProfile, memory: Memory, content: str) -> bytes | None:
    """The slot of a memory when its words become these.

    It is told anew where the rules can tell; else it stays only if nothing but the value became another. The slot of
    somebody else never becomes the person's own.
    """
    held, known = changes.slot_of(memory), behind(profile, memory)
    subject = known.subject if known else PERSON if held is None else ""
    if told := _told_of(content, subject):
        return index.slot_key(profile, told)
    return held if _says_another_value(memory.content, content) else None


def _possible(content: str) -> Iterator[Slot]:
    """The likely ones first."""
    yield from (Slot(PERSON, attribute) for attribute in SLOTS)
    if told := slot_of(content):
        yield told
    words = tokens(content)
    starts = range(len(words))
    named = {" ".join(words[at : at + length]) for length in range(1, LONGEST_SUBJECT + 1) for at in starts}
    yield from (Slot(subject, attribute) for subject in named for attribute in SLOTS)


def _told_of(content: str, subject: str) -> Slot | None:
    """What the rules tell of this subject; an empty one is somebody else whose name is not known."""
    told = slot_of(content)
    if subject == PERSON:
        return told
    if told and told.subject != PERSON:
        return Slot(subject, told.attribute) if subject and tokens(told.subject)[-1:] == tokens(subject)[-1:] else told
    own = slot_of(_in_first_person(content, subject)) if subject else None
    return Slot(subject, own.attribute) if own else None


def _in_first_person(content: str, subject: str) -> str:
    """ "Ana lives in Porto" → "I live in Porto", "Ana's birthday is in May" → "my birthday is in May"."""
    whose = rf"^(?:(?:my|our) )?(?:[\w-]+ ){{0,2}}?{re.escape(subject)}"
    for theirs, mine in FIRST_PERSON.items():
        said, count = re.subn(whose + theirs, mine, content, count=1, flags=re.IGNORECASE)
        if count:
            return said
    return ""


def _says_another_value(former: str, content: str) -> bool:
    """Whether all words that differ are names and numbers, at one place of the sentence."""
    old, new = TOKEN.findall(former), TOKEN.findall(content)
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    changed = old[start : len(old) - end] + new[start : len(new) - end]
    # The first word has a capital whatever it is, and is whom it is about.
    return start > 0 and all(word[0].isupper() or word[0].isdigit() for word in changed)
