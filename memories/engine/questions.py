"""What a question asks: about whom, about when, for what, in which words. Nothing of it is stored."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from memories.engine import index
from memories.engine.periods import Period, periods_in
from memories.engine.rules import slots_asked
from memories.models import MemoryProfile
from memorychat.lib.text import language_of, tokens

WORD = re.compile(r"[^\W\d_]+")
# How a program speaks of the person whose profile it asks.
OWNER = re.compile(r"\bthe (?:user|caller)\b", re.IGNORECASE)


class ProfileFacts(NamedTuple):
    """What stands in the row of a profile for those who ask: counts for the ranking, languages, who speaks."""

    memories: int
    terms: int
    languages: Sequence[str]
    speakers: Collection[int]


@dataclass(frozen=True)
class Question:
    """`text` is in the first person of whom it asks about, as memories are; `terms` and `words` as in `asked_terms`."""

    text: str
    terms: list[int]
    words: list[int]
    slots: list[bytes]
    periods: tuple[Period, ...]
    speaker: int | None


def understand(profile: MemoryProfile, facts: ProfileFacts, query: str, today: date) -> Question:
    own = OWNER.sub("Owner", query)
    text = first_person(own, "Owner") if own != query else query
    slots = [index.slot_key(profile, slot) for slot in slots_asked(text)]
    speakers = _speakers_named(profile, facts, query)
    if speakers:
        text = first_person(query, speakers[0], is_alone=len(speakers) == 1)
    terms, words = index.asked_terms(profile, text, facts.languages)
    speaker = index.speaker_key(profile, speakers[0]) if speakers else None
    return Question(text, terms, words, [slot for slot in slots if slot], periods_in(query, today), speaker)


def _speakers_named(profile: MemoryProfile, facts: ProfileFacts, query: str) -> list[str]:
    """The words of the question that name somebody who speaks in this profile, in their order and once each."""
    if not facts.speakers:
        return []
    names = [word for word in WORD.findall(query) if word[0].isupper() or query.islower()]
    return [name for name in dict.fromkeys(names) if index.speaker_key(profile, name) in facts.speakers]


def first_person(question: str, name: str, *, is_alone: bool = True) -> str:
    """The question as the one it asks about would put it: "When did Ana move?" becomes "When did I move?".

    People say things in their own first person, and an embedder finds "my dog" nearer to "my dog" than to "Ana's dog".
    Pronouns mean the same person where that one `is_alone` in the question. Only English is put so.
    """
    if language_of(tokens(question)) != "en":
        return question
    for pattern, replacement in _rewritings(name):
        question = pattern.sub(replacement, question)
    if is_alone:
        for pattern, replacement in PRONOUNS:
            question = pattern.sub(replacement, question)
    return question


def _rewritings(name: str) -> list[tuple[re.Pattern[str], str]]:
    name = rf"\b{re.escape(name)}\b"
    pairs = [
        (rf"{name}['’]s\b", "my"),
        (rf"\bdoes {name}", "do I"),
        (rf"\bis {name}", "am I"),
        (rf"\bhas {name}", "have I"),
        (rf"{name} is\b", "I am"),
        (rf"{name} has\b", "I have"),
        (rf"{name} does\b", "I do"),
        (rf"\b({AS_OBJECT}) {name}", r"\1 me"),
        (name, "I"),
    ]
    return [(re.compile(pattern, re.IGNORECASE), replacement) for pattern, replacement in pairs]


AS_OBJECT = "to|for|with|of|about|by|from|at|on|gave|give|gives|help|helps|helped|make|makes|made|tell|told|inspired"
PRONOUNS = tuple(
    (re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), replacement)
    for pattern, replacement in (
        ("his|her|their", "my"),
        ("he|she|they", "I"),
        ("him|them", "me"),
        ("himself|herself|themselves", "myself"),
    )
)
