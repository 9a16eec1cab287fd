"""How a text reads once its disguises are off, with the way back to where each character stood."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from memorychat.lib.text import fold

SHORTEST_RUN = 4  # digits said as words; fewer are a number of things
DIGITS = {
    "0": "zero null cero nul",
    "1": "one eins uno una un une um uma een",
    "2": "two zwei zwo dos deux dois duas due twee",
    "3": "three drei tres trois tre drie",
    "4": "four vier cuatro quatre quatro quattro",
    "5": "five funf fuenf cinco cinq cinque vijf",
    "6": "six sechs seis meia sei zes",
    "7": "seven sieben siete sept sete sette zeven",
    "8": "eight acht ocho huit oito otto",
    "9": "nine neun nueve neuf nove negen",
}
TEENS = (
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
)
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
TIMES = {"double": 2, "doppel": 2, "doppelt": 2, "doble": 2, "duplo": 2, "dubbel": 2, "triple": 3, "treble": 3}
WORD = re.compile(r"[^\W\d_]+")
BETWEEN = re.compile(r"[\s,.\-–]{1,3}")

# Letters of other alphabets that look like Latin ones, inside a word that has Latin letters too.
ALIKE = str.maketrans("асеорхуіјѕһԁɡαοιενрτκ", "aceopxyijshdgaoievptk")
LEET = str.maketrans("013457@$!", "oieastasi")


@dataclass(frozen=True)
class Reading:
    """A text made of another; character n stands for `starts[n]` to `ends[n]` of the original."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        return self.starts[start], self.ends[end - 1]


def written(original: str) -> Reading:
    """Compatibility forms made plain, digits of all scripts made ASCII, invisible characters left out."""
    pieces = [(piece, at) for at, character in enumerate(original) for piece in _plain(character)]
    starts = tuple(at for _, at in pieces)
    return Reading("".join(piece for piece, _ in pieces), starts, tuple(at + 1 for at in starts))


def _plain(character: str) -> str:
    if character.isascii():
        return character
    if (digit := unicodedata.decimal(character, None)) is not None:
        return str(digit)
    if unicodedata.category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f":
        return ""
    return unicodedata.normalize("NFKC", character)


@dataclass(frozen=True)
class _Said:
    """One number said: its digits, and where it stands."""

    digits: str
    start: int
    end: int


def spoken(reading: Reading) -> Reading | None:
    """The text with each run of digits that is said in words written as digits; None when it has none."""
    runs = [run for run in _runs(reading.text) if sum(len(said.digits) for said in run) >= SHORTEST_RUN]
    if not runs:
        return None
    text, starts, ends, at = "", list[int](), list[int](), 0
    for run in runs:
        text += reading.text[at : run[0].start] + "".join(said.digits for said in run)
        starts += reading.starts[at : run[0].start]
        ends += reading.ends[at : run[0].start]
        for said in run:
            start, end = reading.span(said.start, said.end)
            starts += [start] * len(said.digits)
            ends += [end] * len(said.digits)
        at = run[-1].end
    return Reading(text + reading.text[at:], (*starts, *reading.starts[at:]), (*ends, *reading.ends[at:]))


def _runs(text: str) -> Iterator[list[_Said]]:
    run: list[_Said] = []
    for said in _numbers(text):
        if run and not BETWEEN.fullmatch(text, run[-1].end, said.start):
            yield run
            run = []
        run.append(said)
    if run:
        yield run


def _numbers(text: str) -> Iterator[_Said]:
    """Numbers in words: "seven", "double seven", "oh" after a number, "forty-one"."""
    words = [(fold(match.group()), match) for match in WORD.finditer(text)]
    at, after_number = 0, -1
    while at < len(words):
        word, match = words[at]
        following = words[at + 1][0] if at + 1 < len(words) else ""
        digits, took = _digits_of(word, following, after_number=after_number == at)
        if digits:
            yield _Said(digits, match.start(), words[at + took - 1][1].end())
            after_number = at + took
        at += took


def _digits_of(word: str, following: str, *, after_number: bool) -> tuple[str, int]:
    """The digits that begin with this word, "" when none do, and how many words they took."""
    known = _number_words()
    if word in TIMES and (once := known.get(following, "")):
        return once * TIMES[word], 2
    if word in TENS and len(unit := known.get(following, "")) == 1 and unit != "0":
        return f"{TENS.index(word) + 2}{unit}", 2
    if word in ("o", "oh") and after_number:
        return "0", 1
    return known.get(word, ""), 1


@cache
def _number_words() -> dict[str, str]:
    known = {word: digit for digit, words in DIGITS.items() for word in words.split()}
    known |= {word: str(number) for number, word in enumerate(TEENS, 10)}
    return known | {word: str(number) for number, word in zip(range(20, 100, 10), TENS, strict=True)}


def unmasked(text: str) -> str:
    """Folded, letters of other alphabets and digits in place of letters read as what they look like."""
    folded = fold(text)
    folded = re.sub(r"\b(?:[a-z][ ._\-*]){4,}[a-z]\b", lambda spaced: _closed(spaced.group()), folded)
    return re.sub(r"[^\s]+", lambda word: _undressed(word.group()), folded)


def _closed(spaced: str) -> str:
    """ "i g n o r e" → "ignore"."""
    return re.sub(r"(?<=\w)[ ._\-*](?=\w)", "", spaced)


def _undressed(word: str) -> str:
    if not re.search(r"[a-z]", word) or re.search(r"@\S+\.\w|://", word):
        return word
    word = word.translate(ALIKE)
    return word.translate(LEET) if re.search(r"[a-z][0134579@$]+[a-z]|^[0134579@$][a-z]{2}", word) else word
