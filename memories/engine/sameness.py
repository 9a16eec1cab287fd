"""Whether two like statements say the same. Similarity finds them; these rules decide what it must not."""

import re

from memorychat.lib.text import fold, tokens

NEGATIONS = frozenset(
    [
        "no",
        "not",
        "never",
        "none",
        "nothing",
        "nobody",
        "neither",
        "nor",
        "without",
        "cannot",
        "nicht",
        "kein",
        "keine",
        "nie",
        "ohne",
        "nunca",
        "jamais",
        "pas",
        "sin",
        "sem",
        "non",
        "mai",
        "senza",
        "niet",
        "geen",
        "nooit",
        "zonder",
    ]
)
CALENDAR = frozenset(
    [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "today",
        "tomorrow",
        "yesterday",
        "morning",
        "afternoon",
        "evening",
        "night",
    ]
)
NUMBER_WORDS = frozenset(
    [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
        "twenty",
        "thirty",
        "forty",
        "fifty",
        "sixty",
        "seventy",
        "eighty",
        "ninety",
        "hundred",
        "thousand",
        "million",
        "first",
        "second",
        "third",
    ]
)
PROPER_NAME = re.compile(r"(?<![.!?]\s)(?<!^)\b[A-ZÀ-ÖØ-Þ]\w+")


def differ(one: str, other: str) -> bool:
    """Whether they differ in a negation, a number, a date or time, a weekday or a proper name: then not the same."""
    return any(mark(one) != mark(other) for mark in (_negations, _numbers, _calendar, _names))


def _negations(text: str) -> int:
    return sum(word in NEGATIONS or word.endswith("n't") for word in tokens(text))


def _numbers(text: str) -> set[str]:
    return {word for word in tokens(text) if word in NUMBER_WORDS or any(character.isdigit() for character in word)}


def _calendar(text: str) -> set[str]:
    return set(tokens(text)) & CALENDAR


def _names(text: str) -> set[str]:
    """Words that begin with a capital inside a sentence, without the "I" of English."""
    return {fold(name) for name in PROPER_NAME.findall(text)}
