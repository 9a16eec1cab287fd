"""Words: what text may be stored, and how it is cut, folded, stemmed and compared."""

import re
import unicodedata
from collections import Counter
from functools import cache, lru_cache
from pathlib import Path

import snowballstemmer

# The languages whose function words we know; the stemmers go by the same names.
LANGUAGES = {
    "en": "english",
    "de": "german",
    "es": "spanish",
    "fr": "french",
    "it": "italian",
    "nl": "dutch",
    "pt": "portuguese",
}
DEFAULT_LANGUAGE = "en"

# Runs of scripts that put no blank between words are cut into pairs of characters.
UNSPACED = r"\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
TOKEN = re.compile(rf"[{UNSPACED}]+|[^\W_{UNSPACED}]+(?:['’][^\W_]+)*")
# Where accents can be: to look at each letter of a long text takes its time.
BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")


class TextError(ValueError):
    """Text that cannot be taken; the message is a sentence for the person who sent it."""


def clean(text: str, *, limit: int, name: str = "text") -> str:
    """The text without blank ends, or a TextError that says what is wrong with it."""
    text = text.strip()
    if not text:
        raise TextError(f"The {name} is empty.")
    if len(text) > limit:
        raise TextError(f"The {name} is too long: {len(text):,} characters, and at most {limit:,} are allowed.")
    if "\x00" in text:
        raise TextError(f"The {name} holds a NUL character (U+0000), which cannot be stored.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise TextError(f"The {name} holds half of a character (a lone surrogate), which cannot be stored.")
    return text


def fold(text: str) -> str:
    """Lower case without accents, so that "José" and "jose" are one word."""
    if text.isascii():
        return text.casefold()
    return BEYOND_ASCII.sub(_without_accents, unicodedata.normalize("NFKD", text.casefold().replace("’", "'")))


def _without_accents(letters: re.Match[str]) -> str:
    return "".join(letter for letter in letters.group() if not unicodedata.combining(letter))


def tokens(text: str) -> list[str]:
    """Folded words in their order; scripts without blanks give overlapping pairs of characters."""
    found: list[str] = []
    for match in TOKEN.finditer(unicodedata.normalize("NFKC", text)):
        word = match.group()
        if re.match(f"[{UNSPACED}]", word) and len(word) > 1:
            found.extend(word[at : at + 2] for at in range(len(word) - 1))
        else:
            found.append(fold(word).removesuffix("'s"))
    return found


def normalise(text: str) -> str:
    """The words alone: two texts that differ only in case, accents, blanks and punctuation are equal."""
    return " ".join(tokens(text))


@cache
def _stemmer(language: str) -> "snowballstemmer.stemmer":
    return snowballstemmer.stemmer(LANGUAGES[language])


@lru_cache(maxsize=50_000)
def stem(word: str, language: str) -> str:
    return str(_stemmer(language).stemWord(word))


@cache
def function_words(language: str) -> frozenset[str]:
    """The words of a language that carry grammar and no matter: "the", "of", "whose"."""
    lines = Path(__file__).with_name("function_words.txt").read_text(encoding="utf-8").splitlines()
    words = next(line for line in lines if line.startswith(f"{language}:"))
    return frozenset(fold(word) for word in words.split()[1:])


def language_of(words: list[str], default: str = DEFAULT_LANGUAGE) -> str:
    """The language whose function words occur most; the default where none do or several tie with it."""
    default = default if default in LANGUAGES else DEFAULT_LANGUAGE
    counts = {language: sum(word in function_words(language) for word in words) for language in LANGUAGES}
    best = max(LANGUAGES, key=lambda language: (counts[language], language == default))
    return best if counts[best] else default


def index_terms(text: str, language: str) -> Counter[str]:
    """What a memory is found by: each word as its folded self and, where that differs, as its stem."""
    found: Counter[str] = Counter()
    for word in tokens(text):
        found.update({word, stem(word, language)})
    return found


def query_terms(text: str, languages: set[str]) -> dict[str, set[str]]:
    """Folded word → the terms by which it may be found: itself and its stems in these languages.

    Function words are left out, unless there is nothing else.
    """
    words = dict.fromkeys(tokens(text))
    matter = [word for word in words if not any(word in function_words(language) for language in languages)]
    return {word: {word, *(stem(word, language) for language in languages)} for word in matter or words}


def tokens_of(words: str) -> int:
    """About how many: models count differently, and their rankings cannot be fetched offline."""
    return int(len(words.encode()) / 3.5 * 1.1) + 1
